package test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/internal/disputes"
	"github.com/payrail/payrail/local/faults"
	"github.com/payrail/payrail/payment"
)

// raise makes a signed POST to dispute a transaction and decodes the answer.
func (s *system) raise(t assert.TestingT, transaction, key, body string) (status int, answer map[string]any) {
	request, err := http.NewRequest(http.MethodPost, s.outputs["ApiUrl"]+"/transactions/"+transaction+"/disputes", bytes.NewReader([]byte(body)))
	if !assert.NoError(t, err) {
		return 0, nil
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Idempotency-Key", key)
	credentials, err := s.aws.Credentials.Retrieve(request.Context())
	assert.NoError(t, err)
	hash := sha256.Sum256([]byte(body))
	assert.NoError(t, v4.NewSigner().SignHTTP(request.Context(), credentials, request, hex.EncodeToString(hash[:]), "execute-api", s.aws.Region, time.Now()))
	response, err := http.DefaultClient.Do(request)
	if !assert.NoError(t, err) {
		return 0, nil
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	assert.NoError(t, err)
	assert.NoError(t, json.Unmarshal(content, &answer), "%s", content)
	return response.StatusCode, answer
}

// foreign is worked example E2: USD 100.00 for GBP 79.25, with a fee of 2.37 and a tax on it of 0.47.
func foreign(t *testing.T, n int) map[string]types.AttributeValue {
	t.Helper()
	return item(t, n, aliceCard, map[string]types.AttributeValue{
		"transactionAmount": number("10000"), "transactionCurrency": text("USD"), "billingAmount": number("7925"), "conversionRate": text("0.7925"),
		"merchantCity": text("NEW YORK"), "merchantCountry": text("US"), "acquirerCountry": text("840"),
	})
}

// desk is how people decide cases.
func (s *system) desk() *disputes.Desk {
	return disputes.Connect(s.aws, s.outputs["LedgerTable"], s.outputs["EventBus"], payment.DisputePolicy{}, slog.New(slog.DiscardHandler))
}

// awaitCase waits for a case to come to a state and returns it as the API answers it.
func (s *system) awaitCase(t *testing.T, id, state string) (answer map[string]any) {
	t.Helper()
	eventually(t, id+" is "+state, func() bool {
		_, answer = s.ask(t, "/disputes/"+id)
		return answer["state"] == state
	})
	return answer
}

// accountBalance is a system account's balance in the trial balance, debits above zero; "0.00" where nothing was posted.
func (s *system) accountBalance(t *testing.T, account string) string {
	t.Helper()
	trial, err := s.ledger.TrialBalance(t.Context(), time.Time{})
	require.NoError(t, err)
	require.True(t, trial.Balanced())
	for _, l := range trial.Lines {
		if l.Account == account {
			sum, err := l.Debit.Add(l.Credit.Neg())
			require.NoError(t, err)
			return sum.Decimal()
		}
	}
	return "0.00"
}

// Worked example E7 from the API to the trial balance, with each end that a case can have.
func TestDisputes(t *testing.T) {
	s := start(t)
	ends := []struct {
		outcome payment.DisputeState
		won     payment.Money
		filed   bool
		// customer, loss and payable are what is left on the accounts when all is done.
		customer, loss, payable string
	}{
		{payment.DisputeWon, payment.Money{}, true, "GBP 0.00", "0.00", "0.00"},
		{payment.DisputeLostCustomer, payment.Money{}, true, "GBP -82.09", "0.00", "-79.25"},
		{payment.DisputeLostBank, payment.Money{}, false, "GBP -82.09", "79.25", "-158.50"},
		{payment.DisputeSplit, payment.Money{Minor: 5000, Currency: "GBP"}, true, "GBP -82.09", "108.50", "-187.75"},
		{payment.DisputeWithdrawn, payment.Money{}, false, "GBP -164.18", "108.50", "-267.00"},
	}
	for n, end := range ends {
		before := s.journalEntries(t, "acc-alice")
		s.put(t, foreign(t, n))
		eventually(t, "the purchase is posted", func() bool { return s.journalEntries(t, "acc-alice") == before+1 })
		_, transaction := s.ask(t, fmt.Sprintf("/transactions/auth-%06d", n))
		charged := s.balance(t, "acc-alice")

		raised := time.Now()
		status, opened := s.raise(t, transaction["transactionId"].(string), fmt.Sprintf("dispute-%06d", n), `{"reasonCode":"13.1","note":"never came"}`)
		require.Equal(t, http.StatusCreated, status, opened)
		id := opened["caseId"].(string)
		eventually(t, "the provisional credit is in the balance", func() bool { return s.journalEntries(t, "acc-alice") == before+2 })
		t.Logf("%s: credited after %s", end.outcome, time.Since(raised).Round(time.Millisecond))
		require.NotEqual(t, charged, s.balance(t, "acc-alice"))
		credited := s.awaitCase(t, id, "PROVISIONAL_CREDIT")
		require.Equal(t, "POSTED", credited["provisionalCredit"])
		require.Equal(t, map[string]any{"amount": "0.47", "currency": "GBP"}, credited["fxFeeTax"])
		require.Equal(t, "79.25", s.accountBalance(t, "DISPUTE_RECEIVABLE.VISA"))

		if end.filed {
			_, err := s.desk().Advance(t.Context(), id, func(d payment.Dispute) (payment.Dispute, error) { return d.File(time.Now(), "operator", "") })
			require.NoError(t, err)
		}
		_, err := s.desk().Advance(t.Context(), id, func(d payment.Dispute) (payment.Dispute, error) {
			return d.Decide(end.outcome, end.won, time.Now(), "operator", "")
		})
		require.NoError(t, err)
		closed := s.awaitCase(t, id, string(end.outcome))
		require.Equal(t, string(end.outcome), closed["decision"].(map[string]any)["outcome"])
		require.Equal(t, "0.00", s.accountBalance(t, "DISPUTE_RECEIVABLE.VISA"), "INV 10, after %s", end.outcome)
		require.Equal(t, end.customer, s.balance(t, "acc-alice"), end.outcome)
		require.Equal(t, end.loss, s.accountBalance(t, "DISPUTE_LOSS"), end.outcome)
		require.Equal(t, end.payable, s.accountBalance(t, "SCHEME_PAYABLE.VISA.GBP"), end.outcome)
		eventually(t, "its end is in the timeline of the purchase", func() bool {
			_, transaction = s.ask(t, fmt.Sprintf("/transactions/auth-%06d", n))
			return slices.ContainsFunc(transaction["timeline"].([]any), func(e any) bool { return e.(map[string]any)["event"] == "DisputeResolved" })
		})
	}
	s.requireSound(t)
}

// Of many who dispute one purchase at the same time, one opens a case; the account is credited once.
func TestDisputedOnce(t *testing.T) {
	s := start(t)
	s.put(t, foreign(t, 1))
	eventually(t, "the purchase is posted", func() bool { return s.journalEntries(t, "acc-alice") == 1 })
	_, transaction := s.ask(t, "/transactions/auth-000001")
	id := transaction["transactionId"].(string)

	statuses := make([]int, 8)
	cases := make([]any, len(statuses))
	var all sync.WaitGroup
	for n := range statuses {
		all.Go(func() {
			var answer map[string]any
			statuses[n], answer = s.raise(t, id, fmt.Sprintf("dispute-%d", n), `{"reasonCode":"10.4"}`)
			cases[n] = answer["caseId"]
		})
	}
	all.Wait()
	slices.Sort(statuses)
	require.Equal(t, []int{201, 409, 409, 409, 409, 409, 409, 409}, statuses)
	opened := cases[slices.IndexFunc(cases, func(c any) bool { return c != nil })].(string)
	s.awaitCase(t, opened, "PROVISIONAL_CREDIT")
	require.Equal(t, "GBP 0.00", s.balance(t, "acc-alice"))

	// Its event is lost, or comes twice: a case is credited once, and a client that asks again makes up for the loss.
	status, problem := s.raise(t, id, "dispute-another", `{"reasonCode":"10.4","amount":"1.00"}`)
	require.Equal(t, http.StatusConflict, status)
	require.Equal(t, "CASE_OPEN", problem["reason"])
	s.requireSound(t)
}

// The function that opens cases cannot tell anybody: the case stands, and is credited when the request comes again.
func TestADisputeThatNobodyWasToldOf(t *testing.T) {
	s := start(t)
	s.put(t, foreign(t, 1))
	eventually(t, "the purchase is posted", func() bool { return s.journalEntries(t, "acc-alice") == 1 })
	eventually(t, "the timeline is written", func() bool { status, _ := s.ask(t, "/transactions/auth-000001"); return status == http.StatusOK })
	_, transaction := s.ask(t, "/transactions/auth-000001")
	id := transaction["transactionId"].(string)
	require.NoError(t, s.Faults.Arm(faults.Fault{Operation: "events:PutEvents", When: faults.BeforeEffect, Code: "InternalException", Times: 3}))
	status, opened := s.raise(t, id, "dispute-1", `{"reasonCode":"10.4"}`)
	require.Equal(t, http.StatusCreated, status, opened)
	require.Equal(t, int64(1), s.journalEntries(t, "acc-alice"))

	status, again := s.raise(t, id, "dispute-1", `{"reasonCode":"10.4"}`)
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, opened["caseId"], again["caseId"])
	s.awaitCase(t, opened["caseId"].(string), "PROVISIONAL_CREDIT")
	s.requireSound(t)
}
