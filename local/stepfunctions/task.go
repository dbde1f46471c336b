package stepfunctions

import (
	"context"
	"errors"
	"strings"
	"time"
)

// task calls an integration.
type task struct {
	integration integration
	timeout     time.Duration
	timeoutPath *path
}

// integration is one resource a Task may name. Calls return when their context ends; they run concurrently.
type integration interface {
	// parameters are the names of the arguments it takes; those with true must be there.
	parameters() map[string]bool
	call(ctx context.Context, r *run, args *value) (*value, *failure)
}

func (b *task) run(r *run, input *value) (*value, *state, *failure) {
	timeout, err := b.limit(r)
	if err != nil {
		return nil, nil, err
	}
	if timeout == 0 {
		out, err := b.integration.call(r.ctx, r, input)
		return out, nil, err
	}
	ctx, cancel := context.WithCancelCause(r.ctx)
	defer cancel(nil)
	timer := r.env.clock.AfterFunc(timeout, func() { cancel(errTaskTimeout) })
	out, err := b.integration.call(ctx, r, input)
	timer.Stop()
	if errors.Is(context.Cause(ctx), errTaskTimeout) {
		return nil, nil, failf(errorTimeout, "The task '%s' took longer than %s", r.state.name, timeout)
	}
	return out, nil, err
}

var errTaskTimeout = errors.New("the task's time is over")

func (b *task) limit(r *run) (time.Duration, *failure) {
	if b.timeoutPath == nil {
		return b.timeout, nil
	}
	v, ok := findIn(b.timeoutPath, r.scope(r.input))
	if !ok || v.kind != kindNumber || v.number() < 1 || v.number() != float64(int64(v.number())) {
		return 0, failf(errorRuntime, "The path '%s' of the state '%s' must name a positive integer", b.timeoutPath.text, r.state.name)
	}
	return time.Duration(v.number()) * time.Second, nil
}

func (c *compiler) compileTask(s *state, f *fields) error {
	if err := s.compilePaths(f); err != nil {
		return err
	}
	resource, err := f.string("Resource")
	if err != nil {
		return err
	}
	b := &task{integration: c.integrations[resource]}
	if b.integration == nil {
		return f.errorf("Resource %q is not done by the local runtime", resource)
	}
	if err := checkArguments(f, b.integration.parameters()); err != nil {
		return err
	}
	if s.parameters, err = f.template("Parameters"); err != nil {
		return err
	}
	seconds, err := f.integer("TimeoutSeconds", 1, 99999999, 0)
	if err != nil {
		return err
	}
	b.timeout = time.Duration(seconds) * time.Second
	if b.timeoutPath, err = f.path("TimeoutSecondsPath"); err != nil {
		return err
	}
	if b.timeoutPath != nil && b.timeout != 0 {
		return f.errorf("TimeoutSeconds and TimeoutSecondsPath exclude each other")
	}
	if err := s.compileResult(f); err != nil {
		return err
	}
	s.behaviour = b
	return s.compileNext(f)
}

// checkArguments refuses arguments the integration does not take, as the service does when a definition is created.
func checkArguments(f *fields, known map[string]bool) error {
	given := map[string]bool{}
	if v := f.object.get("Parameters"); v != nil {
		for _, m := range v.members {
			name := strings.TrimSuffix(m.name, ".$")
			if _, ok := known[name]; !ok {
				return f.errorf("Parameters: the field %q is not supported by this resource of the local runtime", name)
			}
			given[name] = true
		}
	}
	for name, required := range known {
		if required && !given[name] {
			return f.errorf("Parameters: the field %q is required", name)
		}
	}
	return nil
}
