package pattern

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// operator compiles the operand of a match expression. exists is not here: it is about the field, not about a value.
func operator(name string) (func(dialect, json.RawMessage) (test, error), bool) {
	switch name {
	case "exactly":
		return compileExactly, true
	case "prefix":
		return compilePrefix, true
	case "suffix":
		return compileSuffix, true
	case "equals-ignore-case":
		return compileEqualsIgnoreCase, true
	case "wildcard":
		return compileWildcard, true
	case "numeric":
		return compileNumeric, true
	case "cidr":
		return compileCIDR, true
	case "anything-but":
		return compileAnythingBut, true
	}
	return nil, false
}

// stringTest makes a test that only JSON strings can pass.
func stringTest(f func(string) bool) test {
	return func(v value) bool { return v.kind == kindString && f(v.text) }
}

func equals(text string) test {
	if wanted, ok := address(text); ok {
		return stringTest(func(s string) bool {
			if s == text {
				return true
			}
			got, ok := address(s)
			return ok && got == wanted
		})
	}
	return stringTest(func(s string) bool { return s == text })
}

// literal matches true, false and null, which are neither strings nor numbers.
func literal(text string) test {
	return func(v value) bool { return v.kind == kindLiteral && v.text == text }
}

// equalsNumber matches by value (300 is 3.0e2) where the number is in the comparable range, else by its spelling.
func equalsNumber(text string) test {
	wanted, comparable := parseNumber(text)
	return func(v value) bool {
		if v.kind != kindNumber {
			return false
		}
		if v.text == text {
			return true
		}
		got, ok := parseNumber(v.text)
		return comparable && ok && got == wanted
	}
}

func compileExactly(_ dialect, operand json.RawMessage) (test, error) {
	text, err := stringOf(operand, "exact")
	if err != nil {
		return nil, err
	}
	return stringTest(func(s string) bool { return s == text }), nil
}

// fold maps strings that differ in case only to the same string.
func fold(s string) string { return strings.ToLower(strings.ToUpper(s)) }

func compileEqualsIgnoreCase(_ dialect, operand json.RawMessage) (test, error) {
	text, err := stringOf(operand, "equals-ignore-case")
	if err != nil {
		return nil, err
	}
	folded := fold(text)
	return stringTest(func(s string) bool { return fold(s) == folded }), nil
}

func compilePrefix(_ dialect, operand json.RawMessage) (test, error) {
	return compileAffix("prefix", operand, strings.HasPrefix)
}

func compileSuffix(_ dialect, operand json.RawMessage) (test, error) {
	return compileAffix("suffix", operand, strings.HasSuffix)
}

// compileAffix takes "text" or {"equals-ignore-case": "text"}.
func compileAffix(name string, operand json.RawMessage, has func(s, affix string) bool) (test, error) {
	if operand[0] != '{' {
		text, err := stringOf(operand, name)
		if err != nil {
			return nil, err
		}
		return stringTest(func(s string) bool { return has(s, text) }), nil
	}
	inner, err := onlyMember(operand, strings.ToUpper(name[:1])+name[1:]+" expression name not found")
	if err != nil {
		return nil, err
	}
	if inner.name != "equals-ignore-case" {
		return nil, refuse("Unsupported %s pattern: %s", name, inner.name)
	}
	text, err := stringOf(inner.value, "equals-ignore-case")
	if err != nil {
		return nil, err
	}
	folded := fold(text)
	return stringTest(func(s string) bool { return has(fold(s), folded) }), nil
}

func compileWildcard(d dialect, operand json.RawMessage) (test, error) {
	if d == pipes {
		return nil, errors.New("pipes do not support wildcard")
	}
	text, err := stringOf(operand, "wildcard")
	if err != nil {
		return nil, err
	}
	w, err := parseWildcard(text)
	if err != nil {
		return nil, err
	}
	return stringTest(w.match), nil
}

// compileCIDR matches the addresses of a block; bits of the address behind the mask do not count. As in event-ruler a block of one
// address is refused.
func compileCIDR(_ dialect, operand json.RawMessage) (test, error) {
	text, err := stringOf(operand, "prefix") // The service's own words, although this is cidr.
	if err != nil {
		return nil, err
	}
	ip, maskText, _ := strings.Cut(text, "/")
	if maskText == "" || strings.Contains(maskText, "/") {
		return nil, refuse("Malformed CIDR, one '/' required")
	}
	mask, err := strconv.Atoi(maskText)
	switch {
	case err != nil:
		return nil, refuse("Malformed CIDR, mask bits must be an integer")
	case mask < 0:
		return nil, refuse("Malformed CIDR, mask bits must not be negative")
	}
	base, ok := address(ip)
	switch {
	case !ok:
		return nil, refuse("Nonstandard IP address: %s", ip)
	case base.Is4() && mask > 31:
		return nil, refuse("IPv4 mask bits must be < 32")
	case mask > 127:
		return nil, refuse("IPv6 mask bits must be < 128")
	}
	block := netip.PrefixFrom(base, mask)
	return stringTest(func(s string) bool {
		a, ok := address(s)
		return ok && block.Contains(a)
	}), nil
}

func compileAnythingBut(d dialect, operand json.RawMessage) (test, error) {
	switch c := operand[0]; {
	case c == '{':
		return compileAnythingButExpression(d, operand)
	case c != '[' && c != '"' && !isNumber(operand):
		return nil, errAnythingButValue
	}
	items, err := oneOrMany(operand)
	if err != nil {
		return nil, err
	}
	var texts, numbers []test
	for _, item := range items {
		switch {
		case item[0] == '"':
			t, err := compileExactly(d, item)
			if err != nil {
				return nil, err
			}
			texts = append(texts, t)
		case isNumber(item):
			if _, err := patternNumber(string(item)); err != nil {
				return nil, err
			}
			numbers = append(numbers, equalsNumber(string(item)))
		default:
			return nil, refuse("Inside anything but list, start|null|boolean is not supported.")
		}
	}
	if (len(texts) == 0) == (len(numbers) == 0) {
		return nil, refuse("Inside anything but list, either all values are number or string, mixed type is not supported")
	}
	return none(append(texts, numbers...)), nil
}

var errAnythingButValue = refuse("Value of anything-but must be an array or single string/number value.")

func compileAnythingButExpression(d dialect, operand json.RawMessage) (test, error) {
	inner, err := onlyMember(operand, "Anything-But expression name not found")
	if err != nil {
		return nil, err
	}
	var compileInner func(dialect, json.RawMessage) (test, error)
	switch inner.name {
	case "prefix", "suffix", "equals-ignore-case", "wildcard":
		compileInner, _ = operator(inner.name)
	default:
		return nil, refuse("Unsupported anything-but pattern: %s", inner.name)
	}
	if d == pipes {
		return nil, fmt.Errorf("pipes do not support anything-but with %s", inner.name)
	}
	if c := inner.value[0]; c != '[' && c != '"' && !isNumber(inner.value) {
		return nil, errAnythingButValue
	}
	items, err := oneOrMany(inner.value)
	if err != nil {
		return nil, err
	}
	if len(items) == 0 {
		return nil, refuse("Empty arrays are not allowed in anything-but %s", inner.name)
	}
	var tests []test
	for _, item := range items {
		switch affix := inner.name == "prefix" || inner.name == "suffix"; {
		case item[0] != '"' && affix:
			return nil, refuse("prefix/suffix match pattern must be a string")
		case item[0] != '"' && inner.name == "equals-ignore-case":
			return nil, refuse("Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported.")
		case string(item) == `""` && affix:
			return nil, refuse("Null prefix/suffix not allowed")
		}
		t, err := compileInner(d, item)
		if err != nil {
			return nil, err
		}
		tests = append(tests, t)
	}
	return none(tests), nil
}

func none(tests []test) test {
	return func(v value) bool { return !(field{tests: tests}).accepts(v) }
}

// onlyMember is the one member of an object; empty is what the service says of an object without any.
func onlyMember(text json.RawMessage, empty string) (member, error) {
	members, err := objectMembers(text)
	if err != nil {
		return member{}, err
	}
	if len(members) == 0 {
		return member{}, refuse("%s", empty)
	}
	if len(members) > 1 {
		return member{}, refuse("Only one key allowed in match expression")
	}
	return members[0], nil
}

func oneOrMany(text json.RawMessage) ([]json.RawMessage, error) {
	if text[0] != '[' {
		return []json.RawMessage{text}, nil
	}
	var items []json.RawMessage
	err := json.Unmarshal(text, &items)
	return items, err
}
