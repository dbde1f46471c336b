package template

import (
	"encoding/json"
	"fmt"
	"strings"
)

// attributeOf reads the argument of Fn::GetAtt: ["Id", "Attribute"] or "Id.Attribute".
func attributeOf(argument any) (target, attribute string, err error) {
	switch a := argument.(type) {
	case string:
		target, attribute, _ = strings.Cut(a, ".")
	case []any:
		if len(a) == 2 {
			target, _ = a[0].(string)
			attribute, _ = a[1].(string)
		}
	}
	if target == "" || attribute == "" {
		return "", "", fmt.Errorf("Fn::GetAtt wants a logical id and an attribute's name, got %v", argument)
	}
	return target, attribute, nil
}

// substitution reads the argument of Fn::Sub: a text, or a text with variables of its own.
func substitution(argument any) (text string, variables map[string]any, err error) {
	switch a := argument.(type) {
	case string:
		return a, nil, nil
	case []any:
		if len(a) == 2 {
			text, isText := a[0].(string)
			variables, isMap := a[1].(map[string]any)
			if isText && isMap {
				return text, variables, nil
			}
		}
	}
	return "", nil, fmt.Errorf("Fn::Sub wants a string, or a string and a map, got %v", argument)
}

// subPart is a piece of a Fn::Sub text: a literal, or the name in ${name}.
type subPart struct{ literal, name string }

func splitSubstitution(text string) []subPart {
	var parts []subPart
	for {
		start := strings.Index(text, "${")
		if start < 0 {
			break
		}
		length := strings.IndexByte(text[start:], '}')
		if length < 0 {
			break
		}
		name := text[start+2 : start+length]
		parts = append(parts, subPart{literal: text[:start]})
		if literal, escaped := strings.CutPrefix(name, "!"); escaped {
			parts = append(parts, subPart{literal: "${" + literal + "}"}) // ${!Name} is the way to write ${Name} itself.
		} else {
			parts = append(parts, subPart{name: strings.TrimSpace(name)})
		}
		text = text[start+length+1:]
	}
	return append(parts, subPart{literal: text})
}

func isScalar(v any) bool {
	switch v.(type) {
	case string, bool, json.Number:
		return true
	default:
		return false
	}
}
