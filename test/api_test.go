package test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/local/faults"
)

// ask makes a signed GET of the customer API and decodes the answer.
func (s *system) ask(t *testing.T, path string) (status int, answer map[string]any) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.outputs["ApiUrl"]+path, nil)
	require.NoError(t, err)
	credentials, err := s.aws.Credentials.Retrieve(t.Context())
	require.NoError(t, err)
	empty := sha256.Sum256(nil)
	require.NoError(t, v4.NewSigner().SignHTTP(t.Context(), credentials, request, hex.EncodeToString(empty[:]), "execute-api", s.aws.Region, time.Now()))
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(body, &answer), "%s", body)
	if response.StatusCode != http.StatusOK {
		require.Contains(t, []string{"application/problem+json", "application/json"}, response.Header.Get("Content-Type"))
	}
	require.NotContains(t, string(body), aliceCard)
	require.NotContains(t, string(body), "tok_v1_")
	return response.StatusCode, answer
}

func TestCustomerAPI(t *testing.T) {
	s := start(t)
	const purchases = 5
	for n := range purchases {
		s.put(t, item(t, n, aliceCard, map[string]types.AttributeValue{"billingAmount": number(fmt.Sprint(1000 + n)), "transactionAmount": number(fmt.Sprint(1000 + n))}))
	}
	eventually(t, "all are posted", func() bool { return s.journalEntries(t, "acc-alice") == purchases })

	status, balances := s.ask(t, "/accounts/acc-alice/balances")
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, map[string]any{"accountId": "acc-alice", "balances": []any{
		map[string]any{"balance": map[string]any{"amount": "-50.10", "currency": "GBP"}, "journalEntries": float64(purchases)},
	}}, balances)
	s.requireEntriesByPage(t, purchases)
	s.requireTransaction(t)

	status, problem := s.ask(t, "/accounts/acc-alice/entries?limit=none")
	require.Equal(t, http.StatusBadRequest, status)
	require.Equal(t, "limit", problem["errors"].([]any)[0].(map[string]any)["field"])
	status, problem = s.ask(t, "/accounts/"+aliceCard+"/balances")
	require.Equal(t, http.StatusBadRequest, status)
	require.Equal(t, "id", problem["errors"].([]any)[0].(map[string]any)["field"])
	status, _ = s.ask(t, "/accounts/acc-nobody/balances")
	require.Equal(t, http.StatusNotFound, status)
	s.requireSound(t)
}

// requireEntriesByPage follows the cursors through all entries of acc-alice.
func (s *system) requireEntriesByPage(t *testing.T, posted int) {
	t.Helper()
	sequences, pages := map[string]bool{}, 0
	for cursor := ""; ; pages++ {
		status, page := s.ask(t, "/accounts/acc-alice/entries?limit=2"+cursor)
		require.Equal(t, http.StatusOK, status, page)
		for _, e := range page["entries"].([]any) {
			sequences[e.(map[string]any)["sequence"].(string)] = true
		}
		next, more := page["nextCursor"].(string)
		if !more {
			break
		}
		cursor = "&cursor=" + next
	}
	require.Len(t, sequences, posted)
	require.Equal(t, 2, pages, "three pages of two, two and one")
	_, page := s.ask(t, "/accounts/acc-alice/entries?limit=1")
	status, _ := s.ask(t, "/accounts/acc-bob/entries?cursor="+page["nextCursor"].(string))
	require.Equal(t, http.StatusBadRequest, status, "the cursor of another account")
}

// requireTransaction asks for the first payment by its authorization and by its own id.
func (s *system) requireTransaction(t *testing.T) {
	t.Helper()
	var answer map[string]any
	eventually(t, "the timeline is complete", func() bool {
		_, answer = s.ask(t, "/transactions/auth-000000")
		happened, ok := answer["timeline"].([]any)
		return ok && slices.ContainsFunc(happened, func(e any) bool { return e.(map[string]any)["event"] == "TransactionPosted" })
	})
	require.Equal(t, "POSTED", answer["status"])
	legs := answer["postings"].([]any)[0].(map[string]any)["legs"].([]any)
	require.Len(t, legs, 2)
	require.Equal(t, "acc-alice", legs[0].(map[string]any)["account"])
	require.Equal(t, "DEBIT", legs[0].(map[string]any)["side"])
	require.Equal(t, map[string]any{"amount": "10.00", "currency": "GBP"}, legs[0].(map[string]any)["amount"])
	status, again := s.ask(t, "/transactions/"+answer["transactionId"].(string))
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, answer["postings"], again["postings"])
}

func TestCustomerAPIRefusesRequestsThatAreNotSigned(t *testing.T) {
	s := start(t)
	for _, authorization := range []string{"", "Bearer token"} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.outputs["ApiUrl"]+"/accounts/acc-alice/balances", nil)
		require.NoError(t, err)
		request.Header.Set("Authorization", authorization)
		response, err := http.DefaultClient.Do(request)
		require.NoError(t, err)
		body, err := io.ReadAll(response.Body)
		require.NoError(t, response.Body.Close())
		require.NoError(t, err)
		require.Equal(t, http.StatusForbidden, response.StatusCode)
		require.JSONEq(t, `{"message":"Forbidden"}`, string(body))
	}
}

// The table fails for longer than the SDK tries: the caller hears that it is not his fault, and nothing of what it was.
func TestCustomerAPITellsThatItFailed(t *testing.T) {
	s := start(t)
	require.NoError(t, s.Faults.Arm(faults.Fault{Operation: "dynamodb:Query", When: faults.BeforeEffect, Code: "InternalServerError", Times: 4}))
	status, problem := s.ask(t, "/accounts/acc-alice/balances")
	require.Equal(t, http.StatusInternalServerError, status)
	require.Equal(t, "urn:payrail:problem:internal", problem["type"])
	require.NotContains(t, fmt.Sprint(problem), "InternalServerError")
	status, _ = s.ask(t, "/accounts/acc-alice/balances")
	require.Equal(t, http.StatusNotFound, status, "it works again")
}

// What docs/how-to/use-the-api.md says to type.
func TestCustomerAPIFromCurl(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("curl is not installed")
	}
	if help, err := exec.CommandContext(t.Context(), "curl", "--help", "all").Output(); err != nil || !strings.Contains(string(help), "--aws-sigv4") {
		t.Skip("this curl is older than 7.75 and cannot sign")
	}
	s := start(t)
	s.put(t, item(t, 1, aliceCard, nil))
	eventually(t, "it is posted", func() bool { return s.journalEntries(t, "acc-alice") == 1 })
	out, err := exec.CommandContext(t.Context(), "curl", "--silent", "--fail", "--aws-sigv4", "aws:amz:us-east-1:execute-api", "--user", "local:local",
		s.outputs["ApiUrl"]+"/accounts/acc-alice/entries?limit=10").Output()
	require.NoError(t, err)
	var page struct {
		Entries []struct {
			Amount struct{ Amount, Currency string }
		}
	}
	require.NoError(t, json.Unmarshal(out, &page), "%s", out)
	require.Len(t, page.Entries, 1)
	require.Equal(t, "-19.81", page.Entries[0].Amount.Amount)
}
