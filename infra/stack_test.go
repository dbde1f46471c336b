package main

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

// A resource whose logical id changes is deleted and made anew, with what it holds: a change of this list is a decision.
func TestLogicalIDsAreStable(t *testing.T) {
	tpl := synthesize(t, defaults(t))
	var got bytes.Buffer
	for _, id := range slices.Sorted(maps.Keys(tpl.Resources)) {
		fmt.Fprintf(&got, "%s %s\n", tpl.Resources[id].Type, id)
	}
	golden := filepath.Join("testdata", "resources.golden")
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(golden, got.Bytes(), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), got.String(), "go test ./infra -update, if this is meant")
}

func TestOutputs(t *testing.T) {
	tpl := synthesize(t, defaults(t))
	want := map[string]string{
		"AuthorizationsTable":  "AWS::DynamoDB::Table TablesAuthorizations",
		"DedupTable":           "AWS::DynamoDB::Table TablesDedup",
		"AccountsTable":        "AWS::DynamoDB::Table TablesAccounts",
		"ReferenceTable":       "AWS::DynamoDB::Table TablesReference",
		"LedgerTable":          "AWS::DynamoDB::Table TablesLedger",
		"TimelineTable":        "AWS::DynamoDB::Table TablesTimeline",
		"EventBus":             "AWS::Events::EventBus Bus",
		"ArchiveName":          "AWS::Events::Archive Archive",
		"AuditBucket":          "AWS::S3::Bucket BucketsAudit",
		"ParkedBucket":         "AWS::S3::Bucket BucketsParked",
		"QuarantineBucket":     "AWS::S3::Bucket BucketsQuarantine",
		"PostingQueueUrl":      "AWS::SQS::Queue PostingQueue",
		"RulesStateMachineArn": "AWS::StepFunctions::StateMachine RulesStateMachine",
		"OperatorTopicArn":     "AWS::SNS::Topic NoticesTopic",
		"TokenKeyArn":          "AWS::KMS::Key TokenKey",
		"ApiUrl":               "AWS::ApiGatewayV2::Api ApiHttp",
		"ReconcileFunction":    "AWS::Lambda::Function ReconcileFunction",
	}
	require.ElementsMatch(t, slices.Collect(maps.Keys(want)), slices.Collect(maps.Keys(tpl.Outputs)))
	for name, resource := range want {
		kind, prefix, _ := strings.Cut(resource, " ")
		require.Equal(t, tpl.one(t, kind, prefix), referred(tpl.Outputs[name].(map[string]any)["Value"]), name)
	}
}

func TestNoCustomResources(t *testing.T) {
	for id, r := range synthesize(t, defaults(t)).Resources {
		require.False(t, strings.HasPrefix(r.Type, "Custom::") || r.Type == "AWS::CloudFormation::CustomResource", id)
	}
}

// Where Resource "*" cannot be avoided, by logical id up to CDK's hash, with the reason.
var unavoidable = map[string]string{
	"TokenKey":               "in a key's own policy it means this key",
	"RulesRoleDefaultPolicy": "the log delivery actions that Step Functions needs have no resources",
}

func TestNoResourceIsEverything(t *testing.T) {
	tpl := synthesize(t, defaults(t))
	hash := regexp.MustCompile(`[0-9A-F]{8}$`)
	var found []string
	for _, id := range slices.Sorted(maps.Keys(tpl.Resources)) {
		for _, property := range []string{"PolicyDocument", "KeyPolicy"} {
			document := tpl.get(id, property)
			if document == nil {
				continue
			}
			for _, s := range statementsOf(t, document) {
				if !slices.Contains(s.Resources, any("*")) {
					continue
				}
				found = append(found, hash.ReplaceAllString(id, ""))
				if s.Principal == nil {
					for _, action := range s.Actions {
						require.True(t, strings.HasPrefix(action, "logs:") && !strings.Contains(action, "*"), "%s: %s on everything", id, action)
					}
				}
			}
		}
		require.Nil(t, tpl.get(id, "Policies"), "%s has policies that this test does not see", id)
		require.Nil(t, tpl.get(id, "ManagedPolicyArns"), id)
	}
	require.ElementsMatch(t, slices.Collect(maps.Keys(unavoidable)), found)
}

func TestNoRoleHasWildcardActions(t *testing.T) {
	tpl := synthesize(t, defaults(t))
	for _, role := range tpl.ofType("AWS::IAM::Role") {
		for _, s := range tpl.rolePolicy(t, role) {
			for _, action := range s.Actions {
				require.NotContains(t, action, "*", role)
			}
		}
	}
}

// What runs on a developer's machine is what is deployed.
func TestHostTemplateDiffersInArchitectureAndAssetsAlone(t *testing.T) {
	settings := defaults(t)
	aws := synthesize(t, settings)
	target, err := platformOf("host")
	require.NoError(t, err)
	settings.Target = target
	host := synthesize(t, settings)

	architecture := map[string]string{"arm64": "arm64", "amd64": "x86_64"}[runtime.GOARCH]
	for _, id := range host.ofType("AWS::Lambda::Function") {
		require.Equal(t, []any{architecture}, host.get(id, "Architectures"), id)
		if target != defaults(t).Target {
			require.NotEqual(t, aws.get(id, "Code", "S3Key"), host.get(id, "Code", "S3Key"), id)
		}
	}
	require.Equal(t, aws.Parameters, host.Parameters)
	require.Equal(t, aws.Outputs, host.Outputs)
	require.ElementsMatch(t, slices.Collect(maps.Keys(aws.Resources)), slices.Collect(maps.Keys(host.Resources)))
	onHost := withoutPlatform(host)
	for id, r := range withoutPlatform(aws) {
		require.Equal(t, r, onHost[id], id)
	}
}

// withoutPlatform is a template's resources without what depends on the platform.
func withoutPlatform(tpl template) map[string]resource {
	stripped := maps.Clone(tpl.Resources)
	for _, id := range tpl.ofType("AWS::Lambda::Function") {
		function := stripped[id]
		function.Properties = maps.Clone(function.Properties)
		delete(function.Properties, "Architectures")
		code := maps.Clone(function.Properties["Code"].(map[string]any))
		delete(code, "S3Key")
		function.Properties["Code"] = code
		stripped[id] = function
	}
	return stripped
}

func TestDataOutlivesTheStackUnlessToldOtherwise(t *testing.T) {
	settings := defaults(t)
	kept := synthesize(t, settings)
	settings.Removal = awscdk.RemovalPolicy_DESTROY
	destroyed := synthesize(t, settings)
	for id, r := range kept.Resources {
		if !slices.Contains([]string{"AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::KMS::Key"}, r.Type) {
			continue
		}
		require.Equal(t, "Retain", r.DeletionPolicy, id)
		require.Equal(t, "Retain", r.UpdateReplacePolicy, id)
		require.Equal(t, "Delete", destroyed.Resources[id].DeletionPolicy, id)
		if r.Type == "AWS::DynamoDB::Table" {
			require.Equal(t, true, kept.get(id, "DeletionProtectionEnabled"), id)
			require.Equal(t, false, destroyed.get(id, "DeletionProtectionEnabled"), id)
		}
	}
}
