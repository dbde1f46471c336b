package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/payrail/payrail/internal/ledger"
	"github.com/payrail/payrail/payment"
)

// entriesShown is how many of an account's latest entries are shown unless more are asked for.
const entriesShown = 20

func (a *application) accountsCommand() *cobra.Command {
	var page ledger.Page
	command := &cobra.Command{
		Use:               "accounts ID",
		Short:             "Show a customer account, or what stands in a suspense account",
		Long:              `accounts shows the balances of a customer account and its entries, the newest first. Of a suspense account it shows what stands there, the oldest first, with whose it is to find out where it belongs.`,
		Example:           "  payrail accounts acc-alice-gbp\n  payrail accounts acc-alice-gbp --limit 100 --after CURSOR\n  payrail accounts SUSPENSE.CARD.GBP",
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
			if strings.HasPrefix(id, string(payment.RoleSuspense)) {
				return a.showSuspense(ctx, reader, id, time.Now())
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

// suspenseAccount is what is shown of a suspense account.
type suspenseAccount struct {
	AccountID string `json:"accountId"`
	// Total is the sum of the open items; there is none without items.
	Total *payment.Money        `json:"total,omitempty"`
	Open  []ledger.SuspenseItem `json:"open"`
}

func (a *application) showSuspense(ctx context.Context, reader *ledger.Reader, id string, now time.Time) error {
	open, err := reader.OpenSuspense(ctx, id)
	if err != nil {
		return err
	}
	shown := suspenseAccount{AccountID: id, Open: append([]ledger.SuspenseItem{}, open...)}
	for _, item := range open {
		if shown.Total == nil {
			shown.Total = &payment.Money{Currency: item.Amount.Currency}
		}
		if *shown.Total, err = shown.Total.Add(item.Amount); err != nil {
			return fmt.Errorf("summing suspense account %s: %w", id, err)
		}
	}
	if a.json {
		return a.printJSON(shown)
	}
	if shown.Total == nil {
		fmt.Fprintf(a.stdout, "nothing stands in %s\n", id)
		return nil
	}
	fmt.Fprintf(a.stdout, "%s  %s  (%d open items)\n\n", id, a.paint(bold, shown.Total.String()), len(open))
	rows := make([][]string, len(open))
	for i, item := range open {
		rows[i] = []string{age(item.OpenedAt, now), item.Amount.Decimal(), string(item.Amount.Currency), item.Reason, item.Owner, item.AuthorizationID, item.LastSequence}
	}
	a.table([]string{"age", "amount", "currency", "reason", "owner", "authorization", "last sequence"}, rows, 0, 1)
	return nil
}

// age says how long ago a time was: in days, from the second on, else in hours and minutes.
func age(since string, now time.Time) string {
	at, err := time.Parse(time.RFC3339, since)
	if err != nil {
		return since
	}
	d := now.Sub(at).Truncate(time.Minute)
	if d < time.Minute {
		return "now"
	}
	if days := int(d.Hours() / 24); days >= 2 {
		return fmt.Sprintf("%d days", days)
	}
	return strings.TrimSuffix(d.String(), "0s")
}
