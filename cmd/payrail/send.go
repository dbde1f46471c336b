package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/spf13/cobra"

	"github.com/payrail/payrail/internal/ingest"
	"github.com/payrail/payrail/internal/timeline"
	"github.com/payrail/payrail/payment"
)

const (
	// waitLimit is how long send and smoke wait for a payment to come to its end; design's promise is two seconds.
	waitLimit = 30 * time.Second
	// waitInterval is how often they look.
	waitInterval = 20 * time.Millisecond
	// rewriteWait is how long send waits for something new to happen to an authorization that had come to its end before: as
	// long as a payment may take. A rewrite may change nothing, of which no event tells.
	rewriteWait = 2 * time.Second
)

func (a *application) sendCommand() *cobra.Command {
	var wait, asIs bool
	command := &cobra.Command{
		Use:   "send FILE...",
		Short: "Write authorizations as the authorizer does and show what becomes of them",
		Long: `send puts authorizations into the authorizations table and waits until each has come to its end. A file holds either one
item (JSON in the form of ` + "`aws dynamodb put-item --item file://…`" + `) or ISO 8583 messages, one per line: ASCII, hexadecimal
digits of it, or the layout of the AWS guidance. Every file is read before the first authorization is sent. Status 1 if one does
not come to its end in time.

The card numbers of messages are tokenized on the way. To an endpoint on this machine the times of a file of messages are moved
so that the latest is now and the others stay as far from it as they were: each send is a payment of its own, and a reversal
finds its original. --as-is keeps them, so that sending a file again changes nothing; in an account that is the default, and
--as-is=false moves them. Items are always sent as they are: their ids are theirs.`,
		Example: "  payrail send examples/try/coffee.json\n  payrail send examples/iso8583/*.txt\n  payrail send --wait=false examples/try/*.json",
		Args:    atLeast("FILE"),
		RunE: func(command *cobra.Command, arguments []string) error {
			// In an account a message is a payment of somebody's: its time moves only where that was asked for.
			if !command.Flags().Changed("as-is") {
				asIs = !isLoopback(os.Getenv(endpointVariable))
			}
			return a.send(command.Context(), arguments, wait, asIs)
		},
	}
	command.Flags().BoolVar(&asIs, "as-is", false, "keep the times that ISO 8583 messages have (the default unless the endpoint is on this machine)")
	command.Flags().BoolVar(&wait, "wait", true, "wait until each payment has come to its end")
	return command
}

// sent is what became of one authorization.
type sent struct {
	File            string  `json:"file"`
	AuthorizationID string  `json:"authorizationId"`
	Outcome         string  `json:"outcome,omitempty"`
	Sequence        string  `json:"sequence,omitempty"`
	Summary         string  `json:"summary,omitempty"`
	Seconds         float64 `json:"seconds,omitempty"`
	// AsBefore says that the authorization had come to this outcome before and that writing it again changed nothing.
	AsBefore bool `json:"asBefore,omitempty"`

	legs []payment.Leg
}

func (a *application) send(ctx context.Context, files []string, wait, asIs bool) error {
	all, deployed, err := a.readAll(ctx, files, asIs)
	if err != nil {
		return err
	}
	results := make([]sent, len(all))
	progress := a.bar(len(all), "sending")
	late := 0
	for i, o := range all {
		if results[i], err = deployed.sendOne(ctx, o.from, o.item, wait); err != nil {
			if i > 0 { // What was sent is told all the same: messages that are sent again are other payments.
				err = errors.Join(err, a.showSent(results[:i], wait))
			}
			return err
		}
		if wait && results[i].Outcome == stillUnderWay {
			late++
		}
		_ = progress.Add(1) // A bar that cannot be drawn is no reason to stop.
	}
	_ = progress.Finish()
	if err := a.showSent(results, wait); err != nil {
		return err
	}
	if late > 0 {
		return failed(fmt.Sprintf("%d of %d payments have not come to an end within %s", late, len(all), waitLimit), "see `payrail trace ID`; an item whose status is not APPROVED is never taken up")
	}
	return nil
}

// readAll reads the files in their order. Items are read before the stack is looked for: a slip in one needs no stack to be
// seen, messages need its token key.
func (a *application) readAll(ctx context.Context, files []string, asIs bool) ([]outgoing, *deployment, error) {
	items := make([]map[string]types.AttributeValue, len(files)) // none for a file of messages
	messages := make([][]byte, len(files))
	for i, file := range files {
		raw, err := readSendable(file)
		if err != nil {
			return nil, nil, err
		}
		if holdsMessages(raw) {
			messages[i] = raw
		} else if items[i], err = parseItem(file, raw); err != nil {
			return nil, nil, err
		}
	}
	deployed, err := a.connect(ctx)
	if err != nil {
		return nil, nil, err
	}
	var all []outgoing
	for i, file := range files {
		if items[i] != nil {
			all = append(all, outgoing{from: file, item: items[i]})
			continue
		}
		decoded, err := a.decodeMessages(ctx, deployed, file, messages[i], asIs)
		if err != nil {
			return nil, nil, err
		}
		all = append(all, decoded...)
	}
	return all, deployed, nil
}

// sendOne writes one authorization and, if asked to, waits for its end.
func (d *deployment) sendOne(ctx context.Context, file string, item map[string]types.AttributeValue, wait bool) (sent, error) {
	table, err := d.output("AuthorizationsTable")
	if err != nil {
		return sent{}, err
	}
	id := item["authorizationId"].(*types.AttributeValueMemberS).Value // parseItem has checked it
	result := sent{File: file, AuthorizationID: id}
	if item, err = d.retoken(ctx, item); err != nil {
		return result, err
	}
	var known timeline.Entry
	if wait {
		if known, err = d.endOf(ctx, id); err != nil {
			return result, err
		}
	}
	start := time.Now()
	before, err := ingest.Put(ctx, d.dynamodb(), table, item, start)
	if err != nil {
		return result, err
	}
	if !wait {
		return result, nil
	}
	happened, err := d.await(ctx, id, func(happened []timeline.Entry) bool {
		last, ended := final(id, happened)
		// An identical item makes no stream record: nothing new can come of it.
		return ended && settled(last, known, reflect.DeepEqual(map[string]types.AttributeValue(before), item), time.Since(start))
	})
	result.Seconds = time.Since(start).Seconds()
	if err != nil {
		return result, err
	}
	if last, ended := final(id, happened); ended {
		result.AsBefore = last == known
		result.Outcome, result.Summary, result.Sequence = outcomes[last.DetailType], last.Summary, last.PostingSequence
	}
	if result.Outcome == outcomePosted {
		result.Outcome, result.legs, err = d.posted(ctx, result.Sequence)
	}
	return result, err
}

// settled reports whether the event that ended an authorization's way is what the last write came to, given the one known before
// that write: it is another one, or it is told again, or nothing new will come.
func settled(last, known timeline.Entry, identical bool, waited time.Duration) bool {
	return last != known || identical || waited > rewriteWait
}

// endOf is the event an authorization has come to its end with so far; it is zero where there is none.
func (d *deployment) endOf(ctx context.Context, authorizationID string) (timeline.Entry, error) {
	reader, err := d.timeline()
	if err != nil {
		return timeline.Entry{}, err
	}
	happened, err := reader.Trace(ctx, authorizationID)
	if err != nil && !errors.Is(err, timeline.ErrNotFound) {
		return timeline.Entry{}, fmt.Errorf("reading the timeline of %s: %w", authorizationID, err)
	}
	last, _ := final(authorizationID, happened)
	return last, nil
}

// posted reads from the journal where a posted sequence went, and its legs.
func (d *deployment) posted(ctx context.Context, sequence string) (outcome string, legs []payment.Leg, err error) {
	reader, err := d.ledger()
	if err != nil {
		return "", nil, err
	}
	record, found, err := reader.Journal(ctx, sequence)
	if err != nil {
		return "", nil, err
	}
	if !found {
		return "", nil, failed("the timeline names sequence "+sequence+", which is not in the journal", "run `payrail ledger verify`")
	}
	return string(record.Outcome), record.Legs, nil
}

// await reads an authorization's timeline until done says so or the time is up; it returns what has happened by then.
func (d *deployment) await(ctx context.Context, authorizationID string, done func([]timeline.Entry) bool) ([]timeline.Entry, error) {
	reader, err := d.timeline()
	if err != nil {
		return nil, err
	}
	deadline := time.Now().Add(waitLimit)
	for {
		happened, err := reader.Trace(ctx, authorizationID)
		if err != nil && !errors.Is(err, timeline.ErrNotFound) {
			return nil, fmt.Errorf("reading the timeline of %s: %w", authorizationID, err)
		}
		if done(happened) || time.Now().After(deadline) {
			return happened, nil
		}
		if err := sleep(ctx, waitInterval); err != nil {
			return happened, err
		}
	}
}

func (a *application) showSent(results []sent, wait bool) error {
	if a.json {
		return a.printJSON(results)
	}
	rows := make([][]string, len(results))
	for i, r := range results {
		outcome, took := r.Outcome, fmt.Sprintf("%.0f ms", r.Seconds*1000)
		if !wait {
			outcome, took = "sent", ""
		} else if outcome == stillUnderWay {
			outcome = "still under way"
		}
		what := r.Summary
		if r.AsBefore {
			what = "as before: " + what
		}
		rows[i] = []string{r.File, r.AuthorizationID, a.paintOutcome(outcome), took, what}
	}
	a.table([]string{"file", "authorization", "outcome", "took", "what"}, rows, 3)
	return nil
}

// paintOutcome colours an outcome by what it asks of people: nothing, a look, or work.
func (a *application) paintOutcome(outcome string) string {
	switch {
	case outcome == string(payment.OutcomePosted):
		return a.paint(good, outcome)
	case strings.HasPrefix(outcome, "PARKED"), outcome == outcomeSuspense, outcome == "sent":
		return a.paint(aside, outcome)
	default:
		return a.paint(bad, outcome)
	}
}
