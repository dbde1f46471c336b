package payment

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

var gbTerms = Terms{FXFeeRate: "0.0299", FXFeeTaxRate: "0.20", TaxJurisdiction: "GB", CashFeeRate: "0.03", CashFeeMinimum: Money{300, "GBP"}}

// keyOf is a business key that is told apart by its first letter.
func keyOf(letter byte) string {
	return string(letter) + "BCDEFGHIJKLMNOPQRSTUVWXYZ234567ABCDEFGHIJKLMNOPQRST"
}

func at(minute int) string {
	return time.Date(2026, 7, 9, 10, minute, 0, 0, time.UTC).Format(time.RFC3339Nano)
}

// e2 is worked example E2: USD 100.00 billed as GBP 79.25, with fee and tax.
func e2() Decided {
	return Decided{Outcome: OutcomePosted, MTI: "0100", TransactionType: "00", MCC: "5411", Foreign: true, Charges: Charges{FX: true}, TransmittedAt: at(0),
		TransactionAmount: Money{10000, "USD"}, BillingAmount: Money{7925, "GBP"}, AccountID: "acc-1", Scheme: "VISA", Terms: gbTerms, ValueDate: "2026-07-10"}
}

func e1() Decided {
	return Decided{Outcome: OutcomePosted, MTI: "0100", TransactionType: "00", MCC: "5411", TransmittedAt: at(0),
		TransactionAmount: Money{1981, "GBP"}, BillingAmount: Money{1981, "GBP"}, AccountID: "acc-1", Scheme: "VISA", Terms: gbTerms, ValueDate: "2026-07-10"}
}

func entryOf(t require.TestingT, letter byte, d Decided) JournalEntry {
	legs, err := Legs(d)
	require.NoError(t, err)
	key := keyOf(letter)
	s := Sequence{ID: SequenceID(key, 0), Of: len(legs), Checksum: Checksum(legs), TransactionID: TransactionID(key), AuthorizationID: "auth-" + string(letter),
		BusinessKey: key, PayloadHash: "hash-" + string(letter), Outcome: d.Outcome, OccurredAt: "2026-07-09T10:15:31.123Z", Basis: d}
	if d.Outcome == OutcomeSuspense {
		s.Reason = "ACCOUNT_CLOSED"
	}
	entry, err := Assemble(s, legs)
	require.NoError(t, err)
	return entry
}

// reversalOf asks that replacement of the transaction amount remains; nothing remains of none.
func orderOf(letter byte, original byte, d Decided, replacement *Money) Order {
	key := keyOf(letter)
	return Order{Kind: OrderReversal, PurchaseKey: keyOf(original), TransactionID: TransactionID(key), AuthorizationID: "auth-" + string(letter), BusinessKey: key,
		PayloadHash: "hash-" + string(letter), OccurredAt: "2026-07-09T10:16:00.000Z", Outcome: OutcomePosted, AccountID: d.AccountID, TransmittedAt: at(5),
		TransactionType: d.TransactionType, Scheme: d.Scheme, TransactionAmount: d.TransactionAmount, BillingAmount: d.BillingAmount,
		ReplacementAmount: replacement, ValueDate: "2026-07-11", Description: "REVERSAL"}
}

// book is a purchase with the legs that were posted for it, as a ledger has them.
type book struct {
	purchase Purchase
	legs     []Leg
	entries  []JournalEntry
}

func (b *book) present(t require.TestingT, letter byte, d Decided) (*JournalEntry, error) {
	entry := entryOf(t, letter, d)
	if b.purchase.Key == "" {
		b.purchase.Key = entry.BusinessKey
	}
	if b.purchase.Presented() {
		return b.take(Presentment(entry.Sequence))
	}
	b.purchase = b.purchase.Open(entry)
	b.legs, b.entries = append(b.legs, entry.Legs...), append(b.entries, entry)
	return &entry, nil
}

func (b *book) take(m PurchaseMessage) (*JournalEntry, error) {
	taken, err := b.purchase.Take(m, b.legs)
	if err != nil {
		return nil, err
	}
	b.purchase = taken.Purchase
	if taken.Entry != nil {
		b.legs, b.entries = append(b.legs, taken.Entry.Legs...), append(b.entries, *taken.Entry)
	}
	return taken.Entry, taken.Refusal
}

func (b *book) order(o Order) (*JournalEntry, error) {
	if b.purchase.Key == "" {
		b.purchase.Key = o.PurchaseKey
	}
	return b.take(OrderMessage(o))
}

// match takes what was unmatched, as the ledger does once the original is there.
func (b *book) match() {
	for _, m := range b.purchase.Unmatched() {
		m.State = Effective
		_, _ = b.take(m) // what is refused stays as it is
	}
}

// balances are what stands on each account, by name and currency.
func (b *book) balances() map[string]int64 {
	sums := map[string]int64{}
	for _, leg := range b.legs {
		sums[leg.Account+" "+string(leg.Amount.Currency)] += leg.Signed().Minor
	}
	for account, sum := range sums {
		if sum == 0 {
			delete(sums, account)
		}
	}
	return sums
}

func lines(entry *JournalEntry) []string {
	var all []string
	if entry == nil {
		return nil
	}
	for _, leg := range entry.Legs {
		all = append(all, fmt.Sprintf("%s %s %s %s", leg.Side, leg.Account, leg.Amount, leg.RuleID))
	}
	return all
}

func TestReversalExamples(t *testing.T) {
	for name, tc := range map[string]struct {
		replacement *Money
		want        []string
	}{
		"E4, in full": {nil, []string{"C acc-1 GBP 79.25 PR-05", "D SCHEME_PAYABLE.VISA.GBP GBP 79.25 PR-05", "C acc-1 GBP 2.37 PR-05", "D FEE_INCOME.FX GBP 2.37 PR-05",
			"C acc-1 GBP 0.47 PR-05", "D TAX_PAYABLE.GB GBP 0.47 PR-05"}},
		"E5, to USD 63.09": {&Money{6309, "USD"}, []string{"C acc-1 GBP 29.25 PR-06", "D SCHEME_PAYABLE.VISA.GBP GBP 29.25 PR-06", "C acc-1 GBP 0.87 PR-06", "D FEE_INCOME.FX GBP 0.87 PR-06",
			"C acc-1 GBP 0.17 PR-06", "D TAX_PAYABLE.GB GBP 0.17 PR-06"}},
		// 0.01 USD is GBP 0.007925, 0.01: the fee and its tax fall to nothing.
		"to one cent": {&Money{1, "USD"}, []string{"C acc-1 GBP 79.24 PR-06", "D SCHEME_PAYABLE.VISA.GBP GBP 79.24 PR-06", "C acc-1 GBP 2.37 PR-06", "D FEE_INCOME.FX GBP 2.37 PR-06",
			"C acc-1 GBP 0.47 PR-06", "D TAX_PAYABLE.GB GBP 0.47 PR-06"}},
		// By one cent: 79.242075 is 79.24, its fee 2.369276 still 2.37. Movements that do not change are left out.
		"by one cent": {&Money{9999, "USD"}, []string{"C acc-1 GBP 0.01 PR-06", "D SCHEME_PAYABLE.VISA.GBP GBP 0.01 PR-06"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := &book{}
			_, err := b.present(t, 'A', e2())
			require.NoError(t, err)
			entry, err := b.order(orderOf('R', 'A', e2(), tc.replacement))
			require.NoError(t, err)
			require.Equal(t, tc.want, lines(entry))
			require.Equal(t, "ps_ABCDEFGHIJKLMNOPQRSTUVWXYZ-01", entry.ID)
			require.Equal(t, "ps_ABCDEFGHIJKLMNOPQRSTUVWXYZ-00", entry.ReversalOf)
			require.Equal(t, "2026-07-11", entry.Legs[0].ValueDate)
			require.Equal(t, "PMNT/CCRD/POSD", entry.Legs[0].BankTransactionCode, "that of the original")
		})
	}
}

func TestMessagesOneAfterTheOther(t *testing.T) {
	completion := func(mti string, minute int, usd, gbp int64) Decided {
		d := e2()
		d.MTI, d.TransmittedAt, d.TransactionAmount, d.BillingAmount = mti, at(minute), Money{usd, "USD"}, Money{gbp, "GBP"}
		return d
	}
	b := &book{}
	_, err := b.present(t, 'A', e2())
	require.NoError(t, err)

	same, err := b.present(t, 'B', completion("0120", 1, 10000, 7925))
	require.NoError(t, err)
	require.Nil(t, same, "the same purchase at the same amount posts nothing")

	more, err := b.present(t, 'C', completion("0220", 2, 12000, 9510))
	require.NoError(t, err)
	// 95.10 − 79.25 = 15.85; fee 2.84349 → 2.84 − 2.37 = 0.47; tax 0.568 → 0.57 − 0.47 = 0.10.
	require.Equal(t, []string{"D acc-1 GBP 15.85 PR-06", "C SCHEME_PAYABLE.VISA.GBP GBP 15.85 PR-06", "D acc-1 GBP 0.47 PR-06", "C FEE_INCOME.FX GBP 0.47 PR-06",
		"D acc-1 GBP 0.10 PR-06", "C TAX_PAYABLE.GB GBP 0.10 PR-06"}, lines(more))
	require.Equal(t, "ps_ABCDEFGHIJKLMNOPQRSTUVWXYZ-01", more.ID)
	require.Empty(t, more.ReversalOf)
	require.Equal(t, SequenceID(keyOf('A'), 0), more.Root)

	partial, err := b.order(orderOf('R', 'C', completion("0220", 2, 12000, 9510), &Money{6309, "USD"}))
	require.NoError(t, err)
	require.Equal(t, int64(-5000-150-30), b.balances()["acc-1 GBP"], "95.10 × 63.09/120.00 = 49.998825 → 50.00, with fee 1.50 and tax 0.30")
	require.Equal(t, "ps_ABCDEFGHIJKLMNOPQRSTUVWXYZ-02", partial.ID)

	_, err = b.order(orderOf('S', 'A', e2(), nil))
	require.NoError(t, err)
	require.Empty(t, b.balances(), "taken back in full, by whatever message of it")

	_, err = b.order(orderOf('T', 'A', e2(), nil))
	require.Equal(t, ReasonAlreadyReversed, ReasonOf(err))
}

func TestReversalsThatAreRefused(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*Order)
		reason string
	}{
		"another billed amount":      {func(o *Order) { o.BillingAmount.Minor++ }, ReasonOriginalMismatch},
		"another transaction amount": {func(o *Order) { o.TransactionAmount.Minor++ }, ReasonOriginalMismatch},
		"another currency":           {func(o *Order) { o.BillingAmount.Currency = "EUR" }, ReasonOriginalMismatch},
		"nothing taken back":         {func(o *Order) { o.ReplacementAmount = &Money{10000, "USD"} }, ReasonReversalExceeds},
		"more than there was":        {func(o *Order) { o.ReplacementBillingAmount = &Money{7926, "GBP"} }, ReasonReversalExceeds},
	} {
		t.Run(name, func(t *testing.T) {
			b := &book{}
			_, err := b.present(t, 'A', e2())
			require.NoError(t, err)
			o := orderOf('R', 'A', e2(), nil)
			tc.change(&o)
			before := b.balances()
			_, err = b.order(o)
			require.Equal(t, Conflict, KindOf(err))
			require.Equal(t, tc.reason, ReasonOf(err))
			require.Equal(t, before, b.balances())
			held, known := b.purchase.Find(o.BusinessKey)
			require.True(t, known, "what comes later may give it an effect")
			require.Equal(t, tc.reason, ReasonOf(held.Refusal()))
		})
	}
}

// The minimum of a cash fee is a term of the original: of GBP 200.00 with a fee of 6.00 remain GBP 50.00 with one of 3.00.
func TestReversalKeepsTheMinimumOfTheCashFee(t *testing.T) {
	cash := e1()
	cash.TransactionType, cash.MCC, cash.Charges.Cash = "01", "6011", true
	cash.TransactionAmount, cash.BillingAmount = Money{20000, "GBP"}, Money{20000, "GBP"}
	b := &book{}
	_, err := b.present(t, 'A', cash)
	require.NoError(t, err)
	entry, err := b.order(orderOf('R', 'A', cash, &Money{5000, "GBP"}))
	require.NoError(t, err)
	require.Equal(t, []string{"C acc-1 GBP 150.00 PR-06", "D SCHEME_PAYABLE.VISA.GBP GBP 150.00 PR-06", "C acc-1 GBP 3.00 PR-06", "D FEE_INCOME.CASH GBP 3.00 PR-06"}, lines(entry))
}

func TestReversalAndSuspense(t *testing.T) {
	closed := e1()
	closed.Outcome, closed.AccountID = OutcomeSuspense, ""
	t.Run("of an original in suspense", func(t *testing.T) {
		b := &book{}
		_, err := b.present(t, 'A', closed)
		require.NoError(t, err)
		entry, err := b.order(orderOf('R', 'A', closed, nil))
		require.NoError(t, err)
		require.Equal(t, []string{"C SUSPENSE.CARD.GBP GBP 19.81 PR-05", "D SCHEME_PAYABLE.VISA.GBP GBP 19.81 PR-05"}, lines(entry))
		require.Equal(t, OutcomeSuspense, entry.Outcome)
	})
	t.Run("to an account that was closed since", func(t *testing.T) {
		b := &book{}
		_, err := b.present(t, 'A', e1())
		require.NoError(t, err)
		o := orderOf('R', 'A', e1(), nil)
		o.Outcome, o.Reason = OutcomeSuspense, "ACCOUNT_CLOSED"
		entry, err := b.order(o)
		require.NoError(t, err)
		require.Equal(t, []string{"C SUSPENSE.CARD.GBP GBP 19.81 PR-05", "D SCHEME_PAYABLE.VISA.GBP GBP 19.81 PR-05"}, lines(entry))
		require.Equal(t, "ACCOUNT_CLOSED", entry.Reason)

		clearing := Order{Kind: OrderClearing, PurchaseKey: keyOf('A'), BusinessKey: keyOf('K'), AccountID: "acc-2", OccurredAt: "2026-07-10T10:16:00.000Z"}
		entry, err = b.order(clearing)
		require.NoError(t, err)
		require.Equal(t, []string{"D SUSPENSE.CARD.GBP GBP 19.81 PR-13", "C acc-2 GBP 19.81 PR-13"}, ordered(lines(entry), "D"))
	})
	t.Run("when the card leads to another account", func(t *testing.T) {
		b := &book{}
		_, err := b.present(t, 'A', e1())
		require.NoError(t, err)
		o := orderOf('R', 'A', e1(), nil)
		o.AccountID = "acc-9"
		entry, err := b.order(o)
		require.NoError(t, err)
		require.Equal(t, ReasonAccountChanged, entry.Reason)
		require.Zero(t, b.balances()["acc-9 GBP"])
	})
}

// ordered puts the lines of one side first.
func ordered(all []string, side string) []string {
	var first, rest []string
	for _, line := range all {
		if line[:1] == side {
			first = append(first, line)
		} else {
			rest = append(rest, line)
		}
	}
	return append(first, rest...)
}

// E8: a purchase in suspense is cleared to an account (PR-13), written off, or taken back afterwards from where it was cleared to.
func TestClearingSuspense(t *testing.T) {
	closed := e1()
	closed.Outcome, closed.AccountID = OutcomeSuspense, ""
	clearing := func(account string) Order {
		return Order{Kind: OrderClearing, PurchaseKey: keyOf('A'), BusinessKey: keyOf('K'), AccountID: account, OccurredAt: "2026-07-10T10:16:00.000Z"}
	}
	b := &book{}
	_, err := b.present(t, 'A', closed)
	require.NoError(t, err)
	entry, err := b.order(clearing("acc-7"))
	require.NoError(t, err)
	require.Equal(t, []string{"D acc-7 GBP 19.81 PR-13", "C SUSPENSE.CARD.GBP GBP 19.81 PR-13"}, ordered(lines(entry), "D"))
	require.Equal(t, OutcomePosted, entry.Outcome)

	o := orderOf('R', 'A', closed, nil)
	o.AccountID = "acc-7"
	entry, err = b.order(o)
	require.NoError(t, err)
	require.Equal(t, []string{"D SCHEME_PAYABLE.VISA.GBP GBP 19.81 PR-05", "C acc-7 GBP 19.81 PR-05"}, ordered(lines(entry), "D"))
	require.Empty(t, b.balances())

	b = &book{}
	_, err = b.present(t, 'A', closed)
	require.NoError(t, err)
	entry, err = b.order(clearing(""))
	require.NoError(t, err)
	require.Equal(t, []string{"D DISPUTE_LOSS GBP 19.81 PR-13", "C SUSPENSE.CARD.GBP GBP 19.81 PR-13"}, ordered(lines(entry), "D"))

	b = &book{}
	_, err = b.present(t, 'A', e1())
	require.NoError(t, err)
	_, err = b.order(clearing("acc-7"))
	require.Equal(t, ReasonNothingToClear, ReasonOf(err))
}

// A second clearing, for another reason, neither gives back what the first one moved nor moves it again.
func TestSuspenseIsClearedToOnePlace(t *testing.T) {
	closed := e1()
	closed.Outcome, closed.AccountID = OutcomeSuspense, ""
	for _, first := range []string{"acc-7", ""} {
		for _, second := range []string{"acc-7", "acc-8", ""} {
			b := &book{}
			_, err := b.present(t, 'A', closed)
			require.NoError(t, err)
			clearing := Order{Kind: OrderClearing, PurchaseKey: keyOf('A'), BusinessKey: keyOf('K'), AccountID: first, OccurredAt: "2026-07-10T10:16:00.000Z"}
			_, err = b.order(clearing)
			require.NoError(t, err)
			before := b.balances()
			clearing.BusinessKey, clearing.AccountID = keyOf('L'), second
			_, err = b.order(clearing)
			require.Equal(t, ReasonNothingToClear, ReasonOf(err), "%q, then %q", first, second)
			require.Equal(t, before, b.balances())
		}
	}
}

// a reversal that comes before its original waits for it, goes to suspense after its time, and is matched when the
// original comes all the same.
func TestReversalBeforeItsOriginal(t *testing.T) {
	b := &book{}
	entry, err := b.order(orderOf('R', 'A', e2(), nil))
	require.NoError(t, err)
	require.Nil(t, entry)
	require.Len(t, b.purchase.Unmatched(), 1)
	_, err = b.present(t, 'A', e2())
	require.NoError(t, err)
	b.match()
	require.Empty(t, b.balances())
	require.Empty(t, b.purchase.Unmatched())
	require.Len(t, b.entries, 2, "the original in full, then its reversal")

	b = &book{}
	_, err = b.order(orderOf('R', 'A', e2(), &Money{6309, "USD"}))
	require.NoError(t, err)
	overdue := b.purchase.Unmatched()[0]
	overdue.State = Suspended
	entry, err = b.take(overdue)
	require.NoError(t, err)
	require.Equal(t, []string{"D SCHEME_PAYABLE.VISA.GBP GBP 29.25 PR-12", "C SUSPENSE.CARD.GBP GBP 29.25 PR-12"}, ordered(lines(entry), "D"))
	require.Equal(t, ReasonOriginalNotFound, entry.Reason)
	require.Equal(t, OutcomeSuspense, entry.Outcome)
	require.Equal(t, "ps_ABCDEFGHIJKLMNOPQRSTUVWXYZ-01", entry.ID, "number 00 is kept for the original")
	_, err = b.present(t, 'A', e2())
	require.NoError(t, err)
	b.match()
	require.Equal(t, map[string]int64{"acc-1 GBP": -5180, "SCHEME_PAYABLE.VISA.GBP GBP": 5000, "FEE_INCOME.FX GBP": 150, "TAX_PAYABLE.GB GBP": 30}, b.balances())
}

// A completion's amount stands above its authorization's, whichever comes first; a reversal of the authorization does not hold
// against a completion that was sent after it.
func TestTheAmountOfAPurchase(t *testing.T) {
	at20 := e1()
	at20.MTI, at20.TransmittedAt, at20.TransactionAmount, at20.BillingAmount = "0220", at(9), Money{2000, "GBP"}, Money{2000, "GBP"}
	b := &book{}
	_, err := b.present(t, 'C', at20)
	require.NoError(t, err)
	entry, err := b.present(t, 'A', e1())
	require.NoError(t, err)
	require.Nil(t, entry, "the authorization comes last and changes nothing")

	b = &book{}
	_, err = b.present(t, 'A', e1())
	require.NoError(t, err)
	_, err = b.order(orderOf('R', 'A', e1(), nil)) // transmitted at 5
	require.NoError(t, err)
	_, err = b.present(t, 'C', at20)
	require.NoError(t, err)
	require.Equal(t, int64(-2000), b.balances()["acc-1 GBP"])

	at20.BillingAmount.Currency, at20.TransactionAmount.Currency = "EUR", "EUR"
	_, err = b.present(t, 'D', at20)
	require.Equal(t, ReasonOriginalMismatch, ReasonOf(err))
}

// Invariants 1, 5 and 9: in whatever order the messages of a purchase come, and however often, the balances are those of the
// set of them; every entry balances; a purchase that is taken back in full leaves nothing.
func TestTheOrderOfMessagesDecidesNoBalance(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type message func(b *book) error
		var messages []message
		billed := rapid.Int64Range(1, 1_000_000).Draw(t, "billed")
		base := e2()
		base.BillingAmount, base.TransactionAmount = Money{billed, "GBP"}, Money{billed * 2, "USD"}
		present := func(letter byte, d Decided) message {
			return func(b *book) error {
				if _, known := b.purchase.Find(keyOf(letter)); known {
					return nil
				}
				_, err := b.present(t, letter, d)
				b.match()
				return err
			}
		}
		messages = append(messages, present('A', base))
		presented := []Decided{base}
		for i := range rapid.IntRange(0, 2).Draw(t, "completions") {
			d := base
			d.MTI, d.TransmittedAt = rapid.SampledFrom([]string{"0120", "0220"}).Draw(t, "mti"), at(10+i)
			d.BillingAmount.Minor = rapid.Int64Range(1, 1_000_000).Draw(t, "completed")
			messages = append(messages, present(byte('B'+i), d))
			presented = append(presented, d)
		}
		for i := range rapid.IntRange(0, 3).Draw(t, "reversals") {
			var replacement *Money
			if remains := rapid.Int64Range(0, billed*2).Draw(t, "remains"); remains > 0 {
				replacement = &Money{remains, "USD"}
			}
			// About the authorization or a completion, and sent before or after one.
			o := orderOf(byte('R'+i), 'A', rapid.SampledFrom(presented).Draw(t, "about"), replacement)
			o.TransmittedAt = at(rapid.SampledFrom([]int{5, 10, 11, 20}).Draw(t, "minute"))
			messages = append(messages, func(b *book) error {
				if _, known := b.purchase.Find(o.BusinessKey); known {
					return nil
				}
				_, err := b.order(o)
				return err
			})
		}
		// The original first or not; everything once more at the end.
		run := func() map[string]int64 {
			b := &book{purchase: Purchase{Key: keyOf('A')}}
			for range 2 {
				for _, m := range messages {
					if err := m(b); err != nil {
						require.Equal(t, Conflict, KindOf(err))
					}
				}
			}
			b.match()
			for _, entry := range b.entries {
				require.NoError(t, CheckBalanced(entry.Legs))
			}
			target, err := b.purchase.target()
			require.NoError(t, err)
			stands, err := newPosition(b.legs)
			require.NoError(t, err)
			rest, err := target.minus(stands)
			require.NoError(t, err)
			require.Empty(t, rest.legs("", Leg{}), "what stands is the target")
			return b.balances()
		}
		want := run()
		shuffled := rand.New(rand.NewPCG(1, rapid.Uint64().Draw(t, "seed")))
		shuffled.Shuffle(len(messages), func(i, j int) { messages[i], messages[j] = messages[j], messages[i] })
		require.Equal(t, want, run())
	})
}

// What is refused now may count later: a reversal that leaves more than remains does so once a completion stands above the one
// that left less, and one about the amounts of a completion does when that comes.
func TestRefusedReversalsBelongToTheSet(t *testing.T) {
	completed := e1()
	completed.MTI, completed.TransmittedAt, completed.BillingAmount, completed.TransactionAmount = "0220", at(7), Money{2500, "GBP"}, Money{2500, "GBP"}
	less := orderOf('R', 'A', e1(), &Money{500, "GBP"}) // transmitted at 5, before the completion
	more := orderOf('S', 'A', e1(), &Money{1000, "GBP"})
	more.TransmittedAt = at(9)

	b := &book{}
	_, err := b.present(t, 'A', e1())
	require.NoError(t, err)
	_, err = b.order(less)
	require.NoError(t, err)
	_, err = b.order(more)
	require.Equal(t, ReasonReversalExceeds, ReasonOf(err))
	_, err = b.present(t, 'C', completed)
	require.NoError(t, err)
	require.Equal(t, int64(-1000), b.balances()["acc-1 GBP"], "as if the completion had come before both reversals")

	b = &book{}
	_, err = b.present(t, 'A', e1())
	require.NoError(t, err)
	o := orderOf('R', 'A', completed, nil)
	o.TransmittedAt = at(9)
	_, err = b.order(o)
	require.Equal(t, ReasonOriginalMismatch, ReasonOf(err))
	_, err = b.order(o)
	require.Equal(t, ReasonOriginalMismatch, ReasonOf(err), "and again")
	_, err = b.present(t, 'C', completed)
	require.NoError(t, err)
	b.match()
	require.Empty(t, b.balances())
}

// The original came between the reading of an overdue reversal and its posting: it is matched, not suspended.
func TestOverdueReversalWhoseOriginalCame(t *testing.T) {
	b := &book{}
	_, err := b.order(orderOf('R', 'A', e2(), nil))
	require.NoError(t, err)
	overdue := b.purchase.Unmatched()[0]
	overdue.State = Suspended
	_, err = b.present(t, 'A', e2())
	require.NoError(t, err)
	_, err = b.take(overdue)
	require.NoError(t, err)
	require.Empty(t, b.balances())
	require.Empty(t, b.purchase.Unmatched())
}

// A reversal that stands in suspense and turns out to leave no less than remains gives suspense back.
func TestSuspendedReversalThatIsRefused(t *testing.T) {
	b := &book{}
	for _, letter := range []byte{'R', 'S'} {
		_, err := b.order(orderOf(letter, 'A', e2(), nil))
		require.NoError(t, err)
		overdue, _ := b.purchase.Find(keyOf(letter))
		overdue.State = Suspended
		_, err = b.take(overdue)
		require.NoError(t, err)
	}
	require.Equal(t, map[string]int64{"SUSPENSE.CARD.GBP GBP": 2 * 7925, "SCHEME_PAYABLE.VISA.GBP GBP": -2 * 7925}, b.balances())
	_, err := b.present(t, 'A', e2())
	require.NoError(t, err)
	b.match()
	require.Empty(t, b.balances())
	require.Equal(t, OutcomePosted, b.entries[len(b.entries)-2].Outcome, "suspense was cleared against the customer's account")
}

// Two thirds of three cents are billed as one penny, as are the three: such a reversal has nothing to give back to suspense either.
func TestReversalThatRoundsToNothing(t *testing.T) {
	tiny := e2()
	tiny.TransactionAmount, tiny.BillingAmount = Money{3, "USD"}, Money{1, "GBP"}
	b := &book{}
	_, err := b.order(orderOf('R', 'A', tiny, &Money{2, "USD"}))
	require.NoError(t, err)
	overdue, _ := b.purchase.Find(keyOf('R'))
	overdue.State = Suspended
	for range 2 {
		_, err = b.take(overdue)
		require.Equal(t, ReasonReversalExceeds, ReasonOf(err))
	}
	require.Empty(t, b.legs)
	_, err = b.present(t, 'A', tiny)
	require.NoError(t, err)
	require.Equal(t, int64(-1), b.balances()["acc-1 GBP"])
}

// What was cleared to an account is moved there, though the card's own account is still closed.
func TestReversalOfWhatWasClearedToAnAccount(t *testing.T) {
	closed := e1()
	closed.Outcome, closed.AccountID = OutcomeSuspense, "acc-1"
	b := &book{}
	_, err := b.present(t, 'A', closed)
	require.NoError(t, err)
	_, err = b.order(Order{Kind: OrderClearing, PurchaseKey: keyOf('A'), BusinessKey: keyOf('K'), AccountID: "acc-7", OccurredAt: "2026-07-10T10:16:00.000Z"})
	require.NoError(t, err)
	o := orderOf('R', 'A', closed, nil)
	o.Outcome, o.Reason = OutcomeSuspense, "ACCOUNT_CLOSED"
	_, err = b.order(o)
	require.NoError(t, err)
	require.Empty(t, b.balances())
}

// A completion does not post to the account of its authorization when the card leads to another one by now.
func TestCompletionWhenTheCardLeadsToAnotherAccount(t *testing.T) {
	completed := e1()
	completed.MTI, completed.TransmittedAt, completed.AccountID, completed.BillingAmount = "0220", at(7), "acc-9", Money{2500, "GBP"}
	b := &book{}
	_, err := b.present(t, 'A', e1())
	require.NoError(t, err)
	entry, err := b.present(t, 'C', completed)
	require.NoError(t, err)
	require.Equal(t, []string{"D SUSPENSE.CARD.GBP GBP 5.19 PR-06", "C SCHEME_PAYABLE.VISA.GBP GBP 5.19 PR-06"}, ordered(lines(entry), "D"))
	require.Equal(t, ReasonAccountChanged, entry.Reason)
}

// A purchase's item has an end: it is refused loudly before the table refuses it.
func TestAPurchaseTakesSoManyMessages(t *testing.T) {
	b := &book{}
	for n := range maxMessages + 1 {
		o := orderOf('R', 'A', e2(), nil)
		o.BusinessKey = fmt.Sprintf("R%025d", n)
		_, err := b.order(o)
		if n < maxMessages {
			require.NoError(t, err)
		} else {
			require.Equal(t, ReasonTooManyMessages, ReasonOf(err))
			require.Equal(t, Unsupported, KindOf(err))
		}
	}
	b.purchase = b.purchase.Open(entryOf(t, 'A', e2()))
	state, err := json.Marshal(b.purchase)
	require.NoError(t, err)
	require.Less(t, 2*len(state), 400_000, "two of them in one item")
}

// A decision for suspense says nothing about charges: what the rules decided about them when the purchase was posted stands.
func TestCompletionThatGoesToSuspenseKeepsTheCharges(t *testing.T) {
	for name, charges := range map[string]Charges{"a fee that was waived": {}, "a fee that was charged": {FX: true}} {
		t.Run(name, func(t *testing.T) {
			var b book
			d := e2()
			d.Charges = charges
			_, err := b.present(t, 'A', d)
			require.NoError(t, err)

			completion := e2()
			completion.MTI, completion.TransmittedAt, completion.Outcome, completion.Charges = "0220", at(9), OutcomeSuspense, Charges{FX: charges == Charges{}}
			completion.TransactionAmount, completion.BillingAmount = Money{20000, "USD"}, Money{15850, "GBP"}
			_, err = b.present(t, 'C', completion)
			require.NoError(t, err)
			require.Equal(t, int64(15850), b.balances()["SCHEME_PAYABLE.VISA.GBP GBP"])
			want := int64(0)
			if charges.FX {
				want = 474 // 2.99 % of 158.50
			}
			require.Equal(t, want, b.balances()["FEE_INCOME.FX GBP"])
		})
	}
}

// PR-13 with PR-16: what is cleared to an account of another branch passes through the inter-office accounts, as the request shows
// it, and so does what a reversal takes back of it.
func TestClearingSuspenseToAnotherBranch(t *testing.T) {
	closed := e1()
	closed.Outcome, closed.AccountID = OutcomeSuspense, ""
	b := &book{}
	_, err := b.present(t, 'A', closed)
	require.NoError(t, err)
	r := PostingRequest{Kind: RequestSuspenseClear, CauseID: "case-1", AccountID: "acc-7", BranchID: "601613", CardCentre: "000001", Side: Debit, ValueDate: "2026-07-14",
		Amounts: RequestAmounts{Principal: Money{1981, "GBP"}}, OccurredAt: "2026-07-14T10:16:00.000Z", PurchaseKey: ShortKey(keyOf('A'))}
	_, shown, err := r.Posting()
	require.NoError(t, err)
	o, _, err := r.Clearing()
	require.NoError(t, err)
	entry, err := b.order(o)
	require.NoError(t, err)
	require.Equal(t, []string{"D acc-7 GBP 19.81 PR-13", "D BRANCH_CTRL.601613.GBP GBP 19.81 PR-13", "C SUSPENSE.CARD.GBP GBP 19.81 PR-13",
		"C HEAD_OFFICE.601613.GBP GBP 19.81 PR-13"}, ordered(lines(entry), "D"))
	want := map[string]int64{"SCHEME_PAYABLE.VISA.GBP GBP": 1981}
	for _, leg := range shown {
		if leg.Role != RoleSuspense {
			want[leg.Account+" GBP"] += leg.Signed().Minor
		}
	}
	require.Equal(t, want, b.balances())

	again := o
	again.BusinessKey, again.BranchID = keyOf('L'), "601614"
	_, err = b.order(again)
	require.Equal(t, ReasonNothingToClear, ReasonOf(err), "the pair stays with the branch it was cleared to")

	back := orderOf('R', 'A', closed, nil)
	back.AccountID = "acc-7"
	_, err = b.order(back)
	require.NoError(t, err)
	require.Empty(t, b.balances())

	for name, change := range map[string]func(*PostingRequest){
		"the card centre's own branch": func(r *PostingRequest) { r.BranchID = "000001" },
		"one set of books":             func(r *PostingRequest) { r.CardCentre = "" },
		"written off":                  func(r *PostingRequest) { r.Kind, r.AccountID = RequestSuspenseWriteOff, "" },
	} {
		changed := r
		change(&changed)
		o, _, err := changed.Clearing()
		require.NoError(t, err, name)
		require.Empty(t, o.BranchID, name)
	}
}
