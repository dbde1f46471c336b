package stepfunctions

import (
	"context"
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

// task calls an integration.
type task struct {
	integration integration
	// names is what the service calls it in messages: the integrated service, or the ARN of a function.
	names       string
	timeout     time.Duration
	timeoutPath *path
}

// integration is one resource a Task may name. Calls return when their context ends; they run concurrently.
type integration interface {
	// parameters are the names of the arguments it takes; those with true must be there. nil: whatever is given is passed on.
	parameters() map[string]bool
	call(ctx context.Context, r *run, args *value) (*value, *failure)
}

func (b *task) run(r *run, input *value) (transition, *failure) {
	timeout, err := b.limit(r)
	if err != nil {
		return transition{}, err
	}
	ctx, cancel := context.WithCancelCause(r.ctx)
	defer cancel(nil)
	if timeout > 0 {
		defer r.env.clock.AfterFunc(timeout, func() { cancel(errTaskTimeout) }).Stop()
	}
	if err := r.event(3); err != nil { // scheduled, started, and how it ends
		return transition{}, err
	}
	out, err := b.integration.call(ctx, r, input)
	switch {
	case errors.Is(context.Cause(ctx), errTaskTimeout):
		return transition{}, &failure{name: errorTimeout, noCause: true}
	case err != nil:
		return transition{}, err
	case out.size > maxDataBytes:
		return transition{}, failf(errorDataLimit, dataLimitCause, b.names)
	}
	return transition{result: out}, nil
}

var errTaskTimeout = errors.New("the task's time is over")

func (b *task) limit(r *run) (time.Duration, *failure) {
	if b.timeoutPath == nil {
		return b.timeout, nil
	}
	v, err := b.timeoutPath.find(r.scope(r.input))
	if err != nil {
		return 0, pathFailure(err, "Invalid path '%s' in TimeoutSecondsPath: no results for it in %s", b.timeoutPath.text, r.input)
	}
	n, ok := v.integer()
	if !ok || n < 1 || n > maxTimeoutSeconds {
		return 0, failf(errorRuntime, "TimeoutSecondsPath must name an integer from 1 to %d, it names %s", maxTimeoutSeconds, v)
	}
	return time.Duration(n) * time.Second, nil
}

// maxTimeoutSeconds is the longest time limit of a Task.
const maxTimeoutSeconds = 99999999

func (c *compiler) compileTask(s *state, f *fields) error {
	if err := s.compilePaths(f); err != nil {
		return err
	}
	if err := f.require("Resource"); err != nil {
		return err
	}
	b := &task{}
	err := b.compileResource(c, f)
	if err != nil {
		return err
	}
	if known := b.integration.parameters(); known != nil {
		if err := checkArguments(f, known); err != nil {
			return err
		}
	}
	if s.parameters, err = f.template("Parameters"); err != nil {
		return err
	}
	if err := f.exclude("TimeoutSeconds", "TimeoutSecondsPath"); err != nil {
		return err
	}
	seconds, err := f.integer("TimeoutSeconds", 1, maxTimeoutSeconds, 0)
	if err != nil {
		return err
	}
	b.timeout = time.Duration(seconds) * time.Second
	if b.timeoutPath, err = f.reference("TimeoutSecondsPath"); err != nil {
		return err
	}
	if err := s.compileResult(f); err != nil {
		return err
	}
	s.behaviour = b
	return s.compileNext(f)
}

var functionARN = regexp.MustCompile(`^arn:[^:]+:lambda:[^:]*:[0-9]*:function:[A-Za-z0-9_-]+(:[A-Za-z0-9$_-]+)?$`)

// compileResource finds the integration a Task names. The refusals of EXPRESS are the service's (recorded on AWS:
// LocalStack, test_sfn_api_express.snapshot.json, test_illegal_callbacks and test_illegal_activity_task).
func (b *task) compileResource(c *compiler, f *fields) error {
	const field = "Resource"
	resource, err := f.string(field)
	if err != nil {
		return err
	}
	callback, sync := strings.HasSuffix(resource, ".waitForTaskToken"), strings.Contains(resource, ".sync")
	activity := strings.Contains(resource, ":activity:")
	switch {
	case callback && c.express:
		return f.fieldErrorf(field, "Express state machine does not support '.waitForTaskToken' service integration ")
	case sync && c.express:
		return f.fieldErrorf(field, "Express state machine does not support '.sync' service integration")
	case activity && c.express:
		return f.fieldErrorf(field, "Express state machine does not support Activity ARN")
	case callback || sync:
		return f.fieldErrorf(field, "The resource %s waits for an answer (.sync, .waitForTaskToken), which is not done by the local runtime", resource)
	case activity:
		return f.fieldErrorf(field, "Activities are not done by the local runtime: %s", resource)
	case functionARN.MatchString(resource) && c.functions != nil:
		b.integration, b.names = &function{c.functions, resource}, resource
		return nil
	}
	if b.integration = c.integrations[resource]; b.integration == nil {
		return f.fieldErrorf(field, "The resource %s is not done by the local runtime", resource)
	}
	b.names, _, _ = strings.Cut(strings.TrimPrefix(resource, "arn:aws:states:::"), ":")
	return nil
}

// checkArguments refuses arguments the integration does not take, as the service does when a definition is created.
func checkArguments(f *fields, known map[string]bool) error {
	const field = "Parameters"
	given := map[string]bool{}
	if v := f.object.get(field); v != nil {
		for _, m := range v.members {
			name := strings.TrimSuffix(m.name, ".$")
			if _, ok := known[name]; !ok {
				return f.fieldErrorf(field, "The field %q is not supported by this resource of the local runtime", name)
			}
			given[name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(known)) {
		if known[name] && !given[name] {
			return f.fieldErrorf(field, "The field %q is required but was missing", name)
		}
	}
	return nil
}
