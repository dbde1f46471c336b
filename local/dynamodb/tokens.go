package dynamodb

import (
	"crypto/sha256"
	"sync"
	"time"

	"github.com/payrail/payrail/local/clock"
	"github.com/payrail/payrail/local/storage"
	"github.com/payrail/payrail/local/wire"
)

// tokenLife is how long after its completion a transaction's ClientRequestToken is remembered.
const tokenLife = 10 * time.Minute

type fingerprint [sha256.Size]byte

// tokens are the ClientRequestTokens of transactions under way and lately done. It is safe for concurrent use.
type tokens struct {
	clock clock.Clock

	mu      sync.Mutex
	store   storage.Store // nil where tokens end with the process
	known   map[string]*tokenState
	done    []string // in the order of completion, which is that of expiry
	expired []string // yet to be deleted from the store
}

type tokenState struct {
	request fingerprint
	expires time.Time // zero while under way
}

// begin claims a token for a request; repeated is true where the same request has been done already.
func (t *tokens) begin(token string, request fingerprint) (repeated bool, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.restore(); err != nil {
		return false, err
	}
	now := t.clock.Now()
	for len(t.done) > 0 && !t.known[t.done[0]].expires.After(now) {
		delete(t.known, t.done[0])
		if t.store != nil {
			t.expired = append(t.expired, t.done[0])
		}
		t.done = t.done[1:]
	}
	state := t.known[token]
	switch {
	case state == nil:
		if t.known == nil {
			t.known = map[string]*tokenState{}
		}
		t.known[token] = &tokenState{request: request}
		return false, nil
	case state.request != request:
		return false, wire.Errorf(codeTokenMismatch, "The request token used in the request is already used with different parameters")
	case state.expires.IsZero():
		return false, wire.Errorf(codeInProgress, "The transaction with the given request token is already in progress.")
	}
	return true, nil
}

// end keeps the token of a transaction that was done and forgets that of one that failed.
func (t *tokens) end(token string, done bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !done {
		delete(t.known, token)
		return
	}
	t.known[token].expires = t.clock.Now().Add(tokenLife)
	t.done = append(t.done, token)
}
