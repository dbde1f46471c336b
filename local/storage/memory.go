package storage

import (
	"bytes"
	"sync"

	"github.com/tidwall/btree"
)

// Memory is a Store that lives and dies with the process.
type Memory struct {
	mu     sync.RWMutex
	spaces map[string]*btree.BTreeG[pair]
	closed bool
}

var _ Store = (*Memory)(nil)

type pair struct{ key, value []byte }

func NewMemory() *Memory { return &Memory{spaces: map[string]*btree.BTreeG[pair]{}} }

func byKey(a, b pair) bool { return bytes.Compare(a.key, b.key) < 0 }

func (m *Memory) Get(space string, key []byte) ([]byte, bool, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.closed {
		return nil, false, ErrClosed
	}
	tree := m.spaces[space]
	if tree == nil {
		return nil, false, nil
	}
	found, ok := tree.Get(pair{key: key})
	return found.value, ok, nil
}

func (m *Memory) Apply(batch *Batch) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return ErrClosed
	}
	for _, c := range batch.changes {
		tree := m.spaces[c.space]
		if tree == nil {
			// The store's own lock guards every tree.
			tree = btree.NewBTreeGOptions(byKey, btree.Options{NoLocks: true})
			m.spaces[c.space] = tree
		}
		switch c.kind {
		case changePut:
			tree.Set(pair{key: c.key, value: c.value})
		case changeDelete:
			tree.Delete(pair{key: c.key})
		case changeDeleteRange:
			deleteRange(tree, c.key, c.value)
		}
	}
	return nil
}

// deleteRange deletes from <= key < to; a nil to means all that follow.
func deleteRange(tree *btree.BTreeG[pair], from, to []byte) {
	var doomed []pair
	tree.Ascend(pair{key: from}, func(p pair) bool {
		if to != nil && bytes.Compare(p.key, to) >= 0 {
			return false
		}
		doomed = append(doomed, p)
		return true
	})
	for _, p := range doomed {
		tree.Delete(p)
	}
}

func (m *Memory) Scan(space string, r Range, fn func(key, value []byte) bool) error {
	m.mu.Lock() // Copy marks nodes as shared, which is a write.
	if m.closed {
		m.mu.Unlock()
		return ErrClosed
	}
	tree := m.spaces[space]
	if tree == nil {
		m.mu.Unlock()
		return nil
	}
	snapshot := tree.Copy()
	m.mu.Unlock()

	if r.Reverse {
		visit := func(p pair) bool {
			if r.To != nil && bytes.Compare(p.key, r.To) >= 0 {
				return true
			}
			if r.From != nil && bytes.Compare(p.key, r.From) < 0 {
				return false
			}
			return fn(p.key, p.value)
		}
		if r.To == nil {
			snapshot.Reverse(visit)
		} else {
			snapshot.Descend(pair{key: r.To}, visit)
		}
		return nil
	}
	visit := func(p pair) bool {
		if r.To != nil && bytes.Compare(p.key, r.To) >= 0 {
			return false
		}
		return fn(p.key, p.value)
	}
	snapshot.Ascend(pair{key: r.From}, visit)
	return nil
}

func (m *Memory) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	m.spaces = nil
	return nil
}
