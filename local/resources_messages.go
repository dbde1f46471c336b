package local

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/payrail/payrail/local/firehose"
	"github.com/payrail/payrail/local/sqs"
	"github.com/payrail/payrail/local/template"
)

func (s *stack) queue(id string, properties map[string]any) (resource, error) {
	name := s.name(id)
	attributes, tags := map[string]string{}, map[string]string{}
	for property, value := range properties {
		switch property {
		case "QueueName":
			name = fmt.Sprint(value)
		case "Tags":
			var list struct{ Tags []struct{ Key, Value string } }
			if err := template.Decode(map[string]any{"Tags": value}, &list); err != nil {
				return resource{}, err
			}
			for _, tag := range list.Tags {
				tags[tag.Key] = tag.Value
			}
		case "KmsMasterKeyId":
			// Services deliver to such a queue only if the key's policy lets them use the key, and that is not evaluated here.
			return resource{}, fmt.Errorf("the local runtime does not do property %s", property)
		default:
			text, err := attributeText(value)
			if err != nil {
				return resource{}, fmt.Errorf("reading %s: %w", property, err)
			}
			attributes[property] = text
		}
	}
	queueARN, url, err := s.sqs.CreateQueue(sqs.QueueSpec{Name: name, Attributes: attributes, Tags: tags})
	if err != nil {
		return resource{}, err
	}
	return resource{url, map[string]any{"Arn": queueARN, "QueueName": name, "QueueUrl": url}}, nil
}

// attributeText writes a property as the SQS API takes attributes: scalars as text, objects as JSON text.
func attributeText(value any) (string, error) {
	switch v := value.(type) {
	case string:
		return v, nil
	case bool:
		return strconv.FormatBool(v), nil
	case json.Number:
		return v.String(), nil
	default:
		text, err := json.Marshal(v)
		return string(text), err
	}
}

func (s *stack) queuePolicy(id string, properties map[string]any) (resource, error) {
	var p struct {
		PolicyDocument any
		Queues         []string
	}
	if err := s.decode(properties, &p); err != nil {
		return resource{}, err
	}
	document, err := json.Marshal(p.PolicyDocument)
	if err != nil {
		return resource{}, fmt.Errorf("encoding the policy: %w", err)
	}
	if _, err := parsePolicy(p.PolicyDocument); err != nil {
		return resource{}, err
	}
	for _, url := range p.Queues {
		queueARN := arn("sqs", url[strings.LastIndexByte(url, '/')+1:])
		if err := s.sqs.SetAttributes(queueARN, map[string]string{"Policy": string(document)}); err != nil {
			return resource{}, err
		}
	}
	return named(s.name(id)), nil
}

func (s *stack) topic(id string, properties map[string]any) (resource, error) {
	var p struct{ TopicName, DisplayName string }
	if err := s.decode(properties, &p, "Tags"); err != nil {
		return resource{}, err
	}
	if p.TopicName == "" {
		p.TopicName = s.name(id)
	}
	topicARN, err := s.sns.CreateTopic(p.TopicName, p.DisplayName)
	if err != nil {
		return resource{}, err
	}
	return resource{topicARN, map[string]any{"TopicArn": topicARN, "TopicName": p.TopicName}}, nil
}

func (s *stack) topicPolicy(id string, properties map[string]any) (resource, error) {
	var p struct {
		PolicyDocument any
		Topics         []string
	}
	if err := s.decode(properties, &p); err != nil {
		return resource{}, err
	}
	parsed, err := parsePolicy(p.PolicyDocument)
	if err != nil {
		return resource{}, err
	}
	for _, topicARN := range p.Topics {
		s.wiring.setTopicPolicy(topicARN, parsed)
	}
	return named(s.name(id)), nil
}

func (s *stack) deliveryStream(id string, properties map[string]any) (resource, error) {
	var spec firehose.Spec
	if err := s.decode(properties, &spec); err != nil {
		return resource{}, err
	}
	if spec.DeliveryStreamName == "" {
		spec.DeliveryStreamName = s.name(id)
	}
	streamARN, err := s.firehose.CreateDeliveryStream(spec)
	if err != nil {
		return resource{}, err
	}
	return resource{spec.DeliveryStreamName, map[string]any{"Arn": streamARN}}, nil
}
