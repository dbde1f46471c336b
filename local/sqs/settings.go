package sqs

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/payrail/payrail/local/wire"
)

// Names of queue attributes.
const (
	attrFifoQueue        = "FifoQueue"
	attrPolicy           = "Policy"
	attrRedrivePolicy    = "RedrivePolicy"
	attrRedriveAllow     = "RedriveAllowPolicy"
	attrVisibility       = "VisibilityTimeout"
	attrRetention        = "MessageRetentionPeriod"
	attrMaximumSize      = "MaximumMessageSize"
	attrDelay            = "DelaySeconds"
	attrWait             = "ReceiveMessageWaitTimeSeconds"
	attrKMSKey           = "KmsMasterKeyId"
	attrKMSReuse         = "KmsDataKeyReusePeriodSeconds"
	attrManagedSSE       = "SqsManagedSseEnabled"
	attrQueueARN         = "QueueArn"
	attrCreated          = "CreatedTimestamp"
	attrModified         = "LastModifiedTimestamp"
	attrMessages         = "ApproximateNumberOfMessages"
	attrMessagesInFlight = "ApproximateNumberOfMessagesNotVisible"
	attrMessagesDelayed  = "ApproximateNumberOfMessagesDelayed"
)

// maxVisibilitySeconds is AWS's longest visibility timeout: twelve hours.
const maxVisibilitySeconds = 43200

// numberRanges are AWS's limits of the numeric attributes, in seconds or bytes.
var numberRanges = map[string][2]int{
	attrVisibility:  {0, maxVisibilitySeconds},
	attrRetention:   {60, 1209600},
	attrMaximumSize: {1024, maxMessageBytes},
	attrDelay:       {0, maxDelaySeconds},
	attrWait:        {0, maxWaitSeconds},
	attrKMSReuse:    {60, 86400},
}

// redrivePolicy is the RedrivePolicy document. AWS takes maxReceiveCount as a number or as a string.
type redrivePolicy struct {
	DeadLetterTargetArn string          `json:"deadLetterTargetArn"`
	MaxReceiveCount     json.RawMessage `json:"maxReceiveCount"`
}

// redriveAllowPolicy is the RedriveAllowPolicy document of a dead-letter queue.
type redriveAllowPolicy struct {
	RedrivePermission string   `json:"redrivePermission"`
	SourceQueueArns   []string `json:"sourceQueueArns"`
}

// settings are a queue's attributes, as given and parsed. A value is not changed once made.
type settings struct {
	values     map[string]string
	visibility time.Duration
	retention  time.Duration
	delay      time.Duration
	wait       time.Duration
	maxBytes   int
	redrive    redrivePolicy
	maxReceive int
	allow      redriveAllowPolicy
}

func defaultSettings() settings {
	return settings{
		values: map[string]string{
			attrVisibility: "30", attrRetention: "345600", attrMaximumSize: strconv.Itoa(maxMessageBytes),
			attrDelay: "0", attrWait: "0", attrManagedSSE: "true",
		},
		visibility: 30 * time.Second, retention: 345600 * time.Second, maxBytes: maxMessageBytes,
	}
}

// with returns the settings changed by attributes, or the error AWS answers. An empty Policy, RedrivePolicy,
// RedriveAllowPolicy or KmsMasterKeyId removes it.
func (s settings) with(attributes map[string]string) (settings, error) {
	s.values = maps.Clone(s.values)
	if attributes[attrKMSKey] != "" && attributes[attrManagedSSE] == "true" {
		return settings{}, wire.Errorf("InvalidAttributeName", "You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or SQS SSE.")
	}
	for _, name := range slices.Sorted(maps.Keys(attributes)) { // In one order, so that the same mistake has the same error.
		if err := s.set(name, attributes[name]); err != nil {
			return settings{}, err
		}
	}
	return s, nil
}

func (s *settings) set(name, value string) error {
	switch name {
	case attrVisibility, attrRetention, attrMaximumSize, attrDelay, attrWait, attrKMSReuse:
		if err := s.setNumber(name, value); err != nil {
			return err
		}
	case attrManagedSSE:
		if value != "true" && value != "false" {
			return invalidAttribute(name)
		}
	case attrPolicy:
		if value != "" && !json.Valid([]byte(value)) {
			return invalidAttribute(name)
		}
	case attrKMSKey:
		if value != "" { // A queue has one kind of encryption; naming a key switches the other off.
			s.values[attrManagedSSE] = "false"
		}
	case attrRedrivePolicy:
		if err := s.setRedrive(value); err != nil {
			return err
		}
	case attrRedriveAllow:
		if err := s.setRedriveAllow(value); err != nil {
			return err
		}
	case attrFifoQueue, "ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit":
		return wire.NotImplemented("FIFO queues (attribute " + name + ")")
	default:
		return wire.Errorf("InvalidAttributeName", "Unknown Attribute %s.", name)
	}
	if value == "" {
		delete(s.values, name)
	} else {
		s.values[name] = value
	}
	return nil
}

func (s *settings) setNumber(name, value string) error {
	n, err := strconv.Atoi(value)
	if limits := numberRanges[name]; err != nil || n < limits[0] || n > limits[1] {
		return invalidAttribute(name)
	}
	seconds := time.Duration(n) * time.Second
	switch name {
	case attrVisibility:
		s.visibility = seconds
	case attrRetention:
		s.retention = seconds
	case attrDelay:
		s.delay = seconds
	case attrWait:
		s.wait = seconds
	case attrMaximumSize:
		s.maxBytes = n
	}
	return nil
}

func (s *settings) setRedrive(value string) error {
	s.redrive, s.maxReceive = redrivePolicy{}, 0
	if value == "" {
		return nil
	}
	refuse := func(reason string) error {
		return wire.Errorf("InvalidParameterValue", "Value %s for parameter RedrivePolicy is invalid. Reason: %s", value, reason)
	}
	switch err := json.Unmarshal([]byte(value), &s.redrive); {
	case err != nil:
		return refuse("Redrive policy is not a valid JSON map.")
	case s.redrive.DeadLetterTargetArn == "":
		return refuse("Redrive policy does not contain mandatory attribute: deadLetterTargetArn.")
	case len(s.redrive.MaxReceiveCount) == 0:
		return refuse("Redrive policy does not contain mandatory attribute: maxReceiveCount.")
	case !strings.HasPrefix(s.redrive.DeadLetterTargetArn, "arn:"):
		return refuse("Invalid value for deadLetterTargetArn.")
	}
	count := string(s.redrive.MaxReceiveCount)
	if unquoted, err := strconv.Unquote(count); err == nil {
		count = unquoted
	}
	n, err := strconv.Atoi(count)
	if err != nil || n < 1 || n > 1000 {
		return refuse("Invalid value for maxReceiveCount: " + count + ", valid values are from 1 to 1000 both inclusive.")
	}
	s.maxReceive = n
	return nil
}

// maxAllowedSources is how many queues a RedriveAllowPolicy may name.
const maxAllowedSources = 10

func (s *settings) setRedriveAllow(value string) error {
	s.allow = redriveAllowPolicy{}
	if value == "" {
		return nil
	}
	refuse := func(reason string) error {
		return wire.Errorf("InvalidParameterValue", "Value %s for parameter RedriveAllowPolicy is invalid. Reason: %s", value, reason)
	}
	if json.Unmarshal([]byte(value), &s.allow) != nil {
		return refuse("Redrive allow policy is not a valid JSON map.")
	}
	switch n := len(s.allow.SourceQueueArns); s.allow.RedrivePermission {
	case "allowAll", "denyAll":
		if n > 0 {
			return refuse("sourceQueueArns is only for the redrivePermission byQueue.")
		}
	case "byQueue":
		if n < 1 || n > maxAllowedSources {
			return refuse("sourceQueueArns must name 1 to 10 queues.")
		}
	default:
		return refuse("redrivePermission must be allowAll, denyAll or byQueue.")
	}
	return nil
}

func invalidAttribute(name string) error {
	return wire.Errorf("InvalidAttributeValue", "Invalid value for the parameter %s.", name)
}
