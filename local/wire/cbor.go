package wire

import (
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/aws/smithy-go/encoding/cbor"
)

// epochTag is the CBOR tag of a time in seconds since 1970 (RFC 8949, 3.4.2).
const epochTag = 1

// cborOf writes a tree: integers as integers, other numbers as 64-bit floats, times as tagged epoch seconds, as the Smithy
// protocol rpc-v2-cbor wants them.
func cborOf(v any) cbor.Value {
	switch v := v.(type) {
	case object:
		m := make(cbor.Map, len(v))
		for _, e := range v {
			m[e.name] = cborOf(e.value)
		}
		return m
	case []any:
		list := make(cbor.List, len(v))
		for i, e := range v {
			list[i] = cborOf(e)
		}
		return list
	case string:
		return cbor.String(v)
	case bool:
		return cbor.Bool(v)
	case int64:
		if v < 0 {
			return cbor.NegInt(-v)
		}
		return cbor.Uint(v)
	case time.Time:
		return &cbor.Tag{ID: epochTag, Value: cbor.Float64(float64(v.UnixMilli()) / 1000)}
	case float64:
		return cbor.Float64(v)
	default:
		return &cbor.Nil{}
	}
}

// fromCBOR reads a tree.
func fromCBOR(v cbor.Value) (any, error) {
	switch v := v.(type) {
	case cbor.Map:
		members := make(object, 0, len(v))
		for name, e := range v {
			value, err := fromCBOR(e)
			if err != nil {
				return nil, err
			}
			members = append(members, member{name, value})
		}
		return members, nil
	case cbor.List:
		list := make([]any, len(v))
		for i, e := range v {
			var err error
			if list[i], err = fromCBOR(e); err != nil {
				return nil, err
			}
		}
		return list, nil
	case *cbor.Tag:
		at, err := cbor.AsTime(v)
		if err != nil {
			return nil, fmt.Errorf("reading a time: %w", err)
		}
		return at, nil
	case cbor.String:
		return string(v), nil
	case cbor.Bool:
		return bool(v), nil
	case cbor.Uint:
		if v > math.MaxInt64 {
			return nil, fmt.Errorf("%d is too large", v)
		}
		return int64(v), nil
	case cbor.NegInt:
		if v > math.MaxInt64 || v == 0 {
			return nil, fmt.Errorf("-%d is too small", v)
		}
		return -int64(v), nil
	case cbor.Float32:
		return float64(v), nil
	case cbor.Float64:
		return float64(v), nil
	case *cbor.Nil, *cbor.Undefined:
		return nil, nil
	default:
		return nil, fmt.Errorf("%T is not expected", v)
	}
}

// jsonOf writes a tree for encoding/json: times are seconds since 1970, as the AWS JSON protocols want them.
func jsonOf(v any) any {
	switch v := v.(type) {
	case object:
		m := make(map[string]any, len(v))
		for _, e := range v {
			m[e.name] = jsonOf(e.value)
		}
		return m
	case []any:
		list := make([]any, len(v))
		for i, e := range v {
			list[i] = jsonOf(e)
		}
		return list
	case time.Time:
		return json.Number(fmt.Sprintf("%.3f", float64(v.UnixMilli())/1000))
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return json.Number(fmt.Sprintf("%.1f", v)) // Languages that tell integers from other numbers get what AWS gives them.
		}
		return v
	default:
		return v
	}
}

// fromJSON reads a tree that encoding/json has decoded with numbers as json.Number.
func fromJSON(v any) any {
	switch v := v.(type) {
	case map[string]any:
		members := make(object, 0, len(v))
		for name, e := range v {
			members = append(members, member{name, fromJSON(e)})
		}
		return members
	case []any:
		list := make([]any, len(v))
		for i, e := range v {
			list[i] = fromJSON(e)
		}
		return list
	default:
		return v
	}
}
