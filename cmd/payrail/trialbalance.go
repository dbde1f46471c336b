package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/payrail/payrail/internal/ledger"
)

// trialBalance is what the command prints as JSON.
type trialBalance struct {
	ledger.TrialBalance
	// Final says that the same cut-off will give the same sums again.
	Final    bool `json:"final"`
	Balanced bool `json:"balanced"`
}

func (a *application) trialBalanceCommand() *cobra.Command {
	var asOf string
	var fromDigests bool
	command := &cobra.Command{
		Use:   "trial-balance",
		Short: "Sum every account from the journal; status 1 if debits and credits differ",
		Long: `trial-balance sums what was posted up to a time, now by default. A cut-off that is a minute old is final: the same question has the same
answer for ever. It reads the whole journal; with --from-digests it sums the hourly digests and what was posted since, which is fast and
takes all customers as one line.`,
		Example: "  payrail ledger trial-balance\n  payrail ledger trial-balance --as-of 2026-07-09T12:00:00Z\n  payrail ledger trial-balance --from-digests",
		Args:    atMost(0),
		RunE: func(command *cobra.Command, _ []string) error {
			now := time.Now()
			cutoff := now
			if asOf != "" {
				var err error
				if cutoff, err = time.Parse(time.RFC3339, asOf); err != nil {
					return misused("--as-of "+asOf+" is no RFC 3339 time", "write it like 2026-07-09T12:00:00Z")
				}
			}
			deployed, err := a.connect(command.Context())
			if err != nil {
				return err
			}
			reader, err := deployed.ledger()
			if err != nil {
				return err
			}
			sum := reader.TrialBalance
			if fromDigests {
				sum = deployed.trialBalanceFromDigests
			}
			stop := a.spin("summing the journal")
			balance, err := sum(command.Context(), cutoff)
			stop()
			if err != nil {
				return err
			}
			return a.showTrialBalance(trialBalance{TrialBalance: balance, Final: now.Sub(cutoff) >= ledger.Settled, Balanced: balance.Balanced()})
		},
	}
	command.Flags().StringVar(&asOf, "as-of", "", "cut-off of the time of posting (RFC 3339), inclusive; final once it is a minute old")
	command.Flags().BoolVar(&fromDigests, "from-digests", false, "sum the hourly digests and what was posted since; customers as one line")
	return command
}

func (d *deployment) trialBalanceFromDigests(ctx context.Context, cutoff time.Time) (ledger.TrialBalance, error) {
	posted, err := d.journalByHour()
	if err != nil {
		return ledger.TrialBalance{}, err
	}
	store, err := d.digests()
	if err != nil {
		return ledger.TrialBalance{}, err
	}
	digests, findings, err := store.All(ctx)
	if err != nil {
		return ledger.TrialBalance{}, err
	}
	if len(digests) == 0 {
		return ledger.TrialBalance{}, failed("there is no hourly digest yet", "leave --from-digests out; digests are written ten minutes past every hour")
	}
	if len(findings) > 0 {
		return ledger.TrialBalance{}, failed(findings[0].Subject+": "+findings[0].Problem, "run `payrail ledger verify`, and see docs/operating/ledger-findings.md")
	}
	return posted.TrialBalanceFromDigests(ctx, digests, cutoff)
}

func (a *application) showTrialBalance(balance trialBalance) error {
	if a.json {
		if err := a.printJSON(balance); err != nil {
			return err
		}
	} else {
		var rows [][]string
		for _, l := range balance.Lines {
			net, err := l.Net()
			if err != nil {
				return err
			}
			rows = append(rows, []string{l.Account, string(l.Debit.Currency), l.Debit.Decimal(), l.Credit.Decimal(), net.Decimal()})
		}
		for _, l := range balance.Totals {
			rows = append(rows, []string{"total", string(l.Debit.Currency), l.Debit.Decimal(), l.Credit.Decimal(), ""})
		}
		a.table([]string{"account", "currency", "debit", "credit", "credit less debit"}, rows, 2, 3, 4)
		fmt.Fprintf(a.stdout, "%d journal entries posted up to %s", balance.JournalEntries, balance.AsOf.Format(time.RFC3339))
		if !balance.Final {
			fmt.Fprint(a.stdout, "; final once that is a minute ago")
		}
		fmt.Fprintln(a.stdout)
	}
	if !balance.Balanced {
		return failed("debits and credits differ", "run `payrail ledger verify`")
	}
	return nil
}
