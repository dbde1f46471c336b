package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/payrail/payrail/internal/digests"
	"github.com/payrail/payrail/internal/ledger"
)

// digestsBehind is how old the end of the last digested hour may be: a digest is written ten minutes after the next hour's begin.
const digestsBehind = 2 * time.Hour

func (a *application) verifyCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "verify",
		Short: "Check the ledger against its journal and its digests; status 1 if anything does not hold",
		Long: `verify reads the whole ledger table: every journal entry must balance and have its checksum and hash, and the entries and
balances of customers must be exactly those that the journal makes. The accounts that must come to zero together must do so. Every hour
that has a digest in the audit bucket must hold what the digest says. Let the ledger come to rest first.`,
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
			digests, err := deployed.digests()
			if err != nil {
				return err
			}
			stop := a.spin("verifying the ledger")
			result, err := verify(command.Context(), reader, digests)
			stop()
			if err != nil {
				return err
			}
			return a.showVerification(result, time.Now())
		},
	}
}

// verify holds the ledger against its journal and the journal against its digests.
func verify(ctx context.Context, reader *ledger.Reader, store *digests.Store) (ledger.Verification, error) {
	all, broken, err := store.All(ctx)
	if err != nil {
		return ledger.Verification{}, err
	}
	result, err := reader.VerifyAgainst(ctx, all)
	result.Findings = slices.Concat([]ledger.Finding{}, broken, result.Findings) // In JSON no findings are an empty list.
	return result, err
}

func (a *application) showVerification(result ledger.Verification, now time.Time) error {
	if a.json {
		if err := a.printJSON(result); err != nil {
			return err
		}
	} else {
		for _, f := range result.Findings {
			fmt.Fprintln(a.stdout, a.paint(bad, f.Subject), f.Problem)
		}
		fmt.Fprintf(a.stdout, "%d journal entries, %d account entries, %d balances verified, %d findings\n", result.JournalEntries, result.Entries, result.Balances, len(result.Findings))
		switch {
		case result.DigestedTo == nil:
			fmt.Fprintln(a.stdout, "no hourly digests yet")
		case now.Sub(*result.DigestedTo) > digestsBehind:
			fmt.Fprintln(a.stdout, a.paint(aside, fmt.Sprintf("%d hourly digests, the last one up to %s: later ones are missing", result.Digests, result.DigestedTo.Format(time.RFC3339))))
		default:
			fmt.Fprintf(a.stdout, "%d hourly digests, up to %s\n", result.Digests, result.DigestedTo.Format(time.RFC3339))
		}
	}
	if n := len(result.Findings); n > 0 {
		return failed(fmt.Sprintf("the ledger has %d findings", n), "see docs/operating/ledger-findings.md")
	}
	return nil
}
