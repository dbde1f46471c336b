package main

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"

	lambdaevents "github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/internal/timeline"
	"github.com/payrail/payrail/payment"
)

const (
	key    = "9d9a5fb0-3a3c-4b3e-8f6e-3d2f8f1a2b3c"
	demand = `{"reasonCode":"13.1"}`
)

// foreignPurchase posts worked example E2 without tax.
func (w *world) foreignPurchase(t testing.TB, change func(*payment.Decided)) (transaction string) {
	t.Helper()
	decided := payment.Decided{Outcome: payment.OutcomePosted, MTI: "0100", TransactionType: "00", MCC: "5411", Foreign: true, Charges: payment.Charges{FX: true},
		TransmittedAt: "2026-07-09T10:15:30Z", TransactionAmount: payment.Money{Minor: 10000, Currency: "USD"}, BillingAmount: payment.Money{Minor: 7925, Currency: "GBP"},
		AccountID: account, Scheme: "VISA", Terms: payment.Terms{FXFeeRate: "0.0299"}, Description: "ACME STORE NEW YORK US USD 100.00", ValueDate: "2026-07-10"}
	if change != nil {
		change(&decided)
	}
	legs, err := payment.Legs(decided)
	require.NoError(t, err)
	k := businessKey(20)
	result := w.store().Commit(t.Context(), []payment.JournalEntry{{Legs: legs, Sequence: payment.Sequence{
		ID: payment.SequenceID(k, 0), Of: len(legs), Checksum: payment.Checksum(legs), TransactionID: payment.TransactionID(k), AuthorizationID: "auth-20",
		BusinessKey: k, PayloadHash: strings.Repeat("0", 64), Outcome: decided.Outcome, OccurredAt: "2026-07-09T10:15:31.000Z", Basis: decided}}})
	require.NoError(t, result[0].Err)
	return payment.TransactionID(k)
}

// disputing is a request to dispute a transaction.
func disputing(t testing.TB, transaction, idempotencyKey, body string) lambdaevents.APIGatewayV2HTTPRequest {
	t.Helper()
	request := requestOf(t, "/transactions/"+transaction)
	request.RouteKey, request.Body = routeOpenDispute, body
	request.Headers = map[string]string{"content-type": "application/json"}
	if idempotencyKey != "" {
		request.Headers["idempotency-key"] = idempotencyKey
	}
	return request
}

func (w *world) dispute(t testing.TB, transaction, idempotencyKey, body string) (status int, answer map[string]any) {
	t.Helper()
	return send(t, w.handler, "/transactions/"+transaction+"/disputes", disputing(t, transaction, idempotencyKey, body))
}

func TestOpenADispute(t *testing.T) {
	w := newWorld()
	transaction := w.foreignPurchase(t, nil)
	response, err := w.handle(t.Context(), disputing(t, transaction, key, `{"reasonCode":"13.1","amount":"50.00","note":"Never came, ¡qué lástima!"}`))
	require.NoError(t, err)
	require.Equal(t, http.StatusCreated, response.StatusCode, response.Body)
	location := response.Headers["Location"]
	status, answer := get(t, w.handler, location)
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, map[string]any{
		"caseId": strings.TrimPrefix(location, "/disputes/"), "transactionId": transaction, "accountId": account, "state": "OPENED",
		"amount": map[string]any{"amount": "50.00", "currency": "GBP"}, "fxFee": map[string]any{"amount": "1.50", "currency": "GBP"},
		"fxFeeTax": map[string]any{"amount": "0.00", "currency": "GBP"}, "reasonCode": "13.1", "note": "Never came, ¡qué lástima!",
		"openedAt": "2026-07-20T09:00:00.000Z", "fileBy": "2026-11-06T10:15:31.000Z", "provisionalCredit": "PENDING",
		"history": []any{map[string]any{"state": "OPENED", "at": "2026-07-20T09:00:00.000Z"}},
	}, answer)
	require.Equal(t, events.DisputeOpened, (*w.bus)[0].DetailType)
	require.NotContains(t, string((*w.bus)[0].Detail), "Never came", "what people write stays off the bus")
	require.NotContains(t, w.log.String(), "level=ERROR")

	status, again := w.dispute(t, transaction, key, `{"amount":"50.00","note":"Never came, ¡qué lástima!","reasonCode":"13.1"}`)
	require.Equal(t, http.StatusOK, status, "the same request, its members in another order")
	require.Equal(t, answer, again)
	status, problem := w.dispute(t, transaction, key, demand)
	require.Equal(t, http.StatusUnprocessableEntity, status)
	require.Equal(t, typeKeyReused, problem["type"])
	status, problem = w.dispute(t, transaction, "another-key", demand)
	require.Equal(t, http.StatusConflict, status)
	require.Equal(t, payment.ReasonCaseOpen, problem["reason"])
}

// A body that the gateway encodes is read as what it was, and an authorization's id leads to its transaction.
func TestOpenADisputeByItsAuthorization(t *testing.T) {
	w := newWorld()
	transaction := w.foreignPurchase(t, nil)
	posted := example(t, events.TransactionPosted)
	posted.TransactionID, posted.PostingSequence = transaction, payment.SequenceID(businessKey(20), 0)
	w.timeline["auth-20"] = []timeline.Entry{posted}
	request := disputing(t, "auth-20", key, base64.StdEncoding.EncodeToString([]byte(demand)))
	request.IsBase64Encoded = true
	response, err := w.handle(t.Context(), request)
	require.NoError(t, err)
	require.Equal(t, http.StatusCreated, response.StatusCode, response.Body)
	require.Contains(t, response.Body, transaction)
}

func TestADisputeIsRefusedByTheNameOfWhatIsWrong(t *testing.T) {
	const (
		amount = "must be a decimal as text, for instance \"19.81\"; leave it out for all that can be disputed"
		reason = "must be a reason code of the card scheme, for instance \"13.1\" of Visa or \"4853\" of Mastercard"
		header = "must be a header of 8 to 128 printable ASCII characters without blanks, another one for each request; a UUID for instance"
	)
	w := newWorld()
	transaction := w.foreignPurchase(t, nil)
	reads := w.table.Calls("GetItem")
	for name, tc := range map[string]struct {
		key, body string
		want      []fieldProblem
	}{
		"no key":               {"", demand, []fieldProblem{{"Idempotency-Key", header}}},
		"a short key":          {"1234567", demand, []fieldProblem{{"Idempotency-Key", header}}},
		"no body":              {key, "", []fieldProblem{{"body", "must be a JSON object"}}},
		"no object":            {key, `["reasonCode"]`, []fieldProblem{{"body", "must be a JSON object"}}},
		"null":                 {key, `null`, []fieldProblem{{"body", "must be a JSON object"}}},
		"two objects":          {key, demand + demand, []fieldProblem{{"body", "must be a JSON object"}}},
		"no reason":            {key, `{}`, []fieldProblem{{"reasonCode", reason}}},
		"a reason as a number": {key, `{"reasonCode":13.1}`, []fieldProblem{{"reasonCode", "must be a text"}}},
		"an amount as number":  {key, `{"reasonCode":"13.1","amount":50.00}`, []fieldProblem{{"amount", "must be a text"}}},
		"an amount as null":    {key, `{"reasonCode":"13.1","amount":null}`, []fieldProblem{{"amount", "must be a text"}}},
		"a negative amount":    {key, `{"reasonCode":"13.1","amount":"-5.00"}`, []fieldProblem{{"amount", amount}}},
		"an exponent":          {key, `{"reasonCode":"13.1","amount":"5e2"}`, []fieldProblem{{"amount", amount}}},
		"a comma":              {key, `{"reasonCode":"13.1","amount":"5,00"}`, []fieldProblem{{"amount", amount}}},
		"a currency":           {key, `{"reasonCode":"13.1","currency":"£"}`, []fieldProblem{{"currency", "must be the ISO 4217 code of the billing currency; it can be left out"}}},
		"everything at once": {"", `{"amont":"1","amount":"x","4111111111111111":"x"}`, []fieldProblem{{"Idempotency-Key", header}, {"(name withheld)", "is no member of this request"},
			{"amont", "is no member of this request"}, {"amount", amount}, {"reasonCode", reason}}},
	} {
		t.Run(name, func(t *testing.T) {
			status, answer := w.dispute(t, transaction, tc.key, tc.body)
			require.Equal(t, http.StatusBadRequest, status, answer)
			require.Equal(t, typeInvalidParameter, answer["type"])
			require.ElementsMatch(t, tc.want, problemsOf(answer))
			require.NotContains(t, fmt.Sprint(answer), "4111")
		})
	}
	require.Equal(t, reads, w.table.Calls("GetItem"), "nothing is read for a request that is refused")
	for body, want := range map[string]fieldProblem{
		`{"reasonCode":"13.1","amount":"1.005"}`:                           {"amount", "must be a decimal with at most as many places as its currency has"},
		`{"reasonCode":"13.1","note":"I typed 4111 1111 1111 1111 there"}`: {"note", "must not hold a card number"},
		`{"reasonCode":"13.1","note":"` + strings.Repeat("a", 2001) + `"}`: {"note", "must be at most 2000 characters"},
	} {
		status, answer := w.dispute(t, transaction, key, body)
		require.Equal(t, http.StatusBadRequest, status)
		require.Equal(t, []fieldProblem{want}, problemsOf(answer))
	}
	require.Empty(t, *w.bus)
}

func problemsOf(answer map[string]any) (problems []fieldProblem) {
	list, _ := answer["errors"].([]any)
	for _, e := range list {
		problems = append(problems, fieldProblem{e.(map[string]any)["field"].(string), e.(map[string]any)["problem"].(string)})
	}
	return problems
}

func TestABodyThatIsNotJSON(t *testing.T) {
	w := newWorld()
	request := disputing(t, w.foreignPurchase(t, nil), key, "reasonCode=13.1")
	request.Headers["content-type"] = "application/x-www-form-urlencoded"
	response, err := w.handle(t.Context(), request)
	require.NoError(t, err)
	require.Equal(t, http.StatusUnsupportedMediaType, response.StatusCode)
	require.Contains(t, response.Body, "must be application/json")
	status, answer := w.dispute(t, payment.TransactionID(businessKey(20)), key, `{"reasonCode":"13.1","note":"`+strings.Repeat("a", maxRequestBytes)+`"}`)
	require.Equal(t, http.StatusRequestEntityTooLarge, status)
	require.Equal(t, "body", problemsOf(answer)[0].Field)
}

// R-090, told to the caller at once and to everybody else on the bus.
func TestADisputeIsRefusedForItsReason(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*world, *payment.Decided)
		body   string
		status int
		reason string
		field  string
	}{
		"too much":                {nil, `{"reasonCode":"13.1","amount":"79.26"}`, 422, payment.ReasonNotEligible, "amount"},
		"nothing":                 {nil, `{"reasonCode":"13.1","amount":"0.00"}`, 422, payment.ReasonNotEligible, "amount"},
		"another currency":        {nil, `{"reasonCode":"13.1","amount":"5.00","currency":"USD"}`, 422, payment.ReasonCurrency, "currency"},
		"an unknown reason":       {nil, `{"reasonCode":"99.9"}`, 422, payment.ReasonReasonCode, "reasonCode"},
		"another scheme's reason": {nil, `{"reasonCode":"4853"}`, 422, payment.ReasonReasonScheme, "reasonCode"},
		"in suspense":             {func(_ *world, d *payment.Decided) { d.Outcome, d.AccountID = payment.OutcomeSuspense, "" }, demand, 422, payment.ReasonNotPosted, ""},
		"a refund":                {func(_ *world, d *payment.Decided) { d.TransactionType = "20" }, demand, 422, payment.ReasonNotAPurchase, ""},
		"too late":                {func(w *world, _ *payment.Decided) { w.now = w.now.AddDate(0, 4, 0) }, demand, 422, payment.ReasonWindowClosed, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			transaction := w.foreignPurchase(t, func(d *payment.Decided) {
				if tc.change != nil {
					tc.change(w, d)
				}
			})
			status, answer := w.dispute(t, transaction, key, tc.body)
			require.Equal(t, tc.status, status, answer)
			require.Equal(t, typeDisputeRefused, answer["type"])
			require.Equal(t, tc.reason, answer["reason"])
			if tc.field != "" {
				require.Equal(t, tc.field, problemsOf(answer)[0].Field)
			}
			require.Equal(t, events.DisputeRejected, (*w.bus)[0].DetailType)
			require.Contains(t, string((*w.bus)[0].Detail), tc.reason)
		})
	}
}

func TestWhatCannotBeDisputedBecauseItIsNotThere(t *testing.T) {
	w := newWorld()
	status, _ := w.dispute(t, "tx_"+strings.Repeat("Z", 26), key, demand)
	require.Equal(t, http.StatusNotFound, status)
	authorized := example(t, events.TransactionAuthorized)
	w.timeline["auth-1"] = []timeline.Entry{authorized}
	status, answer := w.dispute(t, "auth-1", key, demand)
	require.Equal(t, http.StatusUnprocessableEntity, status)
	require.Equal(t, payment.ReasonNotPosted, answer["reason"])
	other := authorized
	other.TransactionID = "tx_" + strings.Repeat("A", 26)
	w.timeline["auth-1"] = []timeline.Entry{authorized, other}
	status, _ = w.dispute(t, "auth-1", key, demand)
	require.Equal(t, http.StatusConflict, status)
	for id, want := range map[string]int{"dsp_" + strings.Repeat("A", 26): http.StatusNotFound, "dsp_1": http.StatusBadRequest, "4111111111111111": http.StatusBadRequest} {
		status, _ := get(t, w.handler, "/disputes/"+id)
		require.Equal(t, want, status, id)
	}
	require.Empty(t, *w.bus)
}
