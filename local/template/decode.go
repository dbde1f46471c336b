package template

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Decode puts resolved properties into the struct that into points to. Names are matched exactly, by json tag or field
// name. A property the struct does not have is an error that names it, unless its dotted path ("SSESpecification",
// "BufferingHints.SizeInMBs"; list indexes are left out) is among accepted: those are dropped. As CloudFormation does,
// it takes strings for numbers and booleans, and the reverse.
func Decode(properties, into any, accepted ...string) error {
	target := reflect.ValueOf(into)
	if target.Kind() != reflect.Pointer || target.IsNil() {
		return fmt.Errorf("decoding properties: want a pointer to a struct, got %T", into)
	}
	fitted, err := fit("", properties, target.Elem().Type(), accepted)
	if err != nil {
		return fmt.Errorf("decoding properties: %w", err)
	}
	data, err := json.Marshal(fitted)
	if err != nil {
		return fmt.Errorf("decoding properties: %w", err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("decoding properties: %w", err)
	}
	return nil
}

var unmarshaler = reflect.TypeFor[json.Unmarshaler]()

// fit turns v into a value that encoding/json accepts for a t, and refuses what t has no place for.
func fit(path string, v any, t reflect.Type, accepted []string) (any, error) {
	if t.Kind() == reflect.Pointer {
		if v == nil {
			return nil, nil
		}
		return fit(path, v, t.Elem(), accepted)
	}
	if reflect.PointerTo(t).Implements(unmarshaler) {
		return v, nil
	}
	switch t.Kind() {
	case reflect.Struct:
		return fitStruct(path, v, t, accepted)
	case reflect.Map:
		object, ok := v.(map[string]any)
		if !ok {
			return nil, mismatch(path, "an object", v)
		}
		fitted := make(map[string]any, len(object))
		for _, k := range sortedKeys(object) {
			e, err := fit(join(path, k), object[k], t.Elem(), accepted)
			if err != nil {
				return nil, err
			}
			fitted[k] = e
		}
		return fitted, nil
	case reflect.Slice:
		return fitSlice(path, v, t, accepted)
	case reflect.Interface:
		return v, nil
	default:
		return fitScalar(path, v, t)
	}
}

func fitStruct(path string, v any, t reflect.Type, accepted []string) (any, error) {
	object, ok := v.(map[string]any)
	if !ok {
		return nil, mismatch(path, "an object", v)
	}
	fields := map[string]reflect.Type{}
	for field := range t.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case !field.IsExported() || name == "-":
			continue
		case name == "":
			name = field.Name
		}
		fields[name] = field.Type
	}
	fitted := make(map[string]any, len(object))
	for _, k := range sortedKeys(object) {
		at := join(path, k)
		if slices.Contains(accepted, at) {
			continue
		}
		fieldType, known := fields[k]
		if !known {
			return nil, fmt.Errorf("the local runtime does not do property %s", at)
		}
		e, err := fit(at, object[k], fieldType, accepted)
		if err != nil {
			return nil, err
		}
		fitted[k] = e
	}
	return fitted, nil
}

func fitSlice(path string, v any, t reflect.Type, accepted []string) (any, error) {
	list, ok := v.([]any)
	if !ok {
		if t.Elem().Kind() == reflect.Uint8 { // json.RawMessage is an Unmarshaler; other bytes are base64 text.
			return v, nil
		}
		return nil, mismatch(path, "a list", v)
	}
	fitted := make([]any, len(list))
	for i, e := range list {
		var err error
		if fitted[i], err = fit(path, e, t.Elem(), accepted); err != nil {
			return nil, err
		}
	}
	return fitted, nil
}

func fitScalar(path string, v any, t reflect.Type) (any, error) {
	if v == nil {
		return nil, nil
	}
	if !isScalar(v) {
		return nil, mismatch(path, "a "+t.Kind().String(), v)
	}
	text := asText(v)
	switch t.Kind() {
	case reflect.String:
		return text, nil
	case reflect.Bool:
		if text != "true" && text != "false" {
			return nil, mismatch(path, "true or false", v)
		}
		return text == "true", nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		n, err := strconv.ParseInt(text, 10, t.Bits())
		if err != nil {
			return nil, mismatch(path, "an integer", v)
		}
		return n, nil
	case reflect.Float32, reflect.Float64:
		f, err := strconv.ParseFloat(text, t.Bits())
		if err != nil {
			return nil, mismatch(path, "a number", v)
		}
		return f, nil
	default:
		return nil, fmt.Errorf("property %s: cannot decode into %s", path, t)
	}
}

func mismatch(path, want string, v any) error {
	if path == "" {
		path = "(all)"
	}
	return fmt.Errorf("property %s: want %s, got %v", path, want, v)
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
