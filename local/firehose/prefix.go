package firehose

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// randomLength and randomAlphabet are those of !{firehose:random-string}.
const (
	randomLength   = 11
	randomAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
)

// defaultTimestamp is appended to a prefix that has no timestamp expression.
const defaultTimestamp = "yyyy/MM/dd/HH/"

// partitionNamespace is that of expressions for keys that MetadataExtraction takes from the record.
const partitionNamespace = "partitionKeyFromQuery"

// prefix writes the first part of an object's key.
type prefix []func(scope) (string, error)

// scope is what the expressions of a prefix are evaluated with.
type scope struct {
	at     time.Time
	random io.Reader
	// keys are a record's partition keys, failure the kind of error that an ErrorOutputPrefix is for.
	keys    map[string]string
	failure string
}

// prefixes reads Prefix and ErrorOutputPrefix with Firehose's rules on what may stand in which.
func (d *destination) prefixes(text, errorText string) error {
	p, used, err := parsePrefix(text, false)
	if err != nil {
		return fmt.Errorf("reading Prefix: %w", err)
	}
	ofErrors, usedByError, err := parsePrefix(errorText, true)
	if err != nil {
		return fmt.Errorf("reading ErrorOutputPrefix: %w", err)
	}
	if len(used) > 0 && errorText == "" {
		return fmt.Errorf("ErrorOutputPrefix is needed where Prefix has expressions")
	}
	if len(usedByError) > 0 && !usedByError["firehose:error-output-type"] {
		return fmt.Errorf("ErrorOutputPrefix with expressions must have !{firehose:error-output-type}")
	}
	for _, key := range d.query {
		if !used[partitionNamespace+":"+key.name] {
			return refused("the partition key " + key.name + ", which Prefix does not use")
		}
		delete(used, partitionNamespace+":"+key.name)
	}
	for expression := range used {
		if strings.HasPrefix(expression, partitionNamespace) {
			return fmt.Errorf("Prefix has !{%s}, a key that no MetadataExtraction gives", expression)
		}
	}
	if !used["timestamp"] {
		stamp, err := parseTimestamp(defaultTimestamp)
		if err != nil {
			return err
		}
		p = append(p, stamp)
	}
	d.prefix, d.errorPrefix = p, ofErrors
	return nil
}

func (p prefix) evaluate(s scope) (string, error) {
	var b strings.Builder
	for _, part := range p {
		text, err := part(s)
		if err != nil {
			return "", fmt.Errorf("evaluating prefix: %w", err)
		}
		b.WriteString(text)
	}
	return b.String(), nil
}

func parsePrefix(text string, ofErrors bool) (p prefix, used map[string]bool, err error) {
	used = map[string]bool{}
	for text != "" {
		before, rest, found := strings.Cut(text, "!{")
		p = append(p, literal(before))
		if !found {
			break
		}
		expression, behind, closed := strings.Cut(rest, "}")
		namespace, value, named := strings.Cut(expression, ":")
		if !closed || !named {
			return nil, nil, fmt.Errorf("%q is not an expression !{namespace:value}", "!{"+expression)
		}
		switch {
		case namespace == "timestamp":
			stamp, err := parseTimestamp(value)
			if err != nil {
				return nil, nil, err
			}
			used["timestamp"] = true
			p = append(p, stamp)
		case expression == "firehose:random-string":
			used[expression] = true
			p = append(p, randomString)
		case expression == "firehose:error-output-type":
			if !ofErrors {
				return nil, nil, fmt.Errorf("!{%s} may stand in ErrorOutputPrefix only", expression)
			}
			used[expression] = true
			p = append(p, func(s scope) (string, error) { return s.failure, nil })
		case namespace == partitionNamespace:
			if ofErrors {
				return nil, nil, fmt.Errorf("!{%s} may stand in Prefix only", expression)
			}
			used[expression] = true
			p = append(p, func(s scope) (string, error) { return s.keys[value], nil })
		default:
			return nil, nil, refused("the expression !{" + expression + "}")
		}
		text = behind
	}
	return p, used, nil
}

func literal(text string) func(scope) (string, error) {
	return func(scope) (string, error) { return text, nil }
}

func randomString(s scope) (string, error) {
	b := make([]byte, randomLength)
	if _, err := io.ReadFull(s.random, b); err != nil {
		return "", fmt.Errorf("reading random bytes: %w", err)
	}
	for i := range b {
		b[i] = randomAlphabet[int(b[i])%len(randomAlphabet)]
	}
	return string(b), nil
}

// timestampLetters are the fields of a Java DateTimeFormatter pattern that are done, as Go layouts.
var timestampLetters = map[string]string{"yyyy": "2006", "uuuu": "2006", "yy": "06", "MM": "01", "dd": "02", "HH": "15", "mm": "04", "ss": "05"}

// parseTimestamp reads a Java DateTimeFormatter pattern. Letters outside timestampLetters are refused: YYYY, for one, is the
// week-based year and wrong in the days around the new year.
func parseTimestamp(pattern string) (func(scope) (string, error), error) {
	type field struct {
		text     string
		isLayout bool
	}
	var fields []field
	for i := 0; i < len(pattern); {
		c := pattern[i]
		switch {
		case c == '\'':
			end := strings.IndexByte(pattern[i+1:], '\'')
			if end < 0 {
				return nil, fmt.Errorf("the timestamp pattern %q has an open quote", pattern)
			}
			quoted := pattern[i+1 : i+1+end]
			if quoted == "" {
				quoted = "'"
			}
			fields = append(fields, field{text: quoted})
			i += end + 2
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
			end := i
			for end < len(pattern) && pattern[end] == c {
				end++
			}
			layout, ok := timestampLetters[pattern[i:end]]
			if !ok {
				return nil, refused("the timestamp field " + pattern[i:end])
			}
			fields = append(fields, field{text: layout, isLayout: true})
			i = end
		default:
			fields = append(fields, field{text: string(c)})
			i++
		}
	}
	return func(s scope) (string, error) {
		var b strings.Builder
		for _, f := range fields {
			if f.isLayout {
				b.WriteString(s.at.UTC().Format(f.text))
			} else {
				b.WriteString(f.text)
			}
		}
		return b.String(), nil
	}, nil
}
