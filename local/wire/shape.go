package wire

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"time"
)

// The shapes of a service that speaks several protocols are Go structs whose exported fields have the names of AWS's members.
// They are taken apart into, and put together from, a tree that every protocol can write and read: object, []any, string,
// bool, int64, float64, time.Time. A form of the query protocol has texts where others have numbers; assign reads both.

// object is a structure with its members in order.
type object []member

type member struct {
	name  string
	value any
}

var timeType = reflect.TypeFor[time.Time]()

// tree takes v apart. Members that are nil, an empty text or the zero time are left out, as AWS leaves out what is not set;
// an empty list that is not nil stays.
func tree(v reflect.Value) any {
	switch {
	case v.Type() == timeType:
		return v.Interface()
	case v.Kind() == reflect.Pointer:
		return tree(v.Elem())
	}
	switch v.Kind() {
	case reflect.Struct:
		members := make(object, 0, v.NumField())
		for i := range v.NumField() {
			field := v.Field(i)
			if !unset(field) {
				members = append(members, member{v.Type().Field(i).Name, tree(field)})
			}
		}
		return members
	case reflect.Slice:
		list := make([]any, v.Len())
		for i := range list {
			list[i] = tree(v.Index(i))
		}
		return list
	case reflect.String:
		return v.String()
	case reflect.Bool:
		return v.Bool()
	case reflect.Int, reflect.Int32, reflect.Int64:
		return v.Int()
	case reflect.Float64:
		return v.Float()
	default:
		panic("wire: a shape has a member of type " + v.Type().String()) // A mistake of this program.
	}
}

func unset(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer, reflect.Slice:
		return v.IsNil()
	case reflect.String:
		return v.Len() == 0
	default:
		return v.Type() == timeType && v.IsZero()
	}
}

// assign puts a tree into v, which must be settable. A member that the struct does not have is refused by name: to ignore it
// would be to answer another question than was asked.
func assign(path string, from any, v reflect.Value) error {
	switch {
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return assign(path, from, v.Elem())
	case v.Type() == timeType:
		at, err := timeOf(from)
		if err != nil {
			return malformed(path, "a timestamp")
		}
		v.Set(reflect.ValueOf(at))
		return nil
	}
	switch v.Kind() {
	case reflect.Struct:
		return assignStruct(path, from, v)
	case reflect.Slice:
		return assignSlice(path, from, v)
	case reflect.String:
		text, ok := from.(string)
		if !ok {
			return malformed(path, "a string")
		}
		v.SetString(text)
	case reflect.Bool:
		switch from {
		case true, "true":
			v.SetBool(true)
		case false, "false":
			v.SetBool(false)
		default:
			return malformed(path, "true or false")
		}
	default:
		return assignNumber(path, from, v)
	}
	return nil
}

func assignStruct(path string, from any, v reflect.Value) error {
	members, ok := from.(object)
	if !ok {
		return malformed(path, "a structure")
	}
	for _, m := range members {
		if m.value == nil {
			continue
		}
		at := m.name
		if path != "" {
			at = path + "." + at
		}
		field, known := v.Type().FieldByName(m.name)
		if !known || !field.IsExported() {
			return NotImplemented("the parameter " + at)
		}
		if err := assign(at, m.value, v.FieldByIndex(field.Index)); err != nil {
			return err
		}
	}
	return nil
}

func assignSlice(path string, from any, v reflect.Value) error {
	var list []any
	switch f := from.(type) {
	case []any:
		list = f
	case object: // A list of a form: {member: {1: …, 2: …}}.
		elements, err := formList(path, f)
		if err != nil {
			return err
		}
		list = elements
	case string: // An empty list of a form.
		if f != "" {
			return malformed(path, "a list")
		}
	default:
		return malformed(path, "a list")
	}
	v.Set(reflect.MakeSlice(v.Type(), len(list), len(list)))
	for i, e := range list {
		if err := assign(path, e, v.Index(i)); err != nil {
			return err
		}
	}
	return nil
}

func formList(path string, form object) ([]any, error) {
	if len(form) != 1 || form[0].name != "member" {
		return nil, malformed(path, "a list")
	}
	elements, ok := form[0].value.(object)
	if !ok {
		return nil, malformed(path, "a list")
	}
	numbers := make(map[int]any, len(elements))
	for _, e := range elements {
		n, err := strconv.Atoi(e.name)
		if err != nil {
			return nil, malformed(path, "a list")
		}
		numbers[n] = e.value
	}
	list := make([]any, 0, len(numbers))
	for _, n := range slices.Sorted(maps.Keys(numbers)) {
		list = append(list, numbers[n])
	}
	return list, nil
}

func assignNumber(path string, from any, v reflect.Value) error {
	number, err := numberOf(from)
	if err != nil {
		return malformed(path, "a number")
	}
	if v.Kind() == reflect.Float64 {
		v.SetFloat(number)
		return nil
	}
	if number != math.Trunc(number) || math.Abs(number) > math.MaxInt32 {
		return malformed(path, "an integer")
	}
	v.SetInt(int64(number))
	return nil
}

func numberOf(from any) (float64, error) {
	switch f := from.(type) {
	case int64:
		return float64(f), nil
	case float64:
		return f, nil
	case json.Number:
		return f.Float64()
	case string:
		return strconv.ParseFloat(f, 64)
	default:
		return 0, fmt.Errorf("%T is no number", from)
	}
}

func timeOf(from any) (time.Time, error) {
	switch f := from.(type) {
	case time.Time:
		return f.UTC(), nil
	case string:
		at, err := time.Parse(time.RFC3339Nano, f)
		return at.UTC(), err
	default:
		seconds, err := numberOf(from)
		if err != nil || math.Abs(seconds) > 1e11 {
			return time.Time{}, fmt.Errorf("%v is no time", from)
		}
		return time.UnixMilli(int64(math.Round(seconds * 1000))).UTC(), nil
	}
}

func malformed(path, want string) *Error {
	return Errorf("SerializationException", "the parameter %s is not %s", path, want)
}
