package dynamodb

import (
	"slices"
	"sort"

	"github.com/payrail/payrail/local/wire"
)

// updateOperand is the right side of a SET: its value is computed from the item as it was before the update.
type updateOperand interface {
	compute(item attrs) (value, error)
}

type (
	constant   struct{ value value }
	current    struct{ path path }
	arithmetic struct {
		left, right updateOperand
		subtract    bool
	}
	fallback struct { // if_not_exists
		path  path
		value updateOperand
	}
	appended struct{ left, right updateOperand } // list_append
)

func wrongOperandType() *wire.Error {
	return invalid("An operand in the update expression has an incorrect data type")
}

func wrongUpdatePath() *wire.Error {
	return invalid("The document path provided in the update expression is invalid for update")
}

func (o constant) compute(attrs) (value, error) { return o.value, nil }

func (o current) compute(item attrs) (value, error) {
	v, ok := o.path.resolve(item)
	if !ok {
		return value{}, invalid("The provided expression refers to an attribute that does not exist in the item")
	}
	return v, nil
}

func (o fallback) compute(item attrs) (value, error) {
	if v, ok := o.path.resolve(item); ok {
		return v, nil
	}
	return o.value.compute(item)
}

func computeBoth(left, right updateOperand, item attrs, k kind) (a, b value, err error) {
	if a, err = left.compute(item); err != nil {
		return a, b, err
	}
	if b, err = right.compute(item); err != nil {
		return a, b, err
	}
	if a.kind != k || b.kind != k {
		return a, b, wrongOperandType()
	}
	return a, b, nil
}

func (o arithmetic) compute(item attrs) (value, error) {
	a, b, err := computeBoth(o.left, o.right, item, kindN)
	if err != nil {
		return value{}, err
	}
	sum, err := addNumbers(a.text, b.text, o.subtract)
	return value{kind: kindN, text: sum}, err
}

func (o appended) compute(item attrs) (value, error) {
	a, b, err := computeBoth(o.left, o.right, item, kindL)
	if err != nil {
		return value{}, err
	}
	return value{kind: kindL, elems: slices.Concat(a.elems, b.elems)}, nil
}

// apply returns item with the update done. Every operand and list index refers to the item as it was.
func (u *update) apply(item attrs) (attrs, error) {
	root := value{kind: kindM, fields: item}
	sets := make([]setAction, len(u.sets))
	for i, s := range u.sets {
		v, err := s.value.compute(item)
		if err != nil {
			return nil, err
		}
		sets[i] = setAction{s.path, constant{v}}
	}
	// Elements set beyond the end of a list are appended in the order of their indexes.
	sort.SliceStable(sets, func(i, j int) bool { return comparePaths(sets[i].path, sets[j].path) < 0 })
	var err error
	for _, s := range sets {
		if root, err = root.set(s.path, s.value.(constant).value); err != nil {
			return nil, err
		}
	}
	for _, c := range u.adds {
		if root, err = root.add(c, item); err != nil {
			return nil, err
		}
	}
	// From the back, so that the indexes of what is still to be removed stay as they are.
	removals := slices.Clone(u.deletes)
	for _, p := range u.removes {
		removals = append(removals, setChange{path: p})
	}
	sort.SliceStable(removals, func(i, j int) bool { return comparePaths(removals[i].path, removals[j].path) > 0 })
	for _, c := range removals {
		if c.value.kind == 0 {
			root, err = root.remove(c.path)
		} else {
			root, err = root.subtract(c, item)
		}
		if err != nil {
			return nil, err
		}
	}
	return root.fields, nil
}

// change returns v with the value at p replaced by what edit makes of it, copying only the containers on the way. edit gets
// ok false where there is nothing yet; returning keep false removes.
func (v value) change(p path, edit func(old value, ok bool) (new value, keep bool, err error)) (value, error) {
	s := p[0]
	if s.isIndex() != (v.kind == kindL) || (!s.isIndex() && v.kind != kindM) {
		return value{}, wrongUpdatePath()
	}
	old, ok := v.child(s)
	var (
		changed value
		keep    bool
		err     error
	)
	if len(p) == 1 {
		changed, keep, err = edit(old, ok)
	} else if ok {
		changed, err = old.change(p[1:], edit)
		keep = true
	} else {
		err = wrongUpdatePath()
	}
	if err != nil {
		return value{}, err
	}
	return v.replaced(s, changed, ok, keep), nil
}

func (v value) child(s step) (value, bool) {
	if !s.isIndex() {
		return v.fields.get(s.name)
	}
	if s.index >= len(v.elems) {
		return value{}, false
	}
	return v.elems[s.index], true
}

// replaced returns a copy of the list or map with another child at s, or without it.
func (v value) replaced(s step, child value, present, keep bool) value {
	switch {
	case !present && !keep:
		return v
	case !s.isIndex() && keep:
		v.fields = v.fields.with(s.name, child)
	case !s.isIndex():
		v.fields = v.fields.without(s.name)
	case !keep:
		v.elems = slices.Delete(slices.Clone(v.elems), s.index, s.index+1)
	case present:
		v.elems = slices.Clone(v.elems)
		v.elems[s.index] = child
	default:
		v.elems = append(slices.Clip(v.elems), child)
	}
	return v
}

func (v value) set(p path, to value) (value, error) {
	return v.change(p, func(value, bool) (value, bool, error) { return to, true, nil })
}

func (v value) remove(p path) (value, error) {
	return v.change(p, func(old value, _ bool) (value, bool, error) { return old, false, nil })
}

// add is ADD: a number to a number, elements to a set; what is not there begins as zero or the empty set.
func (v value) add(c setChange, before attrs) (value, error) {
	old, existed := c.path.resolve(before)
	return v.change(c.path, func(value, bool) (value, bool, error) {
		switch {
		case !existed:
			return c.value, true, nil
		case old.kind != c.value.kind:
			return value{}, false, wrongOperandType()
		case old.kind == kindN:
			sum, err := addNumbers(old.text, c.value.text, false)
			return value{kind: kindN, text: sum}, true, err
		}
		return old.union(c.value), true, nil
	})
}

// subtract is DELETE: elements from a set; a set without elements goes.
func (v value) subtract(c setChange, before attrs) (value, error) {
	old, existed := c.path.resolve(before)
	return v.change(c.path, func(value, bool) (value, bool, error) {
		switch {
		case !existed:
			return value{}, false, nil
		case old.kind != c.value.kind:
			return value{}, false, wrongOperandType()
		}
		left := old.difference(c.value)
		return left, len(left.elems) > 0, nil
	})
}
