package main

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFunctionsHaveTheEnvironmentTheyRead(t *testing.T) {
	tpl := synthesize(t, defaults(t))
	require.Len(t, tpl.ofType("AWS::Lambda::Function"), len(functionEnvironments(t)))
	for name, needed := range functionEnvironments(t) {
		var set []string
		for variable := range tpl.get(tpl.functionID(t, name), "Environment", "Variables").(map[string]any) {
			set = append(set, variable)
		}
		require.ElementsMatch(t, needed, set, name)
	}
}

func TestFunctionsAreAlikeButNotShared(t *testing.T) {
	tpl := synthesize(t, defaults(t))
	roles := map[string]string{}
	for name := range functionEnvironments(t) {
		id := tpl.functionID(t, name)
		require.Equal(t, "provided.al2023", tpl.get(id, "Runtime"), name)
		require.Equal(t, []any{"arm64"}, tpl.get(id, "Architectures"), name)
		require.Equal(t, "bootstrap", tpl.get(id, "Handler"), name)

		role := referred(tpl.get(id, "Role"))
		require.Empty(t, roles[role], "%s shares its role", name)
		roles[role] = name
		require.Nil(t, tpl.get(role, "ManagedPolicyArns"), name)
		require.Contains(t, tpl.Resources[id].DependsOn, role)

		group := referred(tpl.get(id, "LoggingConfig", "LogGroup"))
		require.Equal(t, 90.0, tpl.get(group, "RetentionInDays"), name)
		for _, s := range tpl.rolePolicy(t, role) {
			if slices.Contains(s.Actions, "logs:PutLogEvents") {
				require.Equal(t, []string{"logs:CreateLogStream", "logs:PutLogEvents"}, s.Actions, name)
				require.Equal(t, []any{map[string]any{"Fn::GetAtt": []any{group, "Arn"}}}, s.Resources, name)
			}
			if slices.Contains(s.Actions, "events:PutEvents") {
				source := "payrail." + name
				if name == "api" || name == "disputesweep" {
					source = "payrail.disputes" // What they tell of is disputes.
				}
				require.Equal(t, map[string]any{"StringEquals": map[string]any{"events:source": source}}, s.Condition, name)
			}
		}
	}
}

func TestSourceQueues(t *testing.T) {
	tpl := synthesize(t, defaults(t))
	mappings := tpl.ofType("AWS::Lambda::EventSourceMapping")
	require.Len(t, mappings, 6)
	for _, mapping := range mappings {
		require.Equal(t, []any{"ReportBatchItemFailures"}, tpl.get(mapping, "FunctionResponseTypes"), mapping)
		require.Equal(t, 10.0, tpl.get(mapping, "BatchSize"), mapping)
		window := tpl.get(mapping, "MaximumBatchingWindowInSeconds").(float64)

		function, queue := referred(tpl.get(mapping, "FunctionName")), referred(tpl.get(mapping, "EventSourceArn"))
		timeout := tpl.get(function, "Timeout").(float64)
		require.GreaterOrEqual(t, tpl.get(queue, "VisibilityTimeout").(float64), 6*timeout+window, queue)
		require.Nil(t, tpl.get(queue, "FifoQueue"), queue)

		require.Equal(t, 5.0, tpl.get(queue, "RedrivePolicy", "maxReceiveCount"), queue)
		deadLetters := referred(tpl.get(queue, "RedrivePolicy", "deadLetterTargetArn"))
		require.Equal(t, "AWS::SQS::Queue", tpl.Resources[deadLetters].Type, queue)
		require.GreaterOrEqual(t, tpl.get(deadLetters, "MessageRetentionPeriod"), tpl.get(queue, "MessageRetentionPeriod"), queue)
		// SQS itself moves messages there: no other sender may.
		for _, s := range tpl.resourcePolicy(t, deadLetters) {
			require.Equal(t, "Deny", s.Effect, deadLetters)
		}

		var senders []string
		for _, rule := range tpl.ofType("AWS::Events::Rule") {
			if referred(list(tpl.get(rule, "Targets"))[0].(map[string]any)["Arn"]) == queue {
				senders = append(senders, rule)
			}
		}
		require.Len(t, senders, 1, queue)
		require.True(t, acceptsRule(t, tpl, queue, "sqs:SendMessage", senders[0]), queue)

		role := referred(tpl.get(function, "Role"))
		for _, action := range []string{"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"} {
			require.True(t, slices.ContainsFunc(tpl.rolePolicy(t, role), func(s statement) bool { return s.allows(action, queue) }), "%s %s", role, action)
		}
	}
}

func TestEveryQueueIsProtected(t *testing.T) {
	tpl := synthesize(t, defaults(t))
	for _, queue := range tpl.ofType("AWS::SQS::Queue") {
		require.Equal(t, true, tpl.get(queue, "SqsManagedSseEnabled"), queue)
		require.Equal(t, 14*24*3600.0, tpl.get(queue, "MessageRetentionPeriod"), queue)
		require.True(t, deniesPlainHTTP(tpl.resourcePolicy(t, queue), "sqs:*"), queue)
	}
}

// deniesPlainHTTP tells whether a resource policy denies every action that does not come over TLS.
func deniesPlainHTTP(statements []statement, action string) bool {
	return slices.ContainsFunc(statements, func(s statement) bool {
		secure, ok := s.Condition["Bool"].(map[string]any)
		return s.Effect == "Deny" && slices.Contains(s.Actions, action) && ok && secure["aws:SecureTransport"] == "false"
	})
}
