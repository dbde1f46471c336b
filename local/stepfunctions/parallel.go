package stepfunctions

import (
	"context"
	"math"
	"sync"
)

// maxInlineConcurrency is how many iterations of an inline Map run at once at most.
const maxInlineConcurrency = 40

// parallel runs its branches at the same time on the same input and gives their outputs in order.
type parallel struct{ branches []*machine }

func (b *parallel) machines() []*machine { return b.branches }

func (b *parallel) run(r *run, input *value) (transition, *failure) {
	out, err := fanOut(r, len(b.branches), len(b.branches), func(r *run, i int) (*value, *failure) {
		return r.runStates(b.branches[i].start, input)
	})
	return transition{result: out}, err
}

// fanOut does n pieces of work, at most limit at once. The first failure stops the others and is the result; what they
// have done by then stays done.
func fanOut(r *run, n, limit int, do func(r *run, i int) (*value, *failure)) (*value, *failure) {
	if err := r.event(2); err != nil { // started and succeeded
		return nil, err
	}
	ctx, cancel := context.WithCancel(r.ctx)
	defer cancel()
	results := make([]*value, n)
	slots := make(chan struct{}, limit)
	var wg sync.WaitGroup
	var once sync.Once
	var first *failure
	for i := range n {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			break
		}
		wg.Go(func() {
			defer func() { <-slots }()
			inner := &run{ctx: ctx, execution: r.execution, item: r.item, variables: &variables{outer: r.variables}}
			out, err := do(inner, i)
			inner.variableBytes.Add(-inner.variables.bytes) // They go out of scope.
			if err != nil {
				once.Do(func() { first = err })
				cancel()
				return
			}
			results[i] = out
		})
	}
	wg.Wait()
	if first != nil {
		return nil, first
	}
	if r.ctx.Err() != nil {
		return nil, r.aborted()
	}
	return arrayValue(results...), nil
}

func (c *compiler) compileParallel(s *state, f *fields) (err error) {
	if err := s.compilePaths(f); err != nil {
		return err
	}
	if s.parameters, err = f.template("Parameters"); err != nil {
		return err
	}
	if err := s.compileResult(f); err != nil {
		return err
	}
	if err := f.require("Branches"); err != nil {
		return err
	}
	list, err := f.list("Branches")
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return f.fieldErrorf("Branches", "Expected value of type Array that is not empty")
	}
	b := &parallel{}
	var found diagnostics
	for _, entry := range list {
		branch, err := c.compileStates(entry)
		found.add(err)
		b.branches = append(b.branches, branch)
	}
	s.behaviour = b
	found.add(s.compileNext(f))
	return found.err()
}

// mapState runs its states once for each item of an array and gives the outputs in the order of the items.
type mapState struct {
	itemsPath *path
	selector  expression
	limit     int64 // 0: none of its own
	limitPath *path
	body      *machine
}

func (b *mapState) machines() []*machine { return []*machine{b.body} }

func (b *mapState) run(r *run, input *value) (transition, *failure) {
	items, limit, err := b.prepare(r, input)
	if err != nil {
		return transition{}, err
	}
	parent, retries, entered := r.state, r.retries, r.entered
	out, err := fanOut(r, len(items), limit, func(r *run, i int) (*value, *failure) {
		r.state, r.retries, r.entered = parent, retries, entered
		if err := r.event(2); err != nil { // iteration started and succeeded
			return nil, err
		}
		item := items[i]
		r.item = objectValue(member{"Index", intValue(int64(i))}, member{"Value", item}, member{"Source", stringValue("STATE_DATA")})
		if b.selector != nil {
			var err *failure
			if item, err = b.selector.eval(r.scope(input)); err != nil {
				return nil, err
			}
			if err = r.checkSize(item); err != nil {
				return nil, err
			}
		}
		return r.runStates(b.body.start, item)
	})
	return transition{result: out}, err
}

// prepare finds the items and how many of them may be worked on at once.
func (b *mapState) prepare(r *run, input *value) ([]*value, int, *failure) {
	items := input
	if b.itemsPath != nil {
		var err error
		if items, err = b.itemsPath.find(r.scope(input)); err != nil {
			return nil, 0, pathFailure(err, "Invalid path '%s': no results for the items in %s", b.itemsPath.text, input)
		}
	}
	if items.kind != kindArray {
		return nil, 0, failf(errorRuntime, "The items of a Map state must be an array, they are %s", items)
	}
	limit := b.limit
	if b.limitPath != nil {
		v, err := b.limitPath.find(r.scope(input))
		if err != nil {
			return nil, 0, pathFailure(err, "Invalid path '%s': no results for MaxConcurrency in %s", b.limitPath.text, input)
		}
		n, ok := v.integer()
		if !ok || n < 0 {
			return nil, 0, failf(errorRuntime, "MaxConcurrencyPath must name an integer that is not negative, it names %s", v)
		}
		limit = n
	}
	if limit == 0 || limit > maxInlineConcurrency {
		limit = maxInlineConcurrency
	}
	return items.elems, int(limit), nil
}

func (c *compiler) compileMap(s *state, f *fields) error {
	if err := s.compilePaths(f); err != nil {
		return err
	}
	if err := s.compileResult(f); err != nil {
		return err
	}
	b := &mapState{}
	var err error
	if b.itemsPath, err = f.reference("ItemsPath"); err != nil {
		return err
	}
	// Parameters and Iterator are the older names of ItemSelector and ItemProcessor.
	if b.selector, err = oneOf(f, f.template, "ItemSelector", "Parameters"); err != nil {
		return err
	}
	if err := f.exclude("MaxConcurrency", "MaxConcurrencyPath"); err != nil {
		return err
	}
	// A larger number than the service works on at once is allowed.
	if b.limit, err = f.integer("MaxConcurrency", 0, math.MaxInt32, 0); err != nil {
		return err
	}
	if b.limitPath, err = f.reference("MaxConcurrencyPath"); err != nil {
		return err
	}
	if b.body, err = oneOf(f, func(name string) (*machine, error) { return c.compileProcessor(f, name) }, "ItemProcessor", "Iterator"); err != nil {
		return err
	}
	if b.body == nil {
		return f.require("ItemProcessor")
	}
	s.behaviour = b
	return s.compileNext(f)
}

// oneOf takes a field under its name or its older name, not under both.
func oneOf[T any](f *fields, take func(name string) (T, error), name, older string) (T, error) {
	if err := f.exclude(name, older); err != nil {
		var none T
		return none, err
	}
	if f.object.get(name) == nil {
		return take(older)
	}
	return take(name)
}

func (c *compiler) compileProcessor(f *fields, name string) (*machine, error) {
	v := f.take(name)
	if v == nil {
		return nil, nil
	}
	inner, err := newFields(v, f.at+"/"+name, nil)
	if err != nil {
		return nil, err
	}
	if config := inner.take("ProcessorConfig"); config != nil && name == "ItemProcessor" {
		cf, err := newFields(config, inner.at+"/ProcessorConfig", nil)
		if err != nil {
			return nil, err
		}
		mode, err := cf.string("Mode")
		if err != nil {
			return nil, err
		}
		if mode != "" && mode != "INLINE" {
			return nil, cf.fieldErrorf("Mode", "Map states in the mode %q are not done by the local runtime, only INLINE", mode)
		}
		if err := cf.done(); err != nil {
			return nil, err
		}
	} else if config != nil {
		return nil, inner.errorf("Field 'ProcessorConfig' is not supported")
	}
	return c.compileStates(inner)
}
