// Package edges lists on which ways a synthesized template hands things on: every event, message and invocation that one part of the
// system gives to another. For each it says what fails, who tries again and how often, where it ends up, which alarm tells a
// person, and which command puts it back.
//
// What is true of a kind of edge stands in kinds.go, once. Which edges there are, and their numbers, queues and alarms, is read
// from the template: a processor that is added has its rows. A template with an edge for which something of it is missing, or with a
// resource of a type that is not known here, is refused.
package edges

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Edge is one way on which something is handed on.
type Edge struct {
	Kind Kind
	// From and To are logical ids without the CDK's hash, or what is outside the template.
	From, To string
	// Retries says who tries again and how often.
	Retries string
	// Ends is where it is once nobody tries again.
	Ends []string
	// Alarms are the names of the alarms that tell.
	Alarms []string
	// Repair is what puts it back.
	Repair []string
}

// Read lists the edges of a template in JSON, by their kinds. Its error names everything that is missing.
func Read(data []byte) ([]Edge, error) {
	t, err := readTemplate(data)
	if err != nil {
		return nil, err
	}
	w := &walk{template: t, used: map[string]bool{}, queues: map[string]bool{}}
	w.indexAlarms()
	w.known()
	for _, part := range []func(){w.pipes, w.rules, w.mappings, w.machines, w.streams, w.archives, w.buses, w.async, w.apis, w.topics, w.alarmActions, w.permissions} {
		part()
	}
	w.leftovers()
	if len(w.missing) > 0 {
		return nil, errors.Join(w.missing...)
	}
	slices.SortStableFunc(w.edges, func(a, b Edge) int { return slices.Index(kinds, a.Kind) - slices.Index(kinds, b.Kind) })
	return w.edges, nil
}

// walk goes through a template.
type walk struct {
	template
	edges   []Edge
	missing []error
	// alarms are the logical ids of alarms by what they watch; used are those that an edge names.
	alarms map[watched][]string
	used   map[string]bool
	// queues are those in which an edge ends, or begins.
	queues map[string]bool
}

// lacks records something that is missing.
func (w *walk) lacks(format string, arguments ...any) {
	w.missing = append(w.missing, fmt.Errorf(format, arguments...))
}

func (w *walk) add(e Edge) {
	f, ok := facts[e.Kind]
	if !ok {
		w.lacks("%s to %s: nothing is known of edges of the kind %q", e.From, e.To, e.Kind)
		return
	}
	if len(e.Ends) == 0 {
		w.lacks("%s to %s: it ends nowhere", e.From, e.To)
	}
	if len(e.Alarms) == 0 && f.unwatched == "" {
		w.lacks("%s to %s: no alarm tells when it fails", e.From, e.To)
	}
	if e.Retries == "" {
		e.Retries = f.retries
	}
	if e.Repair == nil {
		e.Repair = f.repair
	}
	w.edges = append(w.edges, e)
}

// deadLetters is the name of a queue in which an edge ends and of its alarm.
func (w *walk) deadLetters(of string, arn any) (ends, alarms []string) {
	id := referred(arn)
	if w.Resources[id].Type != "AWS::SQS::Queue" {
		w.lacks("%s has no dead-letter queue", name(of))
		return nil, nil
	}
	w.queues[id] = true
	return []string{name(id)}, w.watching("AWS/SQS", "ApproximateNumberOfMessagesVisible", id)
}

// leftovers finds queues and alarms that belong to no edge.
func (w *walk) leftovers() {
	for _, id := range w.ofType("AWS::SQS::Queue") {
		if !w.queues[id] {
			w.lacks("%s: nothing sends to this queue, or nothing is known of it", name(id))
		}
	}
	for what, ids := range w.alarms {
		for _, id := range ids {
			if !w.used[id] {
				w.lacks("%s: no edge is watched by this alarm (%s %s)", w.alarmName(id), what.namespace, what.metric)
			}
		}
	}
}

// known refuses types of which nobody has said here whether they hand something on.
func (w *walk) known() {
	for _, id := range slices.Sorted(maps.Keys(w.Resources)) {
		if kind := w.Resources[id].Type; !slices.Contains(carriers, kind) && !slices.Contains(inert, kind) {
			w.lacks("%s: say in infra/edges whether a resource of type %s hands something on", name(id), kind)
		}
	}
}

// carriers are the types that hand something on, inert those that do not.
var (
	carriers = []string{
		"AWS::ApiGatewayV2::Integration", "AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm", "AWS::Events::Archive", "AWS::Events::EventBus",
		"AWS::Events::Rule", "AWS::IAM::Policy", "AWS::KinesisFirehose::DeliveryStream", "AWS::Lambda::EventSourceMapping", "AWS::Lambda::Function",
		"AWS::Pipes::Pipe", "AWS::SNS::Topic", "AWS::SQS::Queue", "AWS::StepFunctions::StateMachine",
	}
	inert = []string{
		"AWS::ApiGatewayV2::Api", "AWS::ApiGatewayV2::Authorizer", "AWS::ApiGatewayV2::Route", "AWS::ApiGatewayV2::Stage", "AWS::DynamoDB::Table", "AWS::IAM::Role",
		"AWS::KMS::Key", "AWS::Lambda::Permission", "AWS::Logs::LogGroup", "AWS::Logs::LogStream", "AWS::S3::Bucket", "AWS::S3::BucketPolicy",
		"AWS::SNS::TopicPolicy", "AWS::SQS::QueuePolicy",
	}
)
