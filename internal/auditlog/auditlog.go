// Package auditlog reads the audit log: every event of the bus as Firehose wrote it to S3, gzip-compressed, one event a line,
// under events/date=<date>/detail-type=<kind>/. The date is that of arrival in Firehose, in UTC. Firehose delivers at least
// once, so an event can stand there more than once.
package auditlog

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/payrail/payrail/events"
)

const (
	// root, datePart and typePart make the keys; infra/audit.go has them as Firehose's prefix.
	root     = "events/"
	datePart = "date="
	typePart = "detail-type="
	// DateForm is the layout of a partition's date.
	DateForm = "2006-01-02"
	// maxEventBytes is the longest line read: Firehose takes records of 1,000 KiB.
	maxEventBytes = 1000<<10 + 1
)

// Bucket models the S3 client.
type Bucket interface {
	s3.ListObjectsV2APIClient
	GetObject(context.Context, *s3.GetObjectInput, ...func(*s3.Options)) (*s3.GetObjectOutput, error)
}

// Reader reads the audit log of one bucket. It is safe for concurrent use.
type Reader struct {
	client Bucket
	bucket string
}

// NewReader returns a reader of the bucket called name.
func NewReader(client Bucket, name string) *Reader { return &Reader{client: client, bucket: name} }

// Object is one object of the audit log. How many events it has is known only by reading it.
type Object struct {
	Key        string            `json:"key"`
	Date       string            `json:"date"`
	DetailType events.DetailType `json:"detailType"`
	// Size is in bytes, compressed.
	Size    int64     `json:"size"`
	Written time.Time `json:"written"`
}

// Partition picks objects; an empty member picks all.
type Partition struct {
	Date       string
	DetailType events.DetailType
}

// List returns the objects of a partition, by date, then by detail-type, then by when they were begun.
func (r *Reader) List(ctx context.Context, p Partition) ([]Object, error) {
	if p.Date != "" || p.DetailType == "" {
		return r.list(ctx, p.prefix(), p)
	}
	// One kind of event of every day: finding the days first saves listing everything else that happened on them.
	dates, err := r.dates(ctx)
	if err != nil {
		return nil, err
	}
	var all []Object
	for _, date := range dates {
		day := Partition{Date: date, DetailType: p.DetailType}
		objects, err := r.list(ctx, day.prefix(), day)
		if err != nil {
			return nil, err
		}
		all = append(all, objects...)
	}
	return all, nil
}

func (p Partition) prefix() string {
	prefix := root
	if p.Date == "" {
		return prefix
	}
	prefix += datePart + p.Date + "/"
	if p.DetailType != "" {
		prefix += typePart + string(p.DetailType) + "/"
	}
	return prefix
}

func (r *Reader) dates(ctx context.Context) ([]string, error) {
	var dates []string
	pages := s3.NewListObjectsV2Paginator(r.client, &s3.ListObjectsV2Input{Bucket: &r.bucket, Prefix: aws.String(root + datePart), Delimiter: aws.String("/")})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("listing the days of the audit log: %w", err)
		}
		for _, common := range page.CommonPrefixes {
			dates = append(dates, strings.TrimSuffix(strings.TrimPrefix(aws.ToString(common.Prefix), root+datePart), "/"))
		}
	}
	return dates, nil
}

func (r *Reader) list(ctx context.Context, prefix string, p Partition) ([]Object, error) {
	var objects []Object
	pages := s3.NewListObjectsV2Paginator(r.client, &s3.ListObjectsV2Input{Bucket: &r.bucket, Prefix: &prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("listing the audit log: %w", err)
		}
		for _, found := range page.Contents {
			o, err := objectOf(aws.ToString(found.Key))
			if err != nil {
				continue // Not an event: the bucket's owner may keep other things under events/.
			}
			// A detail-type may have a slash, so that one's prefix is another's folder.
			if p.DetailType != "" && o.DetailType != p.DetailType {
				continue
			}
			o.Size, o.Written = aws.ToInt64(found.Size), aws.ToTime(found.LastModified).UTC()
			objects = append(objects, o)
		}
	}
	return objects, nil
}

// ErrNoKey says that a key is none of the audit log.
var ErrNoKey = errors.New("not a key of the audit log")

// objectOf reads date and detail-type from a key.
func objectOf(key string) (Object, error) {
	date, rest, ok := strings.Cut(strings.TrimPrefix(key, root+datePart), "/"+typePart)
	end := strings.LastIndexByte(rest, '/')
	if !strings.HasPrefix(key, root+datePart) || !ok || end < 1 {
		return Object{}, fmt.Errorf("%w: %s", ErrNoKey, key)
	}
	return Object{Key: key, Date: date, DetailType: events.DetailType(rest[:end])}, nil
}

// Of picks events by what they belong to; an empty member picks all.
type Of struct {
	TransactionID, AuthorizationID string
}

// Event is one event of the audit log.
type Event struct {
	// Line is the whole envelope as it was on the bus, without a line end. It is valid until the next event is read.
	Line     []byte
	Metadata events.Metadata
}

// Read calls fn for the events of an object that are picked, in the order in which they arrived, until it returns an error.
func (r *Reader) Read(ctx context.Context, key string, of Of, fn func(Event) error) (err error) {
	got, err := r.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &r.bucket, Key: &key})
	if err != nil {
		return fmt.Errorf("reading %s: %w", key, err)
	}
	defer func() { err = errors.Join(err, got.Body.Close()) }()
	unzipped, err := gzip.NewReader(got.Body)
	if err != nil {
		return fmt.Errorf("decompressing %s: %w", key, err)
	}
	if err := eachEvent(unzipped, of, fn); err != nil {
		return fmt.Errorf("reading %s: %w", key, err)
	}
	return nil
}

// eachEvent goes through the lines. An event that the detail of which is not Payrail's belongs to no payment.
func eachEvent(r io.Reader, of Of, fn func(Event) error) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxEventBytes)
	for n := 1; lines.Scan(); n++ {
		line := lines.Bytes()
		if !of.mayBeIn(line) {
			continue
		}
		var envelope struct {
			Detail json.RawMessage `json:"detail"`
		}
		if err := json.Unmarshal(line, &envelope); err != nil {
			return fmt.Errorf("decoding line %d: %w", n, err)
		}
		var detail struct {
			Metadata events.Metadata `json:"metadata"`
		}
		if err := json.Unmarshal(envelope.Detail, &detail); err != nil {
			detail.Metadata = events.Metadata{} // Somebody else's event, with metadata of another form.
		}
		if !of.picks(detail.Metadata) {
			continue
		}
		if err := fn(Event{Line: line, Metadata: detail.Metadata}); err != nil {
			return err
		}
	}
	return lines.Err()
}

// mayBeIn spares most lines the decoding when a payment is looked for. Ids that JSON would write with escapes are decoded.
func (o Of) mayBeIn(line []byte) bool {
	for _, id := range []string{o.TransactionID, o.AuthorizationID} {
		quoted, err := json.Marshal(id)
		if id == "" || err != nil || len(quoted) != len(id)+2 {
			continue
		}
		if !bytes.Contains(line, []byte(id)) && !bytes.Contains(line, []byte(`\`)) {
			return false
		}
	}
	return true
}

func (o Of) picks(m events.Metadata) bool {
	return (o.TransactionID == "" || o.TransactionID == m.TransactionID) && (o.AuthorizationID == "" || o.AuthorizationID == m.CorrelationID)
}
