package rebuild

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/internal/ledger"
	"github.com/payrail/payrail/internal/queuedepth"
)

const (
	// batchMessages and batchBytes are SQS's limits of one request, the bytes with room for what is counted besides bodies.
	batchMessages = 10
	batchBytes    = 1_000_000
	// lookInterval is how often the ledger is asked for what has not come yet.
	lookInterval = 200 * time.Millisecond
	// lookEntries is how many entries are asked for at once: DynamoDB's limit of keys in one request.
	lookEntries = 100
	// patience is how long nothing may come before a rebuild gives up: longer than the visibility timeout of a message whose
	// function died.
	patience = 10 * time.Minute
	// maxDifferences is how many differences are named; all are counted.
	maxDifferences = 20
)

// Queue models the SQS client. It is safe for concurrent use.
type Queue interface {
	SendMessageBatch(context.Context, *sqs.SendMessageBatchInput, ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error)
	queuedepth.Queues
}

// Journals models ledger.BulkReader.
type Journals interface {
	Journals(ctx context.Context, sequences []string) (map[string]ledger.Read, error)
}

// Purchases models ledger.Reader.
type Purchases interface {
	Purchase(ctx context.Context, businessKey string) (ledger.StoredPurchase, bool, error)
}

// Source calls visit with the events of an audit log of some kinds, until it returns an error. A line is valid until visit returns.
type Source func(ctx context.Context, kinds []events.DetailType, visit func(line []byte) error) error

// Rebuilder posts an audit log. All fields are needed.
type Rebuilder struct {
	// Name marks the events as those of a replay.
	Name      string
	Queue     Queue
	QueueURL  string
	Journals  Journals
	Purchases Purchases
	// Quiet is how long the queue must look empty until it is: queuedepth.Consistency where SQS counts approximately.
	Quiet time.Duration
	// Wait sleeps and returns early with ctx's error.
	Wait func(context.Context, time.Duration) error
	Now  func() time.Time
	// Progress is told how much of a step is done.
	Progress func(step Step, done, total int)
}

// Step is a part of a rebuild.
type Step string

const (
	Sending Step = "sending"
	InTurn  Step = "sending one after the other"
	Posting Step = "posting"
)

// Difference is an entry that is not what the audit log tells.
type Difference struct {
	Sequence string `json:"sequence"`
	// Want is the hash that the audit log tells, Got the one in the ledger; empty where there is no such entry.
	Want string `json:"want"`
	Got  string `json:"got,omitempty"`
}

// Report is what came of a rebuild.
type Report struct {
	Events  int `json:"events"`
	Units   int `json:"units"`
	Entries int `json:"entries"`
	// Same is how many entries are in the ledger under the hash that the audit log tells.
	Same int `json:"same"`
	// Differences are the first of the others; Different counts all.
	Differences []Difference `json:"differences,omitempty"`
	Different   int          `json:"different"`
}

// ErrStuck says that what was sent does not come to the ledger.
var ErrStuck = errors.New("postings do not come to the ledger")

// Read makes the plan of what an audit log has up to a time; the zero time is no bound.
func Read(ctx context.Context, source Source, until time.Time, progress func(read int)) (*Plan, error) {
	p := NewPlan(until)
	read := 0
	err := source(ctx, Kinds, func(line []byte) error {
		read++
		progress(read)
		return p.Add(line)
	})
	if err != nil {
		return nil, err
	}
	p.Order()
	return p, nil
}

// Run posts what the plan has, from a source that gives at least the events that the plan was read from, and compares what came of
// it. Running again is harmless: posting does not post twice. With an error the report says how far it came.
func (r *Rebuilder) Run(ctx context.Context, p *Plan, source Source) (Report, error) {
	report := Report{Events: p.Events, Units: p.Units, Entries: len(p.entries)}
	later, err := r.sendFirst(ctx, p, source)
	if err != nil {
		return report, err
	}
	if err := r.sendInTurn(ctx, p, later); err != nil {
		return report, err
	}
	return report, r.compare(ctx, p, &report)
}

// sendFirst sends the first unit of every group as it is read, and keeps the events of the others: those of purchases with several
// messages, few of all.
func (r *Rebuilder) sendFirst(ctx context.Context, p *Plan, source Source) (later map[unitKey][][]byte, err error) {
	later = map[unitKey][][]byte{}
	batch := &outgoing{rebuilder: r}
	read := 0
	err = source(ctx, []events.DetailType{events.PostingLegCreated, events.PostingOrderCreated}, func(line []byte) error {
		var e envelope
		if err := json.Unmarshal(line, &e); err != nil {
			return fmt.Errorf("decoding an event of the audit log: %w", err)
		}
		read++
		r.Progress(Sending, read, p.Events)
		u, _, err := unitOf(e)
		if err != nil {
			return fmt.Errorf("event %q of the audit log: %w", e.Detail.Metadata.EventID, err)
		}
		n, planned := p.byKey[u.key]
		if !planned || p.units[n].without {
			return nil // Not planned: it had no effect, or none at the time up to which the plan goes.
		}
		body, err := r.mark(line)
		if err != nil {
			return err
		}
		if p.units[n].turn > 0 {
			later[u.key] = append(later[u.key], body)
			return nil
		}
		return batch.add(ctx, body)
	})
	if err != nil {
		return nil, err
	}
	return later, batch.flush(ctx)
}

// mark gives an event the name of the replay that brings it.
func (r *Rebuilder) mark(line []byte) ([]byte, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(line, &members); err != nil {
		return nil, fmt.Errorf("decoding an event of the audit log: %w", err)
	}
	name, err := json.Marshal(r.Name)
	if err != nil {
		return nil, fmt.Errorf("encoding the name of the rebuild: %w", err)
	}
	members["replay-name"] = name
	return json.Marshal(members)
}

// sendInTurn sends the further units of each group, one after the other, each when what came before it is in the ledger.
func (r *Rebuilder) sendInTurn(ctx context.Context, p *Plan, later map[unitKey][][]byte) error {
	var waiting []*turns
	total := 0
	for i := range p.groups {
		if further := len(p.groups[i].units) - 1; further > 0 {
			waiting, total = append(waiting, &turns{group: &p.groups[i], next: 1}), total+further
		}
	}
	last, sent, moved, busy := -1, 0, r.Now(), r.Now()
	for len(waiting) > 0 {
		depth, err := queuedepth.Of(ctx, r.Queue, r.QueueURL)
		if err != nil {
			return err
		}
		if depth.All != last {
			last, moved = depth.All, r.Now()
		}
		if depth.All > 0 {
			busy = r.Now()
		}
		// The same for all groups of this pass: they have nothing to do with each other, and may come to a rest together.
		idle := r.Now().Sub(busy) >= r.Quiet
		batch := &outgoing{rebuilder: r}
		for _, t := range waiting {
			settled, err := r.isSettled(ctx, p, t, idle)
			if err != nil {
				return err
			}
			if !settled {
				continue
			}
			for _, body := range later[p.units[t.units[t.next]].key] {
				if err := batch.add(ctx, body); err != nil {
					return err
				}
			}
			t.next++
			sent++
			r.Progress(InTurn, sent, total)
			busy, moved = r.Now(), r.Now()
		}
		if err := batch.flush(ctx); err != nil {
			return err
		}
		waiting = slices.DeleteFunc(waiting, func(t *turns) bool { return t.next == len(t.units) })
		if r.Now().Sub(moved) > patience {
			return fmt.Errorf("%w: %d purchases wait for an earlier message of theirs, the first for that with business key %s", ErrStuck, len(waiting),
				p.units[waiting[0].units[waiting[0].next-1]].business)
		}
		if err := r.Wait(ctx, lookInterval); err != nil {
			return err
		}
	}
	return nil
}

// turns is how far a group is: the unit that comes next, and how many of its entries are known to be in the ledger.
type turns struct {
	*group
	next, posted int
}

// isSettled reports whether everything before a group's next unit has come to its end: the ledger knows the unit before it, and what
// was posted before it is in the ledger. When nothing is in the queue there is nothing to wait for: the ledger keeps nothing of some
// units, and an entry that was told just before the next unit may have been made by it, as of a reversal that waited for it. A unit
// that made an entry is waited for all the same: where it is in no queue it failed, and what came after it would be posted otherwise.
func (r *Rebuilder) isSettled(ctx context.Context, p *Plan, t *turns, idle bool) (bool, error) {
	if before := p.units[t.units[t.next-1]]; before.purchase != "" && (before.posted || !idle) {
		purchase, _, err := r.Purchases.Purchase(ctx, before.purchase)
		if err != nil {
			return false, err
		}
		if _, known := purchase.Find(before.business); !known {
			return false, nil
		}
	}
	if idle {
		return true, nil
	}
	next := p.units[t.units[t.next]]
	var due []string
	for _, n := range t.entries[t.posted:] {
		if p.entries[n].at >= next.at {
			break
		}
		due = append(due, p.entries[n].id)
	}
	for chunk := range slices.Chunk(due, lookEntries) {
		found, err := r.Journals.Journals(ctx, chunk)
		if err != nil {
			return false, err
		}
		if len(found) < len(chunk) {
			return false, nil
		}
		t.posted += len(chunk)
	}
	return true, nil
}

// compare waits until every entry that the audit log tells of is in the ledger, and compares the hashes. What the audit log lacks
// legs of is not waited for.
func (r *Rebuilder) compare(ctx context.Context, p *Plan, report *Report) error {
	open := make([]*entry, len(p.entries))
	for n := range p.entries {
		open[n] = &p.entries[n]
	}
	for moved := r.Now(); ; {
		var missing []*entry
		for chunk := range slices.Chunk(open, lookEntries) {
			left, err := r.compareChunk(ctx, chunk, report)
			if err != nil {
				return err
			}
			missing = append(missing, left...)
			r.Progress(Posting, report.Same+report.Different, len(p.entries))
		}
		if len(missing) < len(open) {
			moved = r.Now()
		}
		open = missing
		due := slices.IndexFunc(open, func(e *entry) bool { return !e.lacking })
		if due < 0 {
			break
		}
		if r.Now().Sub(moved) > patience {
			return fmt.Errorf("%w: %d of %d entries are missing, the first is %s", ErrStuck, len(open), len(p.entries), open[due].id)
		}
		if err := r.Wait(ctx, lookInterval); err != nil {
			return err
		}
	}
	for _, e := range open {
		report.differ(e, "")
	}
	return nil
}

// differ counts an entry that is not what the audit log tells.
func (r *Report) differ(e *entry, got string) {
	if r.Different++; len(r.Differences) < maxDifferences {
		r.Differences = append(r.Differences, Difference{Sequence: e.id, Want: e.hash, Got: got})
	}
}

// compareChunk counts the entries that are in the ledger and returns the others.
func (r *Rebuilder) compareChunk(ctx context.Context, chunk []*entry, report *Report) (missing []*entry, err error) {
	ids := make([]string, len(chunk))
	for i, e := range chunk {
		ids[i] = e.id
	}
	found, err := r.Journals.Journals(ctx, ids)
	if err != nil {
		return nil, err
	}
	for _, e := range chunk {
		read, ok := found[e.id]
		switch {
		case !ok:
			missing = append(missing, e)
		case read.Err != nil:
			return nil, fmt.Errorf("reading sequence %s: %w", e.id, read.Err)
		case read.Record.EntryHash == e.hash:
			report.Same++
		default:
			report.differ(e, read.Record.EntryHash)
		}
	}
	return missing, nil
}

// outgoing collects messages for the posting queue.
type outgoing struct {
	rebuilder *Rebuilder
	bodies    [][]byte
	bytes     int
}

func (o *outgoing) add(ctx context.Context, body []byte) error {
	if len(o.bodies) == batchMessages || o.bytes+len(body) > batchBytes {
		if err := o.flush(ctx); err != nil {
			return err
		}
	}
	o.bodies, o.bytes = append(o.bodies, body), o.bytes+len(body)
	return nil
}

// flush sends what was collected. Messages that SQS did not take are sent again: each has its own result.
func (o *outgoing) flush(ctx context.Context) error {
	bodies := o.bodies
	o.bodies, o.bytes = nil, 0
	for attempt := 1; len(bodies) > 0; attempt++ {
		entries := make([]types.SendMessageBatchRequestEntry, len(bodies))
		for i, body := range bodies {
			entries[i] = types.SendMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), MessageBody: aws.String(string(body))}
		}
		out, err := o.rebuilder.Queue.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: &o.rebuilder.QueueURL, Entries: entries})
		if err != nil {
			return fmt.Errorf("sending to the posting queue: %w", err)
		}
		var refused [][]byte
		for _, failure := range out.Failed {
			i, err := strconv.Atoi(aws.ToString(failure.Id))
			if err != nil || i < 0 || i >= len(bodies) {
				return fmt.Errorf("sending to the posting queue: an answer about a message %q that was not sent", aws.ToString(failure.Id))
			}
			if failure.SenderFault || attempt == sendAttempts {
				return fmt.Errorf("sending to the posting queue: %s: %s", aws.ToString(failure.Code), aws.ToString(failure.Message))
			}
			refused = append(refused, bodies[i])
		}
		if bodies = refused; len(bodies) > 0 {
			if err := o.rebuilder.Wait(ctx, lookInterval); err != nil {
				return err
			}
		}
	}
	return nil
}

// sendAttempts is how often a message is sent that SQS does not take for a reason of its own.
const sendAttempts = 5
