package redrive

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/payrail/payrail/internal/authorizationitem"
	"github.com/payrail/payrail/internal/parked"
)

const (
	// maxCounted bounds counting a bucket: a thousand objects a call.
	maxCounted = 10_000
	// maxParkedBytes is more than any object that parking writes: an item of DynamoDB has 400 KB.
	maxParkedBytes = 1 << 20
)

// Objects models the S3 client. It is safe for concurrent use.
type Objects interface {
	ListObjectsV2(context.Context, *s3.ListObjectsV2Input, ...func(*s3.Options)) (*s3.ListObjectsV2Output, error)
	GetObject(context.Context, *s3.GetObjectInput, ...func(*s3.Options)) (*s3.GetObjectOutput, error)
	DeleteObject(context.Context, *s3.DeleteObjectInput, ...func(*s3.Options)) (*s3.DeleteObjectOutput, error)
}

// objectShelf gives out the objects of the parked bucket, the oldest day first. Nothing hides an object in hand: two redrives at once
// may send the same one, which has its effect once.
type objectShelf struct {
	client Objects
	store  Store
	pages  *s3.ListObjectsV2Paginator
	listed []types.Object
}

func newObjectShelf(client Objects, store Store) *objectShelf {
	return &objectShelf{client: client, store: store, pages: s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{Bucket: &store.Address})}
}

func (o *objectShelf) count(ctx context.Context) (Count, error) {
	var c Count
	err := o.eachKey(ctx, func(types.Object) { c.Items++ }, &c.More)
	return c, err
}

// eachKey calls visit with up to maxCounted objects; more says that there are others.
func (o *objectShelf) eachKey(ctx context.Context, visit func(types.Object), more *bool) error {
	pages := s3.NewListObjectsV2Paginator(o.client, &s3.ListObjectsV2Input{Bucket: &o.store.Address})
	for n := 0; pages.HasMorePages(); {
		if n >= maxCounted {
			*more = true
			return nil
		}
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("listing the objects of %s: %w", o.store.Name, err)
		}
		for _, object := range page.Contents {
			visit(object)
		}
		n += len(page.Contents)
	}
	return nil
}

func (o *objectShelf) next(ctx context.Context, n int) ([]held, error) {
	for len(o.listed) == 0 && o.pages.HasMorePages() {
		page, err := o.pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("listing the objects of %s: %w", o.store.Name, err)
		}
		o.listed = page.Contents
	}
	n = min(n, len(o.listed))
	all := make([]held, 0, n)
	for _, object := range o.listed[:n] {
		h, err := o.read(ctx, aws.ToString(object.Key))
		if gone := (*types.NoSuchKey)(nil); errors.As(err, &gone) {
			continue
		}
		if err != nil {
			return all, err
		}
		all = append(all, h)
	}
	o.listed = o.listed[n:]
	if len(all) == 0 && n > 0 { // All of them went away meanwhile; an empty answer would mean the end.
		return o.next(ctx, n)
	}
	return all, nil
}

func (o *objectShelf) read(ctx context.Context, key string) (held, error) {
	out, err := o.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &o.store.Address, Key: &key})
	if err != nil {
		return held{}, fmt.Errorf("reading %s: %w", key, err)
	}
	body, err := io.ReadAll(io.LimitReader(out.Body, maxParkedBytes+1))
	if err = errors.Join(err, out.Body.Close()); err != nil {
		return held{}, fmt.Errorf("reading %s: %w", key, err)
	}
	h := readParked(o.store, key, body)
	if len(body) > maxParkedBytes {
		h.unreadable(errors.New("it is larger than anything that is parked"))
	}
	return h, nil
}

// readParked makes an item of a parked object.
func readParked(store Store, key string, body []byte) held {
	h := held{Item: Item{ID: key, Store: store.Name, Reason: reasonOfKey(key)}, body: string(body)}
	var record parked.Record
	if err := json.Unmarshal(body, &record); err != nil || record.Reason == "" {
		h.unreadable(errors.Join(errors.New("the object is no parked record"), err))
	} else {
		h.Reason, h.Problem = record.Reason, record.Problem
		h.TransactionID, h.AuthorizationID, h.FirstSeen = record.TransactionID, record.AuthorizationID, record.OccurredAt.UTC()
		h.parked = &record
	}
	h.guard(guardable(body, h.parked))
	return h
}

// guardable is what of an object is searched for card numbers. Dedup has searched an item by the forms of its attributes; for that
// they must stand under their names and not under those of their types, as they do in DynamoDB's JSON.
func guardable(body []byte, record *parked.Record) []byte {
	var item authorizationitem.Item
	if record == nil || record.Stage != "dedup" || json.Unmarshal(record.Content, &item) != nil {
		return body
	}
	plain := *record
	texts := map[string]string{}
	for name, value := range item.Attributes() {
		texts[name] = value.Text
	}
	var err error
	if plain.Content, err = json.Marshal(texts); err != nil {
		return body
	}
	form, err := json.Marshal(plain)
	if err != nil {
		return body
	}
	return form
}

// reasonOfKey is the reason in an object's key, <day>/<reason>/…
func reasonOfKey(key string) string {
	segments := strings.Split(key, "/")
	if len(segments) < 5 {
		return ReasonUnknown
	}
	reason, err := url.PathUnescape(segments[3])
	if err != nil {
		return ReasonUnknown
	}
	return reason
}

func (o *objectShelf) remove(ctx context.Context, h held) error {
	if _, err := o.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &o.store.Address, Key: aws.String(h.ID)}); err != nil {
		return fmt.Errorf("deleting it from %s: %w", o.store.Name, err)
	}
	return nil
}

func (o *objectShelf) close(context.Context) error { return nil }
