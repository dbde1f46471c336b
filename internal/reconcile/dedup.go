package reconcile

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/internal/authorizationitem"
)

// Invoker models the Lambda client.
type Invoker interface {
	Invoke(context.Context, *lambda.InvokeInput, ...func(*lambda.Options)) (*lambda.InvokeOutput, error)
}

// DedupFunction sends authorizations through dedup as the pipe does: the same guard against card numbers, the same claim of the
// business key, the same parking. It is safe for concurrent use.
type DedupFunction struct {
	Client   Invoker
	Function string
}

// Resend invokes dedup with a stream record of the item.
func (d DedupFunction) Resend(ctx context.Context, item authorizationitem.Item, at time.Time) ([]events.Event, error) {
	payload, err := json.Marshal([]map[string]any{{
		"eventID":  recordID(item.ID()),
		"dynamodb": map[string]any{"ApproximateCreationDateTime": json.Number(epochSeconds(at)), "NewImage": item},
	}})
	if err != nil {
		return nil, fmt.Errorf("encoding the record: %w", err)
	}
	out, err := d.Client.Invoke(ctx, &lambda.InvokeInput{FunctionName: &d.Function, Payload: payload})
	if err != nil {
		return nil, fmt.Errorf("invoking dedup: %w", err)
	}
	if out.FunctionError != nil {
		return nil, fmt.Errorf("dedup failed (%s): %s", aws.ToString(out.FunctionError), out.Payload)
	}
	var details []events.Detail[events.AuthorizedData]
	if err := json.Unmarshal(out.Payload, &details); err != nil {
		return nil, fmt.Errorf("decoding what dedup forwards: %w", err)
	}
	forwarded := make([]events.Event, len(details))
	for i, detail := range details {
		if forwarded[i], err = events.New(events.TransactionAuthorized, events.SourceReconcile, detail.Metadata, detail.Data); err != nil {
			return nil, err
		}
	}
	return forwarded, nil
}

// recordID stands for the id of the stream record that got lost: the same whenever the item is sent again.
func recordID(authorizationID string) string {
	sum := sha256.Sum256([]byte("reconcile|" + authorizationID))
	return hex.EncodeToString(sum[:16])
}

// epochSeconds writes a time as stream records have it, with milliseconds.
func epochSeconds(t time.Time) string {
	return strconv.FormatInt(t.Unix(), 10) + fmt.Sprintf(".%03d", t.Nanosecond()/int(time.Millisecond))
}

// ObjectPutter models the S3 client.
type ObjectPutter interface {
	PutObject(context.Context, *s3.PutObjectInput, ...func(*s3.Options)) (*s3.PutObjectOutput, error)
}

// ReportBucket keeps reports in a bucket with object lock. It is safe for concurrent use.
type ReportBucket struct {
	Objects ObjectPutter
	Bucket  string
}

// Put writes an object.
func (b ReportBucket) Put(ctx context.Context, key, contentType string, body []byte) error {
	_, err := b.Objects.PutObject(ctx, &s3.PutObjectInput{Bucket: &b.Bucket, Key: &key, Body: bytes.NewReader(body), ContentType: &contentType})
	if err != nil {
		return fmt.Errorf("writing %s: %w", key, err)
	}
	return nil
}
