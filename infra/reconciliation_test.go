package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Reconciliation tells; it edits nothing. A statement that lets it write a table would make every patch suspect.
func TestReconciliationWritesReportsAndEventsAlone(t *testing.T) {
	tpl := synthesize(t, defaults(t))
	role := referred(tpl.get(tpl.functionID(t, "reconcile"), "Role"))
	var writes []string
	for _, s := range tpl.rolePolicy(t, role) {
		for _, action := range s.Actions {
			switch name := action[strings.Index(action, ":")+1:]; {
			case strings.HasPrefix(name, "Get"), strings.HasPrefix(name, "BatchGet"), name == "Query", name == "Scan", name == "ListBucket", strings.HasPrefix(action, "logs:"):
			default:
				writes = append(writes, action)
			}
			if action == "s3:PutObject" {
				form, err := json.Marshal(s.Resources)
				require.NoError(t, err)
				require.Contains(t, string(form), `"/recon/*"`)
			}
		}
	}
	require.ElementsMatch(t, []string{"events:PutEvents", "s3:PutObject", "lambda:InvokeFunction", "sqs:SendMessage"}, writes)
}

func TestReconciliationReadsItsIndexes(t *testing.T) {
	tpl := synthesize(t, defaults(t))
	role := referred(tpl.get(tpl.functionID(t, "reconcile"), "Role"))
	indexes := 0
	for _, s := range tpl.rolePolicy(t, role) {
		for _, resource := range s.Resources {
			form, err := json.Marshal(resource)
			require.NoError(t, err)
			if strings.Contains(string(form), "index/ByIngest") {
				require.Equal(t, []string{"dynamodb:Query"}, s.Actions, string(form))
				indexes++
			}
		}
	}
	require.Equal(t, 2, indexes)
}

func TestReconciliationRunsOnASchedule(t *testing.T) {
	tpl := synthesize(t, defaults(t))
	rule := tpl.one(t, "AWS::Events::Rule", "ReconcileSchedule")
	require.Equal(t, "rate(15 minutes)", tpl.get(rule, "ScheduleExpression"))
	variables := tpl.get(tpl.functionID(t, "reconcile"), "Environment", "Variables").(map[string]any)
	require.Equal(t, "on", variables["RECONCILE_PATCHING"])
	require.Equal(t, "all", variables["TIMELINE"])

	settings := defaults(t)
	settings.ReconcilePatching = "off"
	off := synthesize(t, settings)
	require.Equal(t, "off", off.get(off.functionID(t, "reconcile"), "Environment", "Variables", "RECONCILE_PATCHING"))
}
