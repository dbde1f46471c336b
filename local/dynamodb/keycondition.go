package dynamodb

import (
	"bytes"

	"github.com/payrail/payrail/local/storage"
)

// keyConditionExpression is the one expression that may have more parentheses than it needs.
const keyConditionExpression = "KeyConditionExpression"

// keyCondition is what a KeyConditionExpression asks for: one partition, and maybe a range of sort keys.
type keyCondition struct {
	hash value
	sort *keyTest
}

// keyTest is one condition on one key attribute.
type keyTest struct {
	name     string
	operator string // "=", "<", "<=", ">", ">=", "BETWEEN" or "begins_with"
	value    value
	high     value // of BETWEEN
}

// parseKeyTests reads a KeyConditionExpression.
func parseKeyTests(text *string, s *scope) ([]keyTest, error) {
	if text == nil {
		return nil, invalid("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.")
	}
	c, err := parseCondition(keyConditionExpression, text, s)
	if err != nil {
		return nil, err
	}
	return keyTests(c)
}

// newKeyCondition takes tests to be of the keys of a table or index.
func newKeyCondition(tests []keyTest, schema keySchema) (*keyCondition, error) {
	byName := map[string]*keyTest{}
	for i := range tests {
		if byName[tests[i].name] != nil {
			return nil, invalid("Invalid KeyConditionExpression: KeyConditionExpressions must only contain one condition per key")
		}
		byName[tests[i].name] = &tests[i]
	}
	if keys := len(schema.attributes()); keys > 1 && len(tests) > keys {
		return nil, invalid("The number of query conditions (%d) exceeds the number of key attributes defined in the schema (%d)", len(tests), keys)
	}
	hash := byName[schema.hash.name]
	if hash == nil {
		return nil, invalid("Query condition missed key schema element: %s", schema.hash.name)
	}
	out := &keyCondition{hash: hash.value}
	if len(tests) > 1 {
		if out.sort = byName[schema.sort.name]; !schema.hasSort() || out.sort == nil {
			if schema.hasSort() {
				return nil, invalid("Query condition missed key schema element: %s", schema.sort.name)
			}
			return nil, invalid("Query key condition not supported")
		}
	}
	if hash.operator != "=" {
		return nil, invalid("Query key condition not supported")
	}
	if err := hash.check(schema.hash); err != nil {
		return nil, err
	}
	if out.sort != nil {
		return out, out.sort.check(schema.sort)
	}
	return out, nil
}

func (t *keyTest) check(a keyAttribute) error {
	if t.value.kind != a.kind || (t.operator == "BETWEEN" && t.high.kind != a.kind) {
		return invalidParameter("Condition parameter type does not match schema type")
	}
	if t.value.text == "" && t.operator != "begins_with" {
		return invalid("One or more parameter values are not valid. %s Key: %s", emptyKeyText(a.kind), a.name)
	}
	return nil
}

func wrongKeyOperator(operator string) error {
	return invalid("Invalid operator used in KeyConditionExpression: %s", operator)
}

// keyTests takes a condition apart that joins tests by AND; anything else is not a key condition.
func keyTests(c condition) ([]keyTest, error) {
	switch c := c.(type) {
	case and:
		left, err := keyTests(c.left)
		if err != nil {
			return nil, err
		}
		right, err := keyTests(c.right)
		return append(left, right...), err
	case comparison:
		if c.operator == "<>" {
			return nil, wrongKeyOperator("<>")
		}
		left, right, operator := c.left, c.right, c.operator
		if _, ok := left.(literal); ok {
			left, right = right, left
			operator = map[string]string{"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}[operator]
		}
		return keyTestOf(operator, left, right, right)
	case between:
		return keyTestOf("BETWEEN", c.subject, c.low, c.high)
	case beginsWith:
		return keyTestOf("begins_with", c.subject, c.prefix, c.prefix)
	case or:
		return nil, wrongKeyOperator("OR")
	case not:
		if _, ok := c.inner.(exists); ok {
			return nil, wrongKeyOperator("attribute_not_exists")
		}
		return nil, wrongKeyOperator("NOT")
	case in:
		return nil, wrongKeyOperator("IN")
	case contains:
		return nil, wrongKeyOperator("contains")
	case exists:
		return nil, wrongKeyOperator("attribute_exists")
	}
	return nil, wrongKeyOperator("attribute_type")
}

func keyTestOf(operator string, subject, low, high operand) ([]keyTest, error) {
	key, ok := subject.(path)
	if !ok {
		if _, ok := subject.(sizeOf); ok {
			return nil, wrongKeyOperator("size")
		}
		return nil, invalid("Invalid condition in KeyConditionExpression: No key attribute specified")
	}
	l, okLow := low.(literal)
	h, okHigh := high.(literal)
	if !okLow || !okHigh {
		return nil, invalid("Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition")
	}
	if len(key) > 1 {
		return nil, invalid("KeyConditionExpressions cannot have conditions on nested attributes")
	}
	return []keyTest{{key[0].name, operator, l.value, h.value}}, nil
}

// keys is the range of the store's keys that fulfil the condition.
func (k *keyCondition) keys() storage.Range {
	partition := appendPartition(nil, k.hash)
	whole := storage.Range{From: partition, To: after(partition)}
	if k.sort == nil {
		return whole
	}
	with := func(v value) []byte { return appendKey(bytes.Clone(partition), v) }
	exact := with(k.sort.value)
	switch k.sort.operator {
	case "=":
		return storage.Range{From: exact, To: after(exact)}
	case "<":
		return storage.Range{From: partition, To: exact}
	case "<=":
		return storage.Range{From: partition, To: after(exact)}
	case ">":
		return storage.Range{From: after(exact), To: whole.To}
	case ">=":
		return storage.Range{From: exact, To: whole.To}
	case "BETWEEN":
		return storage.Range{From: exact, To: after(with(k.sort.high))}
	}
	prefix := appendKeyPrefix(bytes.Clone(partition), k.sort.value.text) // begins_with
	return storage.Range{From: prefix, To: after(prefix)}
}

// checkStart refuses to go on from a key that is not among those of the condition, which range is.
func (k *keyCondition) checkStart(start startingKey, schema keySchema, keys storage.Range) error {
	if start.key == nil {
		return nil
	}
	hash, _ := start.item.get(schema.hash.name)
	same := hash.equal(k.hash)
	if k.sort == nil {
		if !same {
			return invalid("The provided starting key is outside query boundaries based on provided conditions")
		}
		return nil
	}
	// The sort key is judged by itself, as if it were in the condition's partition.
	sort := start.key[len(appendPartition(nil, hash)):]
	if !within(append(appendPartition(nil, k.hash), sort...), keys) {
		return invalid("The provided starting key does not match the range key predicate")
	}
	if !same {
		return invalid("The query can return at most one row and cannot be restarted")
	}
	return nil
}
