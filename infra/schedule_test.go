package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
	"github.com/stretchr/testify/require"
)

// synthesizeSchedule makes the template of a stack with one scheduled function.
func synthesizeSchedule(t *testing.T) template {
	t.Helper()
	folder, outdir := t.TempDir(), t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(folder, executable), []byte("job"), 0o755))
	flags, err := readFlags("..")
	require.NoError(t, err)
	app := newApp(outdir, flags)
	stack := awscdk.NewStack(app, jsii.String(stackName), nil)
	newScheduledFunction(stack, "job", schedule{"cron(7 * * * ? *)", 60 * minute}, stackProps{Settings: defaults(t), Code: map[string]string{"job": folder}})
	app.Synth(nil)
	return readTemplate(t, outdir)
}

func TestAScheduledFunction(t *testing.T) {
	tpl := synthesizeSchedule(t)
	require.Equal(t, []string{tpl.one(t, "AWS::Events::Rule", "JobSchedule")}, tpl.schedules())
	require.Empty(t, tpl.busRules())
	require.Equal(t, "cron(7 * * * ? *)", tpl.get(tpl.schedules()[0], "ScheduleExpression"))
	requireSchedulesDeliverOrSetAside(t, tpl)
}

func TestEveryScheduleCanDeliverOrSetAside(t *testing.T) {
	tpl := synthesize(t, defaults(t))
	require.ElementsMatch(t, tpl.ofType("AWS::Events::Rule"), slices.Concat(tpl.busRules(), tpl.schedules()), "a rule has a pattern or a schedule")
	requireSchedulesDeliverOrSetAside(t, tpl)
}

// Every way a schedule can fail is on record: the function lets this rule in, what the rule could not deliver goes to a
// dead-letter queue that accepts it, and the event of a run that failed to another one.
func requireSchedulesDeliverOrSetAside(t *testing.T, tpl template) {
	t.Helper()
	for _, rule := range tpl.schedules() {
		require.Nil(t, tpl.get(rule, "EventBusName"), "%s: custom buses take no schedules", rule)
		require.Equal(t, "ENABLED", stateOf(tpl, rule), rule)
		targets := list(tpl.get(rule, "Targets"))
		require.Len(t, targets, 1, rule)
		target := targets[0].(map[string]any)
		require.Equal(t, map[string]any{"MaximumRetryAttempts": 185.0, "MaximumEventAgeInSeconds": 86400.0}, target["RetryPolicy"], rule)
		function := referred(target["Arn"])
		require.Equal(t, "AWS::Lambda::Function", tpl.Resources[function].Type, rule)

		undelivered := referred(target["DeadLetterConfig"].(map[string]any)["Arn"])
		require.True(t, acceptsRule(t, tpl, undelivered, "sqs:SendMessage", rule), rule)

		var permissions []string
		for _, id := range tpl.ofType("AWS::Lambda::Permission") {
			if referred(tpl.get(id, "FunctionName")) == function {
				permissions = append(permissions, id)
			}
		}
		require.Len(t, permissions, 1, rule)
		require.Equal(t, rule, referred(tpl.get(permissions[0], "SourceArn")), "another rule could invoke %s", function)
		require.Equal(t, "events.amazonaws.com", tpl.get(permissions[0], "Principal"))
		require.Equal(t, "lambda:InvokeFunction", tpl.get(permissions[0], "Action"))

		failed, role := referred(tpl.get(function, "DeadLetterConfig", "TargetArn")), referred(tpl.get(function, "Role"))
		require.Equal(t, "AWS::SQS::Queue", tpl.Resources[failed].Type, rule)
		require.NotEqual(t, undelivered, failed, rule)
		require.True(t, slices.ContainsFunc(tpl.rolePolicy(t, role), func(s statement) bool { return s.allows("sqs:SendMessage", failed) }), rule)
		require.Contains(t, tpl.Resources[function].DependsOn, tpl.one(t, "AWS::IAM::Policy", role[:len(role)-len("12345678")]), "Lambda checks the permission when it makes %s", function)
	}
}

// stateOf is a rule's state, which CloudFormation takes for ENABLED where it is not given.
func stateOf(tpl template, rule string) any {
	if state := tpl.get(rule, "State"); state != nil {
		return state
	}
	return "ENABLED"
}
