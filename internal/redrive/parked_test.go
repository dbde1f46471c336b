package redrive

import (
	"encoding/json"
	"os"
	"regexp"
	"testing"

	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/internal/parked"
)

// park puts a record into the parked bucket.
func (w *world) park(t *testing.T, stage, reason, id string) (key string) {
	t.Helper()
	content, err := json.Marshal(stored(id))
	require.NoError(t, err)
	r := parked.Record{Stage: stage, Kind: "INVALID", Reason: reason, Problem: "merchantId is missing", TransactionID: "tx_" + id, AuthorizationID: id, OccurredAt: now, Content: content}
	body, err := json.Marshal(r)
	require.NoError(t, err)
	w.objects[r.Key()] = string(body)
	return r.Key()
}

// A rejected authorization is judged anew as it stands in its table now.
func TestARejectedAuthorizationIsJudgedAnew(t *testing.T) {
	w := newWorld()
	key := w.park(t, "dedup", "MALFORMED", "auth-1")
	w.items["auth-1"] = stored("auth-1")
	report := w.run(t, storeOf(Parked))
	require.Equal(t, Tally{PutBack: 1}, report.Tally)
	require.Equal(t, "Invoke dedup auth-1", w.said[1])
	require.Equal(t, "DeleteObject "+key, w.said[3])

	w = newWorld()
	w.park(t, "dedup", "MALFORMED", "auth-1")
	w.items["auth-1"] = stored("auth-1")
	w.forwards = func([]streamRecord) []events.Detail[events.AuthorizedData] { return nil }
	report = w.run(t, storeOf(Parked))
	require.Equal(t, Tally{Left: 1}, report.Tally)
	require.Contains(t, report.Items[0].Problem, "dedup rejects it still")
	require.Len(t, w.objects, 1)
}

func TestWhatIsParkedForGood(t *testing.T) {
	withdrawn := stored("auth-1")
	withdrawn["status"] = &dynamotypes.AttributeValueMemberS{Value: "DECLINED"}
	for name, tc := range map[string]struct {
		stage, reason string
		prepare       func(*world)
		want          string
	}{
		"a duplicate":           {"dedup", "DUPLICATE", nil, "nothing is to be done"},
		"a conflict":            {"dedup", "CONFLICT", nil, "a person compares them"},
		"a posting conflict":    {"posting", "POSTING_CONFLICT", nil, "a person compares them"},
		"a late duplicate":      {"posting", "LATE_DUPLICATE", nil, "the payment is posted"},
		"a second reversal":     {"posting", "ALREADY_REVERSED", nil, "nothing remains to be reversed"},
		"an unknown reason":     {"dedup", "NEW_REASON", nil, "does not know what to do with the reason NEW_REASON"},
		"rejected by posting":   {"posting", "MALFORMED", nil, "does not know"},
		"no authorization":      {"dedup", "MALFORMED", nil, "does not exist any more"},
		"a withdrawn authority": {"dedup", "MALFORMED", func(w *world) { w.items["auth-1"] = withdrawn }, "is not APPROVED any more"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			w.park(t, tc.stage, tc.reason, "auth-1")
			if tc.prepare != nil {
				tc.prepare(w)
			}
			report := w.run(t, storeOf(Parked))
			require.Equal(t, Tally{Left: 1}, report.Tally)
			require.Contains(t, report.Items[0].Problem, tc.want)
			require.Empty(t, w.said)
			require.Len(t, w.objects, 1)
		})
	}
}

func TestAParkedObjectThatIsNone(t *testing.T) {
	w := newWorld()
	w.objects["2026/07/09/MALFORMED/x.json"] = "{"
	report := w.run(t, storeOf(Parked))
	require.Equal(t, Tally{Left: 1}, report.Tally)
	require.Contains(t, report.Items[0].Problem, "no parked record")
}

// Every reason of parking that the operating pages list is known here: what is new there must be decided on.
func TestEveryReasonOfParkingIsDecidedOn(t *testing.T) {
	page, err := os.ReadFile("../../docs/operating/parked-payments.md")
	require.NoError(t, err)
	reasons := regexp.MustCompile("(?m)^\\| `([A-Z_]+)` \\| (?:dedup|posting)").FindAllSubmatch(page, -1)
	require.Greater(t, len(reasons), 10)
	for _, r := range reasons {
		reason := string(r[1])
		require.True(t, instead[reason] != "" || judgedAnew[reason], reason)
		require.False(t, instead[reason] != "" && judgedAnew[reason], reason)
	}
}
