package eventbridge

import (
	"slices"
	"strings"
	"time"

	"github.com/payrail/payrail/local/eventbridge/pattern"
	"github.com/payrail/payrail/local/wire"
)

// Bus is what a bus is made of.
type Bus struct {
	Name        string
	Description string
	// DeadLetterARN is the standard queue for events that the bus itself cannot process. On AWS these are the events that a
	// customer managed key fails to encrypt or decrypt while they are on the bus, and no others: what a target does not take goes
	// to the target's own queue. Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-encryption-event-bus-dlq.html
	// Customer managed keys of buses are refused here, so that nothing ever lands in this queue.
	DeadLetterARN string
}

// bus is one event bus. What changes is guarded by the service's mutex; matching works on a snapshot.
type bus struct {
	Bus
	arn               string
	created, modified time.Time
	rules             map[string]*rule
	tags              map[string]string
	snapshot          snapshot
}

// snapshot is what PutEvents needs of a bus. It is replaced as a whole, never changed.
type snapshot struct {
	fields   *pattern.Set
	rules    []matchedRule
	archives []*archive
}

// matchedRule is an enabled rule that has a pattern, with its targets as of the snapshot.
type matchedRule struct {
	rule  *rule
	lanes []*lane
}

func newBus(b Bus, arn string, now time.Time) *bus {
	return &bus{Bus: b, arn: arn, created: now, modified: now, rules: map[string]*rule{}, tags: map[string]string{},
		snapshot: snapshot{fields: pattern.NewSet()}}
}

// refresh makes the snapshot anew after a change; the caller holds the service's mutex.
func (b *bus) refresh(archives map[string]*archive) {
	var next snapshot
	var patterns []*pattern.Pattern
	for _, name := range sortedKeys(b.rules) {
		r := b.rules[name]
		if r.Disabled || r.pattern == nil {
			continue
		}
		next.rules = append(next.rules, matchedRule{rule: r, lanes: r.sortedLanes()})
		patterns = append(patterns, r.pattern)
	}
	for _, name := range sortedKeys(archives) {
		if a := archives[name]; a.bus == b.Name {
			next.archives = append(next.archives, a)
			patterns = append(patterns, a.pattern)
		}
	}
	next.fields = pattern.NewSet(patterns...)
	b.snapshot = next
}

// CreateBus makes a custom bus and returns its ARN.
func (s *Service) CreateBus(b Bus) (string, error) {
	if err := busNames.check(b.Name, "name"); err != nil {
		return "", err
	}
	// A slash stands in the names of partners' buses only; "default" exists already.
	if strings.Contains(b.Name, "/") || strings.HasPrefix(b.Name, "aws.") {
		return "", wire.Errorf("ValidationException", "Event bus name must not contain '/' or begin with 'aws.'.")
	}
	if err := s.validateBus(b); err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.buses[b.Name]; ok {
		return "", wire.Errorf("ResourceAlreadyExistsException", "Event bus %s already exists.", b.Name)
	}
	made := newBus(b, s.arn("event-bus/"+b.Name), s.options.Clock.Now())
	s.buses[b.Name] = made
	return made.arn, nil
}

// UpdateBus replaces the description and the dead-letter queue of a bus, the default one included.
func (s *Service) UpdateBus(change Bus) error {
	if err := s.validateBus(change); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.lookup(change.Name)
	if err != nil {
		return err
	}
	b.Description, b.DeadLetterARN, b.modified = change.Description, change.DeadLetterARN, s.options.Clock.Now()
	return nil
}

// DeleteBus removes a custom bus without rules; a bus that does not exist is no error. An archive is a rule of its bus too.
func (s *Service) DeleteBus(name string) error {
	if name == DefaultBus {
		return wire.Errorf("ValidationException", "Cannot delete event bus default.")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	b, ok := s.buses[name]
	if !ok {
		return nil
	}
	if len(b.rules) > 0 || len(b.snapshot.archives) > 0 {
		return wire.Errorf("ValidationException", "Event bus %s can't be deleted since it has rules.", name)
	}
	delete(s.buses, name)
	return nil
}

func (s *Service) validateBus(b Bus) error {
	if err := checkLength(b.Description, "description", maxDescription); err != nil {
		return err
	}
	if b.DeadLetterARN != "" && !queueARN(b.DeadLetterARN) {
		return wire.Errorf("ValidationException", "Dead-letter queue %s of event bus %s is not a standard SQS queue.", b.DeadLetterARN, b.Name)
	}
	return nil
}

// busName takes a bus's name or ARN ("" is the default bus). An ARN of another account or Region is refused.
func (s *Service) busName(nameOrARN string) (string, error) {
	if nameOrARN == "" {
		return DefaultBus, nil
	}
	if !strings.HasPrefix(nameOrARN, "arn:") {
		return nameOrARN, busNames.check(nameOrARN, "eventBusName")
	}
	name, ok := strings.CutPrefix(nameOrARN, s.arn("event-bus/"))
	if !ok {
		return "", wire.NotImplemented("event buses of another account or Region (" + nameOrARN + ")")
	}
	return name, nil
}

// lookup finds a bus; the caller holds the service's mutex.
func (s *Service) lookup(nameOrARN string) (*bus, error) {
	name, err := s.busName(nameOrARN)
	if err != nil {
		return nil, err
	}
	b, ok := s.buses[name]
	if !ok {
		return nil, wire.Errorf("ResourceNotFoundException", "Event bus %s does not exist.", name)
	}
	return b, nil
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
