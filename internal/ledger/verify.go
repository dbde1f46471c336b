package ledger

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/payrail/payrail/payment"
)

// Finding is something in the ledger that should not be.
type Finding struct {
	// Subject is a sequence, or an account and currency.
	Subject string `json:"subject"`
	Problem string `json:"problem"`
}

// Verification is the result of Verify.
type Verification struct {
	JournalEntries int64 `json:"journalEntries"`
	Entries        int64 `json:"entries"`
	Balances       int64 `json:"balances"`
	// Digests is how many hourly digests the journal was held against, DigestedTo the end of the last one's hour.
	Digests    int        `json:"digests"`
	DigestedTo *time.Time `json:"digestedTo,omitempty"`
	// Findings is empty for a sound ledger.
	Findings []Finding `json:"findings"`
}

// standing is what is known of a customer account in a currency from one side, the journal's or the stored items'. The seal
// is the exclusive-or of the hashes of the entry items: two sets of entries with the same seal are the same set, in whatever
// order they were met, and memory grows with accounts, not with payments.
type standing struct {
	sum     payment.Money
	entries int64
	seal    [sha256.Size]byte
}

func (s *standing) add(key itemKey, e Entry) error {
	sum, err := s.sum.Add(e.Amount)
	if err != nil {
		return err
	}
	s.sum = sum
	s.entries++
	hash := sha256.Sum256(fmt.Appendf(nil, "%q %q %d %s %d %q %q %q %q", key.partition, key.sort, e.Amount.Minor, e.Amount.Currency,
		e.Leg, e.Description, e.ValueDate, e.RuleID, e.BankTransactionCode))
	for i := range s.seal {
		s.seal[i] ^= hash[i]
	}
	return nil
}

// verifier holds both sides of the comparison.
type verifier struct {
	Verification
	books books
	// legs reads the legs of posting sequences from the journal.
	legs func(sequences []string) ([]payment.Leg, error)
	// failed is an error of reading, which ends the verification.
	failed           error
	expected, stored map[position]*standing
	// journals counts the journal entries that moved an account, which its balance counts too.
	journals map[position]int64
	balances map[position]Balance
	// booked are the sequences of purchases that the journal has, named those that the purchases' items name.
	booked, named set
	// suspended is what the journal puts into each suspense account, open what the open suspense items add up to.
	suspended, open map[position]int64
}

// Verify checks the whole ledger against its journal: every journal entry balances and has its checksum and hash; the
// entries and balances of customers are exactly those that the journal makes; debits and credits are equal in every currency, and
// each branch's account with head office and its mirror come to zero. It reads the table once. A scan is no
// snapshot: what is posted meanwhile may be seen in part, so the ledger must be at rest for the findings to mean something.
func (r *Reader) Verify(ctx context.Context) (Verification, error) { return r.VerifyAgainst(ctx, nil) }

// VerifyAgainst does what Verify does, and holds the journal against its hourly digests: all there are, in order.
func (r *Reader) VerifyAgainst(ctx context.Context, digests []Digest) (Verification, error) {
	v := &verifier{books: newBooks(), legs: func(sequences []string) ([]payment.Leg, error) { return legsOf(ctx, r.client, r.table, sequences) },
		expected: map[position]*standing{}, stored: map[position]*standing{}, journals: map[position]int64{}, balances: map[position]Balance{},
		suspended: map[position]int64{}, open: map[position]int64{}}
	if err := r.scan(ctx, "", v.visit); err != nil {
		return Verification{}, fmt.Errorf("verifying the ledger: %w", err)
	}
	v.compare()
	if err := v.compareBooks(digests); err != nil {
		return Verification{}, fmt.Errorf("verifying the ledger: %w", err)
	}
	slices.SortFunc(v.Findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Subject, b.Subject), cmp.Compare(a.Problem, b.Problem))
	})
	return v.Verification, nil
}

func (v *verifier) report(subject, format string, arguments ...any) {
	v.Findings = append(v.Findings, Finding{Subject: subject, Problem: fmt.Sprintf(format, arguments...)})
}

// visit takes one item of the table. What cannot be read is a finding, not an end of the verification.
func (v *verifier) visit(item map[string]types.AttributeValue) error {
	d := decoder{item: item}
	key := itemKey{d.text("pk"), d.text("sk")}
	subject := key.partition + " " + key.sort
	var err error
	switch {
	case isKind(key.partition, journalPrefix):
		v.JournalEntries++
		err = v.journal(key, item)
	case isKind(key.partition, entryPrefix):
		v.Entries++
		var entry Entry
		if entry, err = decodeEntry(item); err == nil {
			err = standingOf(v.stored, position{entry.AccountID, entry.Amount.Currency}).add(key, entry)
		}
	case isKind(key.partition, balancePrefix):
		v.Balances++
		var balance Balance
		if balance, err = decodeBalance(item); err == nil {
			v.balances[position{balance.AccountID, balance.Amount.Currency}] = balance
		}
	case isKind(key.partition, purchasePrefix):
		err = v.purchase(item)
	case isKind(key.partition, suspensePrefix):
		var suspense SuspenseItem
		if suspense, err = decodeSuspense(item); err == nil && suspense.State == SuspenseOpen {
			v.open[position{suspense.Account, suspense.Amount.Currency}] += suspense.Amount.Minor
		}
	case isKind(key.partition, linkPrefix):
		// A link says which purchase a message may join; it moves no money.
	case isKind(key.partition, casePrefixes...):
		// Nor does a case: what it had posted is in the journal.
	default:
		err = errors.New("is no item of a ledger")
	}
	if err != nil {
		v.report(subject, "%v", err)
	}
	return v.failed
}

func standingOf(standings map[position]*standing, at position) *standing {
	s, ok := standings[at]
	if !ok {
		s = &standing{sum: payment.Money{Currency: at.currency}}
		standings[at] = s
	}
	return s
}

func (v *verifier) journal(key itemKey, item map[string]types.AttributeValue) error {
	record, err := decodeRecord(item)
	if err != nil {
		return err
	}
	if key != journalKey(record.ID) {
		v.report(record.ID, "the journal item has the key %s %s", key.partition, key.sort)
	}
	// Assemble checks the leg numbers, the checksum and that the legs balance.
	if _, err := payment.Assemble(record.Sequence, record.Legs); err != nil {
		v.report(record.ID, "%v", err)
	}
	if hash := record.Hash(); hash != record.EntryHash {
		v.report(record.ID, "the entry's hash is %s, recorded is %s", hash, record.EntryHash)
	}
	problems, err := v.books.add(record)
	for _, problem := range problems {
		v.report(record.ID, "%s", problem)
	}
	if err != nil {
		return err
	}
	if d := (decoder{item: item}); d.text(PostedBucketAttribute) != postedBucket(record.PostedAt[:len(hourForm)], record.ID) {
		v.report(record.ID, "it is not indexed in its hour of posting")
	}
	if record.Root != "" || payment.RankOf(record.Basis.MTI) > 0 {
		v.booked.add(record.ID)
	}
	for _, leg := range record.Legs {
		if leg.Role == payment.RoleSuspense {
			v.suspended[position{leg.Account, leg.Amount.Currency}] += leg.Signed().Minor
		}
	}
	moved := map[position]bool{}
	for _, leg := range record.CustomerLegs() {
		at := position{leg.Account, leg.Amount.Currency}
		moved[at] = true
		// The item that posting would have made of the leg, read as the stored one is read.
		entry, err := decodeEntry(entryItem(record, leg))
		if err != nil {
			return err
		}
		if err := standingOf(v.expected, at).add(entryKey(record.Sequence, leg), entry); err != nil {
			return err
		}
	}
	for at := range moved {
		v.journals[at]++
	}
	return nil
}

// set is a set of sequences, as a count and the exclusive-or of their hashes: two with the same are the same, in whatever order
// they were met.
type set struct {
	count int64
	seal  [sha256.Size]byte
}

func (s *set) add(sequence string) {
	s.count++
	hash := sha256.Sum256([]byte(sequence))
	for i := range s.seal {
		s.seal[i] ^= hash[i]
	}
}

// purchase takes the item of a purchase, or of a message that leads to one.
func (v *verifier) purchase(item map[string]types.AttributeValue) error {
	p, err := decodePurchase(item)
	if err != nil || p.root != "" {
		return err
	}
	for _, sequence := range p.Sequences {
		v.named.add(sequence)
	}
	if len(p.Sequences) < 2 {
		return nil // What it holds is its only journal entry, which is checked by itself.
	}
	legs, err := v.legs(p.Sequences)
	if err != nil && !errors.Is(err, errNotInJournal) {
		v.failed = err
		return nil
	}
	if err != nil {
		return err
	}
	if err := p.CheckPosted(legs); err != nil {
		v.report(p.Sequences[0], "%v", err)
	}
	return nil
}

// comparePurchases reports purchases that do not name the sequences the journal has of them, and suspense accounts whose open
// items do not add up to what the journal puts there.
func (v *verifier) comparePurchases() {
	if v.booked != v.named {
		v.report("purchases", "the journal has %d posting sequences of purchases, the purchases name %d, and they are not the same", v.booked.count, v.named.count)
	}
	for at, minor := range v.suspended {
		if v.open[at] != minor {
			v.report(at.account, "the journal puts %s there, the open suspense items add up to %s", payment.Money{Minor: minor, Currency: at.currency}, payment.Money{Minor: v.open[at], Currency: at.currency})
		}
	}
	for at := range v.open {
		if _, ok := v.suspended[at]; !ok {
			v.report(at.account, "suspense items are open, and the journal puts nothing there")
		}
	}
}

// compareBooks reports what the journal does not add up to.
func (v *verifier) compareBooks(digests []Digest) error {
	findings, err := v.books.check()
	if err != nil {
		return err
	}
	v.Findings = append(v.Findings, findings...)
	v.Findings = append(v.Findings, v.books.compareDigests(digests)...)
	if v.Digests = len(digests); v.Digests > 0 {
		to := digests[v.Digests-1].End()
		v.DigestedTo = &to
	}
	return nil
}

// compare reports every account whose entries or balance are not what the journal makes.
func (v *verifier) compare() {
	v.comparePurchases()
	accounts := map[position]bool{}
	for at := range v.expected {
		accounts[at] = true
	}
	for at := range v.stored {
		accounts[at] = true
	}
	for at := range v.balances {
		accounts[at] = true
	}
	for at := range accounts {
		subject := at.account + " " + string(at.currency)
		expected, stored := standingOf(v.expected, at), standingOf(v.stored, at)
		if *expected != *stored {
			v.report(subject, "the journal makes %d entries worth %s, stored are %d entries worth %s", expected.entries, expected.sum, stored.entries, stored.sum)
		}
		balance, ok := v.balances[at]
		if !ok {
			v.report(subject, "the journal makes a balance of %s, stored is none", expected.sum)
			continue
		}
		if balance.Amount != expected.sum || balance.JournalCount != v.journals[at] {
			v.report(subject, "the journal makes a balance of %s in %d journal entries, stored is %s in %d", expected.sum, v.journals[at], balance.Amount, balance.JournalCount)
		}
	}
}
