package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/payrail/payrail/internal/disputes"
	"github.com/payrail/payrail/internal/panguard"
	"github.com/payrail/payrail/payment"
)

// maxOperatorNote keeps notes to a line or two.
const maxOperatorNote = 500

// outcomesByName are the ends that a case can be decided for, as they are typed.
var outcomesByName = map[string]payment.DisputeState{
	"won": payment.DisputeWon, "lost-customer": payment.DisputeLostCustomer, "lost-bank": payment.DisputeLostBank,
	"split": payment.DisputeSplit, "withdrawn": payment.DisputeWithdrawn, "expired": payment.DisputeExpired,
}

func outcomeNames() []string { return slices.Sorted(maps.Keys(outcomesByName)) }

// stepCommand is a command that moves a case to another open state.
func (a *application) stepCommand(use, short string, step func(d payment.Dispute, by, note string) (payment.Dispute, error)) *cobra.Command {
	var note string
	word, _, _ := strings.Cut(use, " ")
	command := &cobra.Command{
		Use: use, Short: short, Example: "  payrail disputes " + word + " dsp_… --note \"case 4711 at the scheme\"",
		Args: exactly("CASE"), ValidArgsFunction: noFiles,
		RunE: func(command *cobra.Command, arguments []string) error {
			c, err := a.advance(command.Context(), arguments[0], note, step)
			if err != nil {
				return err
			}
			return a.showDispute(c)
		},
	}
	command.Flags().StringVar(&note, "note", "", "what those should know who look at the case later")
	return command
}

// advance moves a case in the name of whoever uses the command.
func (a *application) advance(ctx context.Context, id, note string, step func(d payment.Dispute, by, note string) (payment.Dispute, error)) (disputes.Case, error) {
	switch {
	case panguard.Contains(note):
		return disputes.Case{}, misused("the note holds a card number", "write it without")
	case len(note) > maxOperatorNote:
		return disputes.Case{}, misused(fmt.Sprintf("the note is longer than %d bytes", maxOperatorNote), "write less")
	}
	deployed, desk, err := a.connectDesk(ctx)
	if err != nil {
		return disputes.Case{}, err
	}
	by, err := deployed.caller(ctx)
	if err != nil {
		return disputes.Case{}, err
	}
	c, err := desk.Advance(ctx, id, func(d payment.Dispute) (payment.Dispute, error) { return step(d, by, note) })
	if err != nil {
		return disputes.Case{}, disputeProblem(id, err)
	}
	return c, nil
}

func (a *application) resolveCommand() *cobra.Command {
	var outcome, won, note string
	var wait bool
	command := &cobra.Command{
		Use:   "resolve CASE --outcome OUTCOME",
		Short: "Decide a case and post what follows from it",
		Long: `resolve decides a case and waits until what follows from it is posted, which closes the case. A case is decided once.

Outcomes:
  won            the scheme pays (the chargeback was filed before)
  split          the scheme pays --won, the bank bears the rest
  lost-customer  the payment stands, the customer pays
  lost-bank      the payment stands, the bank bears it
  withdrawn      the customer has taken the claim back, and pays
  expired        the chargeback was not filed in time, the bank bears it`,
		Example: "  payrail disputes resolve dsp_… --outcome won\n  payrail disputes resolve dsp_… --outcome split --won 50.00",
		Args:    exactly("CASE"), ValidArgsFunction: noFiles,
		RunE: func(command *cobra.Command, arguments []string) error {
			end, known := outcomesByName[outcome]
			switch {
			case !known:
				return misused(fmt.Sprintf("--outcome %q is none", outcome), "one of "+strings.Join(outcomeNames(), ", "))
			case (end == payment.DisputeSplit) != (won != ""):
				return misused("--won goes with --outcome split", "say what the scheme pays of it, for instance --won 50.00")
			}
			return a.resolve(command.Context(), arguments[0], end, won, note, wait)
		},
	}
	flags := command.Flags()
	flags.StringVar(&outcome, "outcome", "", strings.Join(outcomeNames(), ", "))
	flags.StringVar(&won, "won", "", "of a split, what the scheme pays: a decimal in the currency of the case")
	flags.StringVar(&note, "note", "", "what those should know who look at the case later")
	flags.BoolVar(&wait, "wait", true, "wait until the case is closed")
	completeWith(command, "outcome", cobra.FixedCompletions(outcomeNames(), cobra.ShellCompDirectiveNoFileComp))
	return command
}

func (a *application) resolve(ctx context.Context, id string, outcome payment.DisputeState, won, note string, wait bool) error {
	c, err := a.advance(ctx, id, note, func(d payment.Dispute, by, note string) (payment.Dispute, error) {
		part := payment.Money{}
		if won != "" {
			var err error
			if part, err = payment.ParseMoney(won, d.Amount.Currency); err != nil {
				return payment.Dispute{}, misused("--won "+won+" is no amount in "+string(d.Amount.Currency), "write it like 50.00")
			}
		}
		return d.Decide(outcome, part, time.Now(), by, note)
	})
	if err != nil {
		return err
	}
	if wait {
		if c, err = a.awaitClosed(ctx, c); err != nil {
			return err
		}
	}
	if err := a.showDispute(c); err != nil {
		return err
	}
	if wait && !c.State.Closed() {
		return failed(id+" is decided, and not closed within "+waitLimit.String(), "see the dead-letter queues; it closes when its posting is in the ledger")
	}
	return nil
}

// awaitClosed waits until a decided case is closed.
func (a *application) awaitClosed(ctx context.Context, c disputes.Case) (disputes.Case, error) {
	_, desk, err := a.connectDesk(ctx)
	if err != nil {
		return c, err
	}
	defer a.spin("waiting until it is posted")()
	for start := time.Now(); !c.State.Closed() && time.Since(start) < waitLimit; {
		if err := sleep(ctx, waitInterval); err != nil {
			return c, err
		}
		if c, err = desk.Case(ctx, c.CaseID); err != nil {
			return c, err
		}
	}
	return c, nil
}
