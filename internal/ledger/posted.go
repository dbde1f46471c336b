package ledger

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"github.com/payrail/payrail/internal/bulkread"
)

const (
	// PostedIndex is the index of journal items by when they were posted, of keys alone; PostedBucketAttribute is its key, which other
	// items do not have.
	PostedIndex           = "ByPosted"
	PostedBucketAttribute = "postedBucket"
	// postedShards is how many buckets an hour has: a partition of an index takes 1,000 writes a second, and the peak is more.
	postedShards = 16
	// shardsAtOnce is how many of them are read at the same time.
	shardsAtOnce = 4
)

// postedBucket is the bucket of a journal item: its hour of posting and one of the shards, "2026-07-09T10#7".
func postedBucket(hour, sequence string) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(sequence)) // A hash's Write never fails.
	return shardOfHour(hour, int(h.Sum32()%postedShards))
}

func shardOfHour(hour string, shard int) string { return fmt.Sprintf("%s#%d", hour, shard) }

// PostedReader reads the journal by when it was posted. The index lags behind the table by some milliseconds; the items themselves
// are read strongly consistently. It is safe for concurrent use.
type PostedReader struct {
	reader bulkread.Reader
	table  string
}

// NewPostedReader makes a PostedReader of the ledger table.
func NewPostedReader(reader bulkread.Reader, table string) *PostedReader {
	return &PostedReader{reader: reader, table: table}
}

// errEnough ends a query early.
var errEnough = errors.New("enough")

// Any reports whether anything was posted within an hour.
func (p *PostedReader) Any(ctx context.Context, hour time.Time) (bool, error) {
	for shard := range postedShards {
		in := p.query(hourOf(hour), shard)
		in.Limit = aws.Int32(1)
		err := p.reader.Query(ctx, in, func(map[string]types.AttributeValue) error { return errEnough })
		if errors.Is(err, errEnough) {
			return true, nil
		}
		if err != nil {
			return false, fmt.Errorf("looking for what was posted in the hour %s: %w", hourOf(hour), err)
		}
	}
	return false, nil
}

// Sum adds up what was posted within an hour, or of it what was posted up to and including a time; the zero time is no limit.
func (p *PostedReader) Sum(ctx context.Context, hour, upTo time.Time) (*HourSum, error) {
	parts := make([]*HourSum, postedShards)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(shardsAtOnce)
	for shard := range postedShards {
		parts[shard] = NewHourSum()
		group.Go(func() error {
			return p.shard(ctx, hourOf(hour), shard, func(record Record) error {
				if late(record, upTo) {
					return nil
				}
				return parts[shard].Add(record)
			})
		})
	}
	if err := group.Wait(); err != nil {
		return nil, fmt.Errorf("reading what was posted in the hour %s: %w", hourOf(hour), err)
	}
	for _, part := range parts[1:] {
		if err := parts[0].merge(part); err != nil {
			return nil, err
		}
	}
	return parts[0], nil
}

func (p *PostedReader) query(hour string, shard int) *dynamodb.QueryInput {
	return &dynamodb.QueryInput{
		TableName: &p.table, IndexName: aws.String(PostedIndex), KeyConditionExpression: aws.String(PostedBucketAttribute + " = :bucket"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":bucket": text(shardOfHour(hour, shard))},
	}
}

// shard calls visit with the records of one shard of an hour.
func (p *PostedReader) shard(ctx context.Context, hour string, shard int, visit func(Record) error) error {
	var keys []map[string]types.AttributeValue
	flush := func() error {
		found := 0
		err := p.reader.Get(ctx, p.table, keys, func(item map[string]types.AttributeValue) error {
			found++
			record, err := decodeRecord(item)
			if err != nil {
				return err
			}
			if posted, err := postedHour(record); err != nil {
				return err
			} else if posted != hour {
				return fmt.Errorf("sequence %s is indexed in the hour %s and was posted at %s", record.ID, hour, record.PostedAt)
			}
			return visit(record)
		})
		if err == nil && found != len(keys) {
			err = fmt.Errorf("of %d indexed journal items the table has %d", len(keys), found)
		}
		keys = keys[:0]
		return err
	}
	err := p.reader.Query(ctx, p.query(hour, shard), func(item map[string]types.AttributeValue) error {
		d := decoder{item: item}
		keys = append(keys, itemKey{d.required("pk"), d.required("sk")}.attributes())
		if d.err != nil || len(keys) < bulkread.BatchKeys {
			return d.err
		}
		return flush()
	})
	if err == nil && len(keys) > 0 {
		err = flush()
	}
	return err
}

// TrialBalanceFromDigests is the trial balance as of a time of posting, with all customers as one account: the sums of the hours
// that have a digest, and of what was posted since by the index. It reads some thousand small numbers where the fold of the journal
// reads every entry. The digests must be all there are, in order.
func (p *PostedReader) TrialBalanceFromDigests(ctx context.Context, digests []Digest, asOf time.Time) (TrialBalance, error) {
	if len(digests) == 0 {
		return TrialBalance{}, errors.New("summing the digests: there are none")
	}
	f := newFold(true)
	open := digests[0].Hour
	for _, d := range digests {
		if d.End().After(asOf) {
			break
		}
		f.entries += d.JournalEntries
		if err := f.addLines(d.Accounts); err != nil {
			return TrialBalance{}, fmt.Errorf("summing the digests: %w", err)
		}
		open = d.End()
	}
	for hour := open; !hour.After(asOf); hour = hour.Add(time.Hour) {
		sum, err := p.Sum(ctx, hour, asOf)
		if err != nil {
			return TrialBalance{}, err
		}
		f.entries += sum.fold.entries
		if err := f.addLines(sorted(sum.fold.lines)); err != nil {
			return TrialBalance{}, err
		}
	}
	return f.asOf(asOf)
}
