package redrive

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"golang.org/x/sync/errgroup"
)

const (
	// surveyed is how many messages of a queue a survey looks at for their reasons.
	surveyed = 100
	// atOnce is how many stores are surveyed at a time.
	atOnce = 8
	// searched bounds looking for one item: more than a person would have put up with.
	searched = 10_000
)

// Overview sums up one store.
type Overview struct {
	Store
	Count
	// Oldest is when the oldest of what was looked at was first seen.
	Oldest time.Time `json:"oldest,omitzero"`
	// Reasons count what was looked at, which are LookedAt items.
	Reasons  map[string]int `json:"reasons,omitempty"`
	LookedAt int            `json:"lookedAt"`
}

// Survey looks into every store of the stack. Its error is there beside what could be seen.
func (r *Redriver) Survey(ctx context.Context) ([]Overview, error) {
	all := make([]Overview, len(r.Layout.Stores))
	errs := make([]error, len(all))
	var group errgroup.Group
	group.SetLimit(atOnce)
	for i, store := range r.Layout.Stores {
		group.Go(func() error {
			all[i], errs[i] = r.overview(ctx, store)
			return nil
		})
	}
	_ = group.Wait() // No function of it fails.
	return all, errors.Join(errs...)
}

func (r *Redriver) overview(ctx context.Context, store Store) (Overview, error) {
	o := Overview{Store: store, Reasons: map[string]int{}}
	if !store.isQueue() {
		return r.overviewOfBucket(ctx, o)
	}
	s := r.open(store, lookHold)
	var err error
	if o.Count, err = s.count(ctx); err != nil || o.Items == 0 {
		return o, err
	}
	all, err := s.next(ctx, surveyed)
	for _, h := range all {
		o.add(h.Reason, h.FirstSeen)
	}
	return o, errors.Join(err, s.close(ctx))
}

// overviewOfBucket counts by the objects' keys: they name the reason, and no object need be read.
func (r *Redriver) overviewOfBucket(ctx context.Context, o Overview) (Overview, error) {
	err := newObjectShelf(r.Objects, o.Store).eachKey(ctx, func(object types.Object) {
		reason := ReasonUnknown
		if o.Kind == Parked {
			reason = reasonOfKey(aws.ToString(object.Key))
		}
		o.Items++
		o.add(reason, aws.ToTime(object.LastModified))
	}, &o.More)
	if o.Kind == Quarantine {
		o.Reasons, o.LookedAt = nil, 0 // Its keys say no reason, and nobody reads its objects here.
	}
	return o, err
}

func (o *Overview) add(reason string, seen time.Time) {
	o.Reasons[reason]++
	o.LookedAt++
	if o.Oldest.IsZero() || seen.Before(o.Oldest) {
		o.Oldest = seen
	}
}

// CountAll is how many items some stores have together.
func (r *Redriver) CountAll(ctx context.Context, stores []Store) (total int, err error) {
	for _, store := range stores {
		c, err := r.open(store, lookHold).count(ctx)
		if err != nil {
			return total, err
		}
		total += c.Items
	}
	return total, nil
}

// List returns up to limit items of each of some stores, with where a redrive would put them. It takes nothing.
func (r *Redriver) List(ctx context.Context, stores []Store, limit int) ([]Item, error) {
	var items []Item
	for _, store := range stores {
		if store.OnlyCounted() {
			continue
		}
		err := r.look(ctx, store, limit, func(h held) bool {
			items = append(items, h.Item)
			return true
		})
		if err != nil {
			return items, err
		}
	}
	return items, nil
}

// Show returns one item with its content.
func (r *Redriver) Show(ctx context.Context, id string) (Item, error) {
	for _, store := range r.Layout.Stores {
		if store.OnlyCounted() {
			continue
		}
		var found *held
		err := r.look(ctx, store, searched, func(h held) bool {
			if h.ID == id {
				found = &h
			}
			return found == nil
		})
		if err != nil {
			return Item{}, err
		}
		if found != nil {
			return found.whole(), nil
		}
	}
	return Item{}, ErrNoItem
}

// look visits items until visit returns false or limit is reached, and gives all of them back.
func (r *Redriver) look(ctx context.Context, store Store, limit int, visit func(held) bool) (err error) {
	s := r.open(store, lookHold)
	if store.isQueue() {
		// An empty queue is not asked for messages: each of a stack's two dozen would cost a second.
		if c, err := s.count(ctx); err != nil || c.Items == 0 {
			return err
		}
	}
	defer func() { err = errors.Join(err, s.close(ctx)) }()
	for limit > 0 {
		all, err := s.next(ctx, min(limit, surveyed))
		for _, h := range all {
			if err := r.direct(ctx, store, &h); err != nil {
				return err
			}
			if !visit(h) {
				return nil
			}
		}
		if err != nil || len(all) == 0 {
			return err
		}
		limit -= len(all)
	}
	return nil
}

// direct notes where an item would go, or why it would stay.
func (r *Redriver) direct(ctx context.Context, store Store, h *held) error {
	d, err := r.route(ctx, store, *h)
	if refused := (refusal{}); errors.As(err, &refused) {
		h.Left = refused.why
		return nil
	}
	h.To = d.to
	return err
}

// whole is the item with what it holds, unless that must not be shown.
func (h held) whole() Item {
	item := h.Item
	if item.Withheld != "" {
		return item
	}
	content := cmp.Or(h.shown, h.body)
	if json.Valid([]byte(content)) {
		item.Content = json.RawMessage(content)
	} else {
		text, _ := json.Marshal(content) // A string always encodes.
		item.Content = text
	}
	item.Attributes = map[string]string{}
	for name := range h.attributes {
		item.Attributes[name] = maskedAttribute(name, h.attribute(name))
	}
	if len(item.Attributes) == 0 {
		item.Attributes = nil
	}
	return item
}
