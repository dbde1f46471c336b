package auditlog

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/events"
)

// A copy of the bucket reads as the bucket does.
func TestFolderReadsAsTheBucket(t *testing.T) {
	copied := t.TempDir()
	for key, line := range map[string]string{
		"events/date=2026-07-09/detail-type=TransactionPosted/a.gz":        `{"detail":{"metadata":{"eventId":"1"}}}`,
		"events/date=2026-07-10/detail-type=TransactionPosted/b.gz":        `{"detail":{"metadata":{"eventId":"2"}}}`,
		"events/date=2026-07-10/detail-type=TransactionPostingFailed/c.gz": `{"detail":{"metadata":{"eventId":"3"}}}`,
		"recon/2026-07-10/report.json":                                     `{}`,
	} {
		path := filepath.Join(copied, filepath.FromSlash(key))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		var zipped bytes.Buffer
		w := gzip.NewWriter(&zipped)
		_, err := w.Write([]byte(line + "\n"))
		require.NoError(t, err)
		require.NoError(t, w.Close())
		require.NoError(t, os.WriteFile(path, zipped.Bytes(), 0o600))
	}
	folder, err := NewFolder(copied)
	require.NoError(t, err)
	reader := NewReader(folder, "")
	for name, tc := range map[string]struct {
		partition Partition
		want      []string
	}{
		"all":    {Partition{}, []string{"1", "2", "3"}},
		"a day":  {Partition{Date: "2026-07-10"}, []string{"2", "3"}},
		"a kind": {Partition{DetailType: events.TransactionPosted}, []string{"1", "2"}},
		"both":   {Partition{Date: "2026-07-10", DetailType: events.TransactionPosted}, []string{"2"}},
		"none":   {Partition{Date: "2026-07-11"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			objects, err := reader.List(t.Context(), tc.partition)
			require.NoError(t, err)
			var ids []string
			for _, object := range objects {
				require.NoError(t, reader.Read(t.Context(), object.Key, Of{}, func(e Event) error { ids = append(ids, e.Metadata.EventID); return nil }))
			}
			require.Equal(t, tc.want, ids)
		})
	}
	var missing *types.NoSuchKey
	_, err = folder.GetObject(t.Context(), &s3.GetObjectInput{Key: aws.String("events/none")})
	require.ErrorAs(t, err, &missing)
	_, err = folder.GetObject(t.Context(), &s3.GetObjectInput{Key: aws.String("../secret")})
	require.Error(t, err, "nothing outside of the folder is read")
	_, err = NewFolder(filepath.Join(copied, "none"))
	require.ErrorContains(t, err, "opening the copy of an audit log")
}
