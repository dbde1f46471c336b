package sqs

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/payrail/payrail/local/wire"
)

// The query protocol is translated: a form into the JSON request, the JSON answer into XML. Its lists and maps are flattened and
// have names of their own, from version 2012-11-05 of the service's model.

const queryNamespace = "http://queue.amazonaws.com/doc/2012-11-05/"

// queryKind is how a parameter's value is written in a form.
type queryKind int

const (
	queryText       queryKind = iota
	queryNumber               // DelaySeconds=5
	queryList                 // AttributeName.1=All
	queryMap                  // Attribute.1.Name=…&Attribute.1.Value=…
	queryTags                 // Tag.1.Key=…&Tag.1.Value=…
	queryAttributes           // MessageAttribute.1.Name=…&MessageAttribute.1.Value.StringValue=…
	queryEntries              // SendMessageBatchRequestEntry.1.Id=…
)

// queryParameters are the parameters whose form differs from text, by their name in a form, with the member they become.
var queryParameters = map[string]struct {
	member string
	kind   queryKind
}{
	"DelaySeconds":                   {"DelaySeconds", queryNumber},
	"VisibilityTimeout":              {"VisibilityTimeout", queryNumber},
	"WaitTimeSeconds":                {"WaitTimeSeconds", queryNumber},
	"MaxNumberOfMessages":            {"MaxNumberOfMessages", queryNumber},
	"MaxResults":                     {"MaxResults", queryNumber},
	"MaxNumberOfMessagesPerSecond":   {"MaxNumberOfMessagesPerSecond", queryNumber},
	"AttributeName":                  {"AttributeNames", queryList},
	"MessageSystemAttributeName":     {"MessageSystemAttributeNames", queryList},
	"MessageAttributeName":           {"MessageAttributeNames", queryList},
	"TagKey":                         {"TagKeys", queryList},
	"Attribute":                      {"Attributes", queryMap},
	"Tag":                            {"Tags", queryTags},
	"Tags":                           {"Tags", queryTags},
	"MessageAttribute":               {"MessageAttributes", queryAttributes},
	"MessageSystemAttribute":         {"MessageSystemAttributes", queryAttributes},
	"SendMessageBatchRequestEntry":   {"Entries", queryEntries},
	"DeleteMessageBatchRequestEntry": {"Entries", queryEntries},
	"ChangeMessageVisibilityBatchRequestEntry": {"Entries", queryEntries},
}

// queryOperation does an operation for the query protocol.
func queryOperation(name string, operation wire.Operation) wire.QueryOperation {
	return func(ctx context.Context, form url.Values) (any, error) {
		form.Del("Action")
		form.Del("Version")
		request, err := queryRequest(form)
		if err != nil {
			return nil, err
		}
		body, err := json.Marshal(request)
		if err != nil {
			return nil, err
		}
		out, err := operation(ctx, body)
		if err != nil {
			return nil, queryError(err)
		}
		if _, nothing := out.(*empty); nothing {
			return nil, nil
		}
		return queryAnswer{operation: name, out: out}, nil
	}
}

func queryError(err error) error {
	known := *wire.AsError(err)
	if known.Code == codeNoQueue {
		known.Message = "The specified queue does not exist for this wsdl version." // Recorded from AWS: the two protocols word it apart.
	}
	if code, ok := queryCodes[known.Code]; ok {
		known.Code = code
	}
	return &known
}

// queryRequest makes the members of a JSON request of the parameters of a form.
func queryRequest(form url.Values) (map[string]any, error) {
	request := map[string]any{}
	for first, rest := range formGroups(form) {
		parameter := queryParameters[first]
		switch parameter.kind {
		case queryText:
			request[first] = rest.Get("")
		case queryNumber:
			n, err := strconv.Atoi(rest.Get(""))
			if err != nil {
				return nil, wire.Errorf("InvalidParameterValue", "Value %s for parameter %s is invalid. Reason: Must be an integer.", rest.Get(""), first)
			}
			request[parameter.member] = n
		default:
			values, err := queryCollection(parameter.kind, formItems(rest))
			if err != nil {
				return nil, err
			}
			request[parameter.member] = values
		}
	}
	return request, nil
}

func queryCollection(kind queryKind, items []url.Values) (any, error) {
	if kind == queryList {
		texts := make([]string, len(items))
		for i, item := range items {
			texts[i] = item.Get("")
		}
		return texts, nil
	}
	if kind == queryEntries {
		entries := make([]map[string]any, len(items))
		for i, item := range items {
			entry, err := queryRequest(item)
			if err != nil {
				return nil, err
			}
			entries[i] = entry
		}
		return entries, nil
	}
	values := make(map[string]any, len(items))
	for _, item := range items {
		switch kind {
		case queryTags:
			values[item.Get("Key")] = item.Get("Value")
		case queryMap:
			values[item.Get("Name")] = item.Get("Value")
		default:
			attribute := map[string]any{}
			for name, value := range formGroups(item)["Value"] {
				if field, list, isList := strings.Cut(name, "."); isList {
					attribute[field+"Values"] = []string{value[0] + list} // Refused whatever it holds.
					continue
				}
				attribute[name] = value[0]
			}
			values[item.Get("Name")] = attribute
		}
	}
	return values, nil
}

// formGroups splits the names of a form at their first dot.
func formGroups(form url.Values) map[string]url.Values {
	groups := map[string]url.Values{}
	for name, values := range form {
		first, rest, _ := strings.Cut(name, ".")
		if groups[first] == nil {
			groups[first] = url.Values{}
		}
		groups[first][rest] = values
	}
	return groups
}

// formItems are the items of a list, in order of their numbers.
func formItems(form url.Values) []url.Values {
	groups := formGroups(form)
	delete(groups, "") // An empty list is written as the bare name.
	numbers := slices.SortedFunc(maps.Keys(groups), func(a, b string) int {
		x, _ := strconv.Atoi(a) // What is no number sorts first, and is an item all the same.
		y, _ := strconv.Atoi(b)
		return x - y
	})
	items := make([]url.Values, len(numbers))
	for i, n := range numbers {
		items[i] = groups[n]
	}
	return items
}

// queryAnswer writes an answer as XML.
type queryAnswer struct {
	operation string
	out       any
}

// queryElements are the elements of lists and maps in answers; those of a batch begin with the operation.
var queryElements = map[string]string{
	"QueueUrls": "QueueUrl", "queueUrls": "QueueUrl", "Messages": "Message", "Attributes": "Attribute", "MessageAttributes": "MessageAttribute", "Tags": "Tag",
	"Failed": "BatchResultErrorEntry", "Results": "ListMessageMoveTasksResultEntry",
}

func (a queryAnswer) MarshalXML(e *xml.Encoder, start xml.StartElement) error {
	text, err := json.Marshal(a.out)
	if err != nil {
		return err
	}
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.UseNumber()
	var members map[string]any
	if err := decoder.Decode(&members); err != nil {
		return err
	}
	return a.write(e, start.Name.Local, members)
}

func (a queryAnswer) write(e *xml.Encoder, name string, value any) error {
	start := xml.StartElement{Name: xml.Name{Local: name}}
	members, isStructure := value.(map[string]any)
	if !isStructure {
		return e.EncodeElement(value, start)
	}
	if err := e.EncodeToken(start); err != nil {
		return err
	}
	for _, member := range slices.Sorted(maps.Keys(members)) {
		if err := a.writeMember(e, member, members[member]); err != nil {
			return err
		}
	}
	return e.EncodeToken(start.End())
}

func (a queryAnswer) writeMember(e *xml.Encoder, member string, value any) error {
	element := queryElements[member]
	if member == "Successful" {
		element = a.operation + "ResultEntry"
	}
	switch v := value.(type) {
	case []any:
		for _, item := range v {
			if err := a.write(e, element, item); err != nil {
				return err
			}
		}
		return nil
	case map[string]any:
		if element == "" {
			return a.write(e, member, v)
		}
		key := "Name"
		if element == "Tag" {
			key = "Key"
		}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			if err := a.write(e, element, map[string]any{key: name, "Value": v[name]}); err != nil {
				return err
			}
		}
		return nil
	case nil:
		return nil
	default:
		return a.write(e, member, v)
	}
}
