package auditlog

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/events"
)

var written = time.Date(2026, 7, 9, 10, 16, 31, 0, time.UTC)

// fakeBucket lists and returns its objects, two a page.
type fakeBucket struct {
	objects map[string][]byte
	listed  []string // Prefixes.
	fail    error
}

func (b *fakeBucket) ListObjectsV2(_ context.Context, in *s3.ListObjectsV2Input, _ ...func(*s3.Options)) (*s3.ListObjectsV2Output, error) {
	if b.fail != nil {
		return nil, b.fail
	}
	if in.ContinuationToken == nil {
		b.listed = append(b.listed, *in.Prefix)
	}
	var found []string
	for key := range b.objects {
		if after, ok := strings.CutPrefix(key, *in.Prefix); ok {
			if folder, _, deeper := strings.Cut(after, "/"); deeper && in.Delimiter != nil {
				key = *in.Prefix + folder + "/"
			}
			found = append(found, key)
		}
	}
	slices.Sort(found)
	found = slices.Compact(found)
	from := 0
	if in.ContinuationToken != nil {
		from = slices.Index(found, *in.ContinuationToken)
	}
	out := &s3.ListObjectsV2Output{}
	for i, key := range found[from:] {
		if i == 2 {
			out.IsTruncated, out.NextContinuationToken = aws.Bool(true), &key
			break
		}
		if strings.HasSuffix(key, "/") {
			out.CommonPrefixes = append(out.CommonPrefixes, types.CommonPrefix{Prefix: &key})
			continue
		}
		out.Contents = append(out.Contents, types.Object{Key: &key, Size: aws.Int64(int64(len(b.objects[key]))), LastModified: &written})
	}
	return out, nil
}

func (b *fakeBucket) GetObject(_ context.Context, in *s3.GetObjectInput, _ ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
	body, ok := b.objects[*in.Key]
	if !ok {
		return nil, &types.NoSuchKey{}
	}
	return &s3.GetObjectOutput{Body: io.NopCloser(bytes.NewReader(body))}, nil
}

func zipped(t *testing.T, lines ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	for _, line := range lines {
		_, err := io.WriteString(w, line+"\n")
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return b.Bytes()
}

func line(transaction, authorization string, n int) string {
	return fmt.Sprintf(`{"detail-type":"A","detail":{"metadata":{"transactionId":%q,"correlationId":%q,"eventId":"%d"}}}`, transaction, authorization, n)
}

func TestListPicksPartitions(t *testing.T) {
	keys := []string{
		"events/date=2026-07-08/detail-type=A/1.gz", "events/date=2026-07-08/detail-type=B/2.gz",
		"events/date=2026-07-09/detail-type=A/3.gz", "events/date=2026-07-09/detail-type=A/4.gz", "events/date=2026-07-09/detail-type=A/b/5.gz",
		"events/date=2026-07-10/detail-type=B/6.gz",
	}
	for name, tc := range map[string]struct {
		partition Partition
		want      []string
		listed    []string
	}{
		"all":      {Partition{}, keys, []string{"events/"}},
		"a date":   {Partition{Date: "2026-07-09"}, keys[2:5], []string{"events/date=2026-07-09/"}},
		"a kind":   {Partition{DetailType: "A"}, []string{keys[0], keys[2], keys[3]}, []string{"events/date=", "events/date=2026-07-08/detail-type=A/", "events/date=2026-07-09/detail-type=A/", "events/date=2026-07-10/detail-type=A/"}},
		"both":     {Partition{Date: "2026-07-09", DetailType: "A/b"}, keys[4:5], []string{"events/date=2026-07-09/detail-type=A/b/"}},
		"no event": {Partition{Date: "2025-01-01"}, nil, []string{"events/date=2025-01-01/"}},
	} {
		t.Run(name, func(t *testing.T) {
			bucket := &fakeBucket{objects: map[string][]byte{"errors/x/7.gz": nil, "events/readme": nil, "events/date=2026-07-09/notes": nil}}
			for _, key := range keys {
				bucket.objects[key] = []byte("12345")
			}
			got, err := NewReader(bucket, "audit").List(t.Context(), tc.partition)
			require.NoError(t, err)
			var gotKeys []string
			for _, o := range got {
				gotKeys = append(gotKeys, o.Key)
				require.EqualValues(t, 5, o.Size)
				require.Equal(t, written, o.Written)
			}
			require.Equal(t, tc.want, gotKeys)
			require.Equal(t, tc.listed, bucket.listed)
		})
	}
	o, err := objectOf(keys[4])
	require.NoError(t, err)
	require.Equal(t, Object{Key: keys[4], Date: "2026-07-09", DetailType: "A/b"}, o)

	_, err = NewReader(&fakeBucket{fail: errors.New("denied")}, "audit").List(t.Context(), Partition{DetailType: "A"})
	require.ErrorContains(t, err, "listing the days of the audit log: ")
	_, err = NewReader(&fakeBucket{fail: errors.New("denied")}, "audit").List(t.Context(), Partition{})
	require.ErrorContains(t, err, "listing the audit log: ")
}

func TestReadPicksEvents(t *testing.T) {
	const key = "events/date=2026-07-09/detail-type=A/1.gz"
	foreign := `{"detail-type":"A","detail":{"metadata":"tx_1"}}`
	bucket := &fakeBucket{objects: map[string][]byte{key: zipped(t, line("tx_1", "auth-1", 1), line("tx_2", "auth-1", 2), foreign, line("tx_1", "auth-2", 3), line("tx_3", "tx_1", 4),
		`{"detail-type":"A","detail":{"metadata":{"transactionId":"tx\u005f1","correlationId":"auth-9","eventId":"5"}}}`)}}
	for name, tc := range map[string]struct {
		of   Of
		want []string
	}{
		"all":              {Of{}, []string{"1", "2", "", "3", "4", "5"}},
		"a transaction":    {Of{TransactionID: "tx_1"}, []string{"1", "3", "5"}},
		"an authorization": {Of{AuthorizationID: "auth-1"}, []string{"1", "2"}},
		"both":             {Of{TransactionID: "tx_1", AuthorizationID: "auth-1"}, []string{"1"}},
		"nothing":          {Of{TransactionID: "tx_4"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			require.NoError(t, NewReader(bucket, "audit").Read(t.Context(), key, tc.of, func(e Event) error {
				require.NotContains(t, string(e.Line), "\n")
				got = append(got, e.Metadata.EventID)
				return nil
			}))
			require.Equal(t, tc.want, got)
		})
	}
	stop := errors.New("enough")
	require.ErrorIs(t, NewReader(bucket, "audit").Read(t.Context(), key, Of{}, func(Event) error { return stop }), stop)
}

func TestReadSaysWhatIsDamaged(t *testing.T) {
	whole := zipped(t, line("tx_1", "auth-1", 1))
	bucket := &fakeBucket{objects: map[string][]byte{
		"plain":     []byte(line("tx_1", "auth-1", 1)),
		"truncated": whole[:len(whole)-9],
		"no JSON":   zipped(t, line("tx_1", "auth-1", 1), `{"detail":`),
		"endless":   zipped(t, strings.Repeat("x", maxEventBytes+1)),
	}}
	for key, want := range map[string]string{
		"plain": "decompressing plain", "truncated": "reading truncated: unexpected EOF", "no JSON": "reading no JSON: decoding line 2", "endless": "reading endless: ", "missing": "reading missing: ",
	} {
		err := NewReader(bucket, "audit").Read(t.Context(), key, Of{}, func(Event) error { return nil })
		require.ErrorContains(t, err, want, key)
	}
}

func TestPartitionOfContract(t *testing.T) {
	for _, contract := range events.Contracts() {
		p := Partition{Date: "2026-07-09", DetailType: contract.DetailType}
		o, err := objectOf(p.prefix() + "stream-1-2026-07-09-10-15-30-id.gz")
		require.NoError(t, err)
		require.Equal(t, contract.DetailType, o.DetailType)
		require.Equal(t, "2026-07-09", o.Date)
	}
}
