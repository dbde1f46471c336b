package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/payrail/payrail/internal/disputes"
	"github.com/payrail/payrail/payment"
)

// monthsListed is how far back cases are listed unless told otherwise: longer than a chargeback can be filed, by a case's usual
// length.
const monthsListed = 6

func (a *application) disputesCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "disputes",
		Short: "Open, look at and decide disputes",
		Long: `A dispute goes from OPENED, by default with a PROVISIONAL_CREDIT to the customer, to CHARGEBACK_FILED, maybe REPRESENTED and
PRE_ARBITRATION, to its end: WON, LOST_CUSTOMER, LOST_BANK, SPLIT, WITHDRAWN or EXPIRED. docs/how-to/disputes.md says what each posts.`,
		Example: "  payrail disputes open tx_… --reason 13.1\n  payrail disputes list\n  payrail disputes resolve dsp_… --outcome won",
		Args:    commandWords,
		RunE: func(command *cobra.Command, _ []string) error {
			return misused("disputes needs to know what to do", seeHelp(command))
		},
	}
	command.AddCommand(a.openDisputeCommand(), a.listDisputesCommand(), a.showDisputeCommand(),
		a.stepCommand("file CASE", "Record that the chargeback was filed with the scheme", func(d payment.Dispute, by, note string) (payment.Dispute, error) {
			return d.File(time.Now(), by, note)
		}),
		a.stepCommand("represent CASE", "Record that the merchant's bank has answered the chargeback", moveTo(payment.DisputeRepresented)),
		a.stepCommand("contest CASE", "Record that the answer was contested, before arbitration", moveTo(payment.DisputePreArbitration)),
		a.resolveCommand())
	return command
}

func moveTo(state payment.DisputeState) func(d payment.Dispute, by, note string) (payment.Dispute, error) {
	return func(d payment.Dispute, by, note string) (payment.Dispute, error) {
		return d.Move(state, time.Now(), by, note)
	}
}

// desk moves cases. It opens none: what may be disputed is the deployment's policy, so that opening goes through its API.
func (d *deployment) desk(logs *slog.Logger) (*disputes.Desk, error) {
	table, err := d.output("LedgerTable")
	if err != nil {
		return nil, err
	}
	bus, err := d.output("EventBus")
	if err != nil {
		return nil, err
	}
	return disputes.Connect(d.aws, table, bus, payment.DisputePolicy{}, logs), nil
}

// connectDesk finds the stack and its cases. What a case's event could not be told of is logged to stderr.
func (a *application) connectDesk(ctx context.Context) (*deployment, *disputes.Desk, error) {
	deployed, err := a.connect(ctx)
	if err != nil {
		return nil, nil, err
	}
	desk, err := deployed.desk(slog.New(slog.NewTextHandler(a.stderr, nil)))
	return deployed, desk, err
}

func (a *application) listDisputesCommand() *cobra.Command {
	var months int
	var all bool
	command := &cobra.Command{
		Use:     "list",
		Short:   "List the open cases that were opened or decided lately",
		Example: "  payrail disputes list\n  payrail disputes list --all --months 12",
		Args:    atMost(0),
		RunE: func(command *cobra.Command, _ []string) error {
			if months < 1 {
				return misused("--months must be above zero", "leave it out for the last half year")
			}
			_, desk, err := a.connectDesk(command.Context())
			if err != nil {
				return err
			}
			now := time.Now()
			cases, err := desk.Store.ActiveBetween(command.Context(), now.AddDate(0, -months, 0), now)
			if err != nil {
				return err
			}
			if !all {
				cases = slices.DeleteFunc(cases, func(c disputes.Case) bool { return c.State.Closed() })
			}
			return a.showDisputes(cases)
		},
	}
	command.Flags().IntVar(&months, "months", monthsListed, "how many months to look back")
	command.Flags().BoolVar(&all, "all", false, "closed cases as well")
	return command
}

func (a *application) showDisputes(cases []disputes.Case) error {
	if a.json {
		if cases == nil {
			cases = []disputes.Case{}
		}
		return a.printJSON(cases)
	}
	if len(cases) == 0 {
		fmt.Fprintln(a.stdout, "no cases")
		return nil
	}
	rows := make([][]string, len(cases))
	for i, c := range cases {
		rows[i] = []string{c.CaseID, a.paintState(c.Dispute), c.Amount.Decimal(), string(c.Amount.Currency), c.ReasonCode, c.OpenedAt[:len(time.DateOnly)], c.FileBy[:len(time.DateOnly)], c.AccountID, c.TransactionID}
	}
	a.table([]string{"case", "state", "amount", "currency", "reason", "opened", "file by", "account", "transaction"}, rows, 2)
	return nil
}

// paintState colours a state by what it is for the bank.
func (a *application) paintState(d payment.Dispute) string {
	text := string(d.State)
	if d.Decision != nil && !d.State.Closed() {
		text += " (" + string(d.Decision.Outcome) + " is being posted)"
	}
	switch {
	case d.State == payment.DisputeWon:
		return a.paint(good, text)
	case d.State == payment.DisputeLostBank, d.State == payment.DisputeExpired:
		return a.paint(bad, text)
	case d.State.Closed():
		return a.paint(quiet, text)
	default:
		return a.paint(aside, text)
	}
}

func (a *application) showDisputeCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "show CASE",
		Short:             "Show a case, its postings and its history",
		Example:           "  payrail disputes show dsp_…",
		Args:              exactly("CASE"),
		ValidArgsFunction: noFiles,
		RunE: func(command *cobra.Command, arguments []string) error {
			_, desk, err := a.connectDesk(command.Context())
			if err != nil {
				return err
			}
			c, err := desk.Case(command.Context(), arguments[0])
			if err != nil {
				return disputeProblem(arguments[0], err)
			}
			return a.showDispute(c)
		},
	}
}

func (a *application) showDispute(c disputes.Case) error {
	if a.json {
		return a.printJSON(c)
	}
	fmt.Fprintf(a.stdout, "%s  %s  %s", a.paint(bold, c.CaseID), a.paintState(c.Dispute), c.Amount)
	if charges := c.FXFee.Minor + c.FXFeeTax.Minor; charges > 0 {
		fmt.Fprintf(a.stdout, " and %s of charges", payment.Money{Minor: charges, Currency: c.Amount.Currency})
	}
	fmt.Fprintf(a.stdout, "\n%s  account %s  reason %s (%s)  file by %s\n", c.TransactionID, c.AccountID, c.ReasonCode, c.Scheme, c.FileBy)
	if c.Note != "" {
		fmt.Fprintln(a.stdout, oneLine(c.Note))
	}
	if c.Credit != nil {
		fmt.Fprintln(a.stdout, "credited by", c.Credit.Sequence)
	}
	if c.Decision != nil && c.Decision.Posted != nil {
		fmt.Fprintln(a.stdout, "closed by", c.Decision.Posted.Sequence)
	}
	fmt.Fprintln(a.stdout)
	rows := make([][]string, len(c.History))
	for i, step := range c.History {
		rows[i] = []string{step.At, string(step.State), step.By, oneLine(step.Note)}
	}
	a.table([]string{"at", "state", "by", "note"}, rows)
	return nil
}

// disputeProblem gives the next step for what a case refuses.
func disputeProblem(id string, err error) error {
	show := "see `payrail disputes show " + id + "`"
	switch reason := payment.ReasonOf(err); {
	case errors.Is(err, disputes.ErrUnknownCase):
		return failed(err.Error(), "see `payrail disputes list --all`")
	case errors.Is(err, disputes.ErrBusy):
		return failed(err.Error(), "run it again")
	case reason == payment.ReasonStepNotAllowed && (strings.Contains(err.Error(), "WON does not follow") || strings.Contains(err.Error(), "SPLIT does not follow")):
		return failed(err.Error(), "what is won was filed before: `payrail disputes file "+id+"`")
	case reason == payment.ReasonSplitAmount:
		return misused(err.Error(), "give the won part of a split with --won, for instance --won 50.00")
	case reason == payment.ReasonWindowClosed:
		return failed(err.Error(), "`payrail disputes resolve "+id+" --outcome expired` closes it")
	case payment.KindOf(err) == payment.Conflict, payment.KindOf(err) == payment.Invalid:
		return failed(err.Error(), show)
	default:
		return err
	}
}
