package template

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// supported are the intrinsic functions Resolver evaluates. The Boolean ones stand in conditions only.
var supported = map[string]bool{
	"Ref": true, "Fn::GetAtt": true, "Fn::Sub": true, "Fn::Join": true, "Fn::Select": true, "Fn::Split": true,
	"Fn::If": true, "Fn::FindInMap": true, "Fn::Base64": true,
}

var pseudoParameters = map[string]bool{
	"AWS::Region": true, "AWS::AccountId": true, "AWS::Partition": true, "AWS::URLSuffix": true, "AWS::StackName": true,
	"AWS::StackId": true, "AWS::NoValue": true,
}

// check walks the whole template once, so that what the resolver cannot do is refused before anything is created, and
// collects each resource's references.
func (t *Template) check() error {
	for _, id := range sortedKeys(t.resources) {
		r := t.resources[id]
		if r.condition != "" {
			if _, ok := t.holds[r.condition]; !ok {
				return fmt.Errorf("checking %s: there is no condition %q", id, r.condition)
			}
		}
		found := map[string]bool{}
		for _, d := range r.DependsOn {
			if _, ok := t.resources[d]; !ok {
				return fmt.Errorf("checking %s.DependsOn: there is no resource %q", id, d)
			}
			found[d] = true
		}
		for _, name := range sortedKeys(r.properties) {
			if err := t.checkValue(id+".Properties."+name, r.properties[name], found); err != nil {
				return err
			}
		}
		r.DependsOn = slices.DeleteFunc(sortedKeys(found), func(d string) bool { return !t.exists(d) })
	}
	for _, name := range sortedKeys(t.outputs) {
		if err := t.checkValue("Outputs."+name+".Value", t.outputs[name].Value, map[string]bool{}); err != nil {
			return err
		}
	}
	return nil
}

func (t *Template) checkValue(path string, v any, found map[string]bool) error {
	switch v := v.(type) {
	case string:
		if strings.Contains(v, "{{resolve:") {
			return fmt.Errorf("checking %s: the local runtime does not do the dynamic reference %s", path, v)
		}
	case []any:
		for i, e := range v {
			if err := t.checkValue(path+"["+strconv.Itoa(i)+"]", e, found); err != nil {
				return err
			}
		}
	case map[string]any:
		name, argument, is, err := intrinsic(v)
		if err != nil {
			return fmt.Errorf("checking %s: %w", path, err)
		}
		if is {
			return t.checkIntrinsic(path, name, argument, found)
		}
		for _, k := range sortedKeys(v) {
			if err := t.checkValue(path+"."+k, v[k], found); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *Template) checkIntrinsic(path, name string, argument any, found map[string]bool) error {
	var references []string
	switch name {
	case "Ref":
		target, ok := argument.(string)
		if !ok {
			return fmt.Errorf("checking %s: Ref wants a name, got %T", path, argument)
		}
		references = []string{target}
	case "Fn::GetAtt":
		target, _, err := attributeOf(argument)
		if err != nil {
			return fmt.Errorf("checking %s: %w", path, err)
		}
		references = []string{target}
	case "Fn::Sub":
		text, variables, err := substitution(argument)
		if err != nil {
			return fmt.Errorf("checking %s: %w", path, err)
		}
		for _, part := range splitSubstitution(text) {
			if _, given := variables[part.name]; part.name != "" && !given {
				target, _, _ := strings.Cut(part.name, ".")
				references = append(references, target)
			}
		}
	}
	for _, target := range references {
		_, isParameter := t.parameters[target]
		_, isResource := t.resources[target]
		switch {
		case isResource:
			found[target] = true
		case !isParameter && !pseudoParameters[target]:
			return fmt.Errorf("checking %s: %s names %q, which is no resource and no parameter the local runtime has", path, name, target)
		}
	}
	return t.checkValue(path+"."+name, argument, found)
}

// intrinsic tells whether the object is a call of an intrinsic function, and refuses those not supported.
func intrinsic(object map[string]any) (name string, argument any, is bool, err error) {
	for k, v := range object {
		if k != "Ref" && !strings.HasPrefix(k, "Fn::") {
			continue
		}
		if !supported[k] {
			return "", nil, false, fmt.Errorf("the local runtime does not do %s", k)
		}
		if len(object) != 1 {
			return "", nil, false, fmt.Errorf("%s must be the only key of its object", k)
		}
		return k, v, true, nil
	}
	return "", nil, false, nil
}
