// Package sns is the local runtime's notification topics. Messages go to the SQS queues subscribed; those of a topic
// without subscribers are kept in a bounded ring and handed to a sink, so that a developer sees what an operator would
// be told. Envelopes are not signed: their Signature is empty.
package sns

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/payrail/payrail/local/clock"
	"github.com/payrail/payrail/local/faults"
	"github.com/payrail/payrail/local/storage"
	"github.com/payrail/payrail/local/wire"
)

const (
	// maxMessageBytes is SNS's limit on a message with its attributes, and on all messages of a batch.
	maxMessageBytes = 256 << 10
	// maxSubjectLength is SNS's limit on a subject.
	maxSubjectLength = 100
	// maxBatchEntries is SNS's limit on PublishBatch.
	maxBatchEntries = 10
	// keptNotifications bounds the ring of messages of topics without subscribers.
	keptNotifications = 1000
)

var topicName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,256}$`)

// Queues is where subscribed queues get the messages of a topic. Errors with the code AccessDenied,
// QueueDoesNotExist or NotImplemented are final, any other is tried again. Implementations are safe for concurrent use.
type Queues interface {
	SendMessage(ctx context.Context, topicARN, queueARN, body string, attributes map[string]Attribute) error
}

// Options are what a Service needs.
type Options struct {
	// Queues may be nil: then nothing can be subscribed.
	Queues Queues
	// Sink is called for every message of a topic without subscribers; it must not block. It may be nil.
	Sink func(Notification)
	// Observe hears of NumberOfMessagesPublished, NumberOfNotificationsDelivered and NumberOfNotificationsFailed, named as in
	// CloudWatch's namespace AWS/SNS. It must not block, and may be nil.
	Observe func(topicARN, metric string)
	// Store keeps published messages beyond the process, for Resume; nil keeps them in memory alone.
	Store   storage.Store
	NewID   func() string
	Clock   clock.Clock
	Faults  *faults.Injector
	Logger  *slog.Logger
	Region  string
	Account string
}

// Attribute is a message attribute: String and Binary values, and Number as its text.
type Attribute struct {
	DataType    string
	StringValue string
	BinaryValue []byte
}

// Notification is a published message.
type Notification struct {
	MessageID  string
	TopicARN   string
	Subject    string
	Message    string
	Attributes map[string]Attribute
	Time       time.Time
}

// Service holds the topics. It is safe for concurrent use.
type Service struct {
	options Options
	ctx     context.Context // Ends deliveries at Close.
	cancel  context.CancelFunc
	workers sync.WaitGroup
	*wire.Query
	keeper *keeper

	mu     sync.RWMutex
	topics map[string]*topic
	kept   []Notification
	closed bool
}

type topic struct {
	arn, displayName string
	subscriptions    []*subscription
}

// New makes a Service without topics. Close ends its deliveries.
func New(o Options) *Service {
	if o.Observe == nil {
		o.Observe = func(string, string) {}
	}
	s := &Service{options: o, topics: map[string]*topic{}, keeper: newKeeper(o)}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.Query = s.protocol()
	return s
}

// Close ends the deliveries; what is not delivered yet is lost, unless it is kept.
func (s *Service) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.cancel()
	s.workers.Wait()
}

// CreateTopic adds a standard topic and returns its ARN; a topic that is there stays.
func (s *Service) CreateTopic(name, displayName string) (arn string, err error) {
	if strings.HasSuffix(name, ".fifo") {
		return "", wire.NotImplemented("sns FIFO topics")
	}
	if !topicName.MatchString(name) {
		return "", wire.Errorf("InvalidParameter", "Invalid parameter: Topic Name %q", name)
	}
	arn = fmt.Sprintf("arn:aws:sns:%s:%s:%s", s.options.Region, s.options.Account, name)
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, exists := s.topics[arn]; !exists {
		s.topics[arn] = &topic{arn: arn, displayName: displayName}
	}
	return arn, nil
}

// Publish sends a message to the topic's subscribers and returns its id. Delivery goes on after it returns.
func (s *Service) Publish(ctx context.Context, topicARN, subject, message string, attributes map[string]Attribute) (id string, err error) {
	return wire.WithFaultsOn(s.options.Faults, "sns:Publish", wire.LastPart(topicARN), func() (string, error) {
		return s.publish(ctx, topicARN, subject, message, attributes)
	})
}

func (s *Service) publish(ctx context.Context, topicARN, subject, message string, attributes map[string]Attribute) (string, error) {
	if err := checkMessage(subject, message, attributes); err != nil {
		return "", err
	}
	if err := ctx.Err(); err != nil {
		return "", err
	}
	n := Notification{
		MessageID: s.options.NewID(), TopicARN: topicARN, Subject: subject, Message: message, Attributes: attributes,
		Time: s.options.Clock.Now().UTC(),
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.topic(topicARN)
	if err != nil {
		return "", err
	}
	s.options.Observe(topicARN, "NumberOfMessagesPublished")
	if len(t.subscriptions) == 0 {
		if err := s.keeper.put(shownSpace, []addressed{{Notification: n}}, keptNotifications); err != nil {
			return "", err
		}
		if len(s.kept) == keptNotifications {
			s.kept = slices.Delete(s.kept, 0, 1)
		}
		s.kept = append(s.kept, n)
		if s.options.Sink != nil {
			s.options.Sink(n)
		}
		return n.MessageID, nil
	}
	for _, sub := range t.subscriptions {
		if !sub.hasRoom() {
			return "", &wire.Error{Status: http.StatusBadRequest, Code: "Throttled", Message: "deliveries to " + sub.endpoint + " are behind"}
		}
	}
	messages := make([]addressed, len(t.subscriptions))
	for i, sub := range t.subscriptions {
		messages[i] = addressed{Notification: n, Endpoint: sub.endpoint}
	}
	if err := s.keeper.put(pendingSpace, messages, 0); err != nil {
		return "", err
	}
	for i, sub := range t.subscriptions {
		sub.pending <- messages[i] // It has room, and only publish, under the lock, fills it.
	}
	return n.MessageID, nil
}

func checkMessage(subject, message string, attributes map[string]Attribute) error {
	size := len(message)
	for name, a := range attributes {
		size += len(name) + len(a.DataType) + len(a.StringValue) + len(a.BinaryValue)
	}
	switch {
	case message == "":
		return wire.Errorf("InvalidParameter", "Invalid parameter: Empty message")
	case size > maxMessageBytes:
		return wire.Errorf("InvalidParameter", "Invalid parameter: Message too long")
	case len(subject) > maxSubjectLength || strings.ContainsAny(subject, "\r\n"):
		return errSubject()
	}
	return checkAttributes(attributes, "")
}

func errSubject() error { return wire.Errorf("InvalidParameter", "Invalid parameter: Subject") }

// Notifications are the last messages of topics without subscribers, oldest first.
func (s *Service) Notifications() []Notification {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.Clone(s.kept)
}

// arnElements is how many parts an ARN has at least.
const arnElements = 6

// topic finds a topic by its ARN. The caller holds s.mu.
func (s *Service) topic(arn string) (*topic, error) {
	if n := len(strings.Split(arn, ":")); n < arnElements {
		return nil, wire.Errorf("InvalidParameter", "Invalid parameter: TopicArn Reason: An ARN must have at least %d elements, not %d", arnElements, n)
	}
	if t := s.topics[arn]; t != nil {
		return t, nil
	}
	return nil, notFound("Topic")
}

func notFound(what string) error {
	return &wire.Error{Status: http.StatusNotFound, Code: "NotFound", Message: what + " does not exist"}
}
