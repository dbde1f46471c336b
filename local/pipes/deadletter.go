package pipes

import (
	"context"
	"encoding/json"
	"time"
)

// The conditions under which a batch is given up.
const (
	retryAttemptsExhausted = "RetryAttemptsExhausted"
	recordAgeExceeded      = "RecordAgeExceeded"
)

// streamRetention is when a record leaves the stream, whatever the pipe still wants with it.
const streamRetention = 24 * time.Hour

// timestampForm is how the messages write times.
const timestampForm = "2006-01-02T15:04:05.000Z"

// deadLetter is the message about a batch that was given up: where the records are in the stream, not the records. They are
// lost unless they are read from there within 24 hours of their making.
type deadLetter struct {
	Context struct {
		PartnerResourceArn string `json:"partnerResourceArn"`
		Condition          string `json:"condition"`
	} `json:"context"`
	Version            string    `json:"version"`
	Timestamp          string    `json:"timestamp"`
	DDBStreamBatchInfo batchInfo `json:"DDBStreamBatchInfo"`
}

type batchInfo struct {
	ShardID                         string `json:"shardId"`
	StartSequenceNumber             string `json:"startSequenceNumber"`
	EndSequenceNumber               string `json:"endSequenceNumber"`
	ApproximateArrivalOfFirstRecord string `json:"approximateArrivalOfFirstRecord"`
	ApproximateArrivalOfLastRecord  string `json:"approximateArrivalOfLastRecord"`
	BatchSize                       int    `json:"batchSize"`
	StreamArn                       string `json:"streamArn"`
}

func (p *pipe) deadLetter(batch []item, condition string) ([]byte, error) {
	first, last := batch[0], batch[len(batch)-1]
	var d deadLetter
	d.Context.PartnerResourceArn, d.Context.Condition = p.arn, condition
	d.Version = "1.0"
	d.Timestamp = p.service.options.Clock.Now().UTC().Format(timestampForm)
	d.DDBStreamBatchInfo = batchInfo{
		ShardID: p.stream.ShardID(), StartSequenceNumber: first.SequenceNumber, EndSequenceNumber: last.SequenceNumber,
		ApproximateArrivalOfFirstRecord: first.Created.UTC().Format(timestampForm),
		ApproximateArrivalOfLastRecord:  last.Created.UTC().Format(timestampForm),
		BatchSize:                       len(batch), StreamArn: p.SourceARN,
	}
	return json.Marshal(d)
}

// dropExpired gives up the records that have become too old and returns the others.
func (p *pipe) dropExpired(ctx context.Context, batch []item) []item {
	age := p.Source.MaximumRecordAge
	if age <= 0 {
		age = streamRetention
	}
	now := p.service.options.Clock.Now()
	var expired, young []item
	for _, b := range batch {
		if now.Sub(b.Created) > age {
			expired = append(expired, b)
		} else {
			young = append(young, b)
		}
	}
	if len(expired) > 0 {
		p.giveUp(ctx, expired, recordAgeExceeded)
	}
	return young
}

// giveUp tells the dead-letter target about a batch and goes past it. It insists: were the message lost, so were the records.
func (p *pipe) giveUp(ctx context.Context, batch []item, condition string) {
	logger := p.logger.With("records", len(batch), "first", batch[0].SequenceNumber, "condition", condition)
	if p.Source.DeadLetterARN == "" {
		p.metrics.dropped.Add(int64(len(batch)))
		logger.Error("pipe drops records: it has no dead-letter target")
		p.finish(batch)
		return
	}
	body, err := p.deadLetter(batch, condition)
	if err != nil {
		logger.Error("pipe cannot write a dead letter", "error", err)
		return // Not reached: strings and numbers always encode. The records stay in the stream.
	}
	for failures := 0; ctx.Err() == nil; failures++ {
		err := p.service.options.DeadLetters.Send(ctx, p.Source.DeadLetterARN, body)
		if err == nil {
			p.metrics.deadLettered.Add(int64(len(batch)))
			p.finish(batch)
			return
		}
		logger.Error("pipe cannot reach its dead-letter target", "target", p.Source.DeadLetterARN, "error", err)
		p.wait(ctx, failures)
	}
}
