package sns

import (
	"context"
	"encoding/base64"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/payrail/payrail/local/wire"
)

func (s *Service) protocol() *wire.Query {
	return &wire.Query{
		Name: "sns", Namespace: "http://sns.amazonaws.com/doc/2010-03-31/", Faults: s.options.Faults,
		Operations: map[string]wire.QueryOperation{
			"CreateTopic":              s.createTopicCall,
			"ListTopics":               s.listTopicsCall,
			"GetTopicAttributes":       s.topicAttributesCall,
			"Publish":                  s.publishCall,
			"PublishBatch":             s.publishBatchCall,
			"Subscribe":                s.subscribeCall,
			"ListSubscriptionsByTopic": s.listSubscriptionsCall,
		},
	}
}

// allow refuses parameters an operation does not do, by name. Those of lists are named up to their first dot.
func allow(operation string, form url.Values, names ...string) error {
	for _, name := range slices.Sorted(maps.Keys(form)) {
		first, _, _ := strings.Cut(name, ".")
		if first != "Action" && first != "Version" && !slices.Contains(names, first) && form.Get(name) != "" {
			return wire.NotImplemented("sns:" + operation + " with " + name)
		}
	}
	return nil
}

func (s *Service) createTopicCall(_ context.Context, form url.Values) (any, error) {
	if err := allow("CreateTopic", form, "Name"); err != nil {
		return nil, err
	}
	arn, err := s.CreateTopic(form.Get("Name"), "")
	return struct{ TopicArn string }{arn}, err
}

type topicMember struct{ TopicArn string }

func (s *Service) listTopicsCall(_ context.Context, form url.Values) (any, error) {
	if err := allow("ListTopics", form); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	var out struct {
		Topics []topicMember `xml:"Topics>member"`
	}
	for _, arn := range slices.Sorted(maps.Keys(s.topics)) {
		out.Topics = append(out.Topics, topicMember{arn})
	}
	return out, nil
}

type attributeEntry struct {
	Key   string `xml:"key"`
	Value string `xml:"value"`
}

func (s *Service) topicAttributesCall(_ context.Context, form url.Values) (any, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	t, err := s.topic(form.Get("TopicArn"))
	if err != nil {
		return nil, err
	}
	var out struct {
		Attributes []attributeEntry `xml:"Attributes>entry"`
	}
	out.Attributes = []attributeEntry{
		{"TopicArn", t.arn}, {"Owner", s.options.Account}, {"DisplayName", t.displayName},
		{"SubscriptionsConfirmed", strconv.Itoa(len(t.subscriptions))}, {"SubscriptionsPending", "0"}, {"SubscriptionsDeleted", "0"},
	}
	return out, nil
}

func (s *Service) publishCall(ctx context.Context, form url.Values) (any, error) {
	if err := allow("Publish", form, "TopicArn", "Message", "Subject", "MessageAttributes"); err != nil {
		return nil, err
	}
	attributes, err := messageAttributes(form, "")
	if err != nil {
		return nil, err
	}
	if err := checkSubject(form, ""); err != nil {
		return nil, err
	}
	id, err := s.publish(ctx, form.Get("TopicArn"), form.Get("Subject"), form.Get("Message"), attributes)
	return struct{ MessageId string }{id}, err
}

type batchSuccess struct{ Id, MessageId string }

type batchFailure struct {
	Id, Code, Message string
	SenderFault       bool
}

func (s *Service) publishBatchCall(ctx context.Context, form url.Values) (any, error) {
	if err := allow("PublishBatch", form, "TopicArn", "PublishBatchRequestEntries"); err != nil {
		return nil, err
	}
	s.mu.RLock()
	_, err := s.topic(form.Get("TopicArn"))
	s.mu.RUnlock()
	if err != nil {
		return nil, err
	}
	entries, err := batchEntries(form)
	if err != nil {
		return nil, err
	}
	var out struct {
		Successful []batchSuccess `xml:"Successful>member"`
		Failed     []batchFailure `xml:"Failed>member"`
	}
	for _, entry := range entries {
		id, messageID := form.Get(entry.prefix+"Id"), ""
		err := checkSubject(form, entry.prefix)
		if err == nil {
			messageID, err = s.publish(ctx, form.Get("TopicArn"), form.Get(entry.prefix+"Subject"), form.Get(entry.prefix+"Message"), entry.attributes)
		}
		if err != nil {
			e := wire.AsError(err)
			out.Failed = append(out.Failed, batchFailure{Id: id, Code: e.Code, Message: e.Message, SenderFault: e.Status < 500})
			continue
		}
		out.Successful = append(out.Successful, batchSuccess{id, messageID})
	}
	return out, nil
}

var batchEntryID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)

// batchEntry is an entry of a batch: what its members begin with in the form, and its attributes.
type batchEntry struct {
	prefix     string
	attributes map[string]Attribute
}

// batchEntries finds the entries of a batch, once the batch as a whole is checked. A wrong attribute of one fails all of them.
func batchEntries(form url.Values) ([]batchEntry, error) {
	var entries []batchEntry
	ids, size := map[string]bool{}, 0
	for i := 1; ; i++ {
		number := strconv.Itoa(i)
		prefix := "PublishBatchRequestEntries.member." + number + "."
		if !form.Has(prefix + "Id") {
			break
		}
		if !batchEntryID.MatchString(form.Get(prefix + "Id")) {
			return nil, wire.Errorf("InvalidBatchEntryId", "The Id of a batch entry in a batch request doesn't abide by the specification.")
		}
		if ids[form.Get(prefix+"Id")] {
			return nil, wire.Errorf("BatchEntryIdsNotDistinct", "Two or more batch entries in the request have the same Id.")
		}
		for _, name := range []string{"MessageStructure", "MessageGroupId", "MessageDeduplicationId"} {
			if form.Get(prefix+name) != "" {
				return nil, wire.NotImplemented("sns:PublishBatch with " + name)
			}
		}
		attributes, err := messageAttributes(form, prefix)
		if err == nil {
			err = checkAttributes(attributes, "publishBatchRequestEntries."+number+".member.")
		}
		if err != nil {
			return nil, err
		}
		ids[form.Get(prefix+"Id")] = true
		size += len(form.Get(prefix + "Message"))
		entries = append(entries, batchEntry{prefix: prefix, attributes: attributes})
	}
	switch {
	case len(entries) == 0:
		return nil, wire.Errorf("EmptyBatchRequest", "The batch request doesn't contain any entries.")
	case len(entries) > maxBatchEntries:
		return nil, wire.Errorf("TooManyEntriesInBatchRequest", "The batch request contains more entries than permissible.")
	case size > maxMessageBytes:
		return nil, wire.Errorf("BatchRequestTooLong", "The length of all the messages put together is more than the limit.")
	}
	return entries, nil
}

// checkSubject refuses a subject that is given and empty.
func checkSubject(form url.Values, prefix string) error {
	if form.Has(prefix+"Subject") && form.Get(prefix+"Subject") == "" {
		return errSubject()
	}
	return nil
}

func messageAttributes(form url.Values, prefix string) (map[string]Attribute, error) {
	var attributes map[string]Attribute
	for i := 1; ; i++ {
		at := prefix + "MessageAttributes.entry." + strconv.Itoa(i) + "."
		name := form.Get(at + "Name")
		if name == "" {
			return attributes, nil
		}
		a := Attribute{DataType: form.Get(at + "Value.DataType"), StringValue: form.Get(at + "Value.StringValue")}
		if binary := form.Get(at + "Value.BinaryValue"); binary != "" {
			data, err := base64.StdEncoding.DecodeString(binary)
			if err != nil {
				return nil, wire.Errorf("InvalidParameter", "Invalid parameter: the attribute %s is not base64", name)
			}
			a.BinaryValue = data
		}
		if attributes == nil {
			attributes = map[string]Attribute{}
		}
		attributes[name] = a
	}
}

func (s *Service) subscribeCall(_ context.Context, form url.Values) (any, error) {
	if err := allow("Subscribe", form, "TopicArn", "Protocol", "Endpoint", "ReturnSubscriptionArn", "Attributes"); err != nil {
		return nil, err
	}
	raw := false
	for i := 1; form.Has("Attributes.entry." + strconv.Itoa(i) + ".key"); i++ {
		at := "Attributes.entry." + strconv.Itoa(i) + "."
		if name := form.Get(at + "key"); name != "RawMessageDelivery" {
			return nil, wire.NotImplemented("sns:Subscribe with the attribute " + name)
		}
		switch value := form.Get(at + "value"); strings.ToLower(value) {
		case "true":
			raw = true
		case "false":
			raw = false
		default:
			return nil, wire.Errorf("InvalidParameter", "Invalid parameter: Attributes Reason: RawMessageDelivery: Invalid value [%s]. Must be true or false.", value)
		}
	}
	arn, err := s.Subscribe(form.Get("TopicArn"), form.Get("Protocol"), form.Get("Endpoint"), raw)
	return struct{ SubscriptionArn string }{arn}, err
}

type subscriptionMember struct{ SubscriptionArn, Owner, Protocol, Endpoint, TopicArn string }

func (s *Service) listSubscriptionsCall(_ context.Context, form url.Values) (any, error) {
	if err := allow("ListSubscriptionsByTopic", form, "TopicArn"); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	t, err := s.topic(form.Get("TopicArn"))
	if err != nil {
		return nil, err
	}
	var out struct {
		Subscriptions []subscriptionMember `xml:"Subscriptions>member"`
	}
	for _, sub := range t.subscriptions {
		out.Subscriptions = append(out.Subscriptions, subscriptionMember{sub.arn, s.options.Account, "sqs", sub.endpoint, t.arn})
	}
	return out, nil
}
