// Package storage is where the local runtime's services keep what must outlive a call: table items, objects, archived
// events. It is one ordered map per space behind an interface, so that a disk back-end can take the place of memory
// without a service noticing.
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

// Batch collects changes for Apply. The zero value is ready to use.
type Batch struct{ changes []change }

type change struct {
	space      string
	key, value []byte
	remove     bool
}

func (b *Batch) Put(space string, key, value []byte) {
	b.changes = append(b.changes, change{space: space, key: key, value: value})
}

func (b *Batch) Delete(space string, key []byte) {
	b.changes = append(b.changes, change{space: space, key: key, remove: true})
}

// Len is the number of changes collected.
func (b *Batch) Len() int { return len(b.changes) }
