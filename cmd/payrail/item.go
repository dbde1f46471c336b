package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// maxItemFile is the largest authorization file read: a DynamoDB item has at most 400 KB.
const maxItemFile = 512 << 10

// readItem reads a file in the form `aws dynamodb put-item --item file://…` takes: attributes with their types.
func readItem(path string) (map[string]types.AttributeValue, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, misused("reading "+path+": "+cause(err), "check the path")
	}
	if info.IsDir() {
		return nil, misused(path+" is a folder", "name the files in it")
	}
	if info.Size() > maxItemFile {
		return nil, misused(fmt.Sprintf("%s has %d bytes, more than an item can have", path, info.Size()), "name an authorization file")
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, misused("reading "+path+": "+cause(err), "check the path")
	}
	item, err := decodeItem(raw)
	if err != nil {
		return nil, misused(path+" is no authorization: "+err.Error(), `write it like examples/try/coffee.json: {"stan": {"S": "200001"}, …}`)
	}
	if id, ok := item["authorizationId"].(*types.AttributeValueMemberS); !ok || id.Value == "" {
		return nil, misused(path+" has no authorizationId", `add "authorizationId": {"S": "…"}`)
	}
	return item, nil
}

// cause is an error of the file system without the path, which the message already has.
func cause(err error) string {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err.Error()
	}
	return err.Error()
}

func decodeItem(raw []byte) (map[string]types.AttributeValue, error) {
	var attributes map[string]json.RawMessage
	if err := json.Unmarshal(raw, &attributes); err != nil {
		return nil, fmt.Errorf("it is not a JSON object: %w", err)
	}
	item := make(map[string]types.AttributeValue, len(attributes))
	for name, attribute := range attributes {
		value, err := decodeAttribute(attribute)
		if err != nil {
			return nil, fmt.Errorf("attribute %s: %w", name, err)
		}
		item[name] = value
	}
	return item, nil
}

// decodeAttribute reads {"TYPE": value}.
func decodeAttribute(raw json.RawMessage) (types.AttributeValue, error) {
	var typed map[string]json.RawMessage
	decoder := json.NewDecoder(bytes.NewReader(raw))
	if err := decoder.Decode(&typed); err != nil || len(typed) != 1 {
		return nil, fmt.Errorf(`want {"TYPE": value} with one type such as "S" or "N"`)
	}
	var kind string
	for kind = range typed {
	}
	value, err := decodeValue(kind, typed[kind])
	if err != nil {
		return nil, fmt.Errorf("type %s: %w", kind, err)
	}
	return value, nil
}

func decodeValue(kind string, raw json.RawMessage) (types.AttributeValue, error) {
	var err error
	into := func(v any) { err = json.Unmarshal(raw, v) }
	switch kind {
	case "S":
		v := &types.AttributeValueMemberS{}
		into(&v.Value)
		return v, err
	case "N":
		v := &types.AttributeValueMemberN{}
		into(&v.Value)
		return v, err
	case "BOOL":
		v := &types.AttributeValueMemberBOOL{}
		into(&v.Value)
		return v, err
	case "NULL":
		v := &types.AttributeValueMemberNULL{}
		into(&v.Value)
		return v, err
	case "SS":
		v := &types.AttributeValueMemberSS{}
		into(&v.Value)
		return v, err
	case "NS":
		v := &types.AttributeValueMemberNS{}
		into(&v.Value)
		return v, err
	case "B":
		var text string
		if into(&text); err != nil {
			return nil, err
		}
		data, err := base64.StdEncoding.DecodeString(text)
		return &types.AttributeValueMemberB{Value: data}, err
	case "M":
		value, err := decodeItem(raw)
		return &types.AttributeValueMemberM{Value: value}, err
	case "L":
		var elements []json.RawMessage
		if into(&elements); err != nil {
			return nil, err
		}
		list := &types.AttributeValueMemberL{}
		for _, element := range elements {
			value, err := decodeAttribute(element)
			if err != nil {
				return nil, err
			}
			list.Value = append(list.Value, value)
		}
		return list, nil
	default:
		return nil, fmt.Errorf("is not an attribute type of DynamoDB")
	}
}
