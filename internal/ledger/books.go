package ledger

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/payrail/payrail/payment"
)

// Roles whose accounts come in pairs or one for each currency. What posts to them is the posting rules' business; what holds for
// them whatever the rules are is checked here.
const (
	roleHeadOffice    payment.Role = "HEAD_OFFICE"
	roleBranchControl payment.Role = "BRANCH_CTRL"
)

// rolesByCurrency have an account for each currency, whose name ends with it.
var rolesByCurrency = []payment.Role{payment.RoleSchemePayable, payment.RoleSuspense, roleHeadOffice, roleBranchControl, "FX_POSITION", "NOSTRO"}

// books is what a journal adds up to: the sums of its accounts and of its hours. Memory grows with accounts and hours, not with
// payments.
type books struct {
	fold  *fold
	hours map[string]*HourSum
}

func newBooks() books { return books{fold: newFold(false), hours: map[string]*HourSum{}} }

// add takes in a record and returns what is wrong with it by itself.
func (b *books) add(record Record) (problems []string, err error) {
	for _, leg := range record.Legs {
		if slices.Contains(rolesByCurrency, leg.Role) && !strings.HasSuffix(leg.Account, "."+string(leg.Amount.Currency)) {
			problems = append(problems, fmt.Sprintf("leg %d is in %s on account %s", leg.Number, leg.Amount.Currency, leg.Account))
		}
		if leg.Role != payment.RoleCustomer && !strings.HasPrefix(leg.Account, string(leg.Role)) {
			problems = append(problems, fmt.Sprintf("leg %d has the role %s on account %s", leg.Number, leg.Role, leg.Account))
		}
	}
	if err := b.fold.add(record); err != nil {
		return problems, err
	}
	hour, err := postedHour(record)
	if err != nil {
		return problems, err
	}
	sum, ok := b.hours[hour]
	if !ok {
		sum = NewHourSum()
		b.hours[hour] = sum
	}
	return problems, sum.Add(record)
}

// check returns what is wrong with all records together.
func (b *books) check() ([]Finding, error) {
	trial, err := b.fold.result()
	if err != nil {
		return nil, err
	}
	var findings []Finding
	for _, total := range trial.Totals {
		if total.Debit != total.Credit {
			findings = append(findings, Finding{"trial balance " + string(total.Debit.Currency),
				fmt.Sprintf("debits are %s, credits %s", total.Debit.Decimal(), total.Credit.Decimal())})
		}
	}
	pairs, err := officePairs(trial.Lines)
	if err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(pairs)) {
		if net := pairs[name]; !net.IsZero() {
			findings = append(findings, Finding{string(roleHeadOffice) + "." + name, fmt.Sprintf("with its mirror %s.%s it comes to %s, not to zero", roleBranchControl, name, net)})
		}
	}
	return findings, nil
}

// officePairs nets each branch's account with head office against its mirror in head office's books, by branch and currency: the
// part of the accounts' names that a pair has in common.
func officePairs(lines []Line) (map[string]payment.Money, error) {
	pairs := map[string]payment.Money{}
	for _, l := range lines {
		if l.Role != roleHeadOffice && l.Role != roleBranchControl {
			continue
		}
		net, err := l.Net()
		if err != nil {
			return nil, err
		}
		name := strings.TrimPrefix(l.Account, string(l.Role)+".")
		if sum, ok := pairs[name]; ok {
			if net, err = sum.Add(net); err != nil {
				return nil, err
			}
		}
		pairs[name] = net
	}
	return pairs, nil
}

// compareDigests reports every hour whose digest is not what the journal adds up to, and every hour that should have a digest.
func (b *books) compareDigests(digests []Digest) []Finding {
	var findings []Finding
	report := func(hour, format string, arguments ...any) {
		findings = append(findings, Finding{"hour " + hour, fmt.Sprintf(format, arguments...)})
	}
	if len(digests) == 0 {
		return nil
	}
	for i, d := range digests {
		hour := hourOf(d.Hour)
		sum, ok := b.hours[hour]
		if !ok {
			sum = NewHourSum()
		}
		if d.Version != digestVersion {
			report(hour, "its digest has version %d, which this program does not know", d.Version)
		} else if held, sealed := sum.fold.entries, sum.seal.String(); held != d.JournalEntries || sealed != d.Seal {
			report(hour, "the journal has %d entries, its digest %d: %s", held, d.JournalEntries, difference(held, d.JournalEntries))
		}
		if i > 0 && !d.Hour.Equal(digests[i-1].End()) {
			report(hour, "the digest before it is of the hour %s", hourOf(digests[i-1].Hour))
		}
	}
	first := hourOf(digests[0].Hour)
	for _, hour := range slices.Sorted(maps.Keys(b.hours)) { // Hours after the last digest are open.
		if hour < first {
			report(hour, "the journal has %d entries, and the first digest is of the hour %s", b.hours[hour].fold.entries, first)
		}
	}
	return findings
}

// difference says in words what the numbers say.
func difference(held, digested int64) string {
	switch {
	case held < digested:
		return "entries are missing"
	case held > digested:
		return "entries were added"
	default:
		return "entries were changed"
	}
}
