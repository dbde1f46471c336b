package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/payrail/payrail/internal/iso8583"
)

// maxItemFile is the largest authorization file read: a DynamoDB item has at most 400 KB.
const maxItemFile = 512 << 10

// maxItemDepth is how deep DynamoDB lets maps and lists be nested.
const maxItemDepth = 32

// readItem reads a file in the form `aws dynamodb put-item --item file://…` takes: attributes with their types.
func readItem(path string) (map[string]types.AttributeValue, error) {
	raw, err := readSendable(path)
	if err != nil {
		return nil, err
	}
	return parseItem(path, raw)
}

// readSendable reads a file of either kind, once: it may be a pipe. Where it has more bytes than its kind may have, it has too
// many here too.
func readSendable(path string) ([]byte, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return nil, misused(path+" is a folder", "name the files in it")
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, misused("reading "+path+": "+cause(err), "check the path")
	}
	defer file.Close()
	raw, err := io.ReadAll(io.LimitReader(file, max(maxItemFile, iso8583.MaxFile)+1))
	if err != nil {
		return nil, misused("reading "+path+": "+cause(err), "check the path")
	}
	return raw, nil
}

func parseItem(path string, raw []byte) (map[string]types.AttributeValue, error) {
	if len(raw) > maxItemFile {
		return nil, misused(fmt.Sprintf("%s has more than %d bytes, and an item at most 400 KB", path, maxItemFile), "name an authorization file")
	}
	item, err := decodeItem(raw, 0)
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

func decodeItem(raw []byte, depth int) (map[string]types.AttributeValue, error) {
	var attributes map[string]json.RawMessage
	if err := json.Unmarshal(raw, &attributes); err != nil {
		return nil, fmt.Errorf("it is not a JSON object: %w", err)
	}
	if attributes == nil {
		return nil, errors.New("it is not a JSON object: it is null")
	}
	item := make(map[string]types.AttributeValue, len(attributes))
	for name, attribute := range attributes {
		value, err := decodeAttribute(attribute, depth)
		if err != nil {
			return nil, fmt.Errorf("attribute %s: %w", name, err)
		}
		item[name] = value
	}
	return item, nil
}

// decodeAttribute reads {"TYPE": value}.
func decodeAttribute(raw json.RawMessage, depth int) (types.AttributeValue, error) {
	var typed map[string]json.RawMessage
	if err := json.Unmarshal(raw, &typed); err != nil || len(typed) != 1 {
		return nil, errors.New(`want {"TYPE": value} with one type such as "S" or "N"`)
	}
	var kind string
	for kind = range typed {
	}
	value, err := decodeValue(kind, typed[kind], depth+1)
	if err != nil {
		return nil, fmt.Errorf("type %s: %w", kind, err)
	}
	return value, nil
}

func decodeValue(kind string, raw json.RawMessage, depth int) (types.AttributeValue, error) {
	if string(raw) == "null" {
		return nil, errors.New("null is no value; leave the attribute out")
	}
	if depth > maxItemDepth {
		return nil, fmt.Errorf("maps and lists are nested more than %d deep", maxItemDepth)
	}
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
		v := &types.AttributeValueMemberB{}
		into(&v.Value)
		return v, err
	case "BS":
		v := &types.AttributeValueMemberBS{}
		into(&v.Value)
		return v, err
	case "M":
		value, err := decodeItem(raw, depth)
		return &types.AttributeValueMemberM{Value: value}, err
	case "L":
		var elements []json.RawMessage
		if into(&elements); err != nil {
			return nil, err
		}
		list := &types.AttributeValueMemberL{}
		for _, element := range elements {
			value, err := decodeAttribute(element, depth)
			if err != nil {
				return nil, err
			}
			list.Value = append(list.Value, value)
		}
		return list, nil
	default:
		return nil, errors.New("is not an attribute type of DynamoDB")
	}
}
