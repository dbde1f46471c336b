package digests

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/internal/digests/digeststest"
	"github.com/payrail/payrail/internal/ledger"
	"github.com/payrail/payrail/payment"
)

var first = time.Date(2026, 7, 9, 22, 0, 0, 0, time.UTC)

func digest(i int, previous string) ledger.Digest {
	line := ledger.Line{Account: "CUST", Role: payment.RoleCustomer, Debit: payment.Money{Minor: 100, Currency: "GBP"}, Credit: payment.Money{Currency: "GBP"}}
	return ledger.Digest{Version: 1, Hour: first.Add(time.Duration(i) * time.Hour), JournalEntries: int64(i), Accounts: []ledger.Line{line}, Totals: []ledger.Line{line}, Seal: "5ea1", Previous: previous}
}

// filled is a store with n chained digests, over midnight.
func filled(t *testing.T, n int) (*Store, *digeststest.Bucket) {
	t.Helper()
	bucket := digeststest.NewBucket()
	bucket.PageSize = 3
	store, previous := NewStore(bucket, "audit"), ""
	for i := range n {
		written, err := store.Put(t.Context(), digest(i, previous))
		require.NoError(t, err)
		previous = written.Hash
	}
	return store, bucket
}

func TestDigestsAreReadAsTheyWereWritten(t *testing.T) {
	store, bucket := filled(t, 7)
	require.Contains(t, bucket.Objects, "ledger-digests/2026-07-09T22.json")
	digests, findings, err := store.All(t.Context())
	require.NoError(t, err)
	require.Empty(t, findings)
	require.Len(t, digests, 7)
	require.Equal(t, digest(0, ""), digests[0])
	require.Equal(t, first.Add(6*time.Hour), digests[6].Hour)
}

func TestTheLatestIsFoundHoweverLongAgo(t *testing.T) {
	store, _ := filled(t, 5)
	for name, now := range map[string]time.Time{"a moment ago": first.Add(6 * time.Hour), "a month ago": first.AddDate(0, 1, 0)} {
		latest, found, err := store.Latest(t.Context(), now)
		require.NoError(t, err, name)
		require.True(t, found, name)
		require.Equal(t, first.Add(4*time.Hour), latest.Hour, name)
		again, err := store.Put(t.Context(), latest.Digest)
		require.NoError(t, err, name)
		require.Equal(t, again.Hash, latest.Hash, name)
	}
	_, found, err := NewStore(digeststest.NewBucket(), "audit").Latest(t.Context(), first)
	require.NoError(t, err)
	require.False(t, found)
}

func TestADigestIsWrittenOnce(t *testing.T) {
	store, bucket := filled(t, 1)
	before := string(bucket.Objects[keyOf(first)])
	other := digest(0, "")
	other.Seal = "other"
	_, err := store.Put(t.Context(), other)
	require.ErrorIs(t, err, ErrDiffers)
	require.Equal(t, before, string(bucket.Objects[keyOf(first)]))
}

func TestABrokenChainIsFound(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(map[string][]byte)
		want   string
	}{
		"a digest left out": {func(o map[string][]byte) { delete(o, keyOf(first.Add(2*time.Hour))) }, "digest 2026-07-10T01"},
		"a digest changed":  {func(o map[string][]byte) { o[keyOf(first)] = append(o[keyOf(first)], ' ') }, "digest 2026-07-09T23"},
		"the first removed": {func(o map[string][]byte) { delete(o, keyOf(first)) }, "digest 2026-07-09T23"},
	} {
		t.Run(name, func(t *testing.T) {
			store, bucket := filled(t, 4)
			tc.change(bucket.Objects)
			_, findings, err := store.All(t.Context())
			require.NoError(t, err)
			require.Equal(t, []ledger.Finding{{Subject: tc.want, Problem: "it does not follow the digest before it"}}, findings)
		})
	}
}

func TestADigestUnderAnotherHourIsRefused(t *testing.T) {
	store, bucket := filled(t, 2)
	bucket.Objects[keyOf(first)] = bucket.Objects[keyOf(first.Add(time.Hour))]
	_, _, err := store.All(t.Context())
	require.ErrorContains(t, err, "it is the digest of 2026-07-09T23:00:00Z")
}
