package local

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/payrail/payrail/local/storage"
)

// The runtime's own entries in its space of the store, beside the clock.
const (
	templateKey = "template/" // followed by the stack's name
	tokenKeyKey = "token key"
)

// ErrOtherTokenKey says that the store's tokens were derived with another key: every card would get another token than it has.
var ErrOtherTokenKey = errors.New("the data was made with another token key")

// ErrOtherStack says that the store has another stack's state, whose undelivered events and executions would find nobody.
var ErrOtherStack = errors.New("the data is of another stack")

// Found is what an earlier process left in the store.
type Found struct {
	// Before says that there was an earlier process, TemplateChanged that it had another template, function binaries included.
	Before          bool `json:"before"`
	TemplateChanged bool `json:"templateChanged"`
	// Messages are in queues, Deliveries of events were not done yet, Executions of state machines are started again.
	Messages   int `json:"messages"`
	Deliveries int `json:"deliveries"`
	Executions int `json:"executions"`
	// Orphans are deliveries whose rule or target is no more; they were dropped.
	Orphans int `json:"orphans"`
	// Unmade are resources made through an API that cannot be made again.
	Unmade []string `json:"unmade,omitempty"`
}

// kept is the store for what services hold in memory otherwise; nil where it does not outlive the process.
func (o *Options) kept() storage.Store {
	if o.Durable {
		return o.Store
	}
	return nil
}

// prepare looks at what is in the store before any service does.
func (r *Runtime) prepare(o Options) error {
	if !o.Durable {
		return nil
	}
	r.ready = make(chan struct{})
	r.definitions = &definitions{store: o.Store, logger: o.Logger}
	if err := checkStack(o.Store, o.Stack); err != nil {
		return err
	}
	if err := checkTokenKey(o.Store, o.TokenKey); err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(o.Assembly, o.Stack+".template.json"))
	if err != nil {
		return fmt.Errorf("reading the template: %w", err)
	}
	sum := sha256.Sum256(text)
	before, found, err := o.Store.Get(runtimeSpace, []byte(templateKey+o.Stack))
	if err != nil {
		return fmt.Errorf("reading the record of the stack: %w", err)
	}
	r.Found.Before, r.Found.TemplateChanged = found, found && string(before) != string(sum[:])
	return nil
}

// checkStack refuses the state of another stack.
func checkStack(store storage.Store, stack string) error {
	other := ""
	prefix := []byte(templateKey)
	err := store.Scan(runtimeSpace, storage.Range{From: prefix, To: append(bytes.Clone(prefix), 0xff)}, func(key, _ []byte) bool {
		if name := string(key[len(prefix):]); name != stack {
			other = name
		}
		return other == ""
	})
	if err != nil {
		return fmt.Errorf("reading the record of the stack: %w", err)
	}
	if other != "" {
		return fmt.Errorf("%w: %s", ErrOtherStack, other)
	}
	return nil
}

// checkTokenKey keeps a fingerprint of the key, never the key, and refuses another one.
func checkTokenKey(store storage.Store, key []byte) error {
	mac := hmac.New(sha256.New, key)
	_, _ = mac.Write([]byte("payrail data folder")) // A hash does not fail.
	fingerprint := mac.Sum(nil)
	before, found, err := store.Get(runtimeSpace, []byte(tokenKeyKey))
	if err != nil {
		return fmt.Errorf("reading the token key's fingerprint: %w", err)
	}
	if found && !hmac.Equal(before, fingerprint) {
		return ErrOtherTokenKey
	}
	var b storage.Batch
	b.Put(runtimeSpace, []byte(tokenKeyKey), fingerprint)
	if err := store.Apply(&b); err != nil {
		return fmt.Errorf("keeping the token key's fingerprint: %w", err)
	}
	return nil
}

// goOn sets going what an earlier process left, now that everything that events, messages and executions need is there.
func (r *Runtime) goOn(ctx context.Context, o Options) error {
	if !o.Durable {
		return nil
	}
	var err error
	if r.Found.Unmade, err = r.definitions.restore(ctx, r.services()); err != nil {
		return err
	}
	for _, queueARN := range r.sqs.Queues() {
		depth, err := r.sqs.Depth(queueARN)
		if err != nil {
			return fmt.Errorf("counting messages: %w", err)
		}
		r.Found.Messages += depth
	}
	// What others deliver to comes first: it would take what it is given now for what it was given then, and do it twice.
	if err := r.sqs.Resume(); err != nil {
		return err
	}
	if err := r.sns.Resume(); err != nil {
		return err
	}
	if err := r.lambda.Resume(); err != nil {
		return err
	}
	if r.Found.Executions, err = r.stepfunctions.Resume(); err != nil {
		return err
	}
	events, err := r.eventbridge.Resume()
	if err != nil {
		return err
	}
	r.Found.Deliveries, r.Found.Orphans = events.Deliveries, events.Orphans
	if err := r.keepTemplate(o); err != nil {
		return err
	}
	close(r.ready)
	return nil
}

// keepTemplate records the template that is running.
func (r *Runtime) keepTemplate(o Options) error {
	text, err := os.ReadFile(filepath.Join(o.Assembly, o.Stack+".template.json"))
	if err != nil {
		return fmt.Errorf("reading the template: %w", err)
	}
	sum := sha256.Sum256(text)
	var b storage.Batch
	b.Put(runtimeSpace, []byte(templateKey+o.Stack), sum[:])
	if err := o.Store.Apply(&b); err != nil {
		return fmt.Errorf("keeping the record of the stack: %w", err)
	}
	return nil
}
