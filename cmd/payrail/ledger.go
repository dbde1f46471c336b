package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"
)

func (a *application) ledgerCommand() *cobra.Command {
	command := &cobra.Command{
		Use:     "ledger",
		Short:   "Look at the ledger as a whole",
		Example: "  payrail ledger trial-balance\n  payrail ledger verify",
		Args:    commandWords,
		RunE: func(command *cobra.Command, _ []string) error {
			return misused("ledger needs to know what to do", "say `payrail ledger trial-balance` or `payrail ledger verify`")
		},
	}
	command.AddCommand(a.trialBalanceCommand(), a.verifyCommand())
	return command
}

func (a *application) trialBalanceCommand() *cobra.Command {
	var asOf string
	command := &cobra.Command{
		Use:     "trial-balance",
		Short:   "Sum every account from the journal; status 1 if debits and credits differ",
		Example: "  payrail ledger trial-balance\n  payrail ledger trial-balance --as-of 2026-07-09T12:00:00Z",
		Args:    atMost(0),
		RunE: func(command *cobra.Command, _ []string) error {
			var cutoff time.Time
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
			stop := a.spin("summing the journal")
			balance, err := reader.TrialBalance(command.Context(), cutoff)
			stop()
			if err != nil {
				return err
			}
			if a.json {
				if err := a.printJSON(balance); err != nil {
					return err
				}
			} else {
				var rows [][]string
				for _, l := range balance.Lines {
					rows = append(rows, []string{l.Account, string(l.Debit.Currency), l.Debit.Decimal(), l.Credit.Decimal()})
				}
				for _, l := range balance.Totals {
					rows = append(rows, []string{"total", string(l.Debit.Currency), l.Debit.Decimal(), l.Credit.Decimal()})
				}
				a.table([]string{"account", "currency", "debit", "credit"}, rows, 2, 3)
				fmt.Fprintf(a.stdout, "%d journal entries\n", balance.JournalEntries)
			}
			if !balance.Balanced() {
				return failed("debits and credits differ", "run `payrail ledger verify`")
			}
			return nil
		},
	}
	command.Flags().StringVar(&asOf, "as-of", "", "cut-off of the time of posting (RFC 3339); at least a minute old to be final")
	return command
}

func (a *application) verifyCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "verify",
		Short: "Check the ledger against its journal; status 1 if anything does not hold",
		Long: `verify reads the whole ledger table: every journal entry must balance and have its checksum and hash, and the entries and
balances of customers must be exactly those that the journal makes. Let the ledger come to rest first.`,
		Example: "  payrail ledger verify",
		Args:    atMost(0),
		RunE: func(command *cobra.Command, _ []string) error {
			deployed, err := a.connect(command.Context())
			if err != nil {
				return err
			}
			reader, err := deployed.ledger()
			if err != nil {
				return err
			}
			stop := a.spin("verifying the ledger")
			result, err := reader.Verify(command.Context())
			stop()
			if err != nil {
				return err
			}
			if a.json {
				if err := a.printJSON(result); err != nil {
					return err
				}
			} else {
				for _, f := range result.Findings {
					fmt.Fprintln(a.stdout, a.paint(bad, f.Subject), f.Problem)
				}
				fmt.Fprintf(a.stdout, "%d journal entries, %d account entries, %d balances verified, %d findings\n", result.JournalEntries, result.Entries, result.Balances, len(result.Findings))
			}
			if n := len(result.Findings); n > 0 {
				return failed(fmt.Sprintf("the ledger has %d findings", n), "see docs/operating/ledger-findings.md")
			}
			return nil
		},
	}
}
