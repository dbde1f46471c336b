package local

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/payrail/payrail/local/eventbridge"
	"github.com/payrail/payrail/local/storage"
	"github.com/payrail/payrail/local/wire"
)

// definitionSpace has the requests that made or changed a resource through its service's API, by resource. What the template declares
// is made from the template at every start; these come after it.
const definitionSpace = "runtime/definitions"

// control is an operation on a resource itself, not on what it holds.
type control struct {
	// of finds the resource a request is about.
	of func(controlInput) string
	// removes says that nothing of the resource is left to do again.
	removes bool
	// makes says that the resource is there with the first request: the same one later has no effect, as on AWS.
	makes bool
	// slot, if any, is shared by operations of which the last one counts.
	slot string
	// overrides says that of the operation itself the last one counts, in the place of the first, for others build upon it. It undoes
	// what a slot has.
	overrides string
}

// controlInput has the members that name resources in the operations below.
type controlInput struct {
	TableName, QueueName, QueueUrl, Name, EventBusName, Rule, ArchiveName, StateMachineArn, TopicArn, ResourceARN string
}

// The operations of each service whose effect must outlive the process, beside those on messages, items and events, which the services
// keep themselves.
var controls = map[string]map[string]control{
	"dynamodb": {
		"CreateTable": {of: tableOf, makes: true},
		"DeleteTable": {of: tableOf, removes: true},
	},
	"sqs": {
		"CreateQueue":        {of: queueOf, makes: true},
		"SetQueueAttributes": {of: queueOf},
		"TagQueue":           {of: queueOf},
		"UntagQueue":         {of: queueOf},
		"DeleteQueue":        {of: queueOf, removes: true},
	},
	"events": {
		"CreateEventBus": {of: busOf, makes: true},
		"UpdateEventBus": {of: busOf},
		"DeleteEventBus": {of: busOf, removes: true},
		"PutRule":        {of: ruleOf, overrides: stateSlot},
		"EnableRule":     {of: ruleOf, slot: stateSlot},
		"DisableRule":    {of: ruleOf, slot: stateSlot},
		"PutTargets":     {of: ruleOf},
		"RemoveTargets":  {of: ruleOf},
		"TagResource":    {of: taggedOf},
		"UntagResource":  {of: taggedOf},
		"DeleteRule":     {of: ruleOf, removes: true},
		"CreateArchive":  {of: archiveOf, makes: true},
		"UpdateArchive":  {of: archiveOf},
		"DeleteArchive":  {of: archiveOf, removes: true},
	},
	"states": {
		"CreateStateMachine": {of: machineOf, makes: true},
		"UpdateStateMachine": {of: machineOf},
		"DeleteStateMachine": {of: machineOf, removes: true},
	},
	"sns": {
		"CreateTopic": {of: topicOf, makes: true},
		"Subscribe":   {of: topicOf},
	},
}

// stateSlot is a rule's being enabled or not, which PutRule sets too.
const stateSlot = "state"

func tableOf(in controlInput) string { return "table/" + lastPart(in.TableName) }
func queueOf(in controlInput) string { return "queue/" + in.QueueName + lastPart(in.QueueUrl) }
func busOf(in controlInput) string   { return "bus/" + lastPart(in.Name) }
func ruleOf(in controlInput) string {
	return "rule/" + cmp.Or(lastPart(in.EventBusName), eventbridge.DefaultBus) + "/" + in.Name + in.Rule
}

// taggedOf finds the bus or the rule of an ARN: …:event-bus/NAME, …:rule/NAME on the default bus, …:rule/BUS/NAME.
func taggedOf(in controlInput) string {
	kind, path, _ := strings.Cut(in.ResourceARN[strings.LastIndexByte(in.ResourceARN, ':')+1:], "/")
	if kind == "event-bus" {
		return busOf(controlInput{Name: path})
	}
	bus, name, ok := strings.Cut(path, "/")
	if !ok {
		bus, name = eventbridge.DefaultBus, path
	}
	return ruleOf(controlInput{EventBusName: bus, Name: name})
}

func topicOf(in controlInput) string   { return "topic/" + in.Name + lastPart(in.TopicArn) }
func archiveOf(in controlInput) string { return "archive/" + in.ArchiveName }
func machineOf(in controlInput) string { return "machine/" + in.Name + lastPart(in.StateMachineArn) }

// lastPart is the name at the end of an ARN or a URL; a name is its own.
func lastPart(text string) string { return text[strings.LastIndexAny(text, ":/")+1:] }

// definition is what is done again to have a resource as it was.
type definition struct{ Requests []controlRequest }

type controlRequest struct {
	// Order is that of the requests on all resources: a queue may be given a dead-letter queue that was made after it.
	Order                        uint64
	Service, Target, ContentType string
	Slot                         string `json:",omitempty"`
	Body                         []byte
}

// definitions records control requests and does them again. A nil one records nothing.
type definitions struct {
	store  storage.Store
	logger *slog.Logger

	mu    sync.Mutex // Orders an operation on a resource against its record.
	order uint64
}

// recording is the service with its control operations recorded before they are answered.
func (d *definitions) recording(service string, handler http.Handler) http.Handler {
	operations := controls[service]
	if d == nil || len(operations) == 0 {
		return handler
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		request := controlRequest{Service: service, Target: r.Header.Get("X-Amz-Target"), ContentType: r.Header.Get("Content-Type")}
		if _, ok := operations[request.operation()]; !ok && request.Target != "" {
			handler.ServeHTTP(w, r)
			return
		}
		body, err := wire.ReadBody(r)
		if err != nil {
			refuse(w, wire.AsError(err))
			return
		}
		request.Body = body
		control, ok := operations[request.operation()]
		if !ok {
			handler.ServeHTTP(w, withBody(r, body))
			return
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		request.Slot = control.slot
		answer := newAnswer()
		handler.ServeHTTP(answer, withBody(r, body))
		if answer.status < http.StatusMultipleChoices {
			if err := d.record(control, request); err != nil {
				refuse(w, wire.AsError(err))
				return
			}
		}
		answer.send(w)
	})
}

// operation is the name of the API call, in the JSON protocol or the query protocol.
func (r controlRequest) operation() string {
	if r.Target != "" {
		return r.Target[strings.LastIndexByte(r.Target, '.')+1:]
	}
	form, err := url.ParseQuery(string(r.Body))
	if err != nil {
		return "" // Its service refuses it.
	}
	return form.Get("Action")
}

// input reads what names the resource.
func (r controlRequest) input() (in controlInput, err error) {
	if r.Target != "" {
		err = json.Unmarshal(r.Body, &in)
		return in, err
	}
	form, err := url.ParseQuery(string(r.Body))
	return controlInput{Name: form.Get("Name"), TopicArn: form.Get("TopicArn"), QueueName: form.Get("QueueName"), QueueUrl: form.Get("QueueUrl")}, err
}

func withBody(r *http.Request, body []byte) *http.Request {
	r = r.Clone(r.Context())
	r.Body, r.ContentLength = http.NoBody, int64(len(body))
	if len(body) > 0 {
		r.Body = readCloser{bytes.NewReader(body)}
	}
	return r
}

type readCloser struct{ *bytes.Reader }

func (readCloser) Close() error { return nil }

// record keeps a request that had its effect. The caller holds d.mu.
func (d *definitions) record(c control, request controlRequest) error {
	in, err := request.input()
	if err != nil {
		return fmt.Errorf("recording %s: %w", request.operation(), err)
	}
	key := []byte(request.Service + " " + c.of(in))
	var batch storage.Batch
	if c.removes {
		batch.Delete(definitionSpace, key)
		return d.store.Apply(&batch)
	}
	value, found, err := d.store.Get(definitionSpace, key)
	if err != nil {
		return fmt.Errorf("recording %s: %w", request.operation(), err)
	}
	var known definition
	if found {
		if err := json.Unmarshal(value, &known); err != nil {
			return fmt.Errorf("recording %s: %w", request.operation(), err)
		}
	}
	request.Order = d.order + 1
	known.Requests = c.follow(known.Requests, request)
	if value, err = json.Marshal(known); err != nil {
		return fmt.Errorf("recording %s: %w", request.operation(), err)
	}
	batch.Put(definitionSpace, key, value)
	if err := d.store.Apply(&batch); err != nil {
		return fmt.Errorf("recording %s: %w", request.operation(), err)
	}
	d.order = request.Order
	return nil
}

// follow is what is to be done again, in its order, where a request follows others on its resource.
func (c control) follow(earlier []controlRequest, request controlRequest) []controlRequest {
	first := slices.IndexFunc(earlier, func(e controlRequest) bool { return e.operation() == request.operation() })
	switch {
	case c.makes && first >= 0:
		return earlier
	case c.overrides != "" && first >= 0:
		request.Order = earlier[first].Order
		earlier[first] = request
	default:
		earlier = append(slices.DeleteFunc(earlier, request.replaces), request)
	}
	return slices.DeleteFunc(earlier, func(e controlRequest) bool { return c.overrides != "" && e.Slot == c.overrides })
}

// replaces says that the earlier request need not be done again.
func (r controlRequest) replaces(earlier controlRequest) bool {
	if r.Slot != "" && r.Slot == earlier.Slot {
		return true
	}
	return r.operation() == earlier.operation() && bytes.Equal(r.Body, earlier.Body)
}

// restore does all requests again, in their order. A resource that cannot be made as it was, for the template has changed meanwhile,
// is logged and returned; it stays recorded.
func (d *definitions) restore(ctx context.Context, services map[string]http.Handler) (failed []string, err error) {
	if d == nil {
		return nil, nil
	}
	type named struct {
		controlRequest
		key string
	}
	var all []named
	var broken error
	err = d.store.Scan(definitionSpace, storage.Range{}, func(key, value []byte) bool {
		var one definition
		broken = json.Unmarshal(value, &one)
		for _, request := range one.Requests {
			all = append(all, named{request, string(key)})
		}
		return broken == nil
	})
	if err = errors.Join(err, broken); err != nil {
		return nil, fmt.Errorf("reading what was made through the APIs: %w", err)
	}
	slices.SortStableFunc(all, func(a, b named) int { return cmp.Compare(a.Order, b.Order) })
	for _, request := range all {
		d.order = max(d.order, request.Order)
		if slices.Contains(failed, request.key) {
			continue
		}
		if err := request.again(ctx, services[request.Service]); err != nil {
			d.logger.Error("a resource cannot be made again as it was", "resource", request.key, "error", err)
			failed = append(failed, request.key)
		}
	}
	return failed, nil
}

func (r controlRequest) again(ctx context.Context, service http.Handler) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://127.0.0.1/", bytes.NewReader(r.Body))
	if err != nil {
		return fmt.Errorf("repeating %s: %w", r.operation(), err)
	}
	if r.Target != "" {
		request.Header.Set("X-Amz-Target", r.Target)
	}
	request.Header.Set("Content-Type", r.ContentType)
	answer := newAnswer()
	service.ServeHTTP(answer, request)
	if answer.status >= http.StatusMultipleChoices {
		return fmt.Errorf("repeating %s: %s", r.operation(), answer.body.String())
	}
	return nil
}

// answer holds a response back.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func newAnswer() *answer { return &answer{header: http.Header{}, status: http.StatusOK} }

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) WriteHeader(status int)      { a.status = status }
func (a *answer) Write(p []byte) (int, error) { return a.body.Write(p) }

func (a *answer) send(w http.ResponseWriter) {
	for name, values := range a.header {
		w.Header()[name] = values
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body.Bytes()) // A client that has gone away is not the runtime's error.
}
