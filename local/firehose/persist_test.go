package firehose

import (
	"context"
	"crypto/rand"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/local/clock"
	"github.com/payrail/payrail/local/storage"
)

// keeping makes a service over a store, as a process would that follows one that was killed.
func keeping(t *testing.T, c *clock.Manual, store storage.Store) (*Service, *bucketStore) {
	t.Helper()
	objects := &bucketStore{written: make(chan object, 100), failed: make(chan struct{}, 10)}
	s := New(Options{Objects: objects, Store: store, Clock: c, Random: rand.Reader, Logger: slog.New(slog.DiscardHandler), Region: "us-east-1", Account: "000000000000"})
	t.Cleanup(s.Close)
	_, err := s.CreateDeliveryStream(Spec{DeliveryStreamName: "audit", ExtendedS3DestinationConfiguration: &S3Destination{BucketARN: "arn:aws:s3:::audit"}})
	require.NoError(t, err)
	return s, objects
}

func TestBufferedRecordsOutliveTheService(t *testing.T) {
	c, store := clock.NewManual(start), storage.NewMemory()
	s, objects := keeping(t, c, store)
	require.NoError(t, s.Put(context.Background(), "audit", [][]byte{[]byte("written;")}))
	require.NoError(t, s.Flush(context.Background()))
	require.Equal(t, "written;", string((<-objects.written).body))
	require.NoError(t, s.Put(context.Background(), "audit", [][]byte{[]byte("first;"), []byte("second;")}))
	c.Advance(time.Second)
	require.NoError(t, s.Put(context.Background(), "audit", [][]byte{[]byte("third;")}))

	s, objects = keeping(t, c, store)
	require.NoError(t, s.Put(context.Background(), "audit", [][]byte{[]byte("fourth;")}))
	require.NoError(t, s.Flush(context.Background()))
	require.Equal(t, "first;second;third;fourth;", string((<-objects.written).body))

	s, objects = keeping(t, c, store)
	require.NoError(t, s.Flush(context.Background()))
	require.Empty(t, objects.written, "what is written is not written again")
	require.NoError(t, store.Scan("firehose/audit", storage.Range{}, func(key, _ []byte) bool {
		t.Errorf("%x is kept for good", key)
		return true
	}))
}

func TestNumbersAreRanges(t *testing.T) {
	var n numbers
	for _, number := range []uint64{3, 4, 5, 9, 10, 12} {
		n.add(number)
	}
	require.Equal(t, numbers{{3, 6}, {9, 11}, {12, 13}}, n)
}
