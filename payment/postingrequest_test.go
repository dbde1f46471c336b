package payment

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// request is a posting request that Check takes.
func request(kind RequestKind, amounts RequestAmounts) PostingRequest {
	return PostingRequest{Kind: kind, CauseID: "case-1", AccountID: "acc-1", Scheme: "VISA", Amounts: amounts, ValueDate: "2026-07-14", OccurredAt: "2026-07-14T09:00:00Z"}
}

func pounds(t testing.TB, amount string) Money {
	t.Helper()
	m, err := ParseMoney(amount, "GBP")
	require.NoError(t, err)
	return m
}

func TestRequestCheck(t *testing.T) {
	good := request(RequestDisputeProvisional, RequestAmounts{Principal: pounds(t, "79.25"), FXFee: pounds(t, "2.37")})
	for name, tc := range map[string]struct {
		change func(*PostingRequest)
		want   string
	}{
		"as it is":             {func(*PostingRequest) {}, ""},
		"kind":                 {func(r *PostingRequest) { r.Kind = "GIFT" }, "kind is none that can be posted"},
		"no cause":             {func(r *PostingRequest) { r.CauseID = "" }, "causeId must be 1 to 100 letters, digits, dots, colons, underscores and hyphens"},
		"a cause that joins":   {func(r *PostingRequest) { r.CauseID = "a|b" }, "causeId must be 1 to 100 letters, digits, dots, colons, underscores and hyphens"},
		"a cause too long":     {func(r *PostingRequest) { r.CauseID = strings.Repeat("c", 101) }, "causeId must be 1 to 100 letters, digits, dots, colons, underscores and hyphens"},
		"side":                 {func(r *PostingRequest) { r.Side = "X" }, "side must be D or C"},
		"date":                 {func(r *PostingRequest) { r.ValueDate = "14.07.2026" }, "valueDate must be a date YYYY-MM-DD"},
		"time":                 {func(r *PostingRequest) { r.OccurredAt = "2026-07-14" }, "occurredAt must be a time as in RFC 3339"},
		"two lines":            {func(r *PostingRequest) { r.Description = "a\nb" }, "description must be one line of at most 140 bytes"},
		"an account's key":     {func(r *PostingRequest) { r.AccountID = "a#b" }, "accountId must be 1 to 100 letters, digits, dots, colons, underscores and hyphens"},
		"nothing":              {func(r *PostingRequest) { r.Amounts = RequestAmounts{} }, "amounts must name what is posted"},
		"negative":             {func(r *PostingRequest) { r.Amounts.FXFee.Minor = -1 }, "amounts.fxFee must be zero or more, of at most 12 digits"},
		"too much":             {func(r *PostingRequest) { r.Amounts.FXFee.Minor = maxMinor + 1 }, "amounts.fxFee must be zero or more, of at most 12 digits"},
		"two currencies":       {func(r *PostingRequest) { r.Amounts.FXFee.Currency = "USD" }, "amounts.fxFee must have the currency of the other amounts"},
		"a currency unheard":   {func(r *PostingRequest) { r.Amounts = RequestAmounts{Fee: Money{1, "XQX"}} }, "amounts.fee must have a currency of ISO 4217"},
		"two things at a time": {func(r *PostingRequest) { r.Side, r.ValueDate = "X", "" }, "side must be D or C; valueDate must be a date YYYY-MM-DD"},
	} {
		t.Run(name, func(t *testing.T) {
			r := good
			tc.change(&r)
			err := r.Check()
			if tc.want == "" {
				require.NoError(t, err)
				return
			}
			require.EqualError(t, err, tc.want)
			require.Equal(t, Invalid, KindOf(err))
		})
	}
}

func TestRequestIdentity(t *testing.T) {
	won := request(RequestDisputeWon, RequestAmounts{Principal: pounds(t, "79.25")})
	lost, open, later, other := won, won, won, won
	lost.Kind, open.Kind, later.OccurredAt, other.CauseID = RequestDisputeLostBank, RequestDisputeProvisional, "2026-07-15T09:00:00Z", "case-2"
	require.Len(t, won.BusinessKey(), 52)
	require.Equal(t, won.BusinessKey(), lost.BusinessKey(), "a dispute is closed once, however it is decided")
	require.NotEqual(t, won.BusinessKey(), open.BusinessKey())
	require.NotEqual(t, won.BusinessKey(), other.BusinessKey())
	hash := func(r PostingRequest) string {
		sum, err := r.PayloadHash()
		require.NoError(t, err)
		return sum
	}
	require.Equal(t, hash(won), hash(later), "asking again later is no conflict")
	require.NotEqual(t, hash(won), hash(lost))
}

func TestOfDispute(t *testing.T) {
	for kind := range subjects {
		require.Equal(t, strings.HasPrefix(string(kind), "DISPUTE_"), kind.OfDispute(), kind)
	}
	require.False(t, RequestKind("DISPUTE_OTHER").OfDispute(), "no kind at all")
}
