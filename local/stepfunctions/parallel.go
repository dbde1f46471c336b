package stepfunctions

import (
	"context"
	"fmt"
	"sync"
)

// maxInlineConcurrency is how many iterations of an inline Map run at once at most.
const maxInlineConcurrency = 40

// parallel runs its branches at the same time on the same input and gives their outputs in order.
type parallel struct{ branches []*machine }

func (b *parallel) run(r *run, input *value) (*value, *state, *failure) {
	out, err := fanOut(r, len(b.branches), len(b.branches), func(r *run, i int) (*value, *failure) {
		return r.runStates(b.branches[i].start, input)
	})
	return out, nil, err
}

// fanOut does n pieces of work, at most limit at once. The first failure stops the others and is the result; what they
// have done by then stays done.
func fanOut(r *run, n, limit int, do func(r *run, i int) (*value, *failure)) (*value, *failure) {
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
			out, err := do(&run{ctx: ctx, execution: r.execution, item: r.item}, i)
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
	list, err := f.list("Branches")
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return f.errorf("Branches must hold at least one branch")
	}
	b := &parallel{}
	for _, entry := range list {
		branch, err := c.compileStates(entry)
		if err != nil {
			return err
		}
		b.branches = append(b.branches, branch)
	}
	s.behaviour = b
	return s.compileNext(f)
}

// mapState runs its states once for each item of an array and gives the outputs in the order of the items.
type mapState struct {
	itemsPath *path
	selector  expression
	limit     int
	body      *machine
}

func (b *mapState) run(r *run, input *value) (*value, *state, *failure) {
	items := input
	if b.itemsPath != nil {
		var ok bool
		if items, ok = findIn(b.itemsPath, r.scope(input)); !ok {
			return nil, nil, failf(errorRuntime, "Invalid path '%s': no results in the input of the state '%s'", b.itemsPath.text, r.state.name)
		}
	}
	if items.kind != kindArray {
		return nil, nil, failf(errorRuntime, "The items of the state '%s' must be an array, they are a %s", r.state.name, items.kind)
	}
	parent := r.state
	out, err := fanOut(r, len(items.elems), b.limit, func(r *run, i int) (*value, *failure) {
		r.state, r.entered = parent, r.env.clock.Now()
		item := items.elems[i]
		r.item = objectValue(member{"Index", intValue(int64(i))}, member{"Value", item})
		if b.selector != nil {
			var err *failure
			if item, err = b.selector.eval(r.scope(input)); err != nil {
				return nil, err
			}
		}
		return r.runStates(b.body.start, item)
	})
	return out, nil, err
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
	if b.itemsPath, err = f.path("ItemsPath"); err != nil {
		return err
	}
	if b.itemsPath != nil && b.itemsPath.filtered() {
		return f.errorf("ItemsPath is a reference path: it cannot hold a filter")
	}
	// Parameters and Iterator are the older names of ItemSelector and ItemProcessor.
	if b.selector, err = oneOf(f, f.template, "ItemSelector", "Parameters"); err != nil {
		return err
	}
	limit, err := f.integer("MaxConcurrency", 0, maxInlineConcurrency, 0)
	if err != nil {
		return err
	}
	if b.limit = int(limit); b.limit == 0 {
		b.limit = maxInlineConcurrency
	}
	if b.body, err = oneOf(f, func(name string) (*machine, error) { return c.compileProcessor(f, name) }, "ItemProcessor", "Iterator"); err != nil {
		return err
	}
	if b.body == nil {
		return f.errorf("ItemProcessor is missing")
	}
	s.behaviour = b
	return s.compileNext(f)
}

// oneOf takes a field under its name or its older name, not under both.
func oneOf[T any](f *fields, take func(name string) (T, error), name, older string) (T, error) {
	if f.object.get(name) == nil {
		return take(older)
	}
	return take(name) // The older one, if given too, is left and refused as unknown.
}

func (c *compiler) compileProcessor(f *fields, name string) (*machine, error) {
	v := f.take(name)
	if v == nil {
		return nil, nil
	}
	inner, err := newFields(v, f.at+"/"+name)
	if err != nil {
		return nil, err
	}
	if config := inner.take("ProcessorConfig"); config != nil {
		cf, err := newFields(config, inner.at+"/ProcessorConfig")
		if err != nil {
			return nil, err
		}
		mode, err := cf.string("Mode")
		if err != nil {
			return nil, err
		}
		if mode != "" && mode != "INLINE" {
			return nil, fmt.Errorf("%s: Mode %q is not done in EXPRESS, only INLINE", cf.at, mode)
		}
		if err := cf.done(); err != nil {
			return nil, err
		}
	}
	return c.compileStates(inner)
}
