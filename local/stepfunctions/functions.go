package stepfunctions

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strings"
)

// Limits of intrinsic functions, from the Step Functions developer guide.
const (
	maxArrayRange    = 1000
	maxEncodedLength = 10000
)

// intrinsicFunction is one States.* function. maxArgs below 0 means any number.
type intrinsicFunction struct {
	minArgs, maxArgs int
	call             func(env *environment, args []*value) (*value, error)
	// check looks at the arguments as they stand in the definition.
	check func(args []expression) error
}

var intrinsicFunctions = map[string]intrinsicFunction{
	"States.Format":         {minArgs: 1, maxArgs: -1, call: format, check: checkFormat},
	"States.StringToJson":   {minArgs: 1, maxArgs: 1, call: stringToJSON},
	"States.JsonToString":   {minArgs: 1, maxArgs: 1, call: jsonToString},
	"States.Array":          {minArgs: 0, maxArgs: -1, call: array},
	"States.ArrayPartition": {minArgs: 2, maxArgs: 2, call: arrayPartition},
	"States.ArrayContains":  {minArgs: 2, maxArgs: 2, call: arrayContains},
	"States.ArrayRange":     {minArgs: 3, maxArgs: 3, call: arrayRange},
	"States.ArrayGetItem":   {minArgs: 2, maxArgs: 2, call: arrayGetItem},
	"States.ArrayLength":    {minArgs: 1, maxArgs: 1, call: arrayLength},
	"States.ArrayUnique":    {minArgs: 1, maxArgs: 1, call: arrayUnique},
	"States.Base64Encode":   {minArgs: 1, maxArgs: 1, call: base64Encode},
	"States.Base64Decode":   {minArgs: 1, maxArgs: 1, call: base64Decode},
	"States.Hash":           {minArgs: 2, maxArgs: 2, call: hashString},
	"States.JsonMerge":      {minArgs: 3, maxArgs: 3, call: jsonMerge},
	"States.MathRandom":     {minArgs: 2, maxArgs: 3, call: mathRandom, check: checkMathRandom},
	"States.MathAdd":        {minArgs: 2, maxArgs: 2, call: mathAdd},
	"States.StringSplit":    {minArgs: 2, maxArgs: 2, call: stringSplit},
	"States.UUID":           {minArgs: 0, maxArgs: 0, call: newUUID},
}

// argument returns argument i, which must be of kind k.
func argument(args []*value, i int, k kind) (*value, error) {
	if args[i].kind != k {
		return nil, fmt.Errorf("argument %d must be a %s, it is a %s", i+1, k, args[i].kind)
	}
	return args[i], nil
}

// integerArgument returns a number rounded to the nearest integer of 32 bits, the range of the service.
func integerArgument(args []*value, i int) (int64, error) {
	v, err := argument(args, i, kindNumber)
	if err != nil {
		return 0, err
	}
	n := math.Floor(v.number() + 0.5)
	if !(n >= math.MinInt32 && n <= math.MaxInt32) {
		return 0, fmt.Errorf("argument %d is out of the range of integers", i+1)
	}
	return int64(n), nil
}

// checkFormat counts the places of a template that stands in the definition.
func checkFormat(args []expression) error {
	template, ok := args[0].(quotedLiteral)
	if !ok {
		return nil
	}
	_, n, err := fill(template.template, nil)
	if err == nil && n != len(args)-1 {
		err = fmt.Errorf("the template has %d places for %d values", n, len(args)-1)
	}
	return err
}

func format(_ *environment, args []*value) (*value, error) {
	template, err := argument(args, 0, kindString)
	if err != nil {
		return nil, err
	}
	text, n, err := fill(template.str, args[1:])
	if err != nil {
		return nil, err
	}
	if n != len(args)-1 {
		return nil, fmt.Errorf("the template has %d places for %d values", n, len(args)-1)
	}
	return stringValue(text), nil
}

// fill puts values into the places {} of a template and counts them.
func fill(template string, values []*value) (string, int, error) {
	var out strings.Builder
	places := 0
	for i := 0; i < len(template); i++ {
		switch c := template[i]; {
		case c == '\\' && i+1 < len(template) && strings.IndexByte(`'\{}`, template[i+1]) >= 0:
			i++
			out.WriteByte(template[i])
		case c == '{' && i+1 < len(template) && template[i+1] == '}':
			i++
			if places < len(values) {
				out.WriteString(textOf(values[places]))
			}
			places++
		case c == '{' || c == '}':
			return "", 0, fmt.Errorf("the template holds a single %q; write it as \\%c", c, c)
		default:
			out.WriteByte(c)
		}
	}
	return out.String(), places, nil
}

// textOf returns a string as it is and any other value as its JSON text.
func textOf(v *value) string {
	if v.kind == kindString {
		return v.str
	}
	return v.String()
}

func stringToJSON(_ *environment, args []*value) (*value, error) {
	s, err := argument(args, 0, kindString)
	if err != nil {
		return nil, err
	}
	if strings.TrimSpace(s.str) == "" {
		return nullValue, nil // Recorded on AWS: LocalStack, intrinsic_functions/test_json_manipulation.snapshot.json.
	}
	return parse([]byte(s.str))
}

func jsonToString(_ *environment, args []*value) (*value, error) {
	return stringValue(args[0].String()), nil
}

func array(_ *environment, args []*value) (*value, error) { return arrayValue(args...), nil }

func arrayPartition(_ *environment, args []*value) (*value, error) {
	list, err := argument(args, 0, kindArray)
	if err != nil {
		return nil, err
	}
	size, err := integerArgument(args, 1)
	if err != nil {
		return nil, err
	}
	if size <= 0 {
		return nil, errors.New("the size of a part must be positive")
	}
	var parts []*value
	for from := 0; from < len(list.elems); from += int(size) {
		parts = append(parts, arrayValue(list.elems[from:min(from+int(size), len(list.elems))]...))
	}
	return arrayValue(parts...), nil
}

func arrayContains(_ *environment, args []*value) (*value, error) {
	list, err := argument(args, 0, kindArray)
	if err != nil {
		return nil, err
	}
	for _, e := range list.elems {
		if e.equal(args[1]) {
			return trueValue, nil
		}
	}
	return falseValue, nil
}

func arrayRange(_ *environment, args []*value) (*value, error) {
	var bound [3]int64
	for i := range bound {
		var err error
		if bound[i], err = integerArgument(args, i); err != nil {
			return nil, err
		}
	}
	from, to, by := bound[0], bound[1], bound[2]
	if by == 0 {
		return nil, errors.New("the step must not be 0")
	}
	var elems []*value
	for n := from; (by > 0 && n <= to) || (by < 0 && n >= to); n += by {
		if len(elems) == maxArrayRange {
			return nil, fmt.Errorf("the range has more than %d elements", maxArrayRange)
		}
		elems = append(elems, intValue(n))
	}
	return arrayValue(elems...), nil
}

// arrayGetItem takes whole indexes: of rounding, which the other functions do, its documentation says nothing.
func arrayGetItem(_ *environment, args []*value) (*value, error) {
	list, err := argument(args, 0, kindArray)
	if err != nil {
		return nil, err
	}
	i, ok := args[1].integer()
	if !ok {
		return nil, fmt.Errorf("the index must be an integer, it is %s", args[1])
	}
	if i < 0 || i >= int64(len(list.elems)) {
		return nil, fmt.Errorf("index %d is outside of an array of %d", i, len(list.elems))
	}
	return list.elems[i], nil
}

func arrayLength(_ *environment, args []*value) (*value, error) {
	list, err := argument(args, 0, kindArray)
	if err != nil {
		return nil, err
	}
	return intValue(int64(len(list.elems))), nil
}

func arrayUnique(_ *environment, args []*value) (*value, error) {
	list, err := argument(args, 0, kindArray)
	if err != nil {
		return nil, err
	}
	var unique []*value
next:
	for _, e := range list.elems {
		for _, u := range unique {
			if u.equal(e) {
				continue next
			}
		}
		unique = append(unique, e)
	}
	return arrayValue(unique...), nil
}

// limitedString returns a string argument of at most maxEncodedLength characters.
func limitedString(args []*value, i int) (string, error) {
	s, err := argument(args, i, kindString)
	if err != nil {
		return "", err
	}
	if len([]rune(s.str)) > maxEncodedLength {
		return "", fmt.Errorf("argument %d is longer than %d characters", i+1, maxEncodedLength)
	}
	return s.str, nil
}

func base64Encode(_ *environment, args []*value) (*value, error) {
	s, err := limitedString(args, 0)
	if err != nil {
		return nil, err
	}
	return stringValue(base64.StdEncoding.EncodeToString([]byte(s))), nil
}

func base64Decode(_ *environment, args []*value) (*value, error) {
	s, err := limitedString(args, 0)
	if err != nil {
		return nil, err
	}
	decoded, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return nil, err
	}
	return stringValue(strings.ToValidUTF8(string(decoded), "\uFFFD")), nil
}

func hashString(_ *environment, args []*value) (*value, error) {
	s, err := limitedString(args, 0)
	if err != nil {
		return nil, err
	}
	algorithm, err := argument(args, 1, kindString)
	if err != nil {
		return nil, err
	}
	data := []byte(s)
	var sum []byte
	switch algorithm.str {
	case "MD5":
		h := md5.Sum(data)
		sum = h[:]
	case "SHA-1":
		h := sha1.Sum(data)
		sum = h[:]
	case "SHA-256":
		h := sha256.Sum256(data)
		sum = h[:]
	case "SHA-384":
		h := sha512.Sum384(data)
		sum = h[:]
	case "SHA-512":
		h := sha512.Sum512(data)
		sum = h[:]
	default:
		return nil, fmt.Errorf("%q is not a hash algorithm", algorithm.str)
	}
	return stringValue(hex.EncodeToString(sum)), nil
}

// jsonMerge puts the members of the second object over those of the first. The service knows shallow merging only.
func jsonMerge(_ *environment, args []*value) (*value, error) {
	base, err := argument(args, 0, kindObject)
	if err != nil {
		return nil, err
	}
	over, err := argument(args, 1, kindObject)
	if err != nil {
		return nil, err
	}
	deep, err := argument(args, 2, kindBool)
	if err != nil {
		return nil, err
	}
	if deep.bool() {
		return nil, errors.New("only shallow merging is there: the third argument must be false")
	}
	merged := append([]member(nil), base.members...)
	for _, m := range over.members {
		if at := memberIndex(merged, m.name); at >= 0 {
			merged[at].value = m.value
			continue
		}
		merged = append(merged, m)
	}
	return objectValue(merged...), nil
}

func memberIndex(members []member, name string) int {
	for i := range members {
		if members[i].name == name {
			return i
		}
	}
	return -1
}

// checkMathRandom refuses a seed: what number it gives is the service's secret.
func checkMathRandom(args []expression) error {
	if len(args) == 3 {
		return errors.New("a seed is not done by the local runtime")
	}
	return nil
}

func mathRandom(env *environment, args []*value) (*value, error) {
	from, err := integerArgument(args, 0)
	if err != nil {
		return nil, err
	}
	to, err := integerArgument(args, 1)
	if err != nil {
		return nil, err
	}
	if from >= to {
		return nil, errors.New("the start must be less than the end")
	}
	return intValue(from + int64(env.random()*float64(to-from))), nil
}

func mathAdd(_ *environment, args []*value) (*value, error) {
	a, err := integerArgument(args, 0)
	if err != nil {
		return nil, err
	}
	b, err := integerArgument(args, 1)
	if err != nil {
		return nil, err
	}
	return intValue(a + b), nil
}

// stringSplit splits at each character of the second argument; empty parts are left out.
func stringSplit(_ *environment, args []*value) (*value, error) {
	s, err := argument(args, 0, kindString)
	if err != nil {
		return nil, err
	}
	delimiters, err := argument(args, 1, kindString)
	if err != nil {
		return nil, err
	}
	parts := strings.FieldsFunc(s.str, func(r rune) bool { return strings.ContainsRune(delimiters.str, r) })
	elems := make([]*value, len(parts))
	for i, part := range parts {
		elems[i] = stringValue(part)
	}
	return arrayValue(elems...), nil
}

func newUUID(env *environment, _ []*value) (*value, error) { return stringValue(env.newID()), nil }
