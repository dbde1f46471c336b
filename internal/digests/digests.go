// Package digests keeps the ledger's hourly digests in the audit bucket, which locks every object: one object an hour, written once,
// under a name that sorts as its hour. Each digest names the hash of the one before it, so that none can be left out or exchanged.
package digests

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	"golang.org/x/sync/errgroup"

	"github.com/payrail/payrail/internal/ledger"
)

const (
	// Prefix is that of the objects' keys. The access policy of the digest function names it.
	Prefix = "ledger-digests/"
	// keyForm is the rest of a key: its hour.
	keyForm   = "2006-01-02T15"
	keySuffix = ".json"
	// maxDigestBytes bounds what is read of one object; a digest has a line for each system account and is some kilobytes long.
	maxDigestBytes = 4 << 20
	// readsAtOnce is how many objects are fetched at the same time: a year has 8,760.
	readsAtOnce = 16
	// recent is how far back the last digest is looked for before all are listed.
	recent = 8 * 24 * time.Hour
)

// ErrDiffers says that the digest that is there is not the one that was to be written: what the journal holds of the hour has
// changed, or it was incomplete.
var ErrDiffers = errors.New("the digest that is there says something else")

// Bucket models the S3 client. It is safe for concurrent use.
type Bucket interface {
	s3.ListObjectsV2APIClient
	GetObject(context.Context, *s3.GetObjectInput, ...func(*s3.Options)) (*s3.GetObjectOutput, error)
	PutObject(context.Context, *s3.PutObjectInput, ...func(*s3.Options)) (*s3.PutObjectOutput, error)
}

// Store reads and writes the digests of one bucket. It is safe for concurrent use.
type Store struct {
	client Bucket
	bucket string
}

// NewStore returns a store in the bucket called name.
func NewStore(client Bucket, name string) *Store { return &Store{client: client, bucket: name} }

// Stored is a digest as it was written, with the hash that the next one names.
type Stored struct {
	ledger.Digest
	Hash string
}

func keyOf(hour time.Time) string { return Prefix + hour.UTC().Format(keyForm) + keySuffix }

// Put writes a digest if its hour has none, and returns it with its hash. To write the same again is no error; to find another is.
func (s *Store) Put(ctx context.Context, d ledger.Digest) (Stored, error) {
	body, err := json.Marshal(d)
	if err != nil {
		return Stored{}, fmt.Errorf("encoding the digest of %s: %w", d.Hour.Format(keyForm), err)
	}
	key := keyOf(d.Hour)
	_, err = s.client.PutObject(ctx, &s3.PutObjectInput{Bucket: &s.bucket, Key: &key, Body: bytes.NewReader(body),
		ContentType: aws.String("application/json"), IfNoneMatch: aws.String("*")})
	if exists(err) {
		held, readErr := s.read(ctx, key)
		if readErr != nil {
			return Stored{}, readErr
		}
		if !bytes.Equal(held, body) {
			return Stored{}, fmt.Errorf("writing %s: %w", key, ErrDiffers)
		}
		err = nil
	}
	if err != nil {
		return Stored{}, fmt.Errorf("writing %s: %w", key, err)
	}
	return Stored{Digest: d, Hash: hashOf(body)}, nil
}

// exists reports whether a put was refused because there is an object, or because another put of it is under way; that one may
// still fail, and the read that follows then says so.
func exists(err error) bool {
	var api smithy.APIError
	return errors.As(err, &api) && (api.ErrorCode() == "PreconditionFailed" || api.ErrorCode() == "ConditionalRequestConflict")
}

func hashOf(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

func (s *Store) read(ctx context.Context, key string) ([]byte, error) {
	out, err := s.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &s.bucket, Key: &key})
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", key, err)
	}
	defer out.Body.Close() //nolint:errcheck // Everything was read, or the read failed.
	body, err := io.ReadAll(io.LimitReader(out.Body, maxDigestBytes))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", key, err)
	}
	return body, nil
}

func (s *Store) get(ctx context.Context, key string) (Stored, error) {
	body, err := s.read(ctx, key)
	if err != nil {
		return Stored{}, err
	}
	d := Stored{Hash: hashOf(body)}
	if err := json.Unmarshal(body, &d.Digest); err != nil {
		return Stored{}, fmt.Errorf("decoding %s: %w", key, err)
	}
	if keyOf(d.Hour) != key || !d.Hour.Equal(d.Hour.Truncate(time.Hour)) {
		return Stored{}, fmt.Errorf("decoding %s: it is the digest of %s", key, d.Hour.Format(time.RFC3339))
	}
	return d, nil
}

// keys lists the keys after a given one, in order.
func (s *Store) keys(ctx context.Context, after string) ([]string, error) {
	in := &s3.ListObjectsV2Input{Bucket: &s.bucket, Prefix: aws.String(Prefix)}
	if after != "" {
		in.StartAfter = &after
	}
	var keys []string
	pages := s3.NewListObjectsV2Paginator(s.client, in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("listing the digests: %w", err)
		}
		for _, o := range page.Contents {
			if key := aws.ToString(o.Key); strings.HasSuffix(key, keySuffix) {
				keys = append(keys, key)
			}
		}
	}
	return keys, nil
}

// Latest is the digest of the last hour that has one; found is false where there is none.
func (s *Store) Latest(ctx context.Context, now time.Time) (latest Stored, found bool, err error) {
	for _, after := range []string{keyOf(now.Add(-recent)), ""} {
		keys, err := s.keys(ctx, after)
		if err != nil {
			return Stored{}, false, err
		}
		if len(keys) > 0 {
			latest, err = s.get(ctx, keys[len(keys)-1])
			return latest, err == nil, err
		}
	}
	return Stored{}, false, nil
}

// All reads every digest, in the order of their hours, with what is wrong with their chain.
func (s *Store) All(ctx context.Context) ([]ledger.Digest, []ledger.Finding, error) {
	keys, err := s.keys(ctx, "")
	if err != nil {
		return nil, nil, err
	}
	stored := make([]Stored, len(keys))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(readsAtOnce)
	for i, key := range keys {
		group.Go(func() (err error) {
			stored[i], err = s.get(ctx, key)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, nil, err
	}
	digests := make([]ledger.Digest, len(stored))
	var findings []ledger.Finding
	previous := ""
	for i, d := range stored {
		if d.Previous != previous {
			findings = append(findings, ledger.Finding{Subject: "digest " + d.Hour.Format(keyForm), Problem: "it does not follow the digest before it"})
		}
		digests[i], previous = d.Digest, d.Hash
	}
	return digests, findings, nil
}
