package eventbridge

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDisabledRulesAndRemovedTargetsGetNothing(t *testing.T) {
	f := newFixture(t)
	f.rule(t, "r", `{"source":["payrail.test"]}`, Target{ID: "a", ARN: queueA})
	require.NoError(t, f.SetRuleState("payrail", "r", false))
	f.put(t, "T", `{}`)
	require.NoError(t, f.SetRuleState("payrail", "r", true))
	require.ErrorContains(t, f.DeleteRule("payrail", "r"), "Rule can't be deleted since it has targets.")
	require.NoError(t, f.RemoveTargets("payrail", "r", []string{"a"}))
	f.put(t, "T", `{}`)
	f.idle(t)
	require.Empty(t, f.targets.delivered(queueA))
	require.NoError(t, f.DeleteRule("payrail", "r"))
	require.ErrorContains(t, f.SetRuleState("payrail", "r", true), "ResourceNotFoundException")
}
