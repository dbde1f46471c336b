package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// template is a synthesized CloudFormation template.
type template struct {
	Resources  map[string]resource
	Outputs    map[string]any
	Parameters map[string]any
}

type resource struct {
	Type                string
	Properties          map[string]any
	DependsOn           any
	DeletionPolicy      string
	UpdateReplacePolicy string
}

// statement is one statement of an IAM policy, with actions and resources as lists.
type statement struct {
	Sid, Effect string
	Actions     []string
	Resources   []any
	Principal   any
	Condition   map[string]any
}

// synthesized keeps the templates already made: starting the CDK and synthesizing take seconds.
var synthesized = map[Settings]template{}

// defaults are the settings without any context.
func defaults(t *testing.T) Settings {
	t.Helper()
	settings, err := readSettings(func(string) any { return nil })
	require.NoError(t, err)
	return settings
}

// synthesize makes the template for some settings, with the real rules and, in place of the functions' binaries, small files
// that differ by function and platform, so that no compiler is needed.
func synthesize(t *testing.T, settings Settings) template {
	t.Helper()
	if made, ok := synthesized[settings]; ok {
		return made
	}
	definition, err := os.ReadFile(filepath.Join("..", rulesDefinition))
	require.NoError(t, err)
	code := map[string]string{}
	for name := range functionEnvironments(t) {
		code[name] = t.TempDir()
		content := fmt.Sprintf("%s for %s-%s", name, settings.Target.GOOS, settings.Target.GOARCH)
		require.NoError(t, os.WriteFile(filepath.Join(code[name], executable), []byte(content), 0o755))
	}
	outdir := t.TempDir()
	flags, err := readFlags("..")
	require.NoError(t, err)
	app := newApp(outdir, flags)
	newStack(app, stackProps{Settings: settings, Code: code, RulesDefinition: string(definition)})
	app.Synth(nil)
	made := readTemplate(t, outdir)
	synthesized[settings] = made
	return made
}

func readTemplate(t *testing.T, outdir string) template {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(outdir, stackName+".template.json"))
	require.NoError(t, err)
	var made template
	require.NoError(t, json.Unmarshal(data, &made))
	require.NotEmpty(t, made.Resources)
	return made
}

// ofType is the logical ids of the resources of a type, sorted.
func (tpl template) ofType(kind string) []string {
	var ids []string
	for _, id := range slices.Sorted(maps.Keys(tpl.Resources)) {
		if tpl.Resources[id].Type == kind {
			ids = append(ids, id)
		}
	}
	return ids
}

// busRules is the logical ids of the rules for events, schedules those of the rules on a schedule.
func (tpl template) busRules() []string {
	return slices.DeleteFunc(tpl.ofType("AWS::Events::Rule"), func(id string) bool { return tpl.get(id, "EventPattern") == nil })
}

func (tpl template) schedules() []string {
	return slices.DeleteFunc(tpl.ofType("AWS::Events::Rule"), func(id string) bool { return tpl.get(id, "ScheduleExpression") == nil })
}

// one is the logical id of the resource of a type whose id starts with prefix, of which there must be exactly one.
func (tpl template) one(t *testing.T, kind, prefix string) string {
	t.Helper()
	var found []string
	for _, id := range tpl.ofType(kind) {
		if strings.HasPrefix(id, prefix) {
			found = append(found, id)
		}
	}
	require.Len(t, found, 1, "%s %s*", kind, prefix)
	return found[0]
}

// get walks down a resource's properties; it is nil where there is nothing.
func (tpl template) get(id string, path ...string) any {
	var value any = tpl.Resources[id].Properties
	for _, step := range path {
		m, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		value = m[step]
	}
	return value
}

// referred is the logical id that a Ref or Fn::GetAtt names, or "".
func referred(value any) string {
	m, ok := value.(map[string]any)
	if !ok {
		return ""
	}
	if id, ok := m["Ref"].(string); ok {
		return id
	}
	if att, ok := m["Fn::GetAtt"].([]any); ok {
		return att[0].(string)
	}
	return ""
}

// statementsOf decodes a policy document.
func statementsOf(t *testing.T, document any) []statement {
	t.Helper()
	var statements []statement
	for _, raw := range list(document.(map[string]any)["Statement"]) {
		m := raw.(map[string]any)
		s := statement{Effect: m["Effect"].(string), Resources: list(m["Resource"]), Principal: m["Principal"]}
		s.Sid, _ = m["Sid"].(string)
		s.Condition, _ = m["Condition"].(map[string]any)
		for _, action := range list(m["Action"]) {
			s.Actions = append(s.Actions, action.(string))
		}
		statements = append(statements, s)
	}
	return statements
}

// rolePolicy is all statements attached to a role.
func (tpl template) rolePolicy(t *testing.T, role string) []statement {
	t.Helper()
	var statements []statement
	for _, id := range tpl.ofType("AWS::IAM::Policy") {
		for _, attached := range list(tpl.get(id, "Roles")) {
			if referred(attached) == role {
				statements = append(statements, statementsOf(t, tpl.get(id, "PolicyDocument"))...)
			}
		}
	}
	return statements
}

// resourcePolicy is all statements of a queue's, topic's or bucket's policy.
func (tpl template) resourcePolicy(t *testing.T, resource string) []statement {
	t.Helper()
	attachments := map[string]string{"AWS::SQS::QueuePolicy": "Queues", "AWS::SNS::TopicPolicy": "Topics", "AWS::S3::BucketPolicy": "Bucket"}
	var statements []statement
	for kind, property := range attachments {
		for _, id := range tpl.ofType(kind) {
			for _, attached := range list(tpl.get(id, property)) {
				if referred(attached) == resource {
					statements = append(statements, statementsOf(t, tpl.get(id, "PolicyDocument"))...)
				}
			}
		}
	}
	return statements
}

// allows tells whether a statement allows an action on a resource of the template.
func (s statement) allows(action, resource string) bool {
	return s.Effect == "Allow" && slices.Contains(s.Actions, action) &&
		slices.ContainsFunc(s.Resources, func(r any) bool { return referred(r) == resource })
}

// functionID is the logical id of a function by its folder's name.
func (tpl template) functionID(t *testing.T, name string) string {
	t.Helper()
	return tpl.one(t, "AWS::Lambda::Function", *constructID(name)+"Function")
}

// list makes a list of what IAM and CloudFormation write as a single value or as a list.
func list(value any) []any {
	switch v := value.(type) {
	case nil:
		return nil
	case []any:
		return v
	default:
		return []any{v}
	}
}
