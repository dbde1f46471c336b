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

// postable are the kinds of request that a person may post by hand. Those of a dispute belong to its case, which keeps account of
// them.
var postable = []payment.RequestKind{payment.RequestFee, payment.RequestSettlement, payment.RequestSettlementDifference,
	payment.RequestSuspenseClear, payment.RequestSuspenseWriteOff}

type postOptions struct{ dryRun, wait bool }

func (a *application) postCommand() *cobra.Command {
	var o postOptions
	command := &cobra.Command{
		Use:   "post FILE...",
		Short: "Post what no payment makes: a fee, a settlement with the scheme, the end of a suspense item",
		Long: `post asks for the posting of one request per file (JSON) and shows the legs that were posted. The posting rules make the
legs: docs/reference/posting-rules.md. Every file is read and checked before the first request is published. The id of the posting
is made of the request's kind and causeId: posting a file again changes nothing, and another content under the same causeId is
refused. Status 1 if a request is not posted in time, or was posted before with other content.

Kinds: ` + kindNames(postable) + `.
A request that clears suspense names the item by its purchaseKey, side and principal, which must be what stands there. The postings
of disputes belong to their cases. Without occurredAt a request occurs now.`,
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
	File    string              `json:"file"`
	Kind    payment.RequestKind `json:"kind"`
	CauseID string              `json:"causeId"`
	// Sequence is empty for what clears suspense until it is posted: it is numbered under its purchase.
	Sequence      string `json:"sequence,omitempty"`
	TransactionID string `json:"transactionId"`
	Published     bool   `json:"published"`
	Posted        bool   `json:"posted"`
	// AsBefore says that the request had been posted before.
	AsBefore bool          `json:"asBefore,omitempty"`
	Legs     []payment.Leg `json:"legs"`
	Seconds  float64       `json:"seconds,omitempty"`

	request  payment.PostingRequest
	sequence payment.Sequence
	// clears says that the ledger makes the sequence, of what the purchase has in suspense.
	clears bool
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
		if err := requests[i].checkSuspense(ctx, reader); err != nil {
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
		r, err := readRequest(file, now)
		if err != nil {
			return nil, err
		}
		key := r.request.BusinessKey()
		if other, twice := byKey[key]; twice {
			return nil, misused(file+" asks for the same posting as "+other, "give each its own causeId")
		}
		byKey[key] = file
		requests[i] = r
	}
	return requests, nil
}

func readRequest(file string, now time.Time) (postedRequest, error) {
	var r payment.PostingRequest
	found, err := readFile(file, &r)
	if err != nil {
		return postedRequest{}, err
	}
	if !found {
		return postedRequest{}, misused(file+" is not there", "check the path")
	}
	if !slices.Contains(postable, r.Kind) {
		return postedRequest{}, misused(fmt.Sprintf("%s: a request of kind %q cannot be posted by hand", file, r.Kind), "kinds that can: "+kindNames(postable))
	}
	if r.OccurredAt == "" {
		r.OccurredAt = events.FormatTime(now)
	}
	sequence, legs, err := r.Posting()
	if err != nil {
		return postedRequest{}, misused(file+": "+err.Error(), "correct it; see docs/reference/posting-rules.md")
	}
	_, clears, err := r.Clearing()
	if err != nil {
		return postedRequest{}, misused(file+": "+err.Error(), "correct it; purchaseKey is the 26 characters in the payment's transaction id")
	}
	for _, text := range []string{r.Description, r.CauseID, r.AccountID, r.BranchID, r.CardCentre, r.Scheme, r.TaxJurisdiction, r.CaseID, r.PurchaseKey} {
		if panguard.Contains(text) {
			return postedRequest{}, misused(file+" holds a card number, which no event may carry", "write it without")
		}
	}
	posted := postedRequest{File: file, Kind: r.Kind, CauseID: r.CauseID, TransactionID: sequence.TransactionID, Legs: legs, request: r, sequence: sequence, clears: clears}
	if !clears {
		posted.Sequence = sequence.ID
	}
	return posted, nil
}

// journal models ledger.Reader.
type journal interface {
	Journal(ctx context.Context, sequence string) (ledger.Record, bool, error)
	Message(ctx context.Context, purchaseKey, businessKey string) (ledger.Record, bool, error)
	Suspense(ctx context.Context, account, purchaseKey string) (ledger.SuspenseItem, bool, error)
}

// findPosted looks for the request in the journal.
func (r *postedRequest) findPosted(ctx context.Context, reader journal) error {
	var record ledger.Record
	var found bool
	var err error
	if r.clears {
		record, found, err = reader.Message(ctx, r.request.PurchaseKey, r.sequence.BusinessKey)
	} else {
		record, found, err = reader.Journal(ctx, r.Sequence)
	}
	if err != nil || !found {
		return err
	}
	if record.PayloadHash != r.sequence.PayloadHash {
		return failed(fmt.Sprintf("%s: %s was posted as %s with other content, and what is posted is not changed", r.File, r.CauseID, record.ID), "give what is to be posted a causeId of its own")
	}
	r.Posted, r.AsBefore, r.Sequence, r.Legs = true, !r.Published, record.ID, record.Legs
	return nil
}

// checkSuspense verifies that what is to be cleared stands in suspense as the request has it: on that side, with that amount.
func (r *postedRequest) checkSuspense(ctx context.Context, reader journal) error {
	if !r.clears || r.Posted {
		return nil
	}
	i := slices.IndexFunc(r.Legs, func(leg payment.Leg) bool { return leg.Role == payment.RoleSuspense })
	item, found, err := reader.Suspense(ctx, r.Legs[i].Account, r.request.PurchaseKey)
	if err != nil {
		return err
	}
	// The leg that clears an item is on the other side than the item.
	stands := r.Legs[i].Signed().Neg()
	switch {
	case !found || item.State != ledger.SuspenseOpen:
		return failed(fmt.Sprintf("%s: nothing of purchase %s is open in %s", r.File, r.request.PurchaseKey, r.Legs[i].Account), "check purchaseKey and currency")
	case item.Amount != stands:
		return failed(fmt.Sprintf("%s: purchase %s has %s in %s, and the request would clear %s", r.File, r.request.PurchaseKey, item.Amount, r.Legs[i].Account, stands), "correct side and principal")
	}
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
		id := r.Sequence
		if id == "" { // the ledger will name it
			id = r.TransactionID
		}
		fmt.Fprintf(a.stdout, "%s  %s  %s  %s\n", a.paint(bold, id), r.Kind, r.CauseID, state)
		for _, line := range legLines(r.Legs) {
			fmt.Fprintln(a.stdout, "  "+line)
		}
	}
	return nil
}
