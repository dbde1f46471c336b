package test

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/internal/directory"
	"github.com/payrail/payrail/payment"
)

// The ends that an authorization can come to.
type final string

const (
	postedOnce   final = "posted"
	inSuspense   final = "suspense"
	failedReview final = "failed review"
	parkedAway   final = "parked"
)

// expectation is what must become of the authorizations of one payment.
type expectation struct {
	// ids are the authorizations. Where a payment was authorized under two ids, either one is posted and the other parked.
	ids []string
	end final
	// parked are those that must be parked beside it; -1 for one of ids, whichever comes second.
	parked int
	// account, amount, fee and tax are what the customer is charged, in minor units of GBP; a refund's amount is below zero.
	account          string
	amount, fee, tax int64
	// reversed says that another message takes all of it back.
	reversed string
}

// authItem is an authorization as it is written to the table.
type authItem = map[string]types.AttributeValue

// faultInput is what a scenario writes, and what must come of it.
type faultInput struct {
	// first is written and dealt with before second: a conflict is one with what is known already.
	first, second []authItem
	expected      []expectation
	// payments is how many authorizations there are.
	payments int
}

// faultAccounts are the customers: as many as to spread the balances, which are one item each.
const faultAccounts = 24

func faultAccount(n int) string { return fmt.Sprintf("acc-fault-%02d", n) }

// faultToken is the card token of an account: of the right form, and of no card.
func faultToken(account string) string {
	sum := sha256.Sum256([]byte(account))
	return "tok_v1_" + base32.StdEncoding.EncodeToString(sum[:])[:26]
}

const closedAccount, noAccount = "acc-fault-closed", "acc-fault-none"

// seedFaultAccounts adds the customers to the reference data.
func (s *system) seedFaultAccounts(t *testing.T) {
	t.Helper()
	data := directory.Data{Products: []directory.Product{{Name: "PLUS", Currency: "GBP", Terms: payment.Terms{FXFeeRate: "0.0299", FXFeeTaxRate: "0.20",
		TaxJurisdiction: "GB", CashFeeRate: "0.03", CashFeeMinimum: payment.Money{Minor: 300, Currency: "GBP"}}}}}
	add := func(id string, status payment.AccountStatus) {
		data.Accounts = append(data.Accounts, payment.Account{ID: id, Status: status, IBAN: "GB29NWBK60161331926819", Holder: "TEST HOLDER", SortCode: "601613",
			BranchID: "601613", BranchName: "LONDON CITY", Product: "PLUS", Currency: "GBP", TaxCategory: "PERSONAL"})
		data.Cards = append(data.Cards, directory.Card{PANToken: faultToken(id), Currency: "GBP", AccountID: id})
	}
	for n := range faultAccounts {
		add(faultAccount(n), payment.AccountOpen)
	}
	add(closedAccount, payment.AccountClosed)
	s.load(t, data)
}

// newFaultInput mixes n payments: most are domestic, the others are of every kind that ends in another way. It is the same for the
// same seed.
func newFaultInput(seed uint64, n int) *faultInput {
	g := &generator{random: rand.New(rand.NewPCG(seed, 5)), input: &faultInput{}}
	for i := range n {
		g.add(i)
	}
	g.random.Shuffle(len(g.input.first), func(a, b int) { g.input.first[a], g.input.first[b] = g.input.first[b], g.input.first[a] })
	g.input.payments = len(g.input.first) + len(g.input.second) - g.rewritten
	return g.input
}

type generator struct {
	random    *rand.Rand
	input     *faultInput
	rewritten int // Items that are an authorization written again.
}

// add makes the i-th payment.
func (g *generator) add(i int) {
	id := fmt.Sprintf("auth-%06d", i)
	account := faultAccount(g.random.IntN(faultAccounts))
	domestic := 100 + g.random.Int64N(20_000)
	e := expectation{ids: []string{id}, end: postedOnce, account: account, amount: domestic}
	a := purchase(i, account, domestic)
	switch i % 50 {
	case 0, 1, 2: // E2 of docs/concepts/accounting: 79.25 with 2.37 and 0.47.
		foreignPurchase(a, "10000", "7925", "0.7925")
		e.amount, e.fee, e.tax = 7925, 237, 47
	case 3, 4, 5: // 2.99 % of 100.00 are 2.99, 20 % of these 0.598.
		foreignPurchase(a, "12500", "10000", "0.8")
		e.amount, e.fee, e.tax = 10000, 299, 60
	case 6:
		a["processingCode"] = text("200000")
		e.amount = -domestic
	case 7, 8: // The same payment under another id.
		again := with(a, "authorizationId", text(id+"-again"))
		e.ids, e.parked = append(e.ids, id+"-again"), 1
		g.input.first = append(g.input.first, again)
	case 9: // The same authorization once more, with an attribute that is none of the payment's.
		g.input.second = append(g.input.second, with(a, "channel", text("rewritten")))
		g.rewritten++
	case 10:
		delete(a, "stan")
		e = expectation{ids: []string{id}, end: parkedAway, parked: 1}
	case 11:
		a["panToken"] = text(faultToken(noAccount))
		e = expectation{ids: []string{id}, end: inSuspense, amount: domestic}
	case 12:
		a["panToken"] = text(faultToken(closedAccount))
		e = expectation{ids: []string{id}, end: inSuspense, amount: domestic}
	case 13:
		delete(a, "issuerCountry")
		e = expectation{ids: []string{id}, end: failedReview}
	case 14, 15:
		back := reversalOf(i, a)
		e.reversed = id + "-reversal"
		if i%50 == 14 { // At once: it can come before its original.
			g.input.first = append(g.input.first, back)
		} else {
			g.input.second = append(g.input.second, back)
		}
	case 16: // The same key with another amount.
		other := with(a, "authorizationId", text(id+"-conflict"))
		other["billingAmount"], other["transactionAmount"] = minor(domestic+1), minor(domestic+1)
		g.input.second = append(g.input.second, other)
		g.input.expected = append(g.input.expected, expectation{ids: []string{id + "-conflict"}, end: parkedAway, parked: 1})
	}
	g.input.first = append(g.input.first, stampedItem(a))
	g.input.expected = append(g.input.expected, e)
}

func minor(n int64) types.AttributeValue { return number(fmt.Sprint(n)) }

func with(a authItem, name string, value types.AttributeValue) authItem {
	other := maps.Clone(a)
	other[name] = value
	return stampedItem(other)
}

// purchase is a domestic purchase of its own merchant and approval code, as most are.
func purchase(i int, account string, amount int64) authItem {
	return authItem{
		"authorizationId": text(fmt.Sprintf("auth-%06d", i)), "status": text("APPROVED"), "mti": text("0110"), "panToken": text(faultToken(account)), "panLast4": text("1111"),
		"bin": text("411111"), "processingCode": text("000000"), "transactionAmount": minor(amount), "transactionCurrency": text("GBP"),
		"billingAmount": minor(amount), "billingCurrency": text("GBP"), "stan": text(fmt.Sprintf("%06d", i)), "acquirerId": text("400010"),
		"transmittedAt": text("2026-07-09T10:15:30Z"), "authCode": text(fmt.Sprintf("%06d", i)), "responseCode": text("00"), "mcc": text("5411"),
		"merchantName": text("ACME STORE"), "merchantCity": text("LONDON"), "merchantCountry": text("GB"), "merchantId": text(fmt.Sprintf("MERCHANT%07d", i%997)),
		"acquirerCountry": text("826"), "issuerCountry": text("826"),
	}
}

func foreignPurchase(a authItem, amount, billed, rate string) {
	a["transactionAmount"], a["transactionCurrency"], a["billingAmount"], a["conversionRate"] = number(amount), text("USD"), number(billed), text(rate)
	a["merchantCity"], a["merchantCountry"], a["acquirerCountry"] = text("NEW YORK"), text("US"), text("840")
}

// reversalOf takes all of a purchase back.
func reversalOf(i int, a authItem) authItem {
	back := maps.Clone(a)
	delete(back, "responseCode")
	back["authorizationId"], back["mti"], back["stan"] = text(fmt.Sprintf("auth-%06d-reversal", i)), text("0400"), text(fmt.Sprintf("9%05d", i))
	back["replacementAmount"] = number("0")
	back["original"] = &types.AttributeValueMemberM{Value: map[string]types.AttributeValue{"mti": a["mti"], "stan": a["stan"],
		"transmittedAt": a["transmittedAt"], "acquirerId": a["acquirerId"]}}
	return stampedItem(back)
}

// write puts items as an authorizer must: what is left unprocessed and what fails is written again.
func (s *system) write(t *testing.T, items []authItem) {
	t.Helper()
	table := s.outputs["AuthorizationsTable"]
	for len(items) > 0 {
		n := min(batchWrite, len(items))
		left := make([]types.WriteRequest, n)
		for i, item := range items[:n] {
			left[i].PutRequest = &types.PutRequest{Item: item}
		}
		items = items[n:]
		deadline := time.Now().Add(patience)
		for len(left) > 0 {
			require.True(t, time.Now().Before(deadline), "the authorizations table takes no items")
			out, err := s.dynamodb.BatchWriteItem(t.Context(), &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{table: left}})
			if err != nil {
				t.Logf("writing authorizations again: %v", err)
				continue
			}
			left = out.UnprocessedItems[table]
		}
	}
}
