package reconcile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/internal/auditlog"
	"github.com/payrail/payrail/internal/bulkread"
	"github.com/payrail/payrail/internal/timeline"
)

// Sources of side B.
const (
	FromTimeline = "TIMELINE"
	FromOutcomes = "OUTCOMES"
	FromAuditLog = "AUDIT_LOG"
)

// TimelineEvents is side B in the timeline table. It is safe for concurrent use.
type TimelineEvents struct {
	Reader   bulkread.Reader
	Table    string
	Timeline *timeline.Reader
	// Outcomes says that the tracker records endings alone.
	Outcomes bool
}

// Source names it.
func (t TimelineEvents) Source() string {
	if t.Outcomes {
		return FromOutcomes
	}
	return FromTimeline
}

// Complete reports whether every stage is recorded.
func (t TimelineEvents) Complete() bool { return !t.Outcomes }

// Since is always: a timeline forgets nothing.
func (t TimelineEvents) Since() time.Time { return time.Time{} }

// Known reads the keys of events.
func (t TimelineEvents) Known(ctx context.Context, keys []EventKey) (map[EventKey]bool, error) {
	items := make([]attributes, len(keys))
	for i, key := range keys {
		items[i] = attributes{"pk": textValue(key.TransactionID), "sk": textValue(key.EventID)}
	}
	known := make(map[EventKey]bool, len(keys))
	err := t.Reader.Get(ctx, t.Table, items, func(found attributes) error {
		values := item(found).Attributes()
		known[EventKey{values["pk"].Text, values["sk"].Text}] = true
		return nil
	}, "pk", "sk")
	if err != nil {
		return nil, fmt.Errorf("reading the timeline: %w", err)
	}
	return known, nil
}

// Trace reads a transaction's timeline.
func (t TimelineEvents) Trace(ctx context.Context, transactionID string) ([]timeline.Entry, error) {
	happened, err := t.Timeline.Trace(ctx, transactionID)
	if errors.Is(err, timeline.ErrNotFound) {
		return nil, nil
	}
	return happened, err
}

// AuditLog models auditlog.Reader.
type AuditLog interface {
	List(context.Context, auditlog.Partition) ([]auditlog.Object, error)
	Read(ctx context.Context, key string, of auditlog.Of, fn func(auditlog.Event) error) error
}

// AuditEvents is side B where there is no timeline: the audit log of the days of a window, of which the entries are read once and
// kept without their data. Firehose's lag counts as in flight: give the run a grace longer than it. It is for one run.
type AuditEvents struct {
	Log AuditLog
	// From and To are the days to read.
	From, To time.Time

	loaded   bool
	byTx     map[string][]timeline.Entry
	eventIDs map[EventKey]bool
}

// Source names it.
func (a *AuditEvents) Source() string { return FromAuditLog }

// Complete is true: the audit log has every event.
func (a *AuditEvents) Complete() bool { return true }

// Since is the first of the days that are read.
func (a *AuditEvents) Since() time.Time { return a.From }

// Known looks events up.
func (a *AuditEvents) Known(ctx context.Context, keys []EventKey) (map[EventKey]bool, error) {
	if err := a.load(ctx); err != nil {
		return nil, err
	}
	known := make(map[EventKey]bool, len(keys))
	for _, key := range keys {
		known[key] = a.eventIDs[key]
	}
	return known, nil
}

// Trace returns what the log has of a transaction.
func (a *AuditEvents) Trace(ctx context.Context, transactionID string) ([]timeline.Entry, error) {
	if err := a.load(ctx); err != nil {
		return nil, err
	}
	happened := a.byTx[transactionID]
	timeline.Sort(happened)
	return happened, nil
}

// told are the kinds of event that say where a payment stands: the least that must be kept of a day.
var told = []events.DetailType{events.TransactionAuthorized, events.TransactionPostingApproved, events.TransactionRoutedToSuspense, events.TransactionPostingFailed,
	events.TransactionPosted, events.DuplicateTransactionParked, events.DuplicateConflictDetected, events.TransactionRejected, events.TransactionQuarantined,
	events.PostingRequested, events.PostingOrderCreated, events.ReconciliationPatchApplied}

func (a *AuditEvents) load(ctx context.Context) error {
	if a.loaded {
		return nil
	}
	a.byTx, a.eventIDs = map[string][]timeline.Entry{}, map[EventKey]bool{}
	for day := a.From.UTC().Truncate(24 * time.Hour); !day.After(a.To.UTC()); day = day.Add(24 * time.Hour) {
		for _, detailType := range told {
			objects, err := a.Log.List(ctx, auditlog.Partition{Date: day.Format(auditlog.DateForm), DetailType: detailType})
			if err != nil {
				return err
			}
			for _, object := range objects {
				if object.Written.Before(a.From) {
					continue
				}
				if err := a.Log.Read(ctx, object.Key, auditlog.Of{}, a.take); err != nil {
					return err
				}
			}
		}
	}
	a.loaded = true
	return nil
}

func (a *AuditEvents) take(event auditlog.Event) error {
	entry, err := timeline.Read(event.Line)
	if err != nil {
		return err
	}
	key := EventKey{entry.TransactionID, entry.EventID}
	if !a.eventIDs[key] {
		a.eventIDs[key] = true
		a.byTx[entry.TransactionID] = append(a.byTx[entry.TransactionID], entry)
	}
	return nil
}

// AuditDecisions finds decisions in the audit log. It is safe for concurrent use.
type AuditDecisions struct {
	Log AuditLog
	Now func() time.Time
}

// errFound ends a search.
var errFound = errors.New("found")

// Decision searches the days from a payment's ingest on.
func (d AuditDecisions) Decision(ctx context.Context, key EventKey, detailType events.DetailType, occurredAt time.Time) (events.Event, bool, error) {
	now := d.Now().UTC()
	for day := occurredAt.UTC().Truncate(24 * time.Hour); !day.After(now); day = day.Add(24 * time.Hour) {
		objects, err := d.Log.List(ctx, auditlog.Partition{Date: day.Format(auditlog.DateForm), DetailType: detailType})
		if err != nil {
			return events.Event{}, false, err
		}
		for _, object := range objects {
			if object.Written.Before(occurredAt) {
				continue
			}
			var event events.Event
			err := d.Log.Read(ctx, object.Key, auditlog.Of{TransactionID: key.TransactionID}, func(found auditlog.Event) error {
				if found.Metadata.EventID != key.EventID {
					return nil
				}
				if event, err = again(found.Line, detailType, now); err != nil {
					return err
				}
				return errFound
			})
			if errors.Is(err, errFound) {
				return event, true, nil
			}
			if err != nil {
				return events.Event{}, false, err
			}
		}
	}
	return events.Event{}, false, nil
}

// again is a recorded event to be published once more: everything but the time of publishing is as it was.
func again(line []byte, detailType events.DetailType, now time.Time) (events.Event, error) {
	var envelope struct {
		Detail events.Detail[json.RawMessage] `json:"detail"`
	}
	if err := json.Unmarshal(line, &envelope); err != nil {
		return events.Event{}, fmt.Errorf("decoding a recorded event: %w", err)
	}
	envelope.Detail.Metadata.PublishedAt = events.FormatTime(now)
	return events.New(detailType, events.SourceReconcile, envelope.Detail.Metadata, envelope.Detail.Data)
}
