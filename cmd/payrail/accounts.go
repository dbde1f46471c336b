package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/payrail/payrail/internal/ledger"
)

func (d *deployment) ledger() (*ledger.Reader, error) {
	table, err := d.output("LedgerTable")
	if err != nil {
		return nil, err
	}
	return ledger.NewReader(d.dynamodb(), table), nil
}

// entriesShown is how many of an account's latest entries are shown unless more are asked for.
const entriesShown = 20

func (a *application) accountsCommand() *cobra.Command {
	var limit int32
	command := &cobra.Command{
		Use:               "accounts ID",
		Short:             "Show the balances and latest entries of a customer account",
		Example:           "  payrail accounts acc-alice-gbp",
		Args:              exactly("ID"),
		ValidArgsFunction: noFiles,
		RunE: func(command *cobra.Command, arguments []string) error {
			ctx, id := command.Context(), arguments[0]
			if limit < 1 {
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
			entries, _, err := reader.Entries(ctx, id, ledger.Page{Limit: limit, NewestFirst: true})
			if err != nil {
				return err
			}
			if len(balances) == 0 {
				return failed("nothing has been posted to account "+id, "check the id: accounts.json of the reference data lists them")
			}
			return a.showAccount(id, balances, entries)
		},
	}
	command.Flags().Int32Var(&limit, "limit", entriesShown, "how many entries to show")
	return command
}

func (a *application) showAccount(id string, balances []ledger.Balance, entries []ledger.Entry) error {
	if a.json {
		return a.printJSON(map[string]any{"accountId": id, "balances": balances, "entries": entries})
	}
	for _, b := range balances {
		fmt.Fprintf(a.stdout, "%s  %s  (%d journal entries)\n", id, a.paint(bold, b.Amount.String()), b.JournalCount)
	}
	fmt.Fprintln(a.stdout)
	rows := make([][]string, len(entries))
	for i, e := range entries {
		rows[i] = []string{e.ValueDate, e.Amount.Decimal(), string(e.Amount.Currency), e.RuleID, e.Description, fmt.Sprintf("%s/%d", e.SequenceID, e.Leg)}
	}
	a.table([]string{"value date", "amount", "currency", "rule", "description", "sequence/leg"}, rows, 1)
	return nil
}
