package parked

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"
)

type bucket struct {
	objects map[string]string
	err     error
}

func (b *bucket) PutObject(_ context.Context, in *s3.PutObjectInput, _ ...func(*s3.Options)) (*s3.PutObjectOutput, error) {
	if b.err != nil {
		return nil, b.err
	}
	if _, exists := b.objects[*in.Bucket+"/"+*in.Key]; exists && aws.ToString(in.IfNoneMatch) == "*" {
		return nil, &smithy.GenericAPIError{Code: "PreconditionFailed"}
	}
	body, err := io.ReadAll(in.Body)
	if err != nil {
		return nil, err
	}
	b.objects[*in.Bucket+"/"+*in.Key] = string(body)
	return &s3.PutObjectOutput{}, nil
}

func TestParkingTheSameThingAgainOverwritesIt(t *testing.T) {
	b := &bucket{objects: map[string]string{}}
	store := NewStore(b, "parked")
	record := Record{Stage: "dedup", Kind: "CONFLICT", Reason: "CONFLICT", Problem: "p", TransactionID: "tx_1", AuthorizationID: "a/1",
		KnownAuthorizationID: "a/0", OccurredAt: time.Date(2026, 7, 9, 23, 59, 0, 0, time.FixedZone("", -3600)), Content: []byte(`{"a":1}`)}

	key, err := store.Put(context.Background(), record)
	require.NoError(t, err)
	require.Equal(t, "2026/07/10/CONFLICT/a%2F1-015abd7f5cc57a2d.json", key, "the day is UTC's; an id cannot make folders")
	_, err = store.Put(context.Background(), record)
	require.NoError(t, err)
	require.Len(t, b.objects, 1)
	require.JSONEq(t, `{"stage":"dedup","kind":"CONFLICT","reason":"CONFLICT","problem":"p","transactionId":"tx_1","authorizationId":"a/1",
		"knownAuthorizationId":"a/0","occurredAt":"2026-07-09T23:59:00-01:00","content":{"a":1}}`, b.objects["parked/"+key])

	record.Content = []byte(`{"a":2}`)
	_, err = store.Put(context.Background(), record)
	require.NoError(t, err)
	require.Len(t, b.objects, 2, "other content of the same authorization is kept beside it")
}

func TestAFailedPutIsAnError(t *testing.T) {
	_, err := NewStore(&bucket{err: errors.New("slow down")}, "parked").Put(context.Background(), Record{Reason: "R", AuthorizationID: "a", Content: []byte("1")})
	require.ErrorContains(t, err, "slow down")
	_, err = NewStore(&bucket{}, "parked").Put(context.Background(), Record{TransactionID: "tx_1", Content: []byte("{")})
	require.ErrorContains(t, err, "encoding the parked record of tx_1")
}

func TestWhatIsParkedAlreadyIsNotNew(t *testing.T) {
	store := NewStore(&bucket{objects: map[string]string{}}, "parked")
	record := Record{Reason: "CONFLICT", AuthorizationID: "a", Content: []byte("1")}
	key, written, err := store.PutNew(context.Background(), record)
	require.NoError(t, err)
	require.True(t, written)
	again, written, err := store.PutNew(context.Background(), record)
	require.NoError(t, err)
	require.False(t, written)
	require.Equal(t, key, again)
	_, _, err = NewStore(&bucket{err: errors.New("slow down")}, "parked").PutNew(context.Background(), record)
	require.ErrorContains(t, err, "slow down")
}
