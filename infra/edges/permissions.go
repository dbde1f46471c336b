package edges

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// deliveries are the actions by which a role hands something on; stores are the services with which it only keeps or takes.
var (
	deliveries = []string{"events:PutEvents", "lambda:InvokeFunction", "sqs:SendMessage", "sns:Publish", "states:StartExecution", "firehose:PutRecord", "firehose:PutRecordBatch"}
	stores     = []string{"dynamodb:", "s3:", "logs:", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}
)

// permissions finds what functions may hand on, and permissions for which there is no edge: either is something that somebody forgot.
func (w *walk) permissions() {
	actors := w.actors()
	for _, kind := range []Kind{FunctionToFunc, FunctionToBus} { // in this order: what a function publishes depends on who calls it
		for _, role := range slices.Sorted(maps.Keys(actors)) {
			if actor := actors[role]; w.Resources[actor].Type == "AWS::Lambda::Function" {
				w.handsOn(actor, role, kind)
			}
		}
	}
	for _, role := range slices.Sorted(maps.Keys(actors)) {
		for _, s := range w.allowed(role) {
			for _, action := range s.actions {
				w.covered(actors[role], action, s.resources)
			}
		}
	}
}

// actors are who works under which role.
func (w *walk) actors() map[string]string {
	found := map[string]string{}
	for id, r := range w.Resources {
		for _, at := range [][]string{{"Role"}, {"RoleArn"}, {"ExtendedS3DestinationConfiguration", "RoleARN"}} {
			if role := referred(w.get(id, at...)); w.Resources[role].Type == "AWS::IAM::Role" {
				found[role] = id
			}
		}
		for _, target := range list(r.Properties["Targets"]) {
			if role := referred(within(target, "RoleArn")); role != "" {
				found[role] = id
			}
		}
	}
	return found
}

// handsOn adds the edges of a function by its own calls.
func (w *walk) handsOn(function, role string, kind Kind) {
	action := map[Kind]string{FunctionToFunc: "lambda:InvokeFunction", FunctionToBus: "events:PutEvents"}[kind]
	for _, s := range w.allowed(role) {
		if !slices.Contains(s.actions, action) {
			continue
		}
		for _, to := range s.resources {
			edge := Edge{Kind: kind, From: name(function), To: name(to)}
			switch {
			case kind == FunctionToFunc:
				edge.Ends, edge.Alarms = []string{"the run's report, as `FAILED`"}, w.reconciliation().alarms
			case w.answers(function):
				edge = w.toldAgain(edge)
			default:
				called := w.callers(function)
				edge.Ends, edge.Alarms, edge.Repair = called.Ends, called.Alarms, called.Repair
			}
			w.add(edge)
		}
	}
}

// answers tells whether a function answers requests of people, and so does not fail because an event could not be put.
func (w *walk) answers(function string) bool {
	return slices.ContainsFunc(w.edges, func(e Edge) bool { return e.Kind == APIToFunction && e.To == name(function) })
}

// sweeper is the function that tells again of what the API has opened.
const sweeper = "DisputesweepFunction"

// toldAgain is what becomes of the events of such a function: a case that was opened is there, told of or not.
func (w *walk) toldAgain(edge Edge) Edge {
	edge.Retries = fmt.Sprintf("the publisher, three times; then disputesweep (%s), which tells of cases that wait for their posting", w.schedule(w.id("AWS::Lambda::Function", sweeper)))
	edge.Ends, edge.Repair = []string{"the case itself, in the ledger"}, []string{"nothing: disputesweep does it"}
	for _, e := range w.edges {
		if e.Kind == AsyncRun && e.To == sweeper {
			edge.Alarms = e.Alarms
		}
	}
	return edge
}

// callers is what becomes of it when a function fails, by all who call it.
func (w *walk) callers(function string) Edge {
	var all Edge
	for _, e := range w.edges {
		if e.To != name(function) || e.Kind == ScheduleToLambda { // a schedule only hands the event to Lambda
			continue
		}
		all.Ends, all.Alarms, all.Repair = union(all.Ends, e.Ends), union(all.Alarms, e.Alarms), union(all.Repair, e.Repair)
	}
	if len(all.Ends) == 0 {
		w.lacks("%s: nothing is known to call it", name(function))
	}
	return all
}

func union(a, b []string) []string {
	for _, s := range b {
		if !slices.Contains(a, s) {
			a = append(slices.Clip(a), s)
		}
	}
	return a
}

// covered refuses a permission to hand something on for which there is no edge.
func (w *walk) covered(actor, action string, resources []string) {
	if slices.ContainsFunc(stores, func(prefix string) bool { return strings.HasPrefix(action, prefix) }) {
		return
	}
	if !slices.Contains(deliveries, action) {
		w.lacks("%s may %s: say in infra/edges whether that hands something on", name(actor), action)
		return
	}
	for _, to := range resources {
		if !slices.ContainsFunc(w.edges, func(e Edge) bool {
			between := e.From == name(actor) && e.To == name(to)
			setsAside := (e.From == name(actor) || e.To == name(actor)) && slices.Contains(e.Ends, name(to))
			return between || setsAside
		}) {
			w.lacks("%s may %s to %s: there is no such edge", name(actor), action, name(to))
		}
	}
}
