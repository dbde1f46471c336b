package main

import (
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRulesEngine(t *testing.T) {
	tpl := synthesize(t, defaults(t))
	machine := tpl.one(t, "AWS::StepFunctions::StateMachine", "")
	require.Equal(t, "EXPRESS", tpl.get(machine, "StateMachineType"))
	require.Equal(t, "ERROR", tpl.get(machine, "LoggingConfiguration", "Level"))
	require.Equal(t, false, tpl.get(machine, "LoggingConfiguration", "IncludeExecutionData"))

	failed := tpl.one(t, "AWS::SQS::Queue", "RulesDeadLetters")
	substitutions := tpl.get(machine, "DefinitionSubstitutions").(map[string]any)
	require.Equal(t, "corrected", substitutions["CurrencyConversionMode"])
	require.Equal(t, failed, referred(substitutions["RulesDlqUrl"]))
	require.Equal(t, tpl.one(t, "AWS::Events::EventBus", ""), referred(substitutions["EventBusName"]))

	role := referred(tpl.get(machine, "RoleArn"))
	require.True(t, slices.ContainsFunc(tpl.rolePolicy(t, role), func(s statement) bool { return s.allows("sqs:SendMessage", failed) }))
	for _, s := range tpl.rolePolicy(t, role) {
		if slices.Contains(s.Actions, "events:PutEvents") {
			require.Equal(t, map[string]any{"StringEquals": map[string]any{"events:source": "payrail.rules"}}, s.Condition)
		}
	}
}

// The definition is inline and is given every value it names, and none that it does not.
func TestRulesDefinitionGetsItsValues(t *testing.T) {
	tpl := synthesize(t, defaults(t))
	machine := tpl.one(t, "AWS::StepFunctions::StateMachine", "")
	named := map[string]any{}
	for _, substitution := range regexp.MustCompile(`\$\{(\w+)\}`).FindAllStringSubmatch(tpl.get(machine, "DefinitionString").(string), -1) {
		named[substitution[1]] = true
	}
	require.NotEmpty(t, named)
	substitutions := tpl.get(machine, "DefinitionSubstitutions").(map[string]any)
	for name := range substitutions {
		require.Contains(t, named, name)
	}
	require.Len(t, substitutions, len(named))
}

func TestLegacyCurrencyConversion(t *testing.T) {
	settings := defaults(t)
	settings.CurrencyConversion = "legacy"
	tpl := synthesize(t, settings)
	machine := tpl.one(t, "AWS::StepFunctions::StateMachine", "")
	require.Equal(t, "legacy", tpl.get(machine, "DefinitionSubstitutions", "CurrencyConversionMode"))
}
