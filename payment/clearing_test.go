package payment

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestClearing(t *testing.T) {
	clear := sided(request(RequestSuspenseClear, RequestAmounts{Principal: pounds(t, "19.81")}), Debit)
	clear.PurchaseKey = strings.Repeat("A", 26)
	order, clears, err := clear.Clearing()
	require.NoError(t, err)
	require.True(t, clears)
	hash, err := clear.PayloadHash()
	require.NoError(t, err)
	require.Equal(t, Order{Kind: OrderClearing, PurchaseKey: clear.PurchaseKey, BusinessKey: clear.BusinessKey(), TransactionID: TransactionID(clear.BusinessKey()),
		AuthorizationID: "case-1", PayloadHash: hash, OccurredAt: clear.OccurredAt, ValueDate: "2026-07-14", AccountID: "acc-1"}, order)

	off := clear
	off.Kind, off.AccountID = RequestSuspenseWriteOff, ""
	order, clears, err = off.Clearing()
	require.NoError(t, err)
	require.True(t, clears)
	require.Empty(t, order.AccountID, "to nobody")
	require.Equal(t, clear.BusinessKey(), order.BusinessKey, "an item is cleared or written off, once")

	_, clears, err = request(RequestFee, RequestAmounts{Fee: pounds(t, "5.00")}).Clearing()
	require.NoError(t, err)
	require.False(t, clears)
}

func TestClearingRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*PostingRequest)
		want   string
	}{
		"no purchase":               {func(r *PostingRequest) { r.PurchaseKey = "" }, "ORDER_INVALID: it names no purchase"},
		"no account":                {func(r *PostingRequest) { r.AccountID = "" }, "account CUST needs the customer's account"},
		"a write-off to an account": {func(r *PostingRequest) { r.Kind = RequestSuspenseWriteOff }, "a SUSPENSE_WRITE_OFF has no account"},
		"no side":                   {func(r *PostingRequest) { r.Side = "" }, "it must say D or C"},
	} {
		t.Run(name, func(t *testing.T) {
			r := sided(request(RequestSuspenseClear, RequestAmounts{Principal: pounds(t, "19.81")}), Debit)
			r.PurchaseKey = strings.Repeat("A", 26)
			tc.change(&r)
			_, _, err := r.Clearing()
			require.ErrorContains(t, err, tc.want)
			require.Equal(t, Invalid, KindOf(err))
		})
	}
}
