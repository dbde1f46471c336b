package eventbridge

import (
	"strings"

	"github.com/payrail/payrail/local/eventbridge/pattern"
	"github.com/payrail/payrail/local/eventbridge/schedule"
	"github.com/payrail/payrail/local/wire"
)

// maxTargets is how many targets a rule may have on AWS.
const maxTargets = 5

// Rule is what a rule is made of.
type Rule struct {
	Name string
	// Bus is the name or ARN of the bus; empty means the default bus.
	Bus          string
	EventPattern string
	// ScheduleExpression makes the rule self-trigger, on the default bus only. A rule may have both.
	ScheduleExpression string
	Description        string
	// RoleARN is kept and told, and has no effect: rules here deliver within one account.
	RoleARN  string
	Disabled bool
}

type rule struct {
	Rule
	arn      string
	pattern  *pattern.Pattern   // nil where the rule has none.
	schedule *schedule.Schedule // nil where the rule has none.
	ticker   *ticker            // nil without a schedule, and while the rule is disabled.
	tags     map[string]string  // Shared by all versions of the rule.
	targets  map[string]Target
	lanes    map[string]*lane
	metrics  *ruleMetrics
}

// PutRule makes a rule, or replaces its pattern, schedule, description and state, and returns its ARN. Its targets stay.
func (s *Service) PutRule(r Rule) (string, error) {
	if err := ruleNames.check(r.Name, "name"); err != nil {
		return "", err
	}
	if err := checkLength(r.Description, "description", maxDescription); err != nil {
		return "", err
	}
	if r.EventPattern == "" && r.ScheduleExpression == "" {
		return "", wire.Errorf("ValidationException", "Parameter(s) EventPattern or ScheduleExpression must be specified.")
	}
	var compiled *pattern.Pattern
	if r.EventPattern != "" {
		var err error
		if compiled, err = compilePattern(r.EventPattern); err != nil {
			return "", err
		}
	}
	timed, err := compileSchedule(r)
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.lookup(r.Bus)
	if err == nil {
		err = s.checkManaged(b, r.Name)
	}
	if err != nil {
		return "", err
	}
	if timed != nil && b.Name != DefaultBus {
		return "", wire.Errorf("ValidationException", "ScheduleExpression is supported only on the default event bus.")
	}
	r.Bus = b.Name
	existing, ok := b.rules[r.Name]
	if !ok {
		existing = &rule{arn: s.ruleARN(b.Name, r.Name), tags: map[string]string{}, targets: map[string]Target{}, lanes: map[string]*lane{}, metrics: &ruleMetrics{}}
	}
	changed := *existing // Snapshots in use keep the old one.
	changed.Rule, changed.pattern, changed.schedule = r, compiled, timed
	s.startTicker(&changed)
	b.rules[r.Name] = &changed
	b.refresh(s.archives)
	return changed.arn, nil
}

// SetRuleState enables or disables a rule.
func (s *Service) SetRuleState(bus, name string, enabled bool) error {
	return s.changeRule(bus, name, func(r *rule) error {
		if r.Disabled == enabled {
			r.Disabled = !enabled
			s.startTicker(r)
		}
		return nil
	})
}

// DeleteRule removes a rule without targets; a rule that does not exist is no error.
func (s *Service) DeleteRule(busName, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.lookup(busName)
	if err == nil {
		err = s.checkManaged(b, name)
	}
	if err != nil {
		return err
	}
	if r, ok := b.rules[name]; ok {
		if len(r.targets) > 0 {
			return wire.Errorf("ValidationException", "Rule can't be deleted since it has targets.")
		}
		r.ticker.stop()
	}
	delete(b.rules, name)
	b.refresh(s.archives)
	return nil
}

// changeRule applies change to a copy of the rule, which takes the rule's place unless change fails.
func (s *Service) changeRule(busName, name string, change func(*rule) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b, err := s.lookup(busName); err == nil {
		if err := s.checkManaged(b, name); err != nil {
			return err
		}
	}
	b, r, err := s.lookupRule(busName, name)
	if err != nil {
		return err
	}
	changed := *r
	if err := change(&changed); err != nil {
		return err
	}
	b.rules[name] = &changed
	b.refresh(s.archives)
	return nil
}

// managedRulePrefix begins the name of the rule that an archive is on its bus.
const managedRulePrefix = "Events-Archive-"

// checkManaged refuses a change of the rule that an archive keeps on its bus; the caller holds the service's mutex. On AWS the rule
// is listed too, with ManagedBy set; here it is there by its archive alone.
func (s *Service) checkManaged(b *bus, rule string) error {
	if a, ok := s.archives[strings.TrimPrefix(rule, managedRulePrefix)]; ok && strings.HasPrefix(rule, managedRulePrefix) && a.bus == b.Name {
		return wire.Errorf("ManagedRuleException", "Rule %s is managed by an archive, and can be changed through it only.", rule)
	}
	return nil
}

// lookupRule finds a rule; the caller holds the service's mutex.
func (s *Service) lookupRule(busName, name string) (*bus, *rule, error) {
	b, err := s.lookup(busName)
	if err != nil {
		return nil, nil, err
	}
	r, ok := b.rules[name]
	if !ok {
		return nil, nil, wire.Errorf("ResourceNotFoundException", "Rule %s does not exist on EventBus %s.", name, b.Name)
	}
	return b, r, nil
}

// sortedLanes are the ways to the rule's targets, in the order of the targets' ids.
func (r *rule) sortedLanes() []*lane {
	lanes := make([]*lane, 0, len(r.lanes))
	for _, id := range sortedKeys(r.lanes) {
		lanes = append(lanes, r.lanes[id])
	}
	return lanes
}

func (s *Service) ruleARN(bus, name string) string {
	if bus == DefaultBus {
		return s.arn("rule/" + name)
	}
	return s.arn("rule/" + bus + "/" + name)
}

func compilePattern(text string) (*pattern.Pattern, error) {
	if err := checkLength(text, "eventPattern", pattern.MaxLength); err != nil {
		return nil, err
	}
	p, err := pattern.Compile([]byte(text))
	if err != nil {
		return nil, wire.Errorf("InvalidEventPatternException", "Event pattern is not valid. Reason: %s", err)
	}
	return p, nil
}

// queueARN reports whether the ARN names a standard SQS queue, the only kind of dead-letter queue a rule takes.
func queueARN(arn string) bool {
	return strings.HasPrefix(arn, "arn:aws:sqs:") && !strings.HasSuffix(arn, ".fifo")
}
