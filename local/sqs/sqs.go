// Package sqs is the local runtime's Amazon SQS: standard queues with visibility timeouts, delays, retention, long
// polling and redrive to dead-letter queues. Every timer runs on the injected clock. FIFO queues are refused.
package sqs

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
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

// queueName is what AWS allows; a name ending in ".fifo" is refused with its own message.
var queueName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)

// Options is what a Service needs. Clock, Region, Account and BaseURL are mandatory.
type Options struct {
	Clock   clock.Clock
	Faults  *faults.Injector
	Region  string
	Account string
	// BaseURL is the address clients reach the service at ("http://127.0.0.1:4566"); asked each time a queue URL is made.
	BaseURL func() string
	// NewID makes message ids; nil means random UUIDs.
	NewID func() [16]byte
	// Store keeps messages beyond the process; nil keeps them in memory alone. A queue of the name of an earlier one gets its messages.
	Store storage.Store
	// Logger gets failures of the store that no caller sees; nil logs nothing.
	Logger *slog.Logger
}

// QueueSpec describes a queue to create.
type QueueSpec struct {
	Name string
	// Attributes are the API's attributes of the queue ("VisibilityTimeout": "30", "RedrivePolicy": "{…}").
	Attributes map[string]string
	Tags       map[string]string
}

// Service holds the queues. It is safe for concurrent use.
type Service struct {
	clock     clock.Clock
	faults    *faults.Injector
	account   string
	arnPrefix string
	baseURL   func() string
	newID     func() [16]byte
	store     storage.Store
	logger    *slog.Logger
	closed    chan struct{}
	closeOnce sync.Once

	mu     sync.RWMutex
	queues map[string]*queue
	// deletedAt is when queues were deleted, by name: AWS keeps a name for a while.
	deletedAt map[string]time.Time

	movesMu sync.Mutex
	// moves are the move tasks of a source, the latest first.
	moves map[*queue][]*moveTask
}

// New makes a Service without queues.
func New(o Options) *Service {
	if o.NewID == nil {
		o.NewID = randomUUID
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Service{
		clock: o.Clock, faults: o.Faults, account: o.Account, baseURL: o.BaseURL, newID: o.NewID, store: o.Store, logger: o.Logger,
		arnPrefix: "arn:aws:sqs:" + o.Region + ":" + o.Account + ":",
		closed:    make(chan struct{}), queues: map[string]*queue{}, deletedAt: map[string]time.Time{}, moves: map[*queue][]*moveTask{},
	}
}

// Close ends all waiting receives.
func (s *Service) Close() {
	s.closeOnce.Do(func() { close(s.closed) })
	// A step of a move task that is under way ends before its store is closed.
	s.movesMu.Lock()
	defer s.movesMu.Unlock()
}

// CreateQueue makes a queue, or returns the existing one of that name if it has the attributes asked for.
func (s *Service) CreateQueue(spec QueueSpec) (arn, url string, err error) {
	if strings.HasSuffix(spec.Name, ".fifo") || spec.Attributes[attrFifoQueue] != "" {
		return "", "", wire.NotImplemented("FIFO queues (" + spec.Name + ")")
	}
	if !queueName.MatchString(spec.Name) {
		return "", "", wire.Errorf("InvalidParameterValue", "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")
	}
	if err := checkTags(spec.Tags); err != nil {
		return "", "", err
	}
	arn, url = s.arnPrefix+spec.Name, s.url(spec.Name)
	s.mu.Lock()
	defer s.mu.Unlock()
	if existing := s.queues[spec.Name]; existing != nil {
		if name := existing.differs(spec.Attributes); name != "" {
			return "", "", wire.Errorf("QueueNameExists", "A queue already exists with the same name and a different value for attribute %s", name)
		}
		return arn, url, nil
	}
	if err := s.mayReuse(spec.Name); err != nil {
		return "", "", err
	}
	settings, err := defaultSettings().with(spec.Attributes)
	if err != nil {
		return "", "", err
	}
	deadLetter, err := s.deadLetterQueue(arn, settings)
	if err != nil {
		return "", "", err
	}
	q := newQueue(arn, spec.Name, s.clock, settings, deadLetter, s.keeperOf(spec.Name))
	q.faults = s.faults
	q.tag(spec.Tags)
	if err := q.kept.restore(q); err != nil {
		return "", "", err
	}
	s.queues[spec.Name] = q
	return arn, url, nil
}

// deadLetterQueue finds the target of a redrive policy. The caller holds s.mu.
func (s *Service) deadLetterQueue(sourceARN string, settings settings) (*queue, error) {
	target := settings.redrive.DeadLetterTargetArn
	if target == "" {
		return nil, nil
	}
	name, ok := strings.CutPrefix(target, s.arnPrefix)
	q := s.queues[name]
	if !ok || q == nil {
		return nil, wire.Errorf("InvalidParameterValue", "Value %s for parameter RedrivePolicy is invalid. Reason: Dead letter target does not exist.", settings.values[attrRedrivePolicy])
	}
	if !q.allowsRedriveFrom(sourceARN) {
		return nil, wire.Errorf("InvalidParameterValue", "Value %s for parameter RedrivePolicy is invalid. Reason: the dead letter target's RedriveAllowPolicy does not allow it.", settings.values[attrRedrivePolicy])
	}
	return q, nil
}

// SetAttributes changes attributes of a queue.
func (s *Service) SetAttributes(queueARN string, attributes map[string]string) error {
	q, err := s.byARN(queueARN)
	if err != nil {
		return err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	settings, err := q.currentSettings().with(attributes)
	if err != nil {
		return err
	}
	deadLetter, err := s.deadLetterQueue(queueARN, settings)
	if err != nil {
		return err
	}
	q.configure(settings, deadLetter)
	return nil
}

// Attributes returns all attributes of a queue as GetQueueAttributes does, message counts included.
func (s *Service) Attributes(queueARN string) (map[string]string, error) {
	q, err := s.byARN(queueARN)
	if err != nil {
		return nil, err
	}
	return q.attributes(), nil
}

// Policy returns the queue's resource policy document, or "" if it has none.
func (s *Service) Policy(queueARN string) (string, error) {
	q, err := s.byARN(queueARN)
	if err != nil {
		return "", err
	}
	return q.currentSettings().values[attrPolicy], nil
}

// VisibilityTimeout returns how long a received message stays hidden.
func (s *Service) VisibilityTimeout(queueARN string) (time.Duration, error) {
	q, err := s.byARN(queueARN)
	if err != nil {
		return 0, err
	}
	return q.currentSettings().visibility, nil
}

// Stats returns the counters of a queue.
func (s *Service) Stats(queueARN string) (Stats, error) {
	q, err := s.byARN(queueARN)
	if err != nil {
		return Stats{}, err
	}
	return q.stats(), nil
}

// Depth returns how many messages a queue holds: visible, delayed and in flight.
func (s *Service) Depth(queueARN string) (int, error) {
	stats, err := s.Stats(queueARN)
	return stats.Visible + stats.Delayed + stats.InFlight, err
}

// Purge deletes all messages of a queue.
func (s *Service) Purge(queueARN string) error {
	q, err := s.byARN(queueARN)
	if err != nil {
		return err
	}
	return q.purge()
}

// Queues returns the ARNs of all queues in order of their names.
func (s *Service) Queues() []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	arns := make([]string, 0, len(s.queues))
	for _, q := range s.queues {
		arns = append(arns, q.arn)
	}
	slices.Sort(arns)
	return arns
}

// Send puts one message into a queue, as SendMessage does; attributes become message attributes of type String.
func (s *Service) Send(ctx context.Context, queueARN, body string, attributes map[string]string) error {
	var typed map[string]Attribute
	if len(attributes) > 0 {
		typed = make(map[string]Attribute, len(attributes))
		for name, value := range attributes {
			typed[name] = Attribute{DataType: "String", StringValue: value}
		}
	}
	return s.SendWithAttributes(ctx, queueARN, body, typed)
}

// SendWithAttributes puts one message into a queue, as SendMessage does.
func (s *Service) SendWithAttributes(_ context.Context, queueARN, body string, attributes map[string]Attribute) error {
	q, err := s.byARN(queueARN)
	if err != nil {
		return err
	}
	_, err = wire.WithFaultsOn(s.faults, "sqs:SendMessage", q.name, func() ([16]byte, error) {
		return s.send(q, draft{body: body, attributes: attributes, delay: useQueueDelay})
	})
	return err
}

// Sent is what SendMessage answers.
type Sent struct{ MessageID, MD5OfBody string }

// SendTo puts one message into the queue of that URL, as SendMessage does; delaySeconds nil means the queue's own delay.
func (s *Service) SendTo(ctx context.Context, queueURL, body string, delaySeconds *int32) (Sent, error) {
	in := sendInput{QueueUrl: queueURL, MessageBody: body}
	if delaySeconds != nil {
		delay := int(*delaySeconds)
		in.DelaySeconds = &delay
	}
	out, err := wire.WithFaultsOn(s.faults, "sqs:SendMessage", wire.LastPart(queueURL), func() (*sendOutput, error) { return s.apiSendMessage(ctx, &in) })
	if err != nil {
		return Sent{}, err
	}
	return Sent{MessageID: out.MessageId, MD5OfBody: out.MD5OfMessageBody}, nil
}

// SendBatch puts any number of messages into a queue, each as one SendMessage would, at the price of one call. It returns
// nil when all were accepted, otherwise one error (or nil) per body.
func (s *Service) SendBatch(ctx context.Context, queueARN string, bodies []string) []error {
	q, err := s.byARN(queueARN)
	if err != nil {
		return slices.Repeat([]error{err}, len(bodies))
	}
	var failed []error
	fail := func(i int, err error) {
		if failed == nil {
			failed = make([]error, len(bodies))
		}
		failed[i] = err
	}
	accepted := make([]*message, 0, len(bodies))
	for i, body := range bodies {
		m, err := wire.WithFaultsOn(s.faults, "sqs:SendMessage", q.name, func() (*message, error) {
			m, err := s.prepare(q, draft{body: body, delay: useQueueDelay})
			if err == nil {
				accepted = append(accepted, m)
			}
			return m, err
		})
		if m == nil {
			fail(i, err)
		}
	}
	if err := q.add(accepted...); err != nil {
		return slices.Repeat([]error{err}, len(bodies))
	}
	return failed
}

// Receive takes up to max messages, waiting up to wait on the clock for the first one. Unlike the API's ReceiveMessage it
// has no limit of ten: an event source mapping's batch is one call. It blocks without polling and ends with ctx.
func (s *Service) Receive(ctx context.Context, queueARN string, max int, wait time.Duration) ([]Message, error) {
	q, err := s.byARN(queueARN)
	if err != nil {
		return nil, err
	}
	return wire.WithFaultsOn(s.faults, "sqs:ReceiveMessage", q.name, func() ([]Message, error) {
		return s.receive(ctx, q, max, wait, useQueueVisibility)
	})
}

// DeleteBatch deletes received messages by their receipt handles. Handles that are no longer current are ignored.
func (s *Service) DeleteBatch(ctx context.Context, queueARN string, receiptHandles []string) error {
	q, err := s.byARN(queueARN)
	if err != nil {
		return err
	}
	_, err = wire.WithFaultsOn(s.faults, "sqs:DeleteMessageBatch", q.name, func() (struct{}, error) {
		if err := q.delete(receiptHandles...); err != nil {
			return struct{}{}, fmt.Errorf("deleting from %s: %w", q.name, err)
		}
		return struct{}{}, nil
	})
	return err
}

func (s *Service) byARN(arn string) (*queue, error) {
	name, ok := strings.CutPrefix(arn, s.arnPrefix)
	if !ok {
		return nil, errNoQueue()
	}
	return s.byName(name)
}

func (s *Service) byName(name string) (*queue, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if q := s.queues[name]; q != nil {
		q.calls.Add(1)
		return q, nil
	}
	return nil, errNoQueue()
}

func (s *Service) url(name string) string { return s.baseURL() + "/" + s.account + "/" + name }

// codeNoQueue is the error code where there is no such queue.
const codeNoQueue = "QueueDoesNotExist"

func errNoQueue() error {
	return wire.Errorf(codeNoQueue, "The specified queue does not exist.")
}

func randomUUID() (id [16]byte) {
	_, _ = rand.Read(id[:]) // crypto/rand.Read does not fail: it ends the program instead.
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	return id
}
