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
	// AsOf is the cut-off: what was posted up to and including this time is in the sums. Without one it is all there was.
	AsOf  *time.Time `json:"asOf,omitempty"`
	Lines []Line     `json:"lines"`
	// Totals has a line for each currency, over all accounts. Debits equal credits in each, or the ledger is broken.
	Totals []Line `json:"totals"`
	// JournalEntries is how many journal entries were folded.
	JournalEntries int64 `json:"journalEntries"`
}

// Balanced reports whether debits equal credits in every currency.
func (b TrialBalance) Balanced() bool {
	return !slices.ContainsFunc(b.Totals, func(l Line) bool { return l.Debit != l.Credit })
}

// Settled is how old a cut-off must be for its sums to be final. A posting takes its time before it is written, and it is written
// or given up within the posting function's half minute: a minute later nothing can appear any more that was posted up to then.
// The clocks of the machines that post are synchronized to far less than the other half.
const Settled = time.Minute

// TrialBalance folds the journal, as of a time of posting: the sums of what was posted up to and including it; the zero time is no
// limit. A cut-off that is Settled gives the same sums however often it is asked for, for the table is read strongly consistently;
// with a later one, postings may still be on their way.
func (r *Reader) TrialBalance(ctx context.Context, asOf time.Time) (TrialBalance, error) {
	f := newFold(false)
	err := r.EachJournal(ctx, func(record Record) error {
		if _, err := postedHour(record); err != nil {
			return err
		}
		if late(record, asOf) {
			return nil
		}
		return f.add(record)
	})
	if err != nil {
		return TrialBalance{}, fmt.Errorf("folding the journal: %w", err)
	}
	return f.asOf(asOf)
}

// late reports whether a record was posted after a cut-off. All times have the same form, so that their texts sort as they do.
func late(record Record, cutoff time.Time) bool {
	return !cutoff.IsZero() && record.PostedAt > events.FormatTime(cutoff)
}

func (f *fold) asOf(cutoff time.Time) (TrialBalance, error) {
	b, err := f.result()
	if !cutoff.IsZero() {
		cutoff = cutoff.UTC()
		b.AsOf = &cutoff
	}
	return b, err
}

// position is an account in a currency.
type position struct {
	account  string
	currency payment.Currency
}

// fold sums journal records by account, or with all customers as one account under the name of their role.
type fold struct {
	lines          map[position]*Line
	entries        int64
	customersAsOne bool
}

func newFold(customersAsOne bool) *fold {
	return &fold{lines: map[position]*Line{}, customersAsOne: customersAsOne}
}

func (f *fold) add(record Record) error {
	f.entries++
	for _, leg := range record.Legs {
		account := leg.Account
		if f.customersAsOne && leg.Role == payment.RoleCustomer {
			account = string(payment.RoleCustomer)
		}
		if err := addTo(f.lines, position{account, leg.Amount.Currency}, leg.Role, leg.Side, leg.Amount); err != nil {
			return fmt.Errorf("sequence %s: %w", record.ID, err)
		}
	}
	return nil
}

// addLines takes in what was folded before.
func (f *fold) addLines(lines []Line) error {
	for _, l := range lines {
		at := position{l.Account, l.Debit.Currency}
		for _, half := range halves(l) {
			if err := addTo(f.lines, at, l.Role, half.side, half.amount); err != nil {
				return fmt.Errorf("account %s: %w", l.Account, err)
			}
		}
	}
	return nil
}

type half struct {
	side   payment.Side
	amount payment.Money
}

func halves(l Line) []half { return []half{{payment.Debit, l.Debit}, {payment.Credit, l.Credit}} }

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
		for _, half := range halves(*line) {
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
