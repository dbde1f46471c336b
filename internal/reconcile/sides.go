package reconcile

import (
	"context"
	"time"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/internal/authorizationitem"
	"github.com/payrail/payrail/internal/ledger"
	"github.com/payrail/payrail/internal/timeline"
	"github.com/payrail/payrail/payment"
)

// Authorizations is side A. It is safe for concurrent use.
type Authorizations interface {
	// InBucket calls visit with what the index holds of a bucket between two times, both included.
	InBucket(ctx context.Context, bucket string, from, to time.Time, visit func(StampedAuthorization) error) error
	// Segment calls visit with the items of one of several equal parts of the table.
	Segment(ctx context.Context, segment, segments int, visit func(authorizationitem.Item) error) error
	// Get reads items strongly consistently; what does not exist is not in the result.
	Get(ctx context.Context, ids []string) (map[string]authorizationitem.Item, error)
}

// StampedAuthorization is what the index holds of an authorization.
type StampedAuthorization struct {
	ID       string
	Approved bool
	At       time.Time
	// Reversal: it takes another payment back, so that its amounts are not its own.
	Reversal bool
	// Billed is what the payment must post; the zero Money where the item has no amount.
	Billed payment.Money
}

// Journal is side C, which ledger.BulkReader is. It is safe for concurrent use.
type Journal interface {
	InBucket(ctx context.Context, bucket string, from, to time.Time, visit func(ledger.Stamped) error) error
	Segment(ctx context.Context, segment, segments int, visit func(ledger.Read) error, suspense func(ledger.SuspenseItem) error) error
	Journals(ctx context.Context, sequences []string) (map[string]ledger.Read, error)
}

// EventKey names an event of a transaction.
type EventKey struct{ TransactionID, EventID string }

// Events is side B. It is safe for concurrent use.
type Events interface {
	// Source says what is read, for the report.
	Source() string
	// Complete reports whether every stage is recorded and not endings alone.
	Complete() bool
	// Since is from when on events are known; zero for always. Of what came in before, silence says nothing.
	Since() time.Time
	// Known says which events are recorded.
	Known(ctx context.Context, keys []EventKey) (map[EventKey]bool, error)
	// Trace returns what is recorded of a transaction, in order; nothing is no error.
	Trace(ctx context.Context, transactionID string) ([]timeline.Entry, error)
}

// Assembly holds the legs that wait for their siblings.
type Assembly interface {
	// Waiting returns the incomplete versions of a sequence.
	Waiting(ctx context.Context, sequence string) ([]Waiting, error)
}

// Waiting is one version of a sequence of which legs are missing, or all are there and nobody posted them.
type Waiting struct {
	Checksum string
	Of       int
	Legs     []payment.Leg
}

// Locator finds the purchase of a message. It is asked only for what has no sequence of its own: a message about a purchase that
// another one posted, a reversal.
type Locator interface {
	Locate(ctx context.Context, a payment.Authorization) (Location, error)
}

// Location is where a message stands in its purchase. The zero Location says that no purchase knows it.
type Location struct {
	// Sequence is the last posting sequence that the message made, All are those of the purchase.
	Sequence string
	All      []string
	// Joined says that it changed nothing: the purchase stands as the message says.
	Joined bool
	// Waiting is there for a reversal whose original has not come: the message as the purchase has it, and since when.
	Waiting     *payment.PurchaseMessage
	PurchaseKey string
}

// Resender puts an authorization through again from its start, as the stream record did.
type Resender interface {
	// Resend gives the item to dedup and returns the events that dedup forwards: none where dedup set the item aside.
	Resend(ctx context.Context, item authorizationitem.Item, at time.Time) ([]events.Event, error)
}

// Decisions finds what the rules engine published.
type Decisions interface {
	// Decision returns the event of a decision as it was, with the time of publishing moved to now; found is false where it is
	// not recorded, or not yet.
	Decision(ctx context.Context, key EventKey, detailType events.DetailType, occurredAt time.Time) (event events.Event, found bool, err error)
}

// Compensator makes the event that posts the reverse of a second posting of a payment. A nil Compensator leaves those to a person.
type Compensator interface {
	Compensate(ctx context.Context, second ledger.Record) (events.Event, error)
}

// Clearer asks for the clearing of suspense items.
type Clearer interface {
	// Clearing returns the order that clears an item; found is false while its account cannot be used.
	Clearing(ctx context.Context, item ledger.SuspenseItem) (order payment.Order, found bool, err error)
}

// Publisher models events.Publisher.
type Publisher interface {
	Publish(context.Context, []events.Event) events.Failures
}

// Reports keeps reports where nobody can change them.
type Reports interface {
	Put(ctx context.Context, key, contentType string, body []byte) error
}
