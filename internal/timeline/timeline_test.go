package timeline

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/payrail/payrail/events"
)

func example(t testing.TB, detailType events.DetailType) []byte {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("..", "..", "events", "examples", string(detailType)+".json"))
	require.NoError(t, err)
	return body
}

func TestEveryEventOfTheContractHasItsLine(t *testing.T) {
	for _, contract := range events.Contracts() {
		entry, err := Read(example(t, contract.DetailType))
		require.NoError(t, err)
		require.Equal(t, contract.DetailType, entry.DetailType)
		require.Equal(t, contract.Sources[0], entry.Source)
		require.NotEmpty(t, entry.Summary, contract.DetailType)
		require.NotContains(t, entry.Summary, "%!", contract.DetailType)
	}
}

func TestSummaries(t *testing.T) {
	for _, tc := range []struct {
		detailType events.DetailType
		data, want string
	}{
		{events.TransactionAuthorized, `{"authorization":{"billingAmount":{"amount":"79.25","currency":"GBP"},"transactionAmount":{"amount":"100.00","currency":"USD"}}}`, "accepted GBP 79.25 for USD 100.00"},
		{events.TransactionAuthorized, `{"authorization":{"billingAmount":{"amount":"19.81","currency":"GBP"},"transactionAmount":{"amount":"19.81","currency":"GBP"}}}`, "accepted GBP 19.81"},
		{events.DuplicateTransactionParked, `{"authorizationId":"auth-2","knownAuthorizationId":"auth-1"}`, "parked auth-2: duplicate of auth-1"},
		{events.DuplicateConflictDetected, `{"authorizationId":"auth-2","reason":"CONFLICT","knownAuthorizationId":"auth-1"}`, "parked auth-2: CONFLICT with auth-1"},
		{events.TransactionRejected, `{"reason":"MALFORMED","problem":"mcc is missing"}`, "parked: MALFORMED: mcc is missing"},
		{events.TransactionRejected, `{"reason":"MESSAGE_TYPE_NOT_SUPPORTED","problem":"MESSAGE_TYPE_NOT_SUPPORTED: not yet"}`, "parked: MESSAGE_TYPE_NOT_SUPPORTED: not yet"},
		{events.TransactionQuarantined, `{"reason":"CARD_NUMBER","fields":["a","b.c"]}`, "quarantined: CARD_NUMBER in a, b.c"},
		{events.TransactionStandardized, `{"msgDefIdr":"cain.003.001.04"}`, "cain.003.001.04"},
		{events.TransactionEnriched, `{"account":{"status":"OPEN","accountId":"acc-1"}}`, "account OPEN acc-1"},
		{events.TransactionEnriched, `{"account":{"status":"NOT_FOUND"}}`, "account NOT_FOUND"},
		{events.ForeignTransactionFound, `{"rule":"R-002"}`, "R-002"},
		{events.WarningMerchantTypeFound, `{"rule":"R-004","warning":"GAMBLING"}`, "R-004 GAMBLING"},
		{events.FeeApplied, `{"rule":"R-020","kind":"FX"}`, "R-020 FX"},
		{events.CrossBorderTransactionFound, `{"rule":"R-021"}`, "R-021"},
		{events.TransactionPostingApproved, `{"decision":{"outcome":"APPROVED","reason":"NONE","rulesFired":["R-002","R-005"]}}`, "APPROVED by R-002, R-005"},
		{events.TransactionRoutedToSuspense, `{"decision":{"outcome":"SUSPENSE","reason":"ACCOUNT_NOT_FOUND"}}`, "SUSPENSE ACCOUNT_NOT_FOUND"},
		{events.TransactionPostingFailed, `{"decision":{"outcome":"FAILED_REVIEW","reason":"ISSUER_COUNTRY_UNKNOWN","rulesFired":["R-001"]}}`, "FAILED_REVIEW ISSUER_COUNTRY_UNKNOWN by R-001"},
		{events.PostingLegCreated, `{"sequence":{"of":6},"leg":{"leg":2,"side":"C","account":"FEE_INCOME.FX","amount":{"amount":"2.37","currency":"GBP"}}}`, "leg 2 of 6: C FEE_INCOME.FX GBP 2.37"},
		{events.TransactionPosted, `{"outcome":"POSTED","sequence":{"id":"ps_A-00"},"legs":[{"amount":{"amount":"1.00","currency":"GBP"}}]}`, "POSTED ps_A-00 1 legs"},
		{events.DisputeOpened, `{"caseId":"dsp_1","state":"OPENED","amount":{"amount":"79.25","currency":"GBP"}}`, "dsp_1: OPENED of GBP 79.25"},
		{events.DisputeAdvanced, `{"caseId":"dsp_1","state":"REPRESENTED","amount":{"amount":"79.25","currency":"GBP"},"decision":{"outcome":"WON"}}`, "dsp_1: REPRESENTED of GBP 79.25, decided for WON"},
		{events.DisputeRejected, `{"reason":"CASE_OPEN","problem":"case dsp_0 is open"}`, "dispute refused: CASE_OPEN: case dsp_0 is open"},
		{"OfALaterVersion", `{}`, ""},
	} {
		got, err := summarize(tc.detailType, []byte(tc.data))
		require.NoError(t, err)
		require.Equal(t, tc.want, got)
	}
}

func TestReadRefusesWhatIsNoEvent(t *testing.T) {
	for body, problem := range map[string]string{
		`{`:                            "decoding the event: unexpected end",
		`{"id":"1"}`:                   "event 1: it has no detail-type, transactionId or eventId",
		`{"detail-type":"X","id":"1"}`: "event 1: it has no detail-type, transactionId or eventId",
		`{"detail-type":"TransactionPosted","detail":{"metadata":{"transactionId":"t","eventId":"e"},"data":[]}}`:                "the data of e",
		`{"detail-type":"X","id":"1","detail":{"metadata":{"transactionId":"t","eventId":"` + fmt.Sprintf("%01025d", 1) + `"}}}`: "longer than a sort key",
	} {
		_, err := Read([]byte(body))
		require.ErrorContains(t, err, problem, body)
	}
}

func TestSortIsByTimeThenStageThenLeg(t *testing.T) {
	at := func(ms int, detailType events.DetailType, suffix string) Entry {
		return Entry{EventID: "tx_1/" + string(detailType) + suffix, DetailType: detailType, PublishedAt: fmt.Sprintf("2026-07-09T10:15:31.%03dZ", ms)}
	}
	sorted := []Entry{
		{EventID: "undated"},
		at(1, events.TransactionAuthorized, ""), at(5, events.TransactionStandardized, ""), at(5, events.TransactionEnriched, ""),
		at(7, events.PostingLegCreated, "/1"), at(7, events.PostingLegCreated, "/2"), at(7, events.PostingLegCreated, "/10"),
		at(7, events.TransactionPosted, ""), at(7, "OfALaterVersion", ""), at(8, events.TransactionAuthorized, ""),
	}
	rapid.Check(t, func(t *rapid.T) {
		shuffled := append([]Entry(nil), sorted...)
		rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0)).Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		Sort(shuffled)
		require.Equal(t, sorted, shuffled)
	})
}

func FuzzRead(f *testing.F) {
	for _, contract := range events.Contracts() {
		f.Add(example(f, contract.DetailType))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		entry, err := Read(body)
		if err != nil {
			return
		}
		for key, item := range entry.items() {
			require.NotEmpty(t, key.pk)
			require.NotEmpty(t, key.sk)
			require.Contains(t, item, "pk")
		}
		require.Equal(t, entry, entryOf(entry.items()[itemKey{entry.TransactionID, entry.EventID}]))
	})
}
