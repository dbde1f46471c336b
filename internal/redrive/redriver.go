package redrive

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/smithy-go/middleware"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
)

// Redriver looks into the stores of a stack and puts back what is in them. It is for one run or look at a time.
type Redriver struct {
	Layout Layout

	Queues         Queues
	Objects        Objects
	Rules          Rules
	Machines       Machines
	Functions      Functions
	Streams        DeliveryStreams
	Topics         Topics
	EventBus       EventBus
	Publisher      Publisher
	Records        RecordStreams
	Authorizations Authorizations

	Now func() time.Time
	// Wait sleeps, and returns early with ctx's error.
	Wait func(context.Context, time.Duration) error
	// NewID returns a few random characters for a run's id.
	NewID func() string

	mu      sync.Mutex
	targets map[string][]ebtypes.Target
}

// Errors that say that a name is wrong.
var (
	ErrNoStore = errors.New("there is no such store")
	ErrNoItem  = errors.New("no store has such an item")
	// ErrOnlyCounted says that nobody reads a store here: who may, follows its runbook.
	ErrOnlyCounted = errors.New("what is in quarantine is card data, and only counted")
)

// Find returns the stores of these names, in capitals or not, in the order in which they are worked through.
func (l Layout) Find(names []string) ([]Store, error) {
	wanted := map[string]bool{}
	for _, name := range names {
		store, ok := l.store(name)
		if !ok {
			return nil, fmt.Errorf("%w: %s", ErrNoStore, name)
		}
		wanted[store.Name] = true
	}
	return slices.DeleteFunc(slices.Clone(l.Stores), func(s Store) bool { return !wanted[s.Name] }), nil
}

func (l Layout) store(name string) (Store, bool) {
	for _, s := range l.Stores {
		if strings.EqualFold(s.Name, name) {
			return s, true
		}
	}
	return Store{}, false
}

// open opens a store for reading its items; those of a queue are hidden from others for hold.
func (r *Redriver) open(store Store, hold time.Duration) shelf {
	if store.isQueue() {
		return newQueueShelf(r.Queues, store, hold)
	}
	return newObjectShelf(r.Objects, store)
}

// requestID is the id of the request that an answer belongs to.
func requestID(metadata middleware.Metadata) (string, bool) {
	return awsmiddleware.GetRequestIDMetadata(metadata)
}
