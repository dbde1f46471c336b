package ledger

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/payment"
)

// Line is what was debited to and credited to one account in one currency.
type Line struct {
	Account string        `json:"account"`
	Role    payment.Role  `json:"role"`
	Debit   payment.Money `json:"debit"`
	Credit  payment.Money `json:"credit"`
}

// Net is credits less debits.
func (l Line) Net() (payment.Money, error) { return l.Credit.Add(l.Debit.Neg()) }

// TrialBalance is the sums of a ledger's accounts.
type TrialBalance struct {
	Lines []Line `json:"lines"`
	// Totals has a line for each currency, over all accounts. Debits equal credits in each, or the ledger is broken.
	Totals []Line `json:"totals"`
	// JournalEntries is how many journal entries were folded.
	JournalEntries int64 `json:"journalEntries"`
}

// Balanced reports whether debits equal credits in every currency.
func (b TrialBalance) Balanced() bool {
	return !slices.ContainsFunc(b.Totals, func(l Line) bool { return l.Debit != l.Credit })
}

// TrialBalance folds the journal, as of a time of posting; the zero time is now. A cut-off a minute old is the same however
// often it is asked for: postings of the last seconds may still be on their way.
func (r *Reader) TrialBalance(ctx context.Context, asOf time.Time) (TrialBalance, error) {
	f := newFold()
	err := r.EachJournal(ctx, func(record Record) error {
		if !asOf.IsZero() && record.PostedAt > events.FormatTime(asOf) {
			return nil
		}
		return f.add(record)
	})
	if err != nil {
		return TrialBalance{}, fmt.Errorf("folding the journal: %w", err)
	}
	return f.result()
}

// position is an account in a currency.
type position struct {
	account  string
	currency payment.Currency
}

type fold struct {
	lines   map[position]*Line
	entries int64
}

func newFold() *fold { return &fold{lines: map[position]*Line{}} }

func (f *fold) add(record Record) error {
	f.entries++
	for _, leg := range record.Legs {
		if err := addTo(f.lines, position{leg.Account, leg.Amount.Currency}, leg.Role, leg.Side, leg.Amount); err != nil {
			return fmt.Errorf("sequence %s: %w", record.ID, err)
		}
	}
	return nil
}

func addTo(lines map[position]*Line, at position, role payment.Role, side payment.Side, amount payment.Money) error {
	line, ok := lines[at]
	if !ok {
		zero := payment.Money{Currency: at.currency}
		line = &Line{Account: at.account, Role: role, Debit: zero, Credit: zero}
		lines[at] = line
	}
	sum := &line.Credit
	if side == payment.Debit {
		sum = &line.Debit
	}
	total, err := sum.Add(amount)
	if err != nil {
		return err
	}
	*sum = total
	return nil
}

func (f *fold) result() (TrialBalance, error) {
	totals := map[position]*Line{}
	for at, line := range f.lines {
		for _, half := range []struct {
			side   payment.Side
			amount payment.Money
		}{{payment.Debit, line.Debit}, {payment.Credit, line.Credit}} {
			if err := addTo(totals, position{currency: at.currency}, "", half.side, half.amount); err != nil {
				return TrialBalance{}, fmt.Errorf("totalling %s: %w", at.currency, err)
			}
		}
	}
	return TrialBalance{Lines: sorted(f.lines), Totals: sorted(totals), JournalEntries: f.entries}, nil
}

func sorted(lines map[position]*Line) []Line {
	list := make([]Line, 0, len(lines))
	for _, line := range lines {
		list = append(list, *line)
	}
	slices.SortFunc(list, func(a, b Line) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Debit.Currency, b.Debit.Currency))
	})
	return list
}
