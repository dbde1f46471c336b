package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/internal/batch"
	"github.com/payrail/payrail/internal/parked"
	"github.com/payrail/payrail/payment"
)

// concurrency bounds the calls in flight: the pipe's batch has ten records at most, and each makes one call at a time.
const concurrency = 10

// Handler is the enrichment of the authorizations pipe. Every step is harmless when it is done again, for the pipe repeats
// the whole batch after any failure, its own included. It is safe for concurrent use.
type Handler struct {
	Logger     *slog.Logger
	Claims     Claims
	Quarantine Quarantine
	Parked     *parked.Store
	Publisher  batch.Publisher
	Now        func() time.Time
}

// Authorized is the detail of a TransactionAuthorized event.
type Authorized = events.Detail[events.AuthorizedData]

// Handle returns a detail for each record that is to be forwarded; never more than there are records, and an empty list where
// there are none. An error makes the pipe try the batch again.
func (h *Handler) Handle(ctx context.Context, payload json.RawMessage) ([]Authorized, error) {
	details, err := h.process(ctx, payload)
	if err != nil {
		h.Logger.ErrorContext(ctx, "batch failed", "kind", payment.KindOf(err), "reason", payment.ReasonOf(err), "error", err)
		return nil, err
	}
	return details, nil
}

func (h *Handler) process(ctx context.Context, payload []byte) ([]Authorized, error) {
	records, err := decodeRecords(payload)
	if err != nil {
		return nil, err
	}
	verdicts := make([]verdict, len(records))
	for i, r := range records {
		verdicts[i] = judge(r)
	}
	details, err := h.claim(ctx, verdicts)
	if err != nil {
		return nil, err
	}
	if err := h.setAside(ctx, verdicts); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(details, func(d Authorized) bool { return d.Metadata.EventID == "" }), nil
}

// claim takes the business keys of what is acceptable so far. It returns the detail to forward at each verdict's index, the
// zero detail where there is none, and turns duplicates and conflicts into rejections. Keys are claimed concurrently; the
// records of one key in their order, which is the stream's.
func (h *Handler) claim(ctx context.Context, verdicts []verdict) ([]Authorized, error) {
	byKey := map[string][]int{}
	for i, v := range verdicts {
		if !v.ignored && len(v.offences) == 0 && v.rejection == nil {
			byKey[v.key] = append(byKey[v.key], i)
		}
	}
	details := make([]Authorized, len(verdicts))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(concurrency)
	for _, key := range slices.Sorted(maps.Keys(byKey)) {
		group.Go(func() error {
			for _, i := range byKey[key] {
				v := &verdicts[i]
				held, err := h.Claims.take(ctx, claim{v.key, v.authorization.ID, v.hash, v.record.createdAt})
				if err != nil {
					return err
				}
				if v.rejection = compare(*v, held); v.rejection == nil {
					details[i] = h.authorized(*v, held.ingestedAt)
				}
			}
			return nil
		})
	}
	return details, group.Wait()
}

// compare decides by the claim that holds a record's key. The record's own claim forwards it, however often it comes: whoever
// claimed the key may have failed to forward it.
func compare(v verdict, held claim) *rejection {
	switch {
	case held.hash != v.hash:
		return &rejection{events.DuplicateConflictDetected, string(payment.Conflict), reasonConflict, problemConflict, payment.RuleDuplicate, held.authorizationID}
	case held.authorizationID != v.authorization.ID:
		return &rejection{events.DuplicateTransactionParked, kindDuplicate, reasonDuplicate, problemDuplicate, payment.RuleDuplicate, held.authorizationID}
	default:
		return nil
	}
}

// authorized is the event's detail. Its time is that of the claim, so that a repetition says the same.
func (h *Handler) authorized(v verdict, ingestedAt time.Time) Authorized {
	a := v.authorization
	return Authorized{
		Metadata: events.First(events.TransactionAuthorized, v.transactionID, a.ID, a.PANToken, v.record.id, ingestedAt, h.Now()),
		Data:     events.AuthorizedData{Authorization: a, BusinessKey: v.key, PayloadHash: v.hash},
	}
}

// setAside keeps what is not forwarded and, once all of it is kept, says so on the bus.
func (h *Handler) setAside(ctx context.Context, verdicts []verdict) error {
	announcements := make([]events.Event, len(verdicts))
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(concurrency)
	for i, v := range verdicts {
		switch {
		case v.ignored:
			h.Logger.WarnContext(ctx, "item that is not approved ignored", "recordId", v.record.id)
		case len(v.offences) > 0:
			group.Go(func() (err error) { announcements[i], err = h.quarantine(groupCtx, v); return err })
		case v.rejection != nil:
			group.Go(func() (err error) { announcements[i], err = h.park(groupCtx, v); return err })
		}
	}
	if err := group.Wait(); err != nil {
		return err
	}
	announcements = slices.DeleteFunc(announcements, func(e events.Event) bool { return e.Detail == nil })
	if len(announcements) == 0 {
		return nil
	}
	if failures := h.Publisher.Publish(ctx, announcements); len(failures) > 0 {
		return fmt.Errorf("announcing what was set aside: %w", errors.Join(slices.Collect(maps.Values(failures))...))
	}
	return nil
}

// quarantine keeps the original first, then scrubs: the other way round a crash between would lose the item.
func (h *Handler) quarantine(ctx context.Context, v verdict) (events.Event, error) {
	object, err := h.Quarantine.keep(ctx, v)
	if err != nil {
		return events.Event{}, err
	}
	if err := h.Quarantine.scrub(ctx, v); err != nil {
		return events.Event{}, err
	}
	h.Logger.WarnContext(ctx, "item quarantined", "transactionId", v.transactionID, "authorizationId", v.shownID(), "reason", v.quarantineReason(), "fields", v.fields(), "object", object)
	metadata := h.first(events.TransactionQuarantined, v).WithSuffix(v.record.id)
	return events.New(events.TransactionQuarantined, events.SourceDedup, metadata, events.QuarantinedData{
		AuthorizationID: v.shownID(), Reason: v.quarantineReason(), Rule: payment.RuleCardNumber, Fields: v.fields(), Object: object,
	})
}

// park keeps the item with the reason. Attributes that are no part of the contract stay behind.
func (h *Handler) park(ctx context.Context, v verdict) (events.Event, error) {
	known, withheld := v.record.image.Known()
	content, err := json.Marshal(known)
	if err != nil {
		return events.Event{}, fmt.Errorf("parking authorization %s: %w", v.shownID(), err)
	}
	record := parked.Record{
		Stage: "dedup", Kind: v.rejection.kind, Reason: v.rejection.reason, Problem: v.rejection.problem,
		TransactionID: v.transactionID, AuthorizationID: v.shownID(), KnownAuthorizationID: v.rejection.known,
		OccurredAt: v.record.createdAt, Withheld: withheld, Content: content,
	}
	object, err := h.Parked.Put(ctx, record)
	if err != nil {
		return events.Event{}, err
	}
	h.Logger.WarnContext(ctx, "item parked", "transactionId", v.transactionID, "authorizationId", v.shownID(), "kind", record.Kind, "reason", record.Reason, "object", object)
	// Several authorizations can be parked under one transaction, and one authorization with several contents.
	metadata := h.first(v.rejection.detailType, v).WithSuffix(v.shownID() + "/" + record.ContentHash())
	return events.New(v.rejection.detailType, events.SourceDedup, metadata, events.ParkedData{
		AuthorizationID: v.shownID(), Kind: record.Kind, Reason: record.Reason, Rule: v.rejection.rule, Problem: record.Problem,
		KnownAuthorizationID: record.KnownAuthorizationID, Object: object,
	})
}

func (h *Handler) first(detailType events.DetailType, v verdict) events.Metadata {
	return events.First(detailType, v.transactionID, v.shownID(), v.groupID(), v.record.id, v.record.createdAt, h.Now())
}
