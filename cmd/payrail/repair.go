package main

import (
	"context"
	"errors"
	"fmt"
	"os/user"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/spf13/cobra"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/internal/awsconfig"
	"github.com/payrail/payrail/internal/repair"
	"github.com/payrail/payrail/internal/timeline"
	"github.com/payrail/payrail/payment"
)

type repairOptions struct {
	set          []string
	reason       string
	dryRun, wait bool
}

func (a *application) repairCommand() *cobra.Command {
	var o repairOptions
	command := &cobra.Command{
		Use:   "repair ID [--set FIELD=VALUE...]",
		Short: "Send a payment whose review failed through again, with what was wrong corrected",
		Long: `repair publishes a corrected event for a payment that came to FAILED_REVIEW and shows what becomes of it. The authorization
itself is never edited: the event says what was corrected, by whom and why, and the payment stays the one that was taken in.
ID is an authorization id or a transaction id (tx_…). Without --set the payment is judged once more as it is: after its account's
data, or a limit of the rules, was corrected with ` + "`payrail seed`" + `.

Fields that can be corrected: ` + strings.Join(payment.Correctable(), ", ") + `.
Amounts, currencies, the card's token and what makes the payment itself cannot: that would be another payment.
What is posted is not changed by a repair. Status 1 if the payment cannot be repaired or does not get posted.`,
		Example: "  payrail repair auth-11-no-issuer-country --set issuerCountry=826 --reason \"BIN belongs to a UK issuer\"\n" +
			"  payrail repair tx_FSSICLE5TDF7ODOEOIHH2IZ6DC --set issuerCountry=826 --set mcc=5812 --dry-run",
		Args: exactly("ID"),
		RunE: func(command *cobra.Command, arguments []string) error {
			return a.repair(command.Context(), arguments[0], o)
		},
	}
	flags := command.Flags()
	flags.StringArrayVar(&o.set, "set", nil, "field and its right value, FIELD=VALUE; give it once for each field")
	flags.StringVar(&o.reason, "reason", "", "why, for those who read the audit log")
	flags.BoolVar(&o.dryRun, "dry-run", false, "check everything and show what would be published, but publish nothing")
	flags.BoolVar(&o.wait, "wait", true, "wait until the payment has come to its end")
	command.ValidArgsFunction = noFiles
	completeWith(command, "set", completeSet)
	return command
}

// repaired is what the command shows.
type repaired struct {
	repair.Plan
	Published bool    `json:"published"`
	Outcome   string  `json:"outcome,omitempty"`
	Sequence  string  `json:"sequence,omitempty"`
	Summary   string  `json:"summary,omitempty"`
	Seconds   float64 `json:"seconds,omitempty"`
}

func (a *application) repair(ctx context.Context, id string, o repairOptions) error {
	set, err := parseSet(o.set)
	if err != nil {
		return err
	}
	deployed, err := a.connect(ctx)
	if err != nil {
		return err
	}
	repairer, err := deployed.repairer()
	if err != nil {
		return err
	}
	by, err := deployed.caller(ctx)
	if err != nil {
		return err
	}
	plan, err := repairer.Plan(ctx, repair.Request{ID: id, Set: set, By: by, Reason: o.reason})
	if err != nil {
		return unrepairable(id, err)
	}
	result := repaired{Plan: plan}
	if o.dryRun {
		return a.showRepaired(result)
	}
	start := time.Now()
	if err := repairer.Publish(ctx, plan); err != nil {
		return unrepairable(id, err)
	}
	result.Published = true
	if o.wait {
		stop := a.spin("waiting for the payment's end")
		err := deployed.awaitRepair(ctx, &result)
		stop()
		if err != nil {
			return err
		}
		result.Seconds = time.Since(start).Seconds()
	}
	if err := a.showRepaired(result); err != nil || !o.wait {
		return err
	}
	switch result.Outcome {
	case outcomePosted, outcomeSuspense:
		return nil
	case stillUnderWay:
		return failed(fmt.Sprintf("%s has not come to its end within %s", id, waitLimit), "see `payrail trace "+id+"`")
	default:
		return failed(id+" came to "+result.Outcome, "see `payrail trace "+id+"`")
	}
}

// parseSet reads FIELD=VALUE pairs.
func parseSet(pairs []string) (map[string]string, error) {
	set := make(map[string]string, len(pairs))
	for _, pair := range pairs {
		name, value, ok := strings.Cut(pair, "=")
		name = strings.TrimSpace(name)
		if !ok || name == "" {
			// The text itself is not shown: it may be anything, a card number too.
			return nil, misused("a --set is not FIELD=VALUE", "write it like --set issuerCountry=826")
		}
		if _, twice := set[name]; twice {
			return nil, misused("--set gives "+name+" twice", "give each field once")
		}
		set[name] = value
	}
	return set, nil
}

// unrepairable gives the next step for what a repair is refused for.
func unrepairable(id string, err error) error {
	trace := "see `payrail trace " + id + "`"
	var fields payment.FieldErrors
	switch {
	case errors.As(err, &fields) && !errors.Is(err, repair.ErrChanged):
		return misused(err.Error(), "fields that can be corrected: "+strings.Join(payment.Correctable(), ", "))
	case errors.Is(err, payment.ErrNothingCorrected):
		return misused(id+": "+err.Error(), "set a field to another value")
	case errors.Is(err, repair.ErrWouldFailAgain):
		return misused(err.Error(), "add --set issuerCountry=… with an ISO 3166 numeric-3 code")
	case errors.Is(err, repair.ErrCardNumber), errors.Is(err, repair.ErrReason):
		return misused(err.Error(), "write it without")
	case errors.Is(err, repair.ErrPosted):
		return failed(id+": "+err.Error()+", and a repair does not change what is posted", trace)
	case errors.Is(err, repair.ErrUnderWay):
		return failed(id+": "+err.Error(), "wait for its end, "+trace)
	case errors.Is(err, repair.ErrNotFailed):
		return failed(id+": "+err.Error(), trace+" for what it came to; only FAILED_REVIEW can be repaired")
	case errors.Is(err, repair.ErrNotTaken):
		return failed(err.Error(), "check the id; the stack must keep a timeline")
	case errors.Is(err, repair.ErrTaken):
		return failed(id+": "+err.Error(), "wait for its end, "+trace+"; if it does not come, repeat that correction")
	case errors.Is(err, repair.ErrNotApproved):
		return failed(id+": "+err.Error(), "there is nothing to post; ask the authorizer")
	case errors.Is(err, repair.ErrSeveral):
		return misused(id+": "+err.Error(), trace)
	case errors.Is(err, repair.ErrChanged), errors.Is(err, repair.ErrForgotten):
		return failed(id+": "+err.Error(), "have the authorizer send a new authorization")
	default:
		return err
	}
}

func (d *deployment) repairer() (*repair.Repairer, error) {
	reader, err := d.timeline()
	if err != nil {
		return nil, err
	}
	names := map[string]string{}
	for _, output := range []string{"AuthorizationsTable", "DedupTable", "EventBus"} {
		if names[output], err = d.output(output); err != nil {
			return nil, err
		}
	}
	return &repair.Repairer{
		Timeline: reader, Tables: d.dynamodb(), AuthorizationsTable: names["AuthorizationsTable"], DedupTable: names["DedupTable"],
		Publisher: awsconfig.Publisher(d.aws, names["EventBus"]), Now: time.Now,
	}, nil
}

// caller is who uses the command: the principal AWS knows, or on this machine the user.
func (d *deployment) caller(ctx context.Context) (string, error) {
	if d.aws.BaseEndpoint != nil && isLoopback(*d.aws.BaseEndpoint) {
		current, err := user.Current()
		if err != nil {
			return "", fmt.Errorf("finding out who you are: %w", err)
		}
		return current.Username, nil
	}
	identity, err := sts.NewFromConfig(d.aws).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return "", fmt.Errorf("finding out who you are: %w", err)
	}
	return aws.ToString(identity.Arn), nil
}

// awaitRepair waits until the repaired attempt has come to its end.
func (d *deployment) awaitRepair(ctx context.Context, result *repaired) error {
	var end timeline.Entry
	_, err := d.await(ctx, result.TransactionID, func(happened []timeline.Entry) (ended bool) {
		end, ended = finalOfAttempt(result.Repair.Attempt, happened)
		return ended
	})
	if err != nil || end.DetailType == "" {
		return err
	}
	result.Outcome, result.Summary, result.Sequence = outcomes[end.DetailType], end.Summary, end.PostingSequence
	if end.DetailType == events.TransactionPosted {
		result.Outcome, _, err = d.posted(ctx, end.PostingSequence)
	}
	return err
}

// finalOfAttempt is the event that ended an attempt of a payment.
func finalOfAttempt(attempt int, happened []timeline.Entry) (timeline.Entry, bool) {
	for _, e := range happened {
		if _, ends := outcomes[e.DetailType]; ends && e.Attempt >= attempt { // A posting is told once, under the attempt that told it last.
			return e, true
		}
	}
	return timeline.Entry{}, false
}

func (a *application) showRepaired(r repaired) error {
	if a.json {
		return a.printJSON(r)
	}
	rows := make([][]string, len(r.Changes))
	for i, c := range r.Changes {
		rows[i] = []string{c.Field, quoted(c.Before), quoted(c.After)}
	}
	fmt.Fprintf(a.stdout, "%s  %s  attempt %d, by %s\n", a.paint(bold, r.TransactionID), r.AuthorizationID, r.Repair.Attempt, r.Repair.By)
	if len(rows) > 0 {
		a.table([]string{"field", "before", "corrected"}, rows)
	}
	switch {
	case !r.Published:
		fmt.Fprintln(a.stdout, "dry run: nothing was published")
	case r.Outcome == stillUnderWay:
		fmt.Fprintf(a.stdout, "published %s\n", r.EventID)
	default:
		fmt.Fprintf(a.stdout, "%s  %s  after %.0f ms\n", a.paintOutcome(r.Outcome), r.Summary, r.Seconds*1000)
	}
	return nil
}

// quoted shows an empty value as one.
func quoted(value string) string {
	if value == "" {
		return `""`
	}
	return value
}
