// Package digeststest is a bucket in memory that behaves as S3 does for the calls the digests make.
package digeststest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
)

// Bucket is a bucket of objects by key. It is safe for concurrent use; Objects is for tests while nothing else runs.
type Bucket struct {
	// PageSize is how many keys a listing has; 0 is all.
	PageSize int

	mu      sync.Mutex
	Objects map[string][]byte
}

// NewBucket makes an empty bucket.
func NewBucket() *Bucket { return &Bucket{Objects: map[string][]byte{}} }

// PutObject takes the condition that there is no object.
func (b *Bucket) PutObject(_ context.Context, in *s3.PutObjectInput, _ ...func(*s3.Options)) (*s3.PutObjectOutput, error) {
	body, err := io.ReadAll(in.Body)
	if err != nil {
		return nil, err
	}
	if aws.ToString(in.IfNoneMatch) != "*" {
		return nil, errors.New("an unconditional put")
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, ok := b.Objects[*in.Key]; ok {
		return nil, &smithy.GenericAPIError{Code: "PreconditionFailed"}
	}
	b.Objects[*in.Key] = body
	return &s3.PutObjectOutput{}, nil
}

// GetObject reads an object.
func (b *Bucket) GetObject(_ context.Context, in *s3.GetObjectInput, _ ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	body, ok := b.Objects[*in.Key]
	if !ok {
		return nil, &types.NoSuchKey{}
	}
	return &s3.GetObjectOutput{Body: io.NopCloser(bytes.NewReader(body))}, nil
}

// ListObjectsV2 lists keys in order.
func (b *Bucket) ListObjectsV2(_ context.Context, in *s3.ListObjectsV2Input, _ ...func(*s3.Options)) (*s3.ListObjectsV2Output, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	after := max(aws.ToString(in.StartAfter), aws.ToString(in.ContinuationToken))
	out := &s3.ListObjectsV2Output{IsTruncated: aws.Bool(false)}
	for _, key := range slices.Sorted(maps.Keys(b.Objects)) {
		if !strings.HasPrefix(key, aws.ToString(in.Prefix)) || key <= after {
			continue
		}
		if b.PageSize > 0 && len(out.Contents) == b.PageSize {
			out.IsTruncated, out.NextContinuationToken = aws.Bool(true), out.Contents[b.PageSize-1].Key
			break
		}
		out.Contents = append(out.Contents, types.Object{Key: aws.String(key)})
	}
	return out, nil
}
