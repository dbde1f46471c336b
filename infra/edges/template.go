package edges

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// template is a synthesized CloudFormation template, as far as it is looked at here.
type template struct {
	Resources map[string]resource
}

type resource struct {
	Type       string
	Properties map[string]any
}

func readTemplate(data []byte) (template, error) {
	var t template
	if err := json.Unmarshal(data, &t); err != nil {
		return template{}, fmt.Errorf("reading the template: %w", err)
	}
	if len(t.Resources) == 0 {
		return template{}, fmt.Errorf("reading the template: it has no resources")
	}
	return t, nil
}

// ofType is the logical ids of the resources of a type, sorted.
func (t template) ofType(kind string) []string {
	var ids []string
	for _, id := range slices.Sorted(maps.Keys(t.Resources)) {
		if t.Resources[id].Type == kind {
			ids = append(ids, id)
		}
	}
	return ids
}

// get walks down a resource's properties; it is nil where there is nothing.
func (t template) get(id string, path ...string) any {
	return within(t.Resources[id].Properties, path...)
}

func within(value any, path ...string) any {
	for _, step := range path {
		m, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		value = m[step]
	}
	return value
}

// number is a property that is a number, or 0.
func (t template) number(id string, path ...string) int {
	n, _ := t.get(id, path...).(float64)
	return int(n)
}

// referred is the logical id that a value is made of: by Ref, by Fn::GetAtt, or by one of them within other functions.
func referred(value any) string {
	switch v := value.(type) {
	case map[string]any:
		if id, ok := v["Ref"].(string); ok && !strings.HasPrefix(id, "AWS::") {
			return id
		}
		if attribute, ok := v["Fn::GetAtt"].([]any); ok {
			id, _ := attribute[0].(string)
			return id
		}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			if id := referred(v[name]); strings.HasPrefix(name, "Fn::") && id != "" {
				return id
			}
		}
	case []any:
		for _, part := range v {
			if id := referred(part); id != "" {
				return id
			}
		}
	}
	return ""
}

// list makes a list of what CloudFormation and IAM write as a single value or as a list.
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

var hash = regexp.MustCompile(`[0-9A-F]{8}$`)

// name is a logical id as people say it: without the hash that the CDK appends.
func name(id string) string { return hash.ReplaceAllString(id, "") }

// statement is one allowing statement of a role's policy.
type statement struct {
	actions   []string
	resources []string
}

// allowed is what a role may do.
func (t template) allowed(role string) []statement {
	var found []statement
	for _, id := range t.ofType("AWS::IAM::Policy") {
		if !slices.ContainsFunc(list(t.get(id, "Roles")), func(attached any) bool { return referred(attached) == role }) {
			continue
		}
		for _, raw := range list(t.get(id, "PolicyDocument", "Statement")) {
			if within(raw, "Effect") != "Allow" {
				continue
			}
			var s statement
			for _, action := range list(within(raw, "Action")) {
				s.actions = append(s.actions, fmt.Sprint(action))
			}
			for _, on := range list(within(raw, "Resource")) {
				s.resources = append(s.resources, referred(on))
			}
			found = append(found, s)
		}
	}
	return found
}
