package sns

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/payrail/payrail/local/wire"
)

const (
	// maxPending is how many messages a subscription holds while its queue does not take them; then publishing is throttled.
	// It bounds memory.
	maxPending = 10_000
	// The phases of SNS's delivery policy for AWS services: 3 retries at once, 2 after a second each, 10 with waits that grow from 1 to
	// 20 seconds, 100,000 after 20 seconds each, over 23 days. Then the message is dropped.
	// https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html
	immediateRetries = 3
	earlyRetries     = 2
	earlyWait        = time.Second
	longestBackOff   = 20 * time.Second
	lateRetries      = 100_000
	backOffRetries   = 10
	deliveryAttempts = immediateRetries + earlyRetries + backOffRetries + lateRetries
)

// waitBefore is how long SNS waits before a retry; the first is retry 1.
func waitBefore(retry int) time.Duration {
	switch {
	case retry <= immediateRetries:
		return 0
	case retry <= immediateRetries+earlyRetries:
		return earlyWait
	default:
		return min(longestBackOff, earlyWait<<min(retry-immediateRetries-earlyRetries-1, 16))
	}
}

// finalErrors are those that SNS does not retry: the endpoint's owner must put them right. NotImplemented is our own.
var finalErrors = []string{"AccessDenied", "QueueDoesNotExist", "NotImplemented"}

type subscription struct {
	arn, endpoint string
	raw           bool
	pending       chan addressed
}

func (s *subscription) hasRoom() bool { return len(s.pending) < maxPending }

// Subscribe sends the topic's messages to an SQS queue, as they are where raw, in SNS's envelope otherwise. Other protocols
// are refused.
func (s *Service) Subscribe(topicARN, protocol, queueARN string, raw bool) (arn string, err error) {
	if protocol != "sqs" {
		return "", wire.NotImplemented("sns subscriptions with the protocol " + protocol)
	}
	if s.options.Queues == nil || !strings.HasPrefix(queueARN, "arn:aws:sqs:") {
		return "", wire.Errorf("InvalidParameter", "Invalid parameter: SQS endpoint ARN")
	}
	if strings.HasSuffix(queueARN, ".fifo") {
		return "", wire.Errorf("InvalidParameter", "Invalid parameter: Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.topic(topicARN)
	if err != nil {
		return "", err
	}
	if s.closed {
		return "", fmt.Errorf("subscribing %s: the service is closed", queueARN)
	}
	for _, sub := range t.subscriptions {
		if sub.endpoint == queueARN {
			if sub.raw != raw {
				return "", wire.Errorf("InvalidParameter", "Invalid parameter: Subscription already exists with different attributes")
			}
			return sub.arn, nil
		}
	}
	sub := &subscription{arn: topicARN + ":" + s.options.NewID(), endpoint: queueARN, raw: raw, pending: make(chan addressed, maxPending+1)} // The one that is being sent has room too, after a restart.
	t.subscriptions = append(t.subscriptions, sub)
	s.workers.Go(func() { s.deliver(sub) })
	return sub.arn, nil
}

func (s *Service) deliver(sub *subscription) {
	for {
		select {
		case n := <-sub.pending:
			err := s.send(s.ctx, sub, n.Notification)
			if s.ctx.Err() == nil {
				s.keeper.remove(n)
			}
			if err == nil {
				s.options.Observe(n.TopicARN, "NumberOfNotificationsDelivered")
			} else if s.ctx.Err() == nil {
				s.options.Observe(n.TopicARN, "NumberOfNotificationsFailed")
				s.options.Logger.Error("dropping a message of a topic",
					slog.String("topic", n.TopicARN), slog.String("endpoint", sub.endpoint), slog.Any("error", err))
			}
		case <-s.ctx.Done():
			return
		}
	}
}

// send tries until the queue takes the message or the delivery policy ends. SNS does not order messages, but this worker
// does one after the other: a queue that fails holds the later ones up.
func (s *Service) send(ctx context.Context, sub *subscription, n Notification) error {
	body, attributes := n.Message, n.Attributes
	if !sub.raw {
		var err error
		if body, err = envelope(n); err != nil {
			return err
		}
		attributes = nil
	}
	for attempt := 1; ; attempt++ {
		err := s.options.Queues.SendMessage(ctx, n.TopicARN, sub.endpoint, body, attributes)
		if err == nil {
			return nil
		}
		if slices.Contains(finalErrors, wire.AsError(err).Code) {
			return fmt.Errorf("delivering %s: %w", n.MessageID, err)
		}
		if attempt >= deliveryAttempts {
			return fmt.Errorf("delivering %s: given up after %d attempts: %w", n.MessageID, attempt, err)
		}
		s.options.Logger.Warn("delivering a message of a topic failed, trying again",
			slog.String("topic", n.TopicARN), slog.String("endpoint", sub.endpoint), slog.Int("attempt", attempt), slog.Any("error", err))
		if waitBefore(attempt) == 0 {
			continue
		}
		select {
		case <-s.options.Clock.After(waitBefore(attempt)):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

type envelopeAttribute struct{ Type, Value string }

func envelope(n Notification) (string, error) {
	e := struct {
		Type              string
		MessageId         string
		TopicArn          string
		Subject           string `json:",omitempty"`
		Message           string
		Timestamp         string
		SignatureVersion  string
		Signature         string
		MessageAttributes map[string]envelopeAttribute `json:",omitempty"`
	}{
		Type: "Notification", MessageId: n.MessageID, TopicArn: n.TopicARN, Subject: n.Subject, Message: n.Message,
		Timestamp: n.Time.Format("2006-01-02T15:04:05.000Z"), SignatureVersion: "1",
	}
	for name, a := range n.Attributes {
		if e.MessageAttributes == nil {
			e.MessageAttributes = map[string]envelopeAttribute{}
		}
		value := a.StringValue
		if strings.HasPrefix(a.DataType, "Binary") {
			value = base64.StdEncoding.EncodeToString(a.BinaryValue)
		}
		e.MessageAttributes[name] = envelopeAttribute{Type: a.DataType, Value: value}
	}
	data, err := json.Marshal(e)
	if err != nil {
		return "", fmt.Errorf("encoding message: %w", err)
	}
	return string(data), nil
}
