package dynamodb

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/payrail/payrail/local/wire"
)

// Limits of the stream API.
const (
	maxRecords      = 1000
	maxRecordsBytes = 1 << 20
	maxStreams      = 100
	iteratorLife    = 15 * time.Minute
)

type streamSummary struct {
	StreamArn   string
	StreamLabel string
	TableName   string
}

func (s *Stream) summary() streamSummary {
	return streamSummary{StreamArn: s.arn, StreamLabel: s.label, TableName: s.table}
}

type listStreamsInput struct {
	TableName               string
	Limit                   *int
	ExclusiveStartStreamArn string
}

type listStreamsOutput struct {
	Streams                []streamSummary
	LastEvaluatedStreamArn string `json:",omitempty"`
}

func (s *Service) listStreams(_ context.Context, in *listStreamsInput) (*listStreamsOutput, error) {
	limit, err := checkLimit(in.Limit, maxStreams)
	if err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := &listStreamsOutput{Streams: []streamSummary{}}
	for _, stream := range s.byARN {
		if (in.TableName == "" || in.TableName == stream.table) && stream.arn > in.ExclusiveStartStreamArn {
			out.Streams = append(out.Streams, stream.summary())
		}
	}
	sort.Slice(out.Streams, func(i, j int) bool { return out.Streams[i].StreamArn < out.Streams[j].StreamArn })
	if len(out.Streams) > limit {
		out.Streams = out.Streams[:limit]
		out.LastEvaluatedStreamArn = out.Streams[limit-1].StreamArn
	}
	return out, nil
}

type describeStreamInput struct {
	StreamArn             *string
	ExclusiveStartShardId string
	Limit                 *int
	ShardFilter           *shardFilter
}

// shardFilter asks for the children of a shard.
type shardFilter struct{ Type, ShardId string }

type sequenceRange struct {
	StartingSequenceNumber string
	EndingSequenceNumber   string `json:",omitempty"`
}

type shard struct {
	ShardId             string
	SequenceNumberRange sequenceRange
}

type streamDescription struct {
	streamSummary
	StreamStatus            string
	StreamViewType          string
	CreationRequestDateTime float64
	KeySchema               []keySchemaElement
	Shards                  []shard
}

type describeStreamOutput struct{ StreamDescription streamDescription }

func (s *Service) describeStream(_ context.Context, in *describeStreamInput) (*describeStreamOutput, error) {
	if _, err := checkLimit(in.Limit, maxStreams); err != nil {
		return nil, err
	}
	if in.ShardFilter != nil && in.ShardFilter.Type != "CHILD_SHARDS" {
		return nil, invalidEnum(in.ShardFilter.Type, "shardFilter.type", "CHILD_SHARDS")
	}
	stream, err := s.streamNamed(in.StreamArn)
	if err != nil {
		return nil, err
	}
	stream.mu.Lock()
	defer stream.mu.Unlock()
	d := streamDescription{
		streamSummary: stream.summary(), StreamStatus: "ENABLED", StreamViewType: stream.view,
		CreationRequestDateTime: epochSeconds(stream.opened), KeySchema: describeKeys(stream.schema), Shards: []shard{},
	}
	one := shard{ShardId: shardID, SequenceNumberRange: sequenceRange{StartingSequenceNumber: formatSequence(stream.first)}}
	if stream.closed {
		d.StreamStatus = "DISABLED"
		one.SequenceNumberRange.EndingSequenceNumber = formatSequence(stream.first + uint64(max(0, len(stream.records)-1)))
	}
	// Shards come in the order of their ids; this one has no children.
	if in.ExclusiveStartShardId < shardID && in.ShardFilter == nil {
		d.Shards = append(d.Shards, one)
	}
	return &describeStreamOutput{d}, nil
}

type getShardIteratorInput struct {
	StreamArn         *string
	ShardId           *string
	ShardIteratorType *string
	SequenceNumber    *string
}

type getShardIteratorOutput struct{ ShardIterator string }

func (s *Service) getShardIterator(_ context.Context, in *getShardIteratorInput) (*getShardIteratorOutput, error) {
	var v violations
	for path, member := range map[string]*string{"shardId": in.ShardId, "shardIteratorType": in.ShardIteratorType} {
		if member == nil {
			v.notNull(path)
		}
	}
	if slices.Sort(v); len(v) > 0 {
		return nil, v.err()
	}
	stream, err := s.streamNamed(in.StreamArn)
	if err != nil {
		return nil, err
	}
	if *in.ShardId != shardID {
		return nil, wire.Errorf(codeResourceNotFound, "Requested resource not found: Shard does not exist")
	}
	from, err := stream.position(*in.ShardIteratorType, in.SequenceNumber)
	if err != nil {
		return nil, err
	}
	return &getShardIteratorOutput{s.iterator(stream, from)}, nil
}

// streamARN is the form of the ARNs of streams.
var streamARN = regexp.MustCompile(`^arn:[a-z-]+:dynamodb:[a-z0-9-]+:[0-9]{12}:table/[a-zA-Z0-9_.-]+/stream/.+$`)

// streamNamed finds the stream that a call names. An ARN that can be of no stream is another fault than one of none.
func (s *Service) streamNamed(arn *string) (*Stream, error) {
	if arn == nil {
		var v violations
		v.notNull("streamArn")
		return nil, v.err()
	}
	if !streamARN.MatchString(*arn) {
		return nil, invalid("Invalid StreamArn")
	}
	return s.Stream(*arn)
}

// position is the sequence number an iterator of this type begins at.
func (s *Stream) position(iteratorType string, sequence *string) (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trim(s.clock.Now().Unix())
	switch iteratorType {
	case "TRIM_HORIZON", "LATEST":
		if sequence != nil {
			return 0, invalid("SequenceNumber must not be given with ShardIteratorType %s", iteratorType)
		}
		if iteratorType == "LATEST" {
			return s.settled, nil
		}
		return s.first, nil
	case "AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER":
		if sequence == nil {
			return 0, invalid("SequenceNumber is required with ShardIteratorType %s", iteratorType)
		}
		n, err := parseSequence(*sequence)
		if err != nil {
			return 0, err
		}
		end := s.first + uint64(len(s.records))
		if n > end {
			return 0, invalid("Invalid SequenceNumber: %q", *sequence) // From there on, records that come first would be left out.
		}
		// An empty shard begins at the number of a record to come, which is after the beginning.
		if iteratorType == "AFTER_SEQUENCE_NUMBER" && n < end {
			n++
		}
		if n < s.first {
			return 0, trimmedData()
		}
		return n, nil
	}
	return 0, invalidEnum(iteratorType, "shardIteratorType", "AFTER_SEQUENCE_NUMBER, LATEST, AT_SEQUENCE_NUMBER, TRIM_HORIZON")
}

func trimmedData() error {
	return wire.Errorf(codeTrimmedData, "The operation attempted to read past the oldest stream record in a shard.")
}

// iterator is opaque to clients: the stream, the position and when it was given out.
func (s *Service) iterator(stream *Stream, from uint64) string {
	parts := []string{stream.arn, strconv.FormatUint(from, 10), strconv.FormatInt(s.options.Clock.Now().Unix(), 10)}
	return base64.StdEncoding.EncodeToString([]byte(strings.Join(parts, "|")))
}

func (s *Service) readIterator(text string) (*Stream, uint64, error) {
	raw, err := base64.StdEncoding.DecodeString(text)
	parts := strings.Split(string(raw), "|")
	if err != nil || len(parts) != 3 {
		return nil, 0, invalid("Invalid ShardIterator")
	}
	from, errFrom := strconv.ParseUint(parts[1], 10, 64)
	issued, errIssued := strconv.ParseInt(parts[2], 10, 64)
	if errFrom != nil || errIssued != nil {
		return nil, 0, invalid("Invalid ShardIterator")
	}
	if s.options.Clock.Now().Sub(time.Unix(issued, 0)) > iteratorLife {
		return nil, 0, wire.Errorf(codeExpiredIterator, "The shard iterator has expired and can no longer be used to retrieve stream records.")
	}
	stream, err := s.Stream(parts[0])
	return stream, from, err
}

type getRecordsInput struct {
	ShardIterator *string
	Limit         *int
}

type getRecordsOutput struct {
	Records           []json.RawMessage
	NextShardIterator string `json:",omitempty"`
}

func (s *Service) getRecords(_ context.Context, in *getRecordsInput) (*getRecordsOutput, error) {
	limit, err := checkLimit(in.Limit, maxRecords)
	if err != nil {
		return nil, err
	}
	if in.ShardIterator == nil {
		var v violations
		v.notNull("shardIterator")
		return nil, v.err()
	}
	stream, from, err := s.readIterator(*in.ShardIterator)
	if err != nil {
		return nil, err
	}
	batch, first, next, err := stream.slice(from, limit)
	if err != nil {
		return nil, s.internal("reading stream", err)
	}
	if first > from {
		return nil, trimmedData()
	}
	out := &getRecordsOutput{Records: []json.RawMessage{}}
	bytes := 0
	for i := range batch {
		if bytes += batch[i].size; bytes > maxRecordsBytes && i > 0 {
			next = batch[i].number
			break
		}
		one, err := stream.render(&batch[i].record, formatSequence(batch[i].number), false)
		if err != nil {
			return nil, s.internal("reading stream", err)
		}
		out.Records = append(out.Records, one)
	}
	if !stream.finished(next) {
		out.NextShardIterator = s.iterator(stream, next)
	}
	return out, nil
}

// finished reports whether the shard is closed and has nothing from this sequence number on.
func (s *Stream) finished(from uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed && from >= s.first+uint64(len(s.records))
}

// checkLimit gives the limit asked for, or the most there is.
func checkLimit(limit *int, most int) (int, error) {
	if limit == nil {
		return most, nil
	}
	if *limit < 1 {
		return 0, invalid("1 validation error detected: Value '%d' at 'limit' failed to satisfy constraint: "+
			"Member must have value greater than or equal to 1", *limit)
	}
	if *limit > most {
		return 0, invalid("1 validation error detected: Value '%d' at 'limit' failed to satisfy constraint: "+
			"Member must have value less than or equal to %d", *limit, most)
	}
	return *limit, nil
}
