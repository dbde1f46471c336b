package edges

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/payrail/payrail/internal/reconcile"
)

// pipes are three edges each: the stream, the enrichment, the target.
func (w *walk) pipes() {
	for _, id := range w.ofType("AWS::Pipes::Pipe") {
		source := []string{"SourceParameters", "DynamoDBStreamParameters"}
		at := func(property string) []string { return slices.Concat(source, []string{property}) }
		ends, waiting := w.deadLetters(id, within(w.get(id, at("DeadLetterConfig")...), "Arn"))
		if w.get(id, at("OnPartialBatchItemFailure")...) != "AUTOMATIC_BISECT" {
			w.lacks("%s: one bad record takes its batch along", name(id))
		}
		age := seconds(w.number(id, at("MaximumRecordAgeInSeconds")...))
		batch, times := w.number(id, at("BatchSize")...), w.number(id, at("MaximumRetryAttempts")...)
		if age == 0 || times == 0 {
			w.lacks("%s: it tries a record until the stream drops it", name(id))
		}
		retries := fmt.Sprintf("the pipe, %d times; it halves a batch of %d that failed, so that one record does not take the others along", times, batch)
		failing := w.watching("AWS/EventBridge/Pipes", "ExecutionFailed", id)
		table, function, bus := name(referred(w.get(id, "Source"))), name(referred(w.get(id, "Enrichment"))), name(referred(w.get(id, "Target")))
		lost := w.reconciliation()
		w.add(Edge{Kind: StreamToPipe, From: table, To: name(id), Ends: ends, Alarms: slices.Concat(waiting, lost.patched, lost.alarms),
			Retries: fmt.Sprintf("the pipe reads on, until a record is %s old", age)})
		w.add(Edge{Kind: PipeToFunction, From: name(id), To: function, Ends: ends, Alarms: slices.Concat(waiting, failing), Retries: retries})
		w.add(Edge{Kind: PipeToBus, From: name(id), To: bus, Ends: ends, Alarms: slices.Concat(waiting, failing), Retries: retries})
	}
}

// targets are the kinds of edges by the type of a rule's target.
var targets = map[string]Kind{
	"AWS::SQS::Queue":                      RuleToQueue,
	"AWS::StepFunctions::StateMachine":     RuleToMachine,
	"AWS::KinesisFirehose::DeliveryStream": RuleToStream,
	"AWS::SNS::Topic":                      RuleToTopic,
}

// rules are an edge for each target.
func (w *walk) rules() {
	for _, id := range w.ofType("AWS::Events::Rule") {
		bus, scheduled := referred(w.get(id, "EventBusName")), w.get(id, "ScheduleExpression") != nil
		for _, target := range list(w.get(id, "Targets")) {
			to := referred(within(target, "Arn"))
			kind, ok := targets[w.Resources[to].Type]
			if scheduled && w.Resources[to].Type == "AWS::Lambda::Function" {
				kind, ok = ScheduleToLambda, true
			}
			if !ok {
				w.lacks("%s: nothing is known of a target of type %s", name(id), w.Resources[to].Type)
				continue
			}
			times, _ := within(target, "RetryPolicy", "MaximumRetryAttempts").(float64)
			age, _ := within(target, "RetryPolicy", "MaximumEventAgeInSeconds").(float64)
			if times == 0 || age == 0 {
				w.lacks("%s: its target has no retry policy", name(id))
			}
			ends, alarms := w.deadLetters(id, within(target, "DeadLetterConfig", "Arn"))
			alarms = slices.Concat(alarms, w.watching("AWS/Events", "InvocationsFailedToBeSentToDlq", id))
			if scheduled {
				alarms = slices.Concat(alarms, w.watching("AWS/Lambda", "Invocations", to))
			} else {
				alarms = slices.Concat(alarms, w.watching("AWS/Events", "RetryInvocationAttempts", bus))
			}
			w.add(Edge{Kind: kind, From: name(id), To: name(to), Ends: ends, Alarms: alarms, Retries: fmt.Sprintf(
				"EventBridge, %d times within %s; not where a permission or the target is missing", int(times), seconds(int(age)))})
		}
	}
}

// mappings give a queue's messages to a function.
func (w *walk) mappings() {
	for _, id := range w.ofType("AWS::Lambda::EventSourceMapping") {
		queue, function := referred(w.get(id, "EventSourceArn")), referred(w.get(id, "FunctionName"))
		w.queues[queue] = true
		ends, alarms := w.deadLetters(queue, w.get(queue, "RedrivePolicy", "deadLetterTargetArn"))
		w.add(Edge{Kind: QueueToFunction, From: name(queue), To: name(function), Ends: ends,
			Alarms: slices.Concat(alarms, w.watching("AWS/SQS", "ApproximateAgeOfOldestMessage", queue)),
			Retries: fmt.Sprintf("SQS, %d deliveries %s apart, of the messages that failed alone",
				w.number(queue, "RedrivePolicy", "maxReceiveCount"), seconds(w.number(queue, "VisibilityTimeout")))})
	}
}

// machines run, publish and set aside.
func (w *walk) machines() {
	for _, id := range w.ofType("AWS::StepFunctions::StateMachine") {
		lost := w.reconciliation()
		var ended []string
		for _, metric := range []string{"ExecutionsFailed", "ExecutionsTimedOut", "ExecutionsAborted"} {
			ended = slices.Concat(ended, w.watching("AWS/States", metric, id))
		}
		lost.alarms = slices.Concat(ended, lost.alarms)
		w.add(Edge{Kind: MachineRuns, From: name(id), To: "decision", Ends: lost.ends, Alarms: lost.alarms, Retries: lost.retries})
		w.tasks(id, lost)
	}
}

// task is a state of a state machine that calls a service.
type task struct {
	Type, Resource string
	Parameters     map[string]any
	Retry          []struct {
		MaxAttempts, MaxDelaySeconds int
	}
	Catch []struct {
		ErrorEquals []string
		Next        string
	}
	Branches []struct{ States map[string]task }
}

// tasks are the calls of a state machine: each must be tried again, and caught.
func (w *walk) tasks(id string, lost unkept) {
	var definition struct{ States map[string]task }
	text, _ := w.get(id, "DefinitionString").(string)
	if err := json.Unmarshal([]byte(text), &definition); err != nil {
		w.lacks("%s: reading its definition: %v", name(id), err)
		return
	}
	seen := map[Kind]Edge{}
	var visit func(states map[string]task)
	visit = func(states map[string]task) {
		for state, s := range states {
			for _, branch := range s.Branches {
				visit(branch.States)
			}
			if s.Type != "Task" {
				continue
			}
			edge, ok := w.call(id, state, s, lost)
			if earlier, again := seen[edge.Kind]; ok && (!again || earlier.Retries == edge.Retries) {
				seen[edge.Kind] = edge
			} else if ok {
				w.lacks("%s: %s is not tried again as the others are", name(id), state)
			}
		}
	}
	visit(definition.States)
	for _, kind := range []Kind{MachineToBus, MachineToQueue} {
		if edge, ok := seen[kind]; ok {
			w.add(edge)
		}
	}
}

func (w *walk) call(id, state string, s task, lost unkept) (Edge, bool) {
	if len(s.Retry) != 1 || len(s.Catch) != 1 || !slices.Equal(s.Catch[0].ErrorEquals, []string{"States.ALL"}) {
		w.lacks("%s: %s is not tried again, or not caught", name(id), state)
		return Edge{}, false
	}
	retries := fmt.Sprintf("the task, %d times, at most %s apart, where it may pass", s.Retry[0].MaxAttempts, seconds(s.Retry[0].MaxDelaySeconds))
	switch {
	case strings.HasSuffix(s.Resource, ":events:putEvents"):
		queue := referred(w.get(id, "DefinitionSubstitutions", "RulesDlqUrl"))
		ends, alarms := w.deadLetters(id, map[string]any{"Ref": queue})
		return Edge{Kind: MachineToBus, From: name(id), To: name(referred(w.get(id, "DefinitionSubstitutions", "EventBusName"))), Ends: ends, Alarms: alarms,
			Retries: retries + "; then its Catch sets the input aside"}, true
	case strings.HasSuffix(s.Resource, ":sqs:sendMessage"):
		return Edge{Kind: MachineToQueue, From: name(id), To: name(referred(w.get(id, "DefinitionSubstitutions", "RulesDlqUrl"))), Ends: lost.ends, Alarms: lost.alarms,
			Retries: retries + "; then " + lost.retries}, true
	default:
		w.lacks("%s: nothing is known of %s, which calls %s", name(id), state, s.Resource)
		return Edge{}, false
	}
}

// unkept is what becomes of what is in no queue.
type unkept struct {
	ends, alarms []string
	retries      string
	// patched are the alarms of what comes back by reconciliation, where nothing else tells of it.
	patched []string
}

// reconciliation finds what is in no queue, if the function of this template that does it patches.
func (w *walk) reconciliation() unkept {
	for _, id := range w.ofType("AWS::Lambda::Function") {
		patching := w.get(id, "Environment", "Variables", "RECONCILE_PATCHING")
		if patching == nil {
			continue
		}
		who := "a person: reconciliation only reports it, patching is off"
		if patching == "on" {
			who = fmt.Sprintf("reconciliation (%s): a payment without a decision for %s is given to dedup again, at most three times", w.schedule(id), span(reconcile.RulesTime))
		}
		return unkept{ends: []string{"no queue; the events before it are in the audit log"}, retries: who, alarms: w.watching("Payrail", "OpenBreaks", id),
			patched: w.watching("Payrail", "PatchedBreaks", id)}
	}
	w.lacks("nothing reconciles: what is in no queue is lost")
	return unkept{}
}

// schedule is the expression of the rule that invokes a function.
func (w *walk) schedule(function string) string {
	for _, id := range w.ofType("AWS::Events::Rule") {
		expression, ok := w.get(id, "ScheduleExpression").(string)
		if targets := list(w.get(id, "Targets")); ok && len(targets) == 1 && referred(within(targets[0], "Arn")) == function {
			return expression
		}
	}
	w.lacks("%s: no schedule invokes it", name(function))
	return ""
}

// streams write to a bucket.
func (w *walk) streams() {
	for _, id := range w.ofType("AWS::KinesisFirehose::DeliveryStream") {
		config := func(path ...string) any {
			return w.get(id, slices.Concat([]string{"ExtendedS3DestinationConfiguration"}, path)...)
		}
		prefix, _ := config("ErrorOutputPrefix").(string)
		folder, _, found := strings.Cut(prefix, "/")
		if !found {
			w.lacks("%s: what it cannot file has no prefix", name(id))
		}
		bucket := name(referred(config("BucketARN")))
		interval, _ := config("BufferingHints", "IntervalInSeconds").(float64)
		size, _ := config("BufferingHints", "SizeInMBs").(float64)
		w.add(Edge{Kind: StreamToBucket, From: name(id), To: bucket, Ends: []string{fmt.Sprintf("`%s/` of %s", folder, bucket), "lost to the audit log, and kept in the archive, what S3 has not taken for 24 hours"},
			Alarms: slices.Concat(w.watching("AWS/Firehose", "DeliveryToS3.DataFreshness", id),
				w.watching("AWS/Logs", "IncomingLogEvents", referred(config("CloudWatchLoggingOptions", "LogGroupName")))),
			Retries: fmt.Sprintf("Firehose, for 24 hours; it writes every %s or %d MB", seconds(int(interval)), int(size))})
	}
}

func (w *walk) archives() {
	for _, id := range w.ofType("AWS::Events::Archive") {
		w.add(Edge{Kind: BusToArchive, From: name(referred(w.get(id, "SourceArn"))), To: name(id), Ends: []string{"nowhere; the audit log has it"}})
	}
}

func (w *walk) buses() {
	for _, id := range w.ofType("AWS::Events::EventBus") {
		ends, alarms := w.deadLetters(id, w.get(id, "DeadLetterConfig", "Arn"))
		w.add(Edge{Kind: BusToRules, From: name(id), To: "every rule", Ends: ends, Alarms: alarms})
	}
}

// async are the runs of functions that a schedule invokes: Lambda takes the event, answers, and runs the function later.
func (w *walk) async() {
	for _, schedule := range slices.Clone(w.edges) {
		if schedule.Kind != ScheduleToLambda {
			continue
		}
		id := w.id("AWS::Lambda::Function", schedule.To)
		ends, alarms := w.deadLetters(id, w.get(id, "DeadLetterConfig", "TargetArn"))
		w.add(Edge{Kind: AsyncRun, From: "Lambda", To: name(id), Ends: ends, Alarms: slices.Concat(alarms, w.watching("AWS/Lambda", "DeadLetterErrors", id)),
			Retries: "Lambda, twice more, after one minute and two more"})
	}
}

func (w *walk) apis() {
	for _, id := range w.ofType("AWS::ApiGatewayV2::Integration") {
		api := referred(w.get(id, "ApiId"))
		w.add(Edge{Kind: APIToFunction, From: name(api), To: name(referred(w.get(id, "IntegrationUri"))), Ends: []string{"the caller"}, Alarms: w.watching("AWS/ApiGateway", "5xx", api)})
	}
}

func (w *walk) topics() {
	for _, id := range w.ofType("AWS::SNS::Topic") {
		w.add(Edge{Kind: TopicToPeople, From: name(id), To: "each subscription", Ends: []string{"a subscription's own dead-letter queue, if it has one"},
			Alarms: w.watching("AWS/SNS", "NumberOfNotificationsFailed", id)})
	}
}

// id is the logical id of the one resource of a type with a name.
func (w *walk) id(kind, called string) string {
	for _, id := range w.ofType(kind) {
		if name(id) == called {
			return id
		}
	}
	return ""
}

// span is a duration as people say it.
type span time.Duration

func seconds(n int) span { return span(time.Duration(n) * time.Second) }

func (s span) String() string {
	d := time.Duration(s)
	for _, unit := range []struct {
		of   time.Duration
		name string
	}{{time.Hour, "hour"}, {time.Minute, "minute"}, {time.Second, "second"}} {
		if n := int(d / unit.of); n > 0 && d%unit.of == 0 {
			if n > 1 {
				return fmt.Sprintf("%d %ss", n, unit.name)
			}
			return "1 " + unit.name
		}
	}
	return d.String()
}
