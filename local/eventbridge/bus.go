package eventbridge

import (
	"regexp"
	"slices"
	"strings"

	"github.com/payrail/payrail/local/eventbridge/pattern"
	"github.com/payrail/payrail/local/wire"
)

var (
	busNameForm     = regexp.MustCompile(`^[/.\-_A-Za-z0-9]{1,256}$`)
	ruleNameForm    = regexp.MustCompile(`^[.\-_A-Za-z0-9]{1,64}$`)
	archiveNameForm = regexp.MustCompile(`^[.\-_A-Za-z0-9]{1,48}$`)
	targetIDForm    = regexp.MustCompile(`^[.\-_A-Za-z0-9]{1,64}$`)
)

// bus is one event bus. Its maps are guarded by the service's mutex; matching works on a snapshot.
type bus struct {
	name, arn string
	rules     map[string]*rule
	snapshot  snapshot
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

func newBus(name, arn string) *bus {
	return &bus{name: name, arn: arn, rules: map[string]*rule{}, snapshot: snapshot{fields: pattern.NewSet()}}
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
		if a := archives[name]; a.bus == b.name {
			next.archives = append(next.archives, a)
			patterns = append(patterns, a.pattern)
		}
	}
	next.fields = pattern.NewSet(patterns...)
	b.snapshot = next
}

// CreateBus makes a custom bus and returns its ARN.
func (s *Service) CreateBus(name string) (string, error) {
	if !busNameForm.MatchString(name) || strings.Contains(name, "/") || strings.HasPrefix(name, "aws.") {
		return "", wire.Errorf("ValidationException", "Event bus name %q is not valid.", name)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.buses[name]; ok {
		return "", wire.Errorf("ResourceAlreadyExistsException", "Event bus %s already exists.", name)
	}
	b := newBus(name, s.arn("event-bus/"+name))
	s.buses[name] = b
	return b.arn, nil
}

// busName takes a bus's name or ARN ("" is the default bus). An ARN of another account or Region is refused.
func (s *Service) busName(nameOrARN string) (string, error) {
	if nameOrARN == "" {
		return DefaultBus, nil
	}
	if !strings.HasPrefix(nameOrARN, "arn:") {
		if !busNameForm.MatchString(nameOrARN) {
			return "", wire.Errorf("ValidationException", "Event bus name %q is not valid.", nameOrARN)
		}
		return nameOrARN, nil
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
