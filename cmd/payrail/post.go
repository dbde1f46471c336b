package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/internal/awsconfig"
	"github.com/payrail/payrail/internal/ledger"
	"github.com/payrail/payrail/internal/panguard"
	"github.com/payrail/payrail/payment"
)

// postable are the kinds of request that a person may post by hand. The others belong to something that keeps account of them: a
// dispute's case, a suspense item.
var postable = []payment.RequestKind{payment.RequestFee, payment.RequestSettlement, payment.RequestSettlementDifference}

type postOptions struct{ dryRun, wait bool }

func (a *application) postCommand() *cobra.Command {
	var o postOptions
	command := &cobra.Command{
		Use:   "post FILE...",
		Short: "Post what no payment makes: a fee, a settlement with the scheme, a settlement difference",
		Long: `post asks for the posting of one request per file (JSON) and shows the legs that were posted. The posting rules make the
legs: docs/reference/posting-rules.md. Every file is read and checked before the first request is published. The id of the posting
is made of the request's kind and causeId: posting a file again changes nothing, and another content under the same causeId is
refused. Status 1 if a request is not posted in time, or was posted before with other content.

Kinds: ` + kindNames(postable) + `. The postings of disputes and suspense items belong to their cases. Without occurredAt a
request occurs now.`,
		Example: "  payrail post examples/requests/fee.json\n  payrail post --dry-run examples/requests/*.json",
		Args:    atLeast("FILE"),
		RunE: func(command *cobra.Command, arguments []string) error {
			return a.post(command.Context(), arguments, o)
		},
	}
	command.Flags().BoolVar(&o.dryRun, "dry-run", false, "show what would be posted, but publish nothing")
	command.Flags().BoolVar(&o.wait, "wait", true, "wait until each request is posted")
	return command
}

func kindNames(kinds []payment.RequestKind) string {
	names := make([]string, len(kinds))
	for i, kind := range kinds {
		names[i] = string(kind)
	}
	return strings.Join(names, ", ")
}

// postedRequest is what became of one request.
type postedRequest struct {
	File          string              `json:"file"`
	Kind          payment.RequestKind `json:"kind"`
	CauseID       string              `json:"causeId"`
	Sequence      string              `json:"sequence"`
	TransactionID string              `json:"transactionId"`
	Published     bool                `json:"published"`
	Posted        bool                `json:"posted"`
	// AsBefore says that the request had been posted before.
	AsBefore bool          `json:"asBefore,omitempty"`
	Legs     []payment.Leg `json:"legs"`
	Seconds  float64       `json:"seconds,omitempty"`

	request  payment.PostingRequest
	sequence payment.Sequence
}

func (a *application) post(ctx context.Context, files []string, o postOptions) error {
	requests, err := readRequests(files, time.Now())
	if err != nil {
		return err
	}
	if o.dryRun {
		return a.showRequests(requests)
	}
	deployed, err := a.connect(ctx)
	if err != nil {
		return err
	}
	by, err := deployed.caller(ctx)
	if err != nil {
		return err
	}
	reader, err := deployed.ledger()
	if err != nil {
		return err
	}
	for i := range requests {
		if err := requests[i].findPosted(ctx, reader); err != nil {
			return err
		}
	}
	start := time.Now()
	if err := deployed.publishRequests(ctx, requests, by); err != nil {
		return err
	}
	late := 0
	for i := range requests {
		r := &requests[i]
		for o.wait && !r.Posted && time.Since(start) < waitLimit {
			if err := sleep(ctx, waitInterval); err != nil {
				return err
			}
			if err := r.findPosted(ctx, reader); err != nil {
				return err
			}
			r.Seconds = time.Since(start).Seconds()
		}
		if o.wait && !r.Posted {
			late++
		}
	}
	if err := a.showRequests(requests); err != nil {
		return err
	}
	if late > 0 {
		return failed(fmt.Sprintf("%d of %d requests are not posted within %s", late, len(requests), waitLimit), "see the dead-letter queues; posting a file again is harmless")
	}
	return nil
}

// readRequests reads and checks the files. Whatever would be refused later is refused here, where a person sees it.
func readRequests(files []string, now time.Time) ([]postedRequest, error) {
	requests := make([]postedRequest, len(files))
	byKey := map[string]string{}
	for i, file := range files {
		r := payment.PostingRequest{}
		found, err := readFile(file, &r)
		if err != nil {
			return nil, err
		}
		if !found {
			return nil, misused(file+" is not there", "check the path")
		}
		if !slices.Contains(postable, r.Kind) {
			return nil, misused(fmt.Sprintf("%s: a request of kind %q cannot be posted by hand", file, r.Kind), "kinds that can: "+kindNames(postable))
		}
		if r.OccurredAt == "" {
			r.OccurredAt = events.FormatTime(now)
		}
		sequence, legs, err := r.Posting()
		if err != nil {
			return nil, misused(file+": "+err.Error(), "correct it; see docs/reference/posting-rules.md")
		}
		for _, text := range []string{r.Description, r.CauseID, r.AccountID} {
			if panguard.Contains(text) {
				return nil, misused(file+" holds a card number, which no event may carry", "write it without")
			}
		}
		if other, twice := byKey[r.BusinessKey()]; twice {
			return nil, misused(file+" asks for the same posting as "+other, "give each its own causeId")
		}
		byKey[r.BusinessKey()] = file
		requests[i] = postedRequest{File: file, Kind: r.Kind, CauseID: r.CauseID, Sequence: sequence.ID, TransactionID: sequence.TransactionID, Legs: legs,
			request: r, sequence: sequence}
	}
	return requests, nil
}

// journal models ledger.Reader.
type journal interface {
	Journal(ctx context.Context, sequence string) (ledger.Record, bool, error)
}

// findPosted looks for the request in the journal.
func (r *postedRequest) findPosted(ctx context.Context, reader journal) error {
	record, found, err := reader.Journal(ctx, r.Sequence)
	if err != nil || !found {
		return err
	}
	if record.PayloadHash != r.sequence.PayloadHash {
		return failed(fmt.Sprintf("%s: %s was posted as %s with other content, and what is posted is not changed", r.File, r.CauseID, r.Sequence), "give what is to be posted a causeId of its own")
	}
	r.Posted, r.AsBefore, r.Legs = true, !r.Published, record.Legs
	return nil
}

// publishRequests publishes the requests that have not been posted yet.
func (d *deployment) publishRequests(ctx context.Context, requests []postedRequest, by string) error {
	bus, err := d.output("EventBus")
	if err != nil {
		return err
	}
	var all []events.Event
	var of []int
	for i, r := range requests {
		if r.Posted {
			continue
		}
		event, err := events.NewPostingRequest(events.SourceOperator, r.request, "operator/"+by, time.Now())
		if err != nil {
			return err
		}
		all, of = append(all, event), append(of, i)
	}
	failures := awsconfig.Publisher(d.aws, bus).Publish(ctx, all)
	for n, i := range of {
		if failures[n] != nil {
			return fmt.Errorf("publishing the request of %s: %w", requests[i].File, failures[n])
		}
		requests[i].Published = true
	}
	return nil
}

func (a *application) showRequests(requests []postedRequest) error {
	if a.json {
		return a.printJSON(requests)
	}
	for _, r := range requests {
		state := "dry run: nothing was published"
		switch {
		case r.AsBefore:
			state = "posted before: nothing was published"
		case r.Posted:
			state = fmt.Sprintf("posted after %.0f ms", r.Seconds*1000)
		case r.Published:
			state = "published"
		}
		fmt.Fprintf(a.stdout, "%s  %s  %s  %s\n", a.paint(bold, r.Sequence), r.Kind, r.CauseID, state)
		for _, line := range legLines(r.Legs) {
			fmt.Fprintln(a.stdout, "  "+line)
		}
	}
	return nil
}
