package authorizationitem

import (
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// The errors of this file show neither names nor contents of attributes: both may hold card numbers.

// maxDepth is how deep DynamoDB nests documents.
const maxDepth = 32

// form is an attribute value in DynamoDB's JSON: exactly one member is set.
type form struct {
	S    *string
	N    *string
	B    *[]byte // base64 in JSON
	BOOL *bool
	NULL *bool
	SS   *[]string
	NS   *[]string
	BS   *[][]byte
	M    *map[string]form
	L    *[]form
}

func decodeMap(data []byte) (map[string]types.AttributeValue, error) {
	var forms map[string]form
	if err := json.Unmarshal(data, &forms); err != nil {
		return nil, err
	}
	return valuesOf(forms, 0)
}

func valuesOf(forms map[string]form, depth int) (map[string]types.AttributeValue, error) {
	values := make(map[string]types.AttributeValue, len(forms))
	for name, f := range forms {
		value, err := f.value(depth)
		if err != nil {
			return nil, err
		}
		values[name] = value
	}
	return values, nil
}

// value is the member that is set; another number of them than one is an error.
func (f form) value(depth int) (value types.AttributeValue, err error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("an attribute is nested deeper than %d", maxDepth)
	}
	set := 0
	take := func(v types.AttributeValue) { value, set = v, set+1 }
	if f.S != nil {
		take(&types.AttributeValueMemberS{Value: *f.S})
	}
	if f.N != nil {
		take(&types.AttributeValueMemberN{Value: *f.N})
	}
	if f.B != nil {
		take(&types.AttributeValueMemberB{Value: *f.B})
	}
	if f.BOOL != nil {
		take(&types.AttributeValueMemberBOOL{Value: *f.BOOL})
	}
	if f.NULL != nil {
		take(&types.AttributeValueMemberNULL{Value: *f.NULL})
	}
	if f.SS != nil {
		take(&types.AttributeValueMemberSS{Value: *f.SS})
	}
	if f.NS != nil {
		take(&types.AttributeValueMemberNS{Value: *f.NS})
	}
	if f.BS != nil {
		take(&types.AttributeValueMemberBS{Value: *f.BS})
	}
	if f.M != nil {
		values, err := valuesOf(*f.M, depth+1)
		if err != nil {
			return nil, err
		}
		take(&types.AttributeValueMemberM{Value: values})
	}
	if f.L != nil {
		list := make([]types.AttributeValue, len(*f.L))
		for i, element := range *f.L {
			if list[i], err = element.value(depth + 1); err != nil {
				return nil, err
			}
		}
		take(&types.AttributeValueMemberL{Value: list})
	}
	if set != 1 {
		return nil, fmt.Errorf("an attribute has %d types of DynamoDB, want one", set)
	}
	return value, nil
}

func encodeMap(values map[string]types.AttributeValue) (map[string]any, error) {
	form := make(map[string]any, len(values))
	for name, value := range values {
		encoded, err := encode(value)
		if err != nil {
			return nil, err
		}
		form[name] = encoded
	}
	return form, nil
}

func encode(value types.AttributeValue) (map[string]any, error) {
	switch v := value.(type) {
	case *types.AttributeValueMemberS:
		return map[string]any{"S": v.Value}, nil
	case *types.AttributeValueMemberN:
		return map[string]any{"N": v.Value}, nil
	case *types.AttributeValueMemberB:
		return map[string]any{"B": v.Value}, nil
	case *types.AttributeValueMemberBOOL:
		return map[string]any{"BOOL": v.Value}, nil
	case *types.AttributeValueMemberNULL:
		return map[string]any{"NULL": v.Value}, nil
	case *types.AttributeValueMemberSS:
		return map[string]any{"SS": v.Value}, nil
	case *types.AttributeValueMemberNS:
		return map[string]any{"NS": v.Value}, nil
	case *types.AttributeValueMemberBS:
		return map[string]any{"BS": v.Value}, nil
	case *types.AttributeValueMemberM:
		form, err := encodeMap(v.Value)
		return map[string]any{"M": form}, err
	case *types.AttributeValueMemberL:
		list := make([]any, len(v.Value))
		for i, element := range v.Value {
			encoded, err := encode(element)
			if err != nil {
				return nil, fmt.Errorf("element %d: %w", i, err)
			}
			list[i] = encoded
		}
		return map[string]any{"L": list}, nil
	default:
		return nil, fmt.Errorf("an attribute has the Go type %T, which DynamoDB has not", value)
	}
}
