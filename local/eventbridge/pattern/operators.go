package pattern

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
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
	return equals(text), nil
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
	inner, err := onlyMember(operand)
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

// compileCIDR matches the addresses from the one given up to the end of its block. As in event-ruler the block starts at
// the address itself, masked or not, and a block of one address is refused.
func compileCIDR(_ dialect, operand json.RawMessage) (test, error) {
	text, err := stringOf(operand, "cidr")
	if err != nil {
		return nil, err
	}
	block, err := netip.ParsePrefix(text)
	if err != nil {
		return nil, refuse("Malformed CIDR %q: %s", text, err)
	}
	if block.Bits() == block.Addr().BitLen() {
		return nil, refuse("CIDR %q: mask bits must be < %d", text, block.Bits())
	}
	return stringTest(func(s string) bool {
		a, ok := address(s)
		return ok && block.Contains(a) && block.Addr().Compare(a) <= 0
	}), nil
}

func compileAnythingBut(d dialect, operand json.RawMessage) (test, error) {
	if operand[0] == '{' {
		return compileAnythingButExpression(d, operand)
	}
	items, err := oneOrMany(operand)
	if err != nil {
		return nil, err
	}
	var texts, numbers []test
	for _, item := range items {
		switch c := item[0]; {
		case c == '"':
			text, err := stringOf(item, "anything-but")
			if err != nil {
				return nil, err
			}
			texts = append(texts, stringTest(func(s string) bool { return s == text }))
		case c == '-' || c >= '0' && c <= '9':
			if _, ok := parseNumber(string(item)); !ok {
				return nil, notComparable(string(item))
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

func compileAnythingButExpression(d dialect, operand json.RawMessage) (test, error) {
	inner, err := onlyMember(operand)
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
	items, err := oneOrMany(inner.value)
	if err != nil {
		return nil, err
	}
	if len(items) == 0 {
		return nil, refuse("Empty arrays are not allowed in anything-but %s", inner.name)
	}
	var tests []test
	for _, item := range items {
		text, err := stringOf(item, inner.name)
		if err != nil {
			return nil, err
		}
		if text == "" && (inner.name == "prefix" || inner.name == "suffix") {
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

func onlyMember(text json.RawMessage) (member, error) {
	members, err := objectMembers(text)
	if err != nil {
		return member{}, err
	}
	if len(members) != 1 {
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
