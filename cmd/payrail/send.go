package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/spf13/cobra"

	"github.com/payrail/payrail/internal/timeline"
	"github.com/payrail/payrail/payment"
)

const (
	// waitLimit is how long send and smoke wait for a payment to come to its end; design's promise is two seconds.
	waitLimit = 30 * time.Second
	// waitInterval is how often they look.
	waitInterval = 20 * time.Millisecond
)

func (a *application) sendCommand() *cobra.Command {
	var wait bool
	command := &cobra.Command{
		Use:   "send FILE...",
		Short: "Write authorizations as the authorizer does and show what becomes of them",
		Long: `send puts authorization items (JSON in the form of ` + "`aws dynamodb put-item --item file://…`" + `) into the authorizations table and
waits until each has come to its end. Every file is read before the first is sent. Status 1 if one does not come to an end in time.`,
		Example: "  payrail send examples/try/coffee.json\n  payrail send --wait=false examples/try/*.json",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(command *cobra.Command, arguments []string) error {
			return a.send(command.Context(), arguments, wait)
		},
	}
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

	legs []payment.Leg
}

func (a *application) send(ctx context.Context, files []string, wait bool) error {
	items := make([]map[string]types.AttributeValue, len(files))
	for i, file := range files {
		item, err := readItem(file)
		if err != nil {
			return err
		}
		items[i] = item
	}
	deployed, err := a.connect(ctx)
	if err != nil {
		return err
	}
	results := make([]sent, len(files))
	progress := a.bar(len(files), "sending")
	late := 0
	for i, item := range items {
		if results[i], err = deployed.sendOne(ctx, files[i], item, wait); err != nil {
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
		return failed(fmt.Sprintf("%d of %d payments have not come to an end within %s", late, len(files), waitLimit), "see `payrail trace ID`; an item whose status is not APPROVED is never taken up")
	}
	return nil
}

// sendOne writes one authorization and, if asked to, waits for its end.
func (d *deployment) sendOne(ctx context.Context, file string, item map[string]types.AttributeValue, wait bool) (sent, error) {
	table, err := d.output("AuthorizationsTable")
	if err != nil {
		return sent{}, err
	}
	id := item["authorizationId"].(*types.AttributeValueMemberS).Value // readItem has checked it
	result := sent{File: file, AuthorizationID: id}
	start := time.Now()
	if _, err := d.dynamodb().PutItem(ctx, &dynamodb.PutItemInput{TableName: &table, Item: item}); err != nil {
		return result, fmt.Errorf("writing authorization %s: %w", id, err)
	}
	if !wait {
		return result, nil
	}
	happened, err := d.await(ctx, id, func(happened []timeline.Entry) bool {
		_, ended := final(id, happened)
		return ended
	})
	result.Seconds = time.Since(start).Seconds()
	if err != nil {
		return result, err
	}
	if last, ended := final(id, happened); ended {
		result.Outcome, result.Summary, result.Sequence = outcomes[last.DetailType], last.Summary, last.PostingSequence
	}
	if result.Outcome == outcomePosted {
		result.Outcome, result.legs, err = d.posted(ctx, result.Sequence)
	}
	return result, err
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
		rows[i] = []string{r.File, r.AuthorizationID, a.paintOutcome(outcome), took, r.Summary}
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
