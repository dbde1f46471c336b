package redrive

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
)

// image writes an item of a stream in DynamoDB's JSON, as pipes give it to functions; nil for none.
func image(values map[string]types.AttributeValue) (map[string]any, error) {
	if values == nil {
		return nil, nil
	}
	form := make(map[string]any, len(values))
	for name, value := range values {
		encoded, err := attribute(value)
		if err != nil {
			return nil, err
		}
		form[name] = encoded
	}
	return form, nil
}

// attribute writes a value. Bytes become base64 in JSON.
func attribute(value types.AttributeValue) (map[string]any, error) {
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
		form, err := image(v.Value)
		return map[string]any{"M": form}, err
	case *types.AttributeValueMemberL:
		list := make([]any, len(v.Value))
		for i, element := range v.Value {
			encoded, err := attribute(element)
			if err != nil {
				return nil, err
			}
			list[i] = encoded
		}
		return map[string]any{"L": list}, nil
	default:
		return nil, fmt.Errorf("an attribute has the Go type %T, which DynamoDB has not", value)
	}
}
