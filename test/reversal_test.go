package test

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/local/faults"
	"github.com/payrail/payrail/payment"
)

// reversalItem takes the n-th foreign item back as far as remains says, in cents of the USD 100.00; the k-th of its reversals.
func reversalItem(t testing.TB, n, k int, remains string) map[string]types.AttributeValue {
	t.Helper()
	return item(t, n, bobCard, map[string]types.AttributeValue{"authorizationId": text(fmt.Sprintf("auth-%06d-r%d", n, k)), "mti": text("0400"), "stan": text(fmt.Sprintf("9%d%04d", k, n)),
		"transactionAmount": number("10000"), "transactionCurrency": text("USD"), "billingAmount": number("7925"), "conversionRate": text("0.7925"), "acquirerCountry": text("840"),
		"replacementAmount": number(remains), "original": &types.AttributeValueMemberM{Value: map[string]types.AttributeValue{
			"mti": text("0110"), "stan": text(fmt.Sprintf("%06d", n)), "transmittedAt": text("2026-07-09T10:15:30Z"), "acquirerId": text("400010")}}})
}

func foreignItem(t testing.TB, n int) map[string]types.AttributeValue {
	t.Helper()
	return item(t, n, bobCard, map[string]types.AttributeValue{"transactionAmount": number("10000"), "transactionCurrency": text("USD"),
		"billingAmount": number("7925"), "conversionRate": text("0.7925"), "acquirerCountry": text("840")})
}

// Reversals in full and in part, some before their originals, with calls that fail on either side of their effect: every one is
// posted once. Half of the payments end at nothing and half at E5's GBP 50.00 with 1.50 and 0.30.
func TestFaultReversalsPostOnce(t *testing.T) {
	const n = 10
	for _, fault := range []faults.Fault{
		{Operation: "dynamodb:TransactWriteItems", When: faults.AfterEffect, Code: "InternalServerError", Times: 8},
		{Operation: "dynamodb:GetItem", When: faults.BeforeEffect, Code: "InternalServerError", Times: 8},
		{Operation: "events:PutEvents", When: faults.AfterEffect, Code: "InternalException", Times: 4},
		{Operation: "lambda:Invoke", When: faults.AfterEffect, Code: "InternalException", Times: 3},
	} {
		t.Run(fmt.Sprintf("%s %s", fault.Operation, fault.When), func(t *testing.T) {
			s := start(t)
			require.NoError(t, s.Faults.Arm(fault))
			for i := range n {
				remains := []string{"0", "6309"}[i%2]
				if i%3 == 0 { // before its original
					s.put(t, reversalItem(t, i, 1, remains))
					s.put(t, foreignItem(t, i))
				} else {
					s.put(t, foreignItem(t, i))
					s.put(t, reversalItem(t, i, 1, remains))
				}
			}
			eventually(t, "every payment and reversal is posted", func() bool { return s.journalEntries(t, "acc-bob") == 2*n })
			s.requireSound(t)
			require.Equal(t, payment.Money{Minor: -n / 2 * (5000 + 150 + 30), Currency: "GBP"}.String(), s.balance(t, "acc-bob"))
		})
	}
}

// Many reversals of one payment at once: it ends at the least that was to remain, whatever order they are decided in.
func TestReversalsOfOnePaymentAtOnce(t *testing.T) {
	s := start(t)
	s.put(t, foreignItem(t, 1))
	var items []map[string]types.AttributeValue
	for k, remains := range []string{"9000", "6309", "8000", "7000", "9999"} {
		items = append(items, reversalItem(t, 1, k, remains))
	}
	s.putAll(t, items)
	eventually(t, "the payment is at USD 63.09", func() bool {
		return s.journalEntries(t, "acc-bob") >= 2 && s.balance(t, "acc-bob") == "GBP -51.80"
	})
	s.requireSound(t)
}
