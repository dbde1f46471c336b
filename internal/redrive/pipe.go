package redrive

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"

	"github.com/payrail/payrail/internal/authorizationitem"
	"github.com/payrail/payrail/internal/ingest"
	"github.com/payrail/payrail/internal/reconcile"
)

const (
	// maxPages bounds reading a range of a stream: the pipe's batches are ten records of one slice of a shard, between which
	// those of other slices stand.
	maxPages = 200
	// stampMargin is how much earlier than its stream record an authorization may be stamped: the clock is the authorizer's.
	stampMargin = time.Minute
)

// RecordStreams models the DynamoDB Streams client. It is safe for concurrent use.
type RecordStreams interface {
	GetShardIterator(context.Context, *dynamodbstreams.GetShardIteratorInput, ...func(*dynamodbstreams.Options)) (*dynamodbstreams.GetShardIteratorOutput, error)
	GetRecords(context.Context, *dynamodbstreams.GetRecordsInput, ...func(*dynamodbstreams.Options)) (*dynamodbstreams.GetRecordsOutput, error)
}

// Authorizations is what reconcile.AuthorizationsTable does. It is safe for concurrent use.
type Authorizations interface {
	InBucket(ctx context.Context, bucket string, from, to time.Time, visit func(reconcile.StampedAuthorization) error) error
	Get(ctx context.Context, ids []string) (map[string]authorizationitem.Item, error)
}

// toPipe sends the authorizations of a batch that a pipe gave up through dedup to the bus, as the pipe would have. The message has
// positions only: the records are read from the stream for as long as it has them, which is 24 hours, and the authorizations
// from their table after that.
func (r *Redriver) toPipe(h held) (delivery, error) {
	p, err := readPositions(h.body)
	if err != nil {
		return delivery{}, refuse("%s", err)
	}
	return delivery{"dedup and the bus", func(ctx context.Context) (string, error) {
		records, err := r.readStream(ctx, p)
		if errors.Is(err, errTrimmed) {
			return "", r.forwardStamped(ctx, p)
		}
		if err != nil {
			return "", err
		}
		_, err = r.forward(ctx, records)
		return "", err
	}}, nil
}

// errTrimmed says that the stream does not have the records any more.
var errTrimmed = errors.New("the stream does not have the records any more")

// readStream reads the approved authorizations of a batch's range. Records of other batches may stand between: they are forwarded
// again under the same ids, which does nothing.
func (r *Redriver) readStream(ctx context.Context, p positions) ([]streamRecord, error) {
	iterator, err := r.Records.GetShardIterator(ctx, &dynamodbstreams.GetShardIteratorInput{
		StreamArn: &p.Batch.StreamARN, ShardId: &p.Batch.ShardID, ShardIteratorType: types.ShardIteratorTypeAtSequenceNumber, SequenceNumber: &p.Batch.Start,
	})
	if err != nil {
		return nil, readingStream(err)
	}
	var records []streamRecord
	next := iterator.ShardIterator
	for page := 0; next != nil; page++ {
		if page == maxPages {
			return nil, fmt.Errorf("reading the stream: its record %s is not among the %d pages after %s", p.Batch.End, maxPages, p.Batch.Start)
		}
		out, err := r.Records.GetRecords(ctx, &dynamodbstreams.GetRecordsInput{ShardIterator: next})
		if err != nil {
			return nil, readingStream(err)
		}
		for _, record := range out.Records {
			if past(aws.ToString(record.Dynamodb.SequenceNumber), p.Batch.End) {
				return complete(records, p)
			}
			read, wanted, err := fromStream(record)
			if err != nil {
				return nil, fmt.Errorf("reading the stream: record %s: %w", aws.ToString(record.EventID), err)
			}
			if wanted {
				records = append(records, read)
			}
			if aws.ToString(record.Dynamodb.SequenceNumber) == p.Batch.End {
				return complete(records, p)
			}
		}
		next = out.NextShardIterator
	}
	return complete(records, p)
}

// complete refuses fewer records than the pipe gave up: what is missing would be lost with the message.
func complete(records []streamRecord, p positions) ([]streamRecord, error) {
	if len(records) < p.Batch.Size {
		return nil, fmt.Errorf("%w: it has %d of %d", errTrimmed, len(records), p.Batch.Size)
	}
	return records, nil
}

// past compares sequence numbers, which are decimal numbers of different lengths.
func past(a, b string) bool {
	if len(a) != len(b) {
		return len(a) > len(b)
	}
	return a > b
}

func readingStream(err error) error {
	if trimmed := (*types.TrimmedDataAccessException)(nil); errors.As(err, &trimmed) {
		return errTrimmed
	}
	if gone := (*types.ResourceNotFoundException)(nil); errors.As(err, &gone) { // A shard goes with its last record.
		return errTrimmed
	}
	return fmt.Errorf("reading the stream: %w", err)
}

// fromStream makes of a record what the pipe makes of it; wanted is false where the pipe's filter does not pass it.
func fromStream(record types.Record) (read streamRecord, wanted bool, err error) {
	data := record.Dynamodb
	if record.EventName == types.OperationTypeRemove || data.NewImage == nil {
		return streamRecord{}, false, nil
	}
	read = streamRecord{EventID: aws.ToString(record.EventID), EventName: string(record.EventName)}
	if data.ApproximateCreationDateTime != nil {
		read.Data.CreatedAt = epochSeconds(*data.ApproximateCreationDateTime)
	}
	if read.Data.NewImage, err = image(data.NewImage); err != nil {
		return streamRecord{}, false, err
	}
	if read.Data.OldImage, err = image(data.OldImage); err != nil {
		return streamRecord{}, false, err
	}
	return read, isApproved(read.Data.NewImage), nil
}

// forwardStamped forwards the authorizations that came in while the batch did. Those of neighbouring batches are among them and do
// nothing. An authorization that was written before, and approved then, bears an older stamp: where fewer are found than the batch
// had, the message stays.
func (r *Redriver) forwardStamped(ctx context.Context, p positions) error {
	from, to := p.Batch.First.Add(-stampMargin), p.Batch.Last.Add(stampMargin)
	stamps := map[string]time.Time{}
	var ids []string
	for hour := range ingest.Hours(from, to) {
		for shard := range ingest.Shards {
			err := r.Authorizations.InBucket(ctx, ingest.Name(hour, shard), from, to, func(a reconcile.StampedAuthorization) error {
				if _, known := stamps[a.ID]; a.Approved && !known {
					stamps[a.ID], ids = a.At, append(ids, a.ID)
				}
				return nil
			})
			if err != nil {
				return fmt.Errorf("finding authorizations by their stamp: %w", err)
			}
		}
	}
	items, err := r.Authorizations.Get(ctx, ids)
	if err != nil {
		return err
	}
	var records []streamRecord
	for _, id := range ids {
		item, ok := items[id]
		if !ok {
			continue
		}
		record, err := recordOf(item, stamps[id])
		if err != nil {
			return err
		}
		records = append(records, record)
	}
	if _, err := r.forward(ctx, records); err != nil {
		return err
	}
	if len(records) < p.Batch.Size {
		return refuse("the stream does not have its records any more, and of %d only %d authorizations bear a stamp of that time, which were sent again; "+
			"`payrail reconcile --full` finds the others", p.Batch.Size, len(records))
	}
	return nil
}
