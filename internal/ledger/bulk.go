package ledger

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/payrail/payrail/internal/bulkread"
	"github.com/payrail/payrail/internal/ingest"
	"github.com/payrail/payrail/payment"
)

// BulkReader reads journal items many at a time, for reconciliation. It is safe for concurrent use.
type BulkReader struct {
	reader bulkread.Reader
	table  string
}

// NewBulkReader makes a BulkReader of the ledger table.
func NewBulkReader(reader bulkread.Reader, table string) *BulkReader {
	return &BulkReader{reader: reader, table: table}
}

// Stamped is what the index by ingest holds of a journal item. The index lags behind the table by some milliseconds. Of an entry that
// cannot be read it is the ids alone, without time and control amount: its item must be read.
type Stamped struct {
	SequenceID, AuthorizationID, TransactionID string
	Outcome                                    payment.Outcome
	OccurredAt                                 time.Time
	// Principal is the control amount; the zero Money where the item has none.
	Principal payment.Money
}

// InBucket calls visit with what the index holds of one bucket between two times, both included, in the order of time.
func (b *BulkReader) InBucket(ctx context.Context, bucket string, from, to time.Time, visit func(Stamped) error) error {
	in := ingest.Query(b.table, bucket, ingest.JournalTimeAttribute, from, to)
	return b.reader.Query(ctx, in, func(item map[string]types.AttributeValue) error {
		d := &decoder{item: item}
		s := Stamped{SequenceID: strings.TrimPrefix(d.required("pk"), journalPrefix), AuthorizationID: d.text("authorizationId"),
			TransactionID: d.text("transactionId"), Outcome: payment.Outcome(d.text("outcome"))}
		if _, ok := item[ingest.PrincipalMinorAttribute]; ok {
			s.Principal = payment.Money{Minor: d.number(ingest.PrincipalMinorAttribute), Currency: payment.Currency(d.text(ingest.PrincipalCurrencyAttribute))}
		}
		at, err := ingest.ParseTime(d.text(ingest.JournalTimeAttribute))
		if err != nil || d.err != nil {
			// One entry that somebody else wrote must not end the run that is to find it: its item tells.
			return visit(Stamped{SequenceID: s.SequenceID, AuthorizationID: s.AuthorizationID, TransactionID: s.TransactionID})
		}
		s.OccurredAt = at
		return visit(s)
	})
}

// Read is a journal item as it was read: an item that is no journal record has the reason instead.
type Read struct {
	SequenceID string
	Record     Record
	Err        error
}

// Journals reads the journal items of sequences, strongly consistently. Sequences without one are not in the result.
func (b *BulkReader) Journals(ctx context.Context, sequences []string) (map[string]Read, error) {
	keys := make([]map[string]types.AttributeValue, len(sequences))
	for i, sequence := range sequences {
		keys[i] = journalKey(sequence).attributes()
	}
	found := make(map[string]Read, len(sequences))
	err := b.reader.Get(ctx, b.table, keys, func(item map[string]types.AttributeValue) error {
		read := readItem(item)
		found[read.SequenceID] = read
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading journal items: %w", err)
	}
	return found, nil
}

// Segment calls visit with the journal items, and suspense with the suspense items, of one of several equal parts of the table,
// strongly consistently.
func (b *BulkReader) Segment(ctx context.Context, segment, segments int, visit func(Read) error, suspense func(SuspenseItem) error) error {
	in := &dynamodb.ScanInput{
		TableName: &b.table, ConsistentRead: aws.Bool(true), Segment: aws.Int32(int32(segment)), TotalSegments: aws.Int32(int32(segments)),
		FilterExpression:          aws.String("begins_with(pk, :journal) OR begins_with(pk, :suspense)"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":journal": text(journalPrefix), ":suspense": text(suspensePrefix)},
	}
	err := b.reader.Scan(ctx, in, func(item map[string]types.AttributeValue) error {
		d := decoder{item: item}
		if !isKind(d.text("pk"), suspensePrefix) {
			return visit(readItem(item))
		}
		s, err := decodeSuspense(item)
		if err != nil {
			return err
		}
		return suspense(s)
	})
	if err != nil {
		return fmt.Errorf("reading segment %d of %d of the ledger: %w", segment, segments, err)
	}
	return nil
}

func readItem(item map[string]types.AttributeValue) Read {
	d := decoder{item: item}
	read := Read{SequenceID: strings.TrimPrefix(d.text("pk"), journalPrefix)}
	read.Record, read.Err = decodeRecord(item)
	if read.Err == nil && read.Record.ID != read.SequenceID {
		read.Err = fmt.Errorf("the journal item of %q holds sequence %q", read.SequenceID, read.Record.ID)
	}
	return read
}
