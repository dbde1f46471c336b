// Package parked keeps what was not processed, with the reason, as JSON objects in the parked bucket. An object's key is a
// function of its content, so that parking the same thing again overwrites it.
package parked

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
)

// Record is one thing that was parked. It never holds a card number.
type Record struct {
	// Stage is the function that parked it.
	Stage                string    `json:"stage"`
	Kind                 string    `json:"kind"`
	Reason               string    `json:"reason"`
	Problem              string    `json:"problem"`
	TransactionID        string    `json:"transactionId"`
	AuthorizationID      string    `json:"authorizationId"`
	KnownAuthorizationID string    `json:"knownAuthorizationId,omitempty"`
	OccurredAt           time.Time `json:"occurredAt"`
	// Withheld names attributes that were left out of Content because nobody knows what they hold.
	Withheld []string `json:"withheld,omitempty"`
	// Content is what would have been processed: an authorization item in DynamoDB's JSON, an event, legs.
	Content json.RawMessage `json:"content"`
}

// ContentHash is the first 16 hex digits of the content's SHA-256: enough to tell the few versions of one authorization apart.
func (r Record) ContentHash() string {
	sum := sha256.Sum256(r.Content)
	return hex.EncodeToString(sum[:8])
}

// Key is the object's key: <day>/<reason>/<authorization>-<content hash>.json. The day is that of OccurredAt, not of parking.
func (r Record) Key() string {
	return fmt.Sprintf("%s/%s/%s-%s.json", r.OccurredAt.UTC().Format("2006/01/02"), url.PathEscape(r.Reason),
		url.PathEscape(r.AuthorizationID), r.ContentHash())
}

// ObjectPutter models the S3 client.
type ObjectPutter interface {
	PutObject(context.Context, *s3.PutObjectInput, ...func(*s3.Options)) (*s3.PutObjectOutput, error)
}

// Store writes to the parked bucket. It is safe for concurrent use.
type Store struct {
	objects ObjectPutter
	bucket  string
}

// NewStore returns a store that writes to bucket.
func NewStore(objects ObjectPutter, bucket string) *Store {
	return &Store{objects: objects, bucket: bucket}
}

// Put writes the record and returns its key.
func (s *Store) Put(ctx context.Context, record Record) (string, error) {
	in, err := s.input(record)
	if err != nil {
		return "", err
	}
	if _, err := s.objects.PutObject(ctx, in); err != nil {
		return "", fmt.Errorf("parking %s: %w", *in.Key, err)
	}
	return *in.Key, nil
}

// PutNew writes the record unless it is parked already, and says whether it was written.
func (s *Store) PutNew(ctx context.Context, record Record) (key string, written bool, err error) {
	in, err := s.input(record)
	if err != nil {
		return "", false, err
	}
	in.IfNoneMatch = aws.String("*")
	_, err = s.objects.PutObject(ctx, in)
	var refused smithy.APIError
	if errors.As(err, &refused) && refused.ErrorCode() == preconditionFailed {
		return *in.Key, false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("parking %s: %w", *in.Key, err)
	}
	return *in.Key, true, nil
}

// preconditionFailed is S3's answer where an object with the key exists.
const preconditionFailed = "PreconditionFailed"

func (s *Store) input(record Record) (*s3.PutObjectInput, error) {
	body, err := json.Marshal(record)
	if err != nil {
		return nil, fmt.Errorf("encoding the parked record of %s: %w", record.TransactionID, err)
	}
	return &s3.PutObjectInput{Bucket: &s.bucket, Key: aws.String(record.Key()), Body: bytes.NewReader(body), ContentType: aws.String("application/json")}, nil
}
