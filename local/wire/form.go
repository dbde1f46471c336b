package wire

import (
	"encoding/xml"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// formTree nests the parameters of a form by the dots in their names: Dimensions.member.1.Name becomes
// {Dimensions: {member: {1: {Name: …}}}}. Action and Version are not parameters.
func formTree(form url.Values) (object, error) {
	var root object
	for _, name := range slices.Sorted(maps.Keys(form)) {
		if name == "Action" || name == "Version" {
			continue
		}
		var err error
		if root, err = root.with(strings.Split(name, "."), form.Get(name)); err != nil {
			return nil, Errorf("MalformedQueryString", "the parameter %s has two meanings", name)
		}
	}
	return root, nil
}

// with adds a value under a path.
func (o object) with(path []string, value string) (object, error) {
	i := slices.IndexFunc(o, func(m member) bool { return m.name == path[0] })
	if len(path) == 1 {
		if i >= 0 {
			return nil, strconv.ErrSyntax
		}
		return append(o, member{path[0], value}), nil
	}
	if i < 0 {
		o, i = append(o, member{path[0], object(nil)}), len(o)
	}
	inner, ok := o[i].value.(object)
	if !ok {
		return nil, strconv.ErrSyntax
	}
	inner, err := inner.with(path[1:], value)
	o[i].value = inner
	return o, err
}

// writeXML writes a tree as the query protocol does: list elements are called member, times are ISO 8601.
func writeXML(b *strings.Builder, name string, v any) {
	b.WriteString("<" + name + ">")
	switch v := v.(type) {
	case object:
		for _, m := range v {
			writeXML(b, m.name, m.value)
		}
	case []any:
		for _, e := range v {
			writeXML(b, "member", e)
		}
	case string:
		_ = xml.EscapeText(b, []byte(v)) // A strings.Builder does not fail.
	case bool:
		b.WriteString(strconv.FormatBool(v))
	case int64:
		b.WriteString(strconv.FormatInt(v, 10))
	case float64:
		b.WriteString(strconv.FormatFloat(v, 'g', -1, 64))
	case time.Time:
		b.WriteString(v.UTC().Format("2006-01-02T15:04:05.000Z"))
	}
	b.WriteString("</" + name + ">")
}
