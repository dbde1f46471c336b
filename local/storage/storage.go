// Package storage is where the local runtime's services keep what must outlive a call: table items, objects, archived
// events, and where the process may be killed at any moment also every message and execution that is under way. It is one
// ordered map per space behind an interface with two back-ends, Memory and Disk.
package storage

import (
	"errors"
)

// ErrClosed is the error of every call after Close.
var ErrClosed = errors.New("storage is closed")

// Store holds ordered maps from byte-string keys to byte-string values, one per space ("dynamodb/Ledger", "s3/audit").
// Implementations are safe for concurrent use. Callers must not change a key or value after handing it over, nor one that
// was handed to them.
type Store interface {
	// Get returns the value at key; ok is false where there is none.
	Get(space string, key []byte) (value []byte, ok bool, err error)
	// Apply makes all changes of the batch visible at once, or none.
	Apply(batch *Batch) error
	// Scan calls fn for the keys in r, in byte order (backwards when r.Reverse), until fn returns false. It sees the state
	// at the time of the call.
	Scan(space string, r Range, fn func(key, value []byte) bool) error
	Close() error
}

// Range is the part of a space a Scan visits: From <= key < To; nil means unbounded.
type Range struct {
	From, To []byte
	Reverse  bool
}

// Batch collects changes for Apply, which makes them in their order. The zero value is ready to use.
type Batch struct{ changes []change }

type changeKind uint8

const (
	changePut changeKind = iota
	changeDelete
	changeDeleteRange // From key to value.
)

type change struct {
	kind       changeKind
	space      string
	key, value []byte
}

func (b *Batch) Put(space string, key, value []byte) {
	b.changes = append(b.changes, change{space: space, key: key, value: value})
}

func (b *Batch) Delete(space string, key []byte) {
	b.changes = append(b.changes, change{kind: changeDelete, space: space, key: key})
}

// DeleteRange deletes all keys of a range; its direction does not matter.
func (b *Batch) DeleteRange(space string, r Range) {
	b.changes = append(b.changes, change{kind: changeDeleteRange, space: space, key: r.From, value: r.To})
}

// Len is the number of changes collected.
func (b *Batch) Len() int { return len(b.changes) }
