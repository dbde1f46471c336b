package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPostingCannotChangeTheJournal(t *testing.T) {
	tpl := synthesize(t, defaults(t))
	ledger := tpl.one(t, "AWS::DynamoDB::Table", "TablesLedger")
	role := referred(tpl.get(tpl.functionID(t, "posting"), "Role"))
	keys := func(values ...any) map[string]any { return map[string]any{"dynamodb:LeadingKeys": values} }
	present := map[string]any{"dynamodb:LeadingKeys": "false"}

	type rule struct {
		effect    string
		actions   []string
		condition map[string]any
	}
	var got []rule
	for _, s := range tpl.rolePolicy(t, role) {
		if slices.ContainsFunc(s.Resources, func(r any) bool { return referred(r) == ledger }) {
			got = append(got, rule{s.Effect, s.Actions, s.Condition})
		}
	}
	require.ElementsMatch(t, []rule{
		{"Allow", []string{"dynamodb:GetItem"}, nil},
		{"Allow", []string{"dynamodb:Query"}, map[string]any{"ForAllValues:StringLike": keys("ENTRY#*"), "Null": present}},
		{"Allow", []string{"dynamodb:PutItem"}, map[string]any{"ForAllValues:StringLike": keys("JOURNAL#*", "ENTRY#*", "PURCHASE#*", "LINK#*"), "Null": present}},
		{"Allow", []string{"dynamodb:UpdateItem"}, map[string]any{"ForAllValues:StringLike": keys("BALANCE#*", "PURCHASE#*", "LINK#*", "SUSPENSE#*"), "Null": present}},
		{"Deny", []string{"dynamodb:BatchWriteItem", "dynamodb:DeleteItem", "dynamodb:PartiQLDelete", "dynamodb:PartiQLUpdate"}, nil},
		{"Deny", []string{"dynamodb:UpdateItem"}, map[string]any{"ForAnyValue:StringLike": keys("JOURNAL#*", "ENTRY#*")}},
	}, got)
}

// What else works with the ledger table has its own items there. The purchase's item is shared: a case claims its amount of it.
func TestOnlyPostingWritesTheLedger(t *testing.T) {
	tpl := synthesize(t, defaults(t))
	ledger := tpl.one(t, "AWS::DynamoDB::Table", "TablesLedger")
	mayWrite := map[string][]any{"ApiRole": {"DISPUTE#*", "DISPUTES#*", "IDEMPOTENCY#*", "PURCHASE#*"}, "DisputesRole": {"DISPUTE#*", "PURCHASE#*"}, "DigestRole": nil, "DisputesweepRole": nil, "ReconcileRole": nil}
	for _, role := range tpl.ofType("AWS::IAM::Role") {
		if strings.HasPrefix(role, "PostingRole") {
			continue
		}
		for _, s := range tpl.rolePolicy(t, role) {
			if !slices.ContainsFunc(s.Resources, func(r any) bool { return referred(r) == ledger }) {
				continue
			}
			allowed, known := mayWrite[role[:len(role)-len("00000000")]]
			require.True(t, known, role)
			for _, action := range s.Actions {
				if slices.Contains([]string{"dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query", "dynamodb:Scan"}, action) {
					continue
				}
				require.Contains(t, []string{"dynamodb:PutItem", "dynamodb:UpdateItem"}, action)
				require.Subset(t, allowed, s.Condition["ForAllValues:StringLike"].(map[string]any)["dynamodb:LeadingKeys"], role)
			}
		}
	}
}

func TestOnlyDedupWritesToQuarantine(t *testing.T) {
	tpl := synthesize(t, defaults(t))
	quarantine := tpl.one(t, "AWS::S3::Bucket", "BucketsQuarantine")
	var writers []string
	for _, role := range tpl.ofType("AWS::IAM::Role") {
		for _, s := range tpl.rolePolicy(t, role) {
			for _, r := range s.Resources {
				objects, ok := r.(map[string]any) // an ARN joined with a pattern of keys
				if !ok {
					continue
				}
				join, ok := objects["Fn::Join"].([]any)
				if ok && referred(join[1].([]any)[0]) == quarantine {
					require.Equal(t, []string{"s3:PutObject"}, s.Actions)
					writers = append(writers, role)
				}
			}
		}
	}
	require.Equal(t, []string{tpl.one(t, "AWS::IAM::Role", "DedupRole")}, writers)
}

// What each function may do with tables, in full: a call that is added to a function needs its permission here, because
// nothing before a deployment to AWS would miss it.
func TestTableActions(t *testing.T) {
	tpl := synthesize(t, defaults(t))
	want := map[string]map[string][]string{
		"dedup": {
			"TablesAuthorizations": {"dynamodb:DeleteItem", "dynamodb:UpdateItem"},
			"TablesDedup":          {"dynamodb:PutItem"},
		},
		"standardize":      {},
		"enrich":           {"TablesAccounts": {"dynamodb:BatchGetItem"}, "TablesReference": {"dynamodb:BatchGetItem"}},
		"accountinterface": {},
		"posting": {
			"TablesLedger":   {"dynamodb:GetItem", "dynamodb:Query", "dynamodb:PutItem", "dynamodb:UpdateItem"},
			"TablesAssembly": {"dynamodb:UpdateItem"},
		},
		"tracker": {"TablesTimeline": {"dynamodb:BatchWriteItem"}},
		"reconcile": {
			"TablesAuthorizations": {"dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Scan"},
			"TablesLedger":         {"dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Scan"},
			"TablesTimeline":       {"dynamodb:BatchGetItem", "dynamodb:Query"},
			"TablesAssembly":       {"dynamodb:Query"},
			"TablesAccounts":       {"dynamodb:BatchGetItem"},
			"TablesReference":      {"dynamodb:BatchGetItem"},
		},
		"api": {"TablesLedger": {"dynamodb:GetItem", "dynamodb:Query", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"},
			"TablesTimeline": {"dynamodb:Query"}},
		"disputes":     {"TablesLedger": {"dynamodb:GetItem", "dynamodb:UpdateItem"}},
		"disputesweep": {"TablesLedger": {"dynamodb:GetItem", "dynamodb:Query"}},
	}
	for function, tables := range want {
		got := map[string][]string{}
		for _, s := range tpl.rolePolicy(t, referred(tpl.get(tpl.functionID(t, function), "Role"))) {
			for _, r := range s.Resources {
				if id := referred(r); s.Effect == "Allow" && tpl.Resources[id].Type == "AWS::DynamoDB::Table" {
					name := id[:len(id)-len("00000000")] // without CDK's hash
					got[name] = append(got[name], s.Actions...)
				}
			}
		}
		require.Len(t, got, len(tables), function)
		for table, actions := range tables {
			require.ElementsMatch(t, actions, got[table], "%s on %s", function, table)
		}
	}
}
