package cloudwatch

import (
	"slices"
	"strings"
	"time"
)

// initialReason is what AWS says of an alarm that has not been evaluated yet.
const initialReason = "Unchecked: Initial alarm creation"

// dynamodbNamespace is where missing data are ignored unless the alarm says otherwise: "Alarms that evaluate metrics in the
// AWS/DynamoDB namespace ignore missing data by default. You can override this" (user guide, "Configuring how CloudWatch alarms treat
// missing data"; the API reference says "always").
const dynamodbNamespace = "AWS/DynamoDB"

// alarm is a metric alarm or a composite alarm with its state. It is guarded by Service.mu.
type alarm struct {
	name, arn, description string
	enabled                bool
	actions                map[State][]string
	configured             time.Time

	metric    *MetricAlarmSpec // nil for a composite alarm.
	watched   *watched
	criteria  criteria
	composite *CompositeAlarmSpec // nil for a metric alarm.
	rule      rule

	state        State
	reason       string
	reasonData   string
	updated      time.Time
	transitioned time.Time
}

func (a *alarm) kind() string {
	if a.composite != nil {
		return compositeAlarmType
	}
	return metricAlarmType
}

func (a *alarm) keptState() keptState {
	return keptState{Kind: a.kind(), State: a.state, Reason: a.reason, ReasonData: a.reasonData, Updated: a.updated, Transitioned: a.transitioned}
}

// The values of AlarmType.
const (
	metricAlarmType    = "MetricAlarm"
	compositeAlarmType = "CompositeAlarm"
)

// PutMetricAlarm makes an alarm, in the state INSUFFICIENT_DATA, or overwrites the configuration of the one of that name.
func (s *Service) PutMetricAlarm(spec MetricAlarmSpec) (arn string, err error) {
	if err := spec.check(); err != nil {
		return "", err
	}
	w, err := spec.plan()
	if err != nil {
		return "", err
	}
	a := &alarm{
		name: spec.AlarmName, description: spec.AlarmDescription, enabled: spec.ActionsEnabled == nil || *spec.ActionsEnabled,
		actions: actions(spec.OKActions, spec.AlarmActions, spec.InsufficientDataActions), metric: &spec, watched: w,
		criteria: criteria{periods: *spec.EvaluationPeriods, toAlarm: *spec.EvaluationPeriods, missing: spec.TreatMissingData,
			operator: spec.ComparisonOperator, threshold: *spec.Threshold},
	}
	if spec.DatapointsToAlarm != nil {
		a.criteria.toAlarm = *spec.DatapointsToAlarm
	}
	if a.criteria.missing == "" {
		a.criteria.missing = missingIsMissing
		if slices.ContainsFunc(w.metrics(), func(m Metric) bool { return m.Namespace == dynamodbNamespace }) {
			a.criteria.missing = missingIsIgnored
		}
	}
	for _, m := range w.metrics() {
		s.store.retain(m, time.Duration(a.criteria.evaluationRange()+1)*w.period)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.alarms[a.name]; old != nil && old.composite != nil {
		return "", invalid("An alarm of another type has the name %s", a.name)
	}
	s.keep(a)
	return a.arn, nil
}

// PutCompositeAlarm makes a composite alarm, or overwrites the configuration of the one of that name, and evaluates it.
func (s *Service) PutCompositeAlarm(spec CompositeAlarmSpec) (arn string, err error) {
	if err := checkCommon(spec.AlarmName, spec.AlarmDescription, spec.OKActions, spec.AlarmActions, spec.InsufficientDataActions); err != nil {
		return "", err
	}
	r, err := parseRule(spec.AlarmRule, s.arnPrefix)
	if err != nil {
		return "", err
	}
	a := &alarm{
		name: spec.AlarmName, description: spec.AlarmDescription, enabled: spec.ActionsEnabled == nil || *spec.ActionsEnabled,
		actions: actions(spec.OKActions, spec.AlarmActions, spec.InsufficientDataActions), composite: &spec, rule: r,
	}
	changes, err := s.putComposite(a)
	s.act(changes)
	return a.arn, err
}

func (s *Service) putComposite(a *alarm) ([]Change, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.alarms[a.name]; old != nil && old.composite == nil {
		return nil, invalid("An alarm of another type has the name %s", a.name)
	}
	var missing []string
	for _, child := range children(a.rule) {
		if s.alarms[child] == nil {
			missing = append(missing, child)
		}
	}
	if len(missing) > 0 {
		return nil, invalid("Could not save the composite alarm as alarms [%s] in the alarm rule do not exist", strings.Join(missing, ", "))
	}
	if s.reaches(a, a.name) {
		return nil, invalid("The local runtime does not do alarm rules that lead back to their own alarm: %s", a.name)
	}
	known := s.alarms[a.name] != nil
	s.keep(a)
	var changes []Change
	if state := s.compositeState(a); state != a.state {
		reason := a.arn + " was created and its alarm rule evaluates to " + string(state)
		if known {
			reason = a.arn + " was updated and its alarm rule evaluates to " + string(state)
		}
		changes = append(changes, s.transition(a, state, reason, "", s.options.Clock.Now()))
	}
	return append(changes, s.evaluateComposites(changes, s.options.Clock.Now())...), nil
}

// reaches reports whether a rule leads to the alarm called name, through other composite alarms too.
func (s *Service) reaches(a *alarm, name string) bool {
	if a.rule == nil {
		return false
	}
	for _, child := range children(a.rule) {
		if child == name || s.alarms[child] != nil && s.reaches(s.alarms[child], name) {
			return true
		}
	}
	return false
}

func actions(ok, alarm, insufficient []string) map[State][]string {
	return map[State][]string{OK: ok, Alarm: alarm, InsufficientData: insufficient}
}

// keep puts an alarm in the place of the one of its name, also one of an earlier process, whose state stays; the caller holds the lock.
func (s *Service) keep(a *alarm) {
	now := s.options.Clock.Now()
	a.arn, a.configured = s.arnPrefix+a.name, now
	old := s.alarms[a.name]
	s.alarms[a.name] = a
	if old != nil {
		a.state, a.reason, a.reasonData, a.updated, a.transitioned = old.state, old.reason, old.reasonData, old.updated, old.transitioned
		s.remember(a, historyConfiguration, now, `Alarm "`+a.name+`" updated`, "")
		return
	}
	a.state, a.reason, a.updated, a.transitioned = InsufficientData, initialReason, now, now
	if before, ok := s.keeper.state(a.name); ok && before.Kind == a.kind() {
		a.state, a.reason, a.reasonData, a.updated, a.transitioned = before.State, before.Reason, before.ReasonData, before.Updated, before.Transitioned
	}
	s.remember(a, historyConfiguration, now, `Alarm "`+a.name+`" created`, "")
}

// DeleteAlarms deletes alarms, of which one may be a composite alarm. Names of no alarm do not keep the others: "the alarms you specify
// with correct names are still deleted". An alarm that another one depends on keeps all.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DeleteAlarms.html
func (s *Service) DeleteAlarms(names []string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []*alarm
	var missing error
	composites := 0
	for _, name := range names {
		a := s.alarms[name]
		if a == nil {
			missing = notFound("Alarm with name " + name + " does not exist")
			continue
		}
		if a.composite != nil {
			composites++
		}
		for _, other := range s.alarms {
			if other.rule != nil && slices.Contains(children(other.rule), name) && !slices.Contains(names, other.name) {
				return invalid("Cannot delete %s as there are composite alarm(s) depending on it.", name)
			}
		}
		found = append(found, a)
	}
	if composites > 1 {
		return invalid("You can delete one composite alarm in one operation, not %d", composites)
	}
	now := s.options.Clock.Now()
	for _, a := range found {
		if s.alarms[a.name] == a { // A name may be given twice.
			delete(s.alarms, a.name)
			s.keeper.forgetState(a.name)
			s.remember(a, historyConfiguration, now, `Alarm "`+a.name+`" deleted`, "")
		}
	}
	return missing
}
