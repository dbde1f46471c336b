package payment

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

var (
	disputeDay    = time.Date(2026, 7, 20, 9, 0, 0, 0, time.UTC)
	disputePolicy = DisputePolicy{Window: 120 * 24 * time.Hour, ProvisionalCredit: true}
)

func gbp(minor int64) Money { return Money{Minor: minor, Currency: "GBP"} }

// disputable is worked example E2 without tax, as the ledger has it.
func disputable() Disputable {
	return Disputable{
		Key: strings.Repeat("A", 26), Version: 1, TransactionID: "tx_" + strings.Repeat("A", 26), AuthorizationID: "auth-1", Outcome: OutcomePosted,
		TransactionType: "00", AccountID: "acc-alice", Scheme: "VISA", TaxJurisdiction: "GB", Description: "ACME STORE NEW YORK US USD 100.00",
		OccurredAt: time.Date(2026, 7, 9, 10, 15, 31, 0, time.UTC), Remaining: gbp(7925), Disputed: gbp(0), FXFee: gbp(237), FXFeeTax: gbp(0),
	}
}

func claim() Claim { return Claim{CaseID: "dsp_1", ReasonCode: "10.4", By: "customer"} }

func TestOpenDispute(t *testing.T) {
	for name, tc := range map[string]struct {
		change   func(*Disputable, *Claim, *DisputePolicy)
		at       time.Time
		amount   Money
		fee, tax int64
		reason   string
		kind     Kind
	}{
		"E7: all of E2":                {amount: gbp(7925), fee: 237},
		"with tax":                     {change: func(p *Disputable, _ *Claim, _ *DisputePolicy) { p.FXFeeTax = gbp(47) }, amount: gbp(7925), fee: 237, tax: 47},
		"a part":                       {change: func(_ *Disputable, c *Claim, _ *DisputePolicy) { c.Amount = gbp(5000) }, amount: gbp(5000), fee: 150}, // 2.37 × 50.00 / 79.25 = 1.4953
		"what is left":                 {change: func(p *Disputable, _ *Claim, _ *DisputePolicy) { p.Disputed = gbp(5000) }, amount: gbp(2925), fee: 87},
		"the last moment":              {at: time.Date(2026, 11, 6, 10, 15, 31, 0, time.UTC), amount: gbp(7925), fee: 237},
		"a moment too late":            {at: time.Date(2026, 11, 6, 10, 15, 32, 0, time.UTC), reason: ReasonWindowClosed, kind: Invalid},
		"in suspense":                  {change: func(p *Disputable, _ *Claim, _ *DisputePolicy) { p.Outcome = OutcomeSuspense }, reason: ReasonNotPosted, kind: Invalid},
		"a refund":                     {change: func(p *Disputable, _ *Claim, _ *DisputePolicy) { p.TransactionType = "20" }, reason: ReasonNotAPurchase, kind: Invalid},
		"reversed":                     {change: func(p *Disputable, _ *Claim, _ *DisputePolicy) { p.Remaining = gbp(0) }, reason: ReasonNotEligible, kind: Invalid},
		"reversed after a dispute":     {change: func(p *Disputable, _ *Claim, _ *DisputePolicy) { p.Remaining, p.Disputed = gbp(10), gbp(20) }, reason: ReasonNotEligible, kind: Invalid},
		"a penny too much":             {change: func(_ *Disputable, c *Claim, _ *DisputePolicy) { c.Amount = gbp(7926) }, reason: ReasonNotEligible, kind: Invalid},
		"a penny more than is left":    {change: func(p *Disputable, c *Claim, _ *DisputePolicy) { p.Disputed, c.Amount = gbp(5000), gbp(2926) }, reason: ReasonNotEligible, kind: Invalid},
		"less than nothing":            {change: func(_ *Disputable, c *Claim, _ *DisputePolicy) { c.Amount = gbp(-1) }, reason: ReasonNotEligible, kind: Invalid},
		"nothing":                      {change: func(_ *Disputable, c *Claim, _ *DisputePolicy) { c.Amount = gbp(0) }, reason: ReasonNotEligible, kind: Invalid},
		"another currency":             {change: func(_ *Disputable, c *Claim, _ *DisputePolicy) { c.Amount = Money{100, "USD"} }, reason: ReasonCurrency, kind: Invalid},
		"a second case":                {change: func(p *Disputable, _ *Claim, _ *DisputePolicy) { p.OpenCase = "dsp_0" }, reason: ReasonCaseOpen, kind: Conflict},
		"a reason nobody knows":        {change: func(_ *Disputable, c *Claim, _ *DisputePolicy) { c.ReasonCode = "99" }, reason: ReasonReasonCode, kind: Invalid},
		"a reason of the other scheme": {change: func(_ *Disputable, c *Claim, _ *DisputePolicy) { c.ReasonCode = "4853" }, reason: ReasonReasonScheme, kind: Invalid},
		"no credit by policy":          {change: func(_ *Disputable, _ *Claim, p *DisputePolicy) { p.ProvisionalCredit = false }, amount: gbp(7925), fee: 237},
	} {
		t.Run(name, func(t *testing.T) {
			purchase, c, policy, now := disputable(), claim(), disputePolicy, disputeDay
			if tc.change != nil {
				tc.change(&purchase, &c, &policy)
			}
			if !tc.at.IsZero() {
				now = tc.at
			}
			d, err := OpenDispute(policy, purchase, c, now)
			if tc.reason != "" {
				require.Error(t, err)
				require.Equal(t, tc.reason, ReasonOf(err))
				require.Equal(t, tc.kind, KindOf(err))
				return
			}
			require.NoError(t, err)
			require.Equal(t, []Money{tc.amount, gbp(tc.fee), gbp(tc.tax)}, []Money{d.Amount, d.FXFee, d.FXFeeTax})
			require.Equal(t, DisputeOpened, d.State)
			require.Equal(t, "2026-11-06T10:15:31.000Z", d.FileBy)
			_, due, err := d.DuePosting()
			require.NoError(t, err)
			require.Equal(t, policy.ProvisionalCredit, due)
		})
	}
}

// Every pair of states, each held against the table that the documentation has.
func TestDisputeTransitions(t *testing.T) {
	allowed := map[DisputeState]string{
		DisputeOpened:         "CHARGEBACK_FILED EXPIRED LOST_BANK LOST_CUSTOMER PROVISIONAL_CREDIT WITHDRAWN",
		DisputeCredited:       "CHARGEBACK_FILED EXPIRED LOST_BANK LOST_CUSTOMER WITHDRAWN",
		DisputeFiled:          "LOST_BANK LOST_CUSTOMER REPRESENTED SPLIT WITHDRAWN WON",
		DisputeRepresented:    "LOST_BANK LOST_CUSTOMER PRE_ARBITRATION SPLIT WITHDRAWN WON",
		DisputePreArbitration: "LOST_BANK LOST_CUSTOMER SPLIT WITHDRAWN WON",
		DisputeWon:            "", DisputeSplit: "", DisputeLostBank: "", DisputeLostCustomer: "", DisputeWithdrawn: "", DisputeExpired: "",
	}
	afterWindow := disputeDay.Add(disputePolicy.Window)
	for from, want := range allowed {
		d, err := OpenDispute(disputePolicy, disputable(), claim(), disputeDay)
		require.NoError(t, err)
		d.State = from
		var got []string
		for to := range allowed {
			won := Money{}
			if to == DisputeSplit {
				won = gbp(5000)
			}
			var err error
			if to.Closed() {
				_, err = d.Decide(to, won, afterWindow, "operator", "")
			} else {
				_, err = d.Move(to, disputeDay, "operator", "")
			}
			if err == nil {
				got = append(got, string(to))
			} else {
				require.Contains(t, []string{ReasonStepNotAllowed, ReasonCaseClosed}, ReasonOf(err))
			}
		}
		slices.Sort(got)
		require.Equal(t, want, strings.Join(got, " "), "after %s", from)
		require.Equal(t, want == "", from.Closed(), from)
	}
}

func TestFilingAndExpiryShareOneDeadline(t *testing.T) {
	d, err := OpenDispute(disputePolicy, disputable(), claim(), disputeDay)
	require.NoError(t, err)
	fileBy, err := time.Parse(time.RFC3339, d.FileBy)
	require.NoError(t, err)
	_, err = d.File(fileBy, "operator", "")
	require.NoError(t, err)
	_, err = d.Decide(DisputeExpired, Money{}, fileBy, "operator", "")
	require.Equal(t, ReasonWindowOpen, ReasonOf(err))
	_, err = d.File(fileBy.Add(time.Second), "operator", "")
	require.Equal(t, ReasonWindowClosed, ReasonOf(err))
	_, err = d.Decide(DisputeExpired, Money{}, fileBy.Add(time.Second), "operator", "")
	require.NoError(t, err)
}

func TestDecideRefusesWhatIsNoSplit(t *testing.T) {
	d, err := OpenDispute(disputePolicy, disputable(), claim(), disputeDay)
	require.NoError(t, err)
	d.State = DisputeFiled
	for _, won := range []Money{{}, gbp(0), gbp(-1), gbp(7925), gbp(8000), {5000, "USD"}} {
		_, err := d.Decide(DisputeSplit, won, disputeDay, "operator", "")
		require.Equal(t, ReasonSplitAmount, ReasonOf(err), won.Minor)
	}
	_, err = d.Decide(DisputeWon, gbp(5000), disputeDay, "operator", "")
	require.Equal(t, ReasonSplitAmount, ReasonOf(err))
	_, err = d.Decide(DisputeFiled, Money{}, disputeDay, "operator", "")
	require.Equal(t, ReasonStepNotAllowed, ReasonOf(err))
	decided, err := d.Decide(DisputeWon, Money{}, disputeDay, "operator", "")
	require.NoError(t, err)
	_, err = decided.Decide(DisputeLostBank, Money{}, disputeDay, "operator", "")
	require.Equal(t, ReasonCaseDecided, ReasonOf(err), "a case is decided once")
	_, err = decided.Move(DisputeRepresented, disputeDay, "operator", "")
	require.Equal(t, ReasonCaseDecided, ReasonOf(err))
}

// Without a provisional credit, a case that ends in the customer's favour credits him first, and one that does not posts nothing.
func TestDecisionsWithoutProvisionalCredit(t *testing.T) {
	policy := disputePolicy
	policy.ProvisionalCredit = false
	opened, err := OpenDispute(policy, disputable(), claim(), disputeDay)
	require.NoError(t, err)
	withdrawn, err := opened.Decide(DisputeWithdrawn, Money{}, disputeDay, "operator", "found the receipt")
	require.NoError(t, err)
	require.Equal(t, DisputeWithdrawn, withdrawn.State)
	require.True(t, withdrawn.Releases())
	_, due, err := withdrawn.DuePosting()
	require.NoError(t, err)
	require.False(t, due)

	filed, err := opened.File(disputeDay, "operator", "")
	require.NoError(t, err)
	won, err := filed.Decide(DisputeWon, Money{}, disputeDay, "operator", "")
	require.NoError(t, err)
	require.Equal(t, []RequestKind{RequestDisputeProvisional, RequestDisputeWon}, kindsOf(settleAll(t, &won)))
	require.Equal(t, DisputeWon, won.State)
	require.Equal(t, DisputeOpened, opened.State, "a step leaves the case before it as it was")
	require.Len(t, opened.History, 1)
}

// settleAll posts everything that a case waits for, each entry twice, as it is told at least once.
func settleAll(t require.TestingT, d *Dispute) (requests []PostingRequest) {
	for {
		request, due, err := d.DuePosting()
		require.NoError(t, err)
		if !due {
			return requests
		}
		require.NoError(t, request.Check())
		requests = append(requests, request)
		for range 2 {
			*d, err = d.Posted(requestedSequence(request), disputeDay)
			require.NoError(t, err)
		}
	}
}

func kindsOf(requests []PostingRequest) (kinds []RequestKind) {
	for _, r := range requests {
		kinds = append(kinds, r.Kind)
	}
	return kinds
}

func TestPostedRefusesAnEntryThatIsNotWaitedFor(t *testing.T) {
	d, err := OpenDispute(disputePolicy, disputable(), claim(), disputeDay)
	require.NoError(t, err)
	_, err = d.Posted("ps_"+strings.Repeat("B", 26)+"-00", disputeDay)
	require.Equal(t, ReasonUnexpectedEntry, ReasonOf(err))
}

// A credit that is posted after the chargeback was filed does not turn the case back.
func TestALateCreditKeepsTheState(t *testing.T) {
	d, err := OpenDispute(disputePolicy, disputable(), claim(), disputeDay)
	require.NoError(t, err)
	d, err = d.File(disputeDay, "operator", "")
	require.NoError(t, err)
	settleAll(t, &d)
	require.Equal(t, DisputeFiled, d.State)
	require.NotNil(t, d.Credit)
}

// INV 10: whatever way a case goes, it ends once, and its receivable, moved by what it had posted, ends at zero; several cases
// of one purchase never dispute more than there is, and give back no more than all of its charges.
func TestDisputesBalance(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		purchase := disputable()
		purchase.Remaining = gbp(rapid.Int64Range(1, 100_000).Draw(t, "billed"))
		purchase.FXFee, purchase.FXFeeTax = gbp(rapid.Int64Range(0, 5_000).Draw(t, "fee")), gbp(rapid.Int64Range(0, 1_000).Draw(t, "tax"))
		var fees, taxes int64
		for range rapid.IntRange(1, 6).Draw(t, "cases") {
			eligible, err := purchase.Eligible()
			require.NoError(t, err)
			c := claim()
			c.Amount = gbp(rapid.Int64Range(0, eligible.Minor+1).Draw(t, "amount"))
			policy := disputePolicy
			policy.ProvisionalCredit = rapid.Bool().Draw(t, "credit")
			d, err := OpenDispute(policy, purchase, c, disputeDay)
			if c.Amount.Minor == 0 || c.Amount.Minor > eligible.Minor {
				require.Equal(t, ReasonNotEligible, ReasonOf(err))
				continue
			}
			require.NoError(t, err)
			require.GreaterOrEqual(t, d.FXFee.Minor, int64(0))
			require.GreaterOrEqual(t, d.FXFeeTax.Minor, int64(0))
			moved := runCase(t, &d)
			require.True(t, d.State.Closed())
			require.Zero(t, moved["DISPUTE_RECEIVABLE"], "after %s", d.State)
			if disputeOutcomes[d.State].customerKeeps {
				require.Equal(t, -d.Amount.Minor-d.FXFee.Minor-d.FXFeeTax.Minor, moved[RoleCustomer], d.State)
			} else {
				require.Zero(t, moved[RoleCustomer], d.State)
			}
			if !d.Releases() {
				purchase.Disputed.Minor += d.Amount.Minor
				fees, taxes = fees+d.FXFee.Minor, taxes+d.FXFeeTax.Minor
			}
		}
		require.LessOrEqual(t, purchase.Disputed.Minor, purchase.Remaining.Minor)
		require.LessOrEqual(t, fees, purchase.FXFee.Minor)
		require.LessOrEqual(t, taxes, purchase.FXFeeTax.Minor)
		if purchase.Disputed == purchase.Remaining {
			require.Equal(t, []int64{purchase.FXFee.Minor, purchase.FXFeeTax.Minor}, []int64{fees, taxes}, "all of it is all of its charges")
		}
	})
}

// runCase takes random steps until the case is closed and returns by how much its postings moved each role, debits above zero.
func runCase(t *rapid.T, d *Dispute) (moved map[Role]int64) {
	closings := 0
	moved = map[Role]int64{}
	for !d.State.Closed() {
		next := rapid.SampledFrom(disputeTransitions[d.State]).Draw(t, "next")
		var after Dispute
		var err error
		switch {
		case next == DisputeCredited: // Made by the posting, not by hand.
			after = *d
		case next.Closed():
			won := Money{}
			if next == DisputeSplit {
				if d.Amount.Minor < 2 {
					continue
				}
				won = gbp(rapid.Int64Range(1, d.Amount.Minor-1).Draw(t, "won"))
			}
			after, err = d.Decide(next, won, disputeDay.Add(disputePolicy.Window), "operator", "")
		default:
			after, err = d.Move(next, disputeDay, "operator", "")
		}
		require.NoError(t, err)
		*d = after
		if d.Decision == nil && rapid.Bool().Draw(t, "posting is late") {
			continue
		}
		for _, r := range settleAll(t, d) {
			if r.Kind != RequestDisputeProvisional {
				closings++
			}
			sequence, legs, err := r.Posting()
			require.NoError(t, err)
			require.Equal(t, d.CaseID, sequence.AuthorizationID, "by which the posting is told to be the case's")
			_, err = Assemble(sequence, legs)
			require.NoError(t, err)
			for _, leg := range legs {
				moved[leg.Role] -= leg.Signed().Minor
			}
		}
	}
	require.LessOrEqual(t, closings, 1)
	return moved
}

// Worked example E7, from the case to the legs, of all that each end posts.
func TestWorkedExampleE7(t *testing.T) {
	const (
		opened   = "D DISPUTE_RECEIVABLE.VISA 79.25, C acc-alice 79.25, D FEE_INCOME.FX 2.37, C acc-alice 2.37"
		taken    = "D acc-alice 79.25, C DISPUTE_RECEIVABLE.VISA 79.25, D acc-alice 2.37, C FEE_INCOME.FX 2.37"
		absorbed = "D DISPUTE_LOSS 79.25, C DISPUTE_RECEIVABLE.VISA 79.25"
	)
	for outcome, want := range map[DisputeState]string{
		DisputeWon:          "D SCHEME_PAYABLE.VISA.GBP 79.25, C DISPUTE_RECEIVABLE.VISA 79.25",
		DisputeLostCustomer: taken, DisputeWithdrawn: taken,
		DisputeLostBank: absorbed, DisputeExpired: absorbed,
		DisputeSplit: "D SCHEME_PAYABLE.VISA.GBP 50.00, C DISPUTE_RECEIVABLE.VISA 50.00, D DISPUTE_LOSS 29.25, C DISPUTE_RECEIVABLE.VISA 29.25",
	} {
		d, err := OpenDispute(disputePolicy, disputable(), claim(), disputeDay)
		require.NoError(t, err)
		if outcome != DisputeExpired {
			d, err = d.File(disputeDay, "operator", "")
			require.NoError(t, err)
		}
		won := Money{}
		if outcome == DisputeSplit {
			won = gbp(5000)
		}
		d, err = d.Decide(outcome, won, disputeDay.Add(disputePolicy.Window), "operator", "")
		require.NoError(t, err)
		var posted []string
		for _, r := range settleAll(t, &d) {
			_, legs, err := r.Posting()
			require.NoError(t, err)
			var texts []string
			for _, leg := range legs {
				texts = append(texts, string(leg.Side)+" "+leg.Account+" "+leg.Amount.Decimal())
			}
			posted = append(posted, strings.Join(texts, ", "))
		}
		require.Equal(t, []string{opened, want}, posted, outcome)
		require.Equal(t, outcome, d.State)
	}
}
