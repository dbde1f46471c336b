package template

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
)

// Resolver gives resources their properties while a stack is created. The caller walks Template.Order, creates each resource
// from its Properties and registers with Set what others may refer to. It is not safe for concurrent use.
type Resolver struct {
	template *Template
	created  map[string]created
}

type created struct {
	ref        string
	attributes map[string]any
}

// Output is a resolved output of the stack.
type Output struct {
	Key         string
	Value       string
	Description string
	ExportName  string
}

// removed stands for AWS::NoValue: the property or list element that has it goes away.
type removed struct{}

// NewResolver starts the creation of a stack from t.
func NewResolver(t *Template) *Resolver {
	return &Resolver{template: t, created: map[string]created{}}
}

// Set registers what Ref and Fn::GetAtt of a created resource give. Attribute names may have dots ("Endpoint.Address").
func (r *Resolver) Set(logicalID, ref string, attributes map[string]any) {
	r.created[logicalID] = created{ref: ref, attributes: attributes}
}

// Properties are the resource's resolved properties. Numbers stay json.Number.
func (r *Resolver) Properties(logicalID string) (map[string]any, error) {
	if !r.template.exists(logicalID) {
		return nil, fmt.Errorf("resolving %s: there is no such resource in the stack", logicalID)
	}
	resource := r.template.resources[logicalID]
	properties := map[string]any{}
	for _, name := range sortedKeys(resource.properties) {
		v, err := r.resolve(resource.properties[name])
		if err != nil {
			return nil, fmt.Errorf("resolving %s.%s: %w", logicalID, name, err)
		}
		if _, gone := v.(removed); !gone {
			properties[name] = v
		}
	}
	return properties, nil
}

// Outputs are the stack's outputs, by key, once every resource they refer to is registered.
func (r *Resolver) Outputs() ([]Output, error) {
	var outputs []Output
	for _, key := range sortedKeys(r.template.outputs) {
		declared := r.template.outputs[key]
		if declared.Condition != "" && !r.template.holds[declared.Condition] {
			continue
		}
		v, err := r.scalar(declared.Value)
		if err != nil {
			return nil, fmt.Errorf("resolving output %s: %w", key, err)
		}
		o := Output{Key: key, Value: v, Description: declared.Description}
		if export, ok := declared.Export.(map[string]any); ok {
			if o.ExportName, err = r.scalar(export["Name"]); err != nil {
				return nil, fmt.Errorf("resolving the export of output %s: %w", key, err)
			}
		}
		outputs = append(outputs, o)
	}
	return outputs, nil
}

func (r *Resolver) resolve(v any) (any, error) {
	switch v := v.(type) {
	case []any:
		list := make([]any, 0, len(v))
		for i, e := range v {
			resolved, err := r.resolve(e)
			if err != nil {
				return nil, fmt.Errorf("[%d]: %w", i, err)
			}
			if _, gone := resolved.(removed); !gone {
				list = append(list, resolved)
			}
		}
		return list, nil
	case map[string]any:
		name, argument, is, err := intrinsic(v)
		if err != nil {
			return nil, err
		}
		if is {
			return r.call(name, argument)
		}
		object := make(map[string]any, len(v))
		for _, k := range sortedKeys(v) {
			resolved, err := r.resolve(v[k])
			if err != nil {
				return nil, fmt.Errorf("%s: %w", k, err)
			}
			if _, gone := resolved.(removed); !gone {
				object[k] = resolved
			}
		}
		return object, nil
	default:
		return v, nil
	}
}

func (r *Resolver) call(name string, argument any) (any, error) {
	switch name {
	case "Ref":
		target, _ := argument.(string) // Load checked that it is one.
		return r.ref(target)
	case "Fn::GetAtt":
		target, attribute, err := attributeOf(argument)
		if err != nil {
			return nil, err
		}
		return r.attribute(target, attribute)
	case "Fn::Sub":
		return r.sub(argument)
	case "Fn::Base64":
		text, err := r.scalar(argument)
		return base64.StdEncoding.EncodeToString([]byte(text)), err
	}
	list, ok := argument.([]any)
	if !ok {
		return nil, fmt.Errorf("%s wants a list, got %T", name, argument)
	}
	switch name {
	case "Fn::Join":
		return r.join(list)
	case "Fn::Select":
		return r.pick(list)
	case "Fn::Split":
		return r.split(list)
	case "Fn::If":
		return r.choose(list)
	case "Fn::FindInMap":
		return r.findInMap(list)
	default:
		return nil, fmt.Errorf("the local runtime does not do %s", name)
	}
}

func (r *Resolver) ref(name string) (any, error) {
	o := r.template.options
	switch name {
	case "AWS::Region":
		return o.Region, nil
	case "AWS::AccountId":
		return o.Account, nil
	case "AWS::Partition":
		return "aws", nil
	case "AWS::URLSuffix":
		return "amazonaws.com", nil
	case "AWS::StackName":
		return o.StackName, nil
	case "AWS::StackId":
		return o.StackID, nil
	case "AWS::NoValue":
		return removed{}, nil
	}
	if v, ok := r.template.parameters[name]; ok {
		return v, nil
	}
	c, ok := r.created[name]
	if !ok {
		return nil, fmt.Errorf("Ref to %s, which is not created", name)
	}
	return c.ref, nil
}

func (r *Resolver) attribute(target, attribute string) (any, error) {
	c, ok := r.created[target]
	if !ok {
		return nil, fmt.Errorf("Fn::GetAtt of %s.%s: %s is not created", target, attribute, target)
	}
	v, ok := c.attributes[attribute]
	if !ok {
		return nil, fmt.Errorf("Fn::GetAtt of %s.%s: the local runtime has no attribute %s of %s",
			target, attribute, attribute, r.template.resources[target].Type)
	}
	return v, nil
}

func (r *Resolver) sub(argument any) (any, error) {
	text, variables, err := substitution(argument)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	for _, part := range splitSubstitution(text) {
		if part.name == "" {
			b.WriteString(part.literal)
			continue
		}
		var v any
		if given, ok := variables[part.name]; ok {
			v, err = r.resolve(given)
		} else if target, attribute, has := strings.Cut(part.name, "."); has {
			v, err = r.attribute(target, attribute)
		} else {
			v, err = r.ref(part.name)
		}
		if err != nil {
			return nil, fmt.Errorf("Fn::Sub ${%s}: %w", part.name, err)
		}
		if !isScalar(v) {
			return nil, fmt.Errorf("Fn::Sub ${%s}: want a string, got %T", part.name, v)
		}
		b.WriteString(asText(v))
	}
	return b.String(), nil
}

func (r *Resolver) join(list []any) (any, error) {
	if len(list) != 2 {
		return nil, fmt.Errorf("Fn::Join wants a delimiter and a list, got %d arguments", len(list))
	}
	delimiter, ok := list[0].(string)
	if !ok {
		return nil, fmt.Errorf("Fn::Join wants a string as delimiter, got %T", list[0])
	}
	values, err := r.list("Fn::Join", list[1])
	if err != nil {
		return nil, err
	}
	parts := make([]string, len(values))
	for i, v := range values {
		if !isScalar(v) {
			return nil, fmt.Errorf("Fn::Join wants strings, element %d is %T", i, v)
		}
		parts[i] = asText(v)
	}
	return strings.Join(parts, delimiter), nil
}

func (r *Resolver) pick(list []any) (any, error) {
	if len(list) != 2 {
		return nil, fmt.Errorf("Fn::Select wants an index and a list, got %d arguments", len(list))
	}
	text, err := r.scalar(list[0])
	if err != nil {
		return nil, err
	}
	index, err := strconv.Atoi(text)
	if err != nil {
		return nil, fmt.Errorf("reading the index of Fn::Select: %w", err)
	}
	values, err := r.list("Fn::Select", list[1])
	if err != nil {
		return nil, err
	}
	if index < 0 || index >= len(values) {
		return nil, fmt.Errorf("Fn::Select of element %d of a list of %d", index, len(values))
	}
	return values[index], nil
}

func (r *Resolver) split(list []any) (any, error) {
	if len(list) != 2 {
		return nil, fmt.Errorf("Fn::Split wants a delimiter and a string, got %d arguments", len(list))
	}
	delimiter, ok := list[0].(string)
	if !ok || delimiter == "" {
		return nil, fmt.Errorf("Fn::Split wants a delimiter, got %v", list[0])
	}
	text, err := r.scalar(list[1])
	if err != nil {
		return nil, err
	}
	values := []any{}
	for part := range strings.SplitSeq(text, delimiter) {
		values = append(values, part)
	}
	return values, nil
}

func (r *Resolver) choose(list []any) (any, error) {
	if len(list) != 3 {
		return nil, fmt.Errorf("Fn::If wants a condition and two values, got %d arguments", len(list))
	}
	name, _ := list[0].(string)
	held, ok := r.template.holds[name]
	if !ok {
		return nil, fmt.Errorf("Fn::If: there is no condition %v", list[0])
	}
	if held {
		return r.resolve(list[1])
	}
	return r.resolve(list[2])
}

func (r *Resolver) findInMap(list []any) (any, error) {
	if len(list) != 3 {
		return nil, fmt.Errorf("Fn::FindInMap wants a map and two keys, got %d arguments (the local runtime does not do its DefaultValue)", len(list))
	}
	var keys [3]string
	for i, v := range list {
		key, err := r.scalar(v)
		if err != nil {
			return nil, err
		}
		keys[i] = key
	}
	v, ok := r.template.mappings[keys[0]][keys[1]][keys[2]]
	if !ok {
		return nil, fmt.Errorf("Fn::FindInMap: there is no %s", strings.Join(keys[:], "."))
	}
	return v, nil
}

// scalar resolves v and gives it as text.
func (r *Resolver) scalar(v any) (string, error) {
	resolved, err := r.resolve(v)
	if err != nil {
		return "", err
	}
	if !isScalar(resolved) {
		return "", fmt.Errorf("want a string, got %T", resolved)
	}
	return asText(resolved), nil
}

func (r *Resolver) list(function string, v any) ([]any, error) {
	resolved, err := r.resolve(v)
	if err != nil {
		return nil, err
	}
	values, ok := resolved.([]any)
	if !ok {
		return nil, fmt.Errorf("%s wants a list, got %T", function, resolved)
	}
	return values, nil
}
