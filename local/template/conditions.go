package template

import "fmt"

// evaluateConditions settles all conditions once: they see parameters and mappings only, never resources.
func (t *Template) evaluateConditions() error {
	visiting := map[string]bool{}
	var evaluate func(name string) (bool, error)
	evaluate = func(name string) (bool, error) {
		if held, done := t.holds[name]; done {
			return held, nil
		}
		definition, ok := t.conditions[name]
		if !ok {
			return false, fmt.Errorf("there is no condition %q", name)
		}
		if visiting[name] {
			return false, fmt.Errorf("condition %s refers to itself", name)
		}
		visiting[name] = true
		held, err := t.condition(definition, evaluate)
		if err != nil {
			return false, err
		}
		t.holds[name] = held
		return held, nil
	}
	for _, name := range sortedKeys(t.conditions) {
		if _, err := evaluate(name); err != nil {
			return fmt.Errorf("evaluating condition %s: %w", name, err)
		}
	}
	return nil
}

func (t *Template) condition(v any, named func(string) (bool, error)) (bool, error) {
	object, ok := v.(map[string]any)
	if !ok || len(object) != 1 {
		return false, fmt.Errorf("want one condition function, got %v", v)
	}
	for name, argument := range object {
		if name == "Condition" {
			target, ok := argument.(string)
			if !ok {
				return false, fmt.Errorf("condition wants a name, got %T", argument)
			}
			return named(target)
		}
		list, ok := argument.([]any)
		if !ok {
			return false, fmt.Errorf("%s wants a list, got %T", name, argument)
		}
		switch name {
		case "Fn::Equals":
			return t.equal(list)
		case "Fn::Not":
			if len(list) != 1 {
				return false, fmt.Errorf("Fn::Not wants one condition, got %d", len(list))
			}
			held, err := t.condition(list[0], named)
			return !held, err
		case "Fn::And", "Fn::Or":
			return t.combine(name, list, named)
		default:
			return false, fmt.Errorf("the local runtime does not do %s in a condition", name)
		}
	}
	return false, nil // Not reached: the object has one key.
}

func (t *Template) equal(list []any) (bool, error) {
	if len(list) != 2 {
		return false, fmt.Errorf("Fn::Equals wants two values, got %d", len(list))
	}
	r := &Resolver{template: t}
	var sides [2]string
	for i, v := range list {
		if err := t.checkValue("Fn::Equals", v, map[string]bool{}); err != nil {
			return false, err
		}
		resolved, err := r.resolve(v)
		if err != nil {
			return false, err
		}
		if !isScalar(resolved) {
			return false, fmt.Errorf("Fn::Equals wants strings, got %T", resolved)
		}
		sides[i] = asText(resolved)
	}
	return sides[0] == sides[1], nil
}

func (t *Template) combine(name string, list []any, named func(string) (bool, error)) (bool, error) {
	if len(list) < 2 {
		return false, fmt.Errorf("%s wants at least two conditions, got %d", name, len(list))
	}
	result := name == "Fn::And"
	for _, v := range list {
		held, err := t.condition(v, named)
		if err != nil {
			return false, err
		}
		if name == "Fn::And" {
			result = result && held
		} else {
			result = result || held
		}
	}
	return result, nil
}
