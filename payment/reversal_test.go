package payment

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

var gbTerms = Terms{FXFeeRate: "0.0299", FXFeeTaxRate: "0.20", TaxJurisdiction: "GB", CashFeeRate: "0.03", CashFeeMinimum: &Money{300, "GBP"}}

func posted(t require.TestingT, p Decided) JournalEntry {
	legs, err := Legs(p)
	require.NoError(t, err)
	const key = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567ABCDEFGHIJKLMNOPQRST"
	entry, err := Assemble(Sequence{ID: SequenceID(key, 0), Of: len(legs), Checksum: Checksum(legs), TransactionID: TransactionID(key), AuthorizationID: "auth",
		BusinessKey: key, PayloadHash: "hash", Outcome: p.Outcome, OccurredAt: "2026-07-09T10:15:31.123Z", Basis: BasisOf(p)}, legs)
	require.NoError(t, err)
	return entry
}

// postedE2 is worked example E2: USD 100.00 billed as GBP 79.25, with fee and tax.
func postedE2(t require.TestingT) JournalEntry {
	return posted(t, Decided{Outcome: OutcomePosted, TransactionType: "00", MCC: "5411", Foreign: true, BillingAmount: Money{7925, "GBP"},
		AccountID: "acc-1", Scheme: "VISA", Terms: gbTerms, ValueDate: "2026-07-10"})
}

// order asks that replacement of the transaction amount remains; nothing remains of none.
func order(original JournalEntry, transaction Money, replacement *Money) ReversalOrder {
	return ReversalOrder{OriginalSequence: original.ID, TransactionID: "tx_R", AuthorizationID: "auth-r", BusinessKey: "R", PayloadHash: "hash-r",
		OccurredAt: "2026-07-09T10:16:00.000Z", Outcome: OutcomePosted, TransactionAmount: transaction, ReplacementAmount: replacement, BillingCurrency: original.Billed().Currency,
		ValueDate: "2026-07-11", Description: "REVERSAL"}
}

func lines(legs []Leg) []string {
	var all []string
	for _, leg := range legs {
		all = append(all, fmt.Sprintf("%s %s %s %s", leg.Side, leg.Account, leg.Amount, leg.RuleID))
	}
	return all
}

func TestReversalExamples(t *testing.T) {
	original, usd := postedE2(t), Money{10000, "USD"}
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
			reversal, err := Reverse(original, original.Billed(), 1, order(original, usd, tc.replacement))
			require.NoError(t, err)
			require.Equal(t, tc.want, lines(reversal.Legs))
			require.Equal(t, "ps_ABCDEFGHIJKLMNOPQRSTUVWXYZ-01", reversal.ID)
			require.Equal(t, original.ID, reversal.ReversalOf)
			require.Equal(t, "2026-07-11", reversal.Legs[0].ValueDate)
			require.Equal(t, "PMNT/CCRD/POSD", reversal.Legs[0].BankTransactionCode, "that of the original")
		})
	}
}

func TestReversalsOneAfterTheOther(t *testing.T) {
	original, usd := postedE2(t), Money{10000, "USD"}
	first, err := Reverse(original, original.Billed(), 1, order(original, usd, &Money{6309, "USD"}))
	require.NoError(t, err)
	require.Equal(t, Money{5000, "GBP"}, first.Remaining)
	second, err := Reverse(original, first.Remaining, 2, order(original, usd, nil))
	require.NoError(t, err)
	require.Equal(t, []string{"C acc-1 GBP 50.00 PR-05", "D SCHEME_PAYABLE.VISA.GBP GBP 50.00 PR-05", "C acc-1 GBP 1.50 PR-05", "D FEE_INCOME.FX GBP 1.50 PR-05",
		"C acc-1 GBP 0.30 PR-05", "D TAX_PAYABLE.GB GBP 0.30 PR-05"}, lines(second.Legs))
	require.Equal(t, "ps_ABCDEFGHIJKLMNOPQRSTUVWXYZ-02", second.ID)
}

// The replacement's billing amount is taken where the message has it: 50.01 and not the share of 50.00.
func TestReversalTakesTheBillingAmountThatIsGiven(t *testing.T) {
	original := postedE2(t)
	wanted := order(original, Money{10000, "USD"}, &Money{6309, "USD"})
	wanted.ReplacementBillingAmount = &Money{5001, "GBP"}
	reversal, err := Reverse(original, original.Billed(), 1, wanted)
	require.NoError(t, err)
	require.Equal(t, Money{5001, "GBP"}, reversal.Remaining)
}

// The minimum of a cash fee is a term of the original: of GBP 200.00 with a fee of 6.00 remain GBP 50.00 with one of 3.00.
func TestReversalKeepsTheMinimumOfTheCashFee(t *testing.T) {
	original := posted(t, Decided{Outcome: OutcomePosted, TransactionType: "01", MCC: "6011", BillingAmount: Money{20000, "GBP"}, AccountID: "acc-1", Scheme: "VISA", Terms: gbTerms})
	reversal, err := Reverse(original, original.Billed(), 1, order(original, Money{20000, "GBP"}, &Money{5000, "GBP"}))
	require.NoError(t, err)
	require.Equal(t, []string{"C acc-1 GBP 150.00 PR-06", "D SCHEME_PAYABLE.VISA.GBP GBP 150.00 PR-06", "C acc-1 GBP 3.00 PR-06", "D FEE_INCOME.CASH GBP 3.00 PR-06"}, lines(reversal.Legs))
}

func TestReversalsAndSuspense(t *testing.T) {
	purchase := Decided{Outcome: OutcomeSuspense, TransactionType: "00", MCC: "5411", BillingAmount: Money{1981, "GBP"}, Scheme: "VISA"}
	inSuspense := posted(t, purchase)
	inSuspense.Reason = "ACCOUNT_NOT_FOUND"
	reversal, err := Reverse(inSuspense, inSuspense.Billed(), 1, order(inSuspense, Money{1981, "GBP"}, nil))
	require.NoError(t, err)
	require.Equal(t, []string{"C SUSPENSE.CARD.GBP GBP 19.81 PR-05", "D SCHEME_PAYABLE.VISA.GBP GBP 19.81 PR-05"}, lines(reversal.Legs), "where the original is, even if there is an account now")
	require.Equal(t, OutcomeSuspense, reversal.Outcome)
	require.Equal(t, "ACCOUNT_NOT_FOUND", reversal.Reason)

	purchase.Outcome, purchase.AccountID = OutcomePosted, "acc-1"
	original := posted(t, purchase)
	wanted := order(original, Money{1981, "GBP"}, nil)
	wanted.Outcome, wanted.Reason = OutcomeSuspense, "ACCOUNT_CLOSED"
	reversal, err = Reverse(original, original.Billed(), 1, wanted)
	require.NoError(t, err)
	require.Equal(t, []string{"C SUSPENSE.CARD.GBP GBP 19.81 PR-05", "D SCHEME_PAYABLE.VISA.GBP GBP 19.81 PR-05"}, lines(reversal.Legs), "a closed account is credited nothing")
	require.Equal(t, "ACCOUNT_CLOSED", reversal.Reason)
}

func TestReversalsThatAreRefused(t *testing.T) {
	original, usd, gbp := postedE2(t), Money{10000, "USD"}, Money{7925, "GBP"}
	for name, tc := range map[string]struct {
		before Money
		change func(*ReversalOrder)
		number int
		kind   Kind
		reason string
	}{
		"nothing remains":        {Money{0, "GBP"}, func(*ReversalOrder) {}, 2, Conflict, ReasonAlreadyReversed},
		"as much as remains":     {Money{5000, "GBP"}, func(o *ReversalOrder) { o.ReplacementAmount = &Money{6309, "USD"} }, 2, Conflict, ReasonReversalExceeds},
		"more than remains":      {Money{5000, "GBP"}, func(o *ReversalOrder) { o.ReplacementAmount = &Money{9000, "USD"} }, 2, Conflict, ReasonReversalExceeds},
		"all of the original":    {gbp, func(o *ReversalOrder) { o.ReplacementAmount = &usd }, 1, Conflict, ReasonReversalExceeds},
		"another currency":       {gbp, func(o *ReversalOrder) { o.BillingCurrency = "EUR" }, 1, Conflict, ReasonOriginalMismatch},
		"replacement in another": {gbp, func(o *ReversalOrder) { o.ReplacementAmount = &Money{100, "EUR"} }, 1, Invalid, "REPLACEMENT_INVALID"},
		"a hundredth":            {gbp, func(*ReversalOrder) {}, 100, Unsupported, "TOO_MANY_REVERSALS"},
	} {
		t.Run(name, func(t *testing.T) {
			wanted := order(original, usd, nil)
			tc.change(&wanted)
			_, err := Reverse(original, tc.before, tc.number, wanted)
			require.Equal(t, tc.reason, ReasonOf(err))
			require.Equal(t, tc.kind, KindOf(err))
		})
	}
	reversal, err := Reverse(original, gbp, 1, order(original, usd, nil))
	require.NoError(t, err)
	_, err = Reverse(reversal, gbp, 1, order(original, usd, nil))
	require.Equal(t, "SEQUENCE_INVALID", ReasonOf(err), "a reversal is not reversed")

	original.Basis = Basis{}
	_, err = Reverse(original, gbp, 1, order(original, usd, &Money{6309, "USD"}))
	require.Equal(t, "ORIGINAL_WITHOUT_TERMS", ReasonOf(err))
	_, err = Reverse(original, gbp, 1, order(original, usd, nil))
	require.NoError(t, err, "a mirror needs no terms")
}

func TestHashCoversBasisAndReversal(t *testing.T) {
	original := postedE2(t)
	seen := map[string]bool{original.Hash(): true}
	for _, change := range []func(*JournalEntry){
		func(e *JournalEntry) { e.Basis = Basis{} },
		func(e *JournalEntry) { e.Basis.FXFeeRate = "0.03" },
		func(e *JournalEntry) { e.Basis.Foreign = false },
		func(e *JournalEntry) { e.Basis.CashFeeMinimum.Minor++ },
		func(e *JournalEntry) { e.ReversalOf = "ps_X-00" },
		func(e *JournalEntry) { e.ReversalOf, e.Remaining = "ps_X-00", Money{1, "GBP"} },
	} {
		changed := original
		change(&changed)
		require.False(t, seen[changed.Hash()])
		seen[changed.Hash()] = true
	}
}

func TestShare(t *testing.T) {
	share := func(m, part, whole Money) string {
		got, err := m.Share(part, whole)
		require.NoError(t, err)
		return got.String()
	}
	require.Equal(t, "GBP 50.00", share(Money{7925, "GBP"}, Money{6309, "USD"}, Money{10000, "USD"}), "49.998825")
	require.Equal(t, "BHD 15.406", share(Money{30809, "BHD"}, Money{6173, "JPY"}, Money{12345, "JPY"}), "15.40574…: three decimals and none")
	require.Equal(t, "GBP 0.02", share(Money{5, "GBP"}, Money{1, "USD"}, Money{2, "USD"}), "half to even")
	_, err := Money{5, "GBP"}.Share(Money{1, "USD"}, Money{2, "EUR"})
	require.ErrorIs(t, err, ErrCurrencyMismatch)
	_, err = Money{5, "GBP"}.Share(Money{3, "USD"}, Money{2, "USD"})
	require.ErrorIs(t, err, errShare)
}

// sums are the balances that entries make, by account and currency.
func sums(t require.TestingT, entries ...JournalEntry) map[string]int64 {
	balances := map[string]int64{}
	for _, e := range entries {
		require.NoError(t, CheckBalanced(e.Legs))
		for _, leg := range e.Legs {
			balances[leg.Account+" "+string(leg.Amount.Currency)] += leg.Signed().Minor
		}
	}
	for account, sum := range balances {
		if sum == 0 {
			delete(balances, account)
		}
	}
	return balances
}

// Whatever the payment and its terms, and however many reversals come in whatever order, with repetitions: together they are
// the payment of the least that was to remain, and nothing at all after a full one (INV 5, 9).
func TestOriginalAndReversalsHitTheTarget(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate := rapid.SampledFrom([]string{"", "0", "0.0299", "0.025", "0.1", "0.333333"})
		p := Decided{
			Outcome: rapid.SampledFrom([]Outcome{OutcomePosted, OutcomeSuspense}).Draw(t, "outcome"), TransactionType: rapid.SampledFrom([]string{"00", "01", "20"}).Draw(t, "type"),
			MCC: rapid.SampledFrom([]string{"5411", "6011"}).Draw(t, "mcc"), Foreign: rapid.Bool().Draw(t, "foreign"), AccountID: "acc-1", Scheme: "VISA",
			BillingAmount: Money{rapid.Int64Range(1, 1_000_000).Draw(t, "billed"), "GBP"},
			Terms:         Terms{FXFeeRate: rate.Draw(t, "fx"), FXFeeTaxRate: rate.Draw(t, "tax"), TaxJurisdiction: "GB", CashFeeRate: rate.Draw(t, "cash")},
		}
		if rapid.Bool().Draw(t, "minimum") {
			p.Terms.CashFeeMinimum = &Money{300, "GBP"}
		}
		original, transaction := posted(t, p), Money{rapid.Int64Range(1, 1_000_000).Draw(t, "transaction"), "USD"}
		replacements := rapid.SliceOfN(rapid.Int64Range(0, transaction.Minor), 1, 6).Draw(t, "replacements")
		replacements = append(replacements, replacements...)
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		random.Shuffle(len(replacements), func(i, j int) { replacements[i], replacements[j] = replacements[j], replacements[i] })

		entries, before, least := []JournalEntry{original}, original.Billed(), original.Billed()
		for _, replacement := range replacements {
			wanted := order(original, transaction, &Money{replacement, "USD"})
			if after, err := wanted.Remaining(original.Billed()); err == nil && after.Minor < least.Minor {
				least = after
			}
			reversal, err := Reverse(original, before, len(entries), wanted)
			var refused *Error
			if errors.As(err, &refused) && refused.Kind == Conflict {
				continue
			}
			require.NoError(t, err)
			entries, before = append(entries, reversal), reversal.Remaining
		}
		want := map[string]int64{}
		if !least.IsZero() {
			p.BillingAmount = least
			want = sums(t, posted(t, p))
		}
		require.Equal(t, want, sums(t, entries...))
	})
}
