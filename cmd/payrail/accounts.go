package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/payrail/payrail/internal/ledger"
)

// entriesShown is how many of an account's latest entries are shown unless more are asked for.
const entriesShown = 20

func (a *application) accountsCommand() *cobra.Command {
	var page ledger.Page
	command := &cobra.Command{
		Use:               "accounts ID",
		Short:             "Show the balances and entries of a customer account, newest first",
		Example:           "  payrail accounts acc-alice-gbp\n  payrail accounts acc-alice-gbp --limit 100 --after CURSOR",
		Args:              exactly("ID"),
		ValidArgsFunction: noFiles,
		RunE: func(command *cobra.Command, arguments []string) error {
			ctx, id := command.Context(), arguments[0]
			if page.Limit < 1 {
				return misused("--limit must be above zero", "leave it out for the latest entries")
			}
			deployed, err := a.connect(ctx)
			if err != nil {
				return err
			}
			reader, err := deployed.ledger()
			if err != nil {
				return err
			}
			balances, err := reader.Balances(ctx, id)
			if err != nil {
				return err
			}
			page.NewestFirst = true
			entries, next, err := reader.Entries(ctx, id, page)
			if err != nil {
				return err
			}
			if len(balances) == 0 {
				return failed("nothing has been posted to account "+id, "check the id: accounts.json of the reference data lists them")
			}
			return a.showAccount(account{AccountID: id, Balances: balances, Entries: entries, Next: next})
		},
	}
	command.Flags().Int32Var(&page.Limit, "limit", entriesShown, "how many entries to show")
	command.Flags().StringVar(&page.After, "after", "", "go on after the cursor that the page before ended with")
	return command
}

// account is what is shown of an account.
type account struct {
	AccountID string           `json:"accountId"`
	Balances  []ledger.Balance `json:"balances"`
	Entries   []ledger.Entry   `json:"entries"`
	// Next is the cursor of the next page; empty after the last one.
	Next string `json:"next,omitempty"`
}

func (a *application) showAccount(shown account) error {
	if a.json {
		return a.printJSON(shown)
	}
	for _, b := range shown.Balances {
		fmt.Fprintf(a.stdout, "%s  %s  (%d journal entries)\n", shown.AccountID, a.paint(bold, b.Amount.String()), b.JournalCount)
	}
	fmt.Fprintln(a.stdout)
	rows := make([][]string, len(shown.Entries))
	for i, e := range shown.Entries {
		rows[i] = []string{e.ValueDate, e.Amount.Decimal(), string(e.Amount.Currency), e.RuleID, e.Description, fmt.Sprintf("%s/%d", e.SequenceID, e.Leg)}
	}
	a.table([]string{"value date", "amount", "currency", "rule", "description", "sequence/leg"}, rows, 1)
	if shown.Next != "" {
		fmt.Fprintf(a.stdout, "more: payrail accounts %s --after '%s'\n", shown.AccountID, shown.Next)
	}
	return nil
}
