package main

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/internal/timeline"
)

func TestFinalIsTheEventThatEndedAnAuthorization(t *testing.T) {
	entry := func(id string, kind events.DetailType) timeline.Entry {
		return timeline.Entry{AuthorizationID: id, DetailType: kind}
	}
	repairedEntry := entry("a", events.TransactionPosted)
	repairedEntry.Attempt = 2
	for name, test := range map[string]struct {
		happened []timeline.Entry
		want     string
	}{
		"nothing yet":          {nil, stillUnderWay},
		"under way":            {[]timeline.Entry{entry("a", events.TransactionAuthorized), entry("a", events.PostingLegCreated)}, stillUnderWay},
		"approved, not posted": {[]timeline.Entry{entry("a", events.TransactionPostingApproved)}, stillUnderWay},
		"posted":               {[]timeline.Entry{entry("a", events.TransactionAuthorized), entry("a", events.TransactionPosted)}, "POSTED"},
		"failed review":        {[]timeline.Entry{entry("a", events.TransactionPostingFailed)}, "FAILED_REVIEW"},
		"rejected":             {[]timeline.Entry{entry("a", events.TransactionRejected)}, "REJECTED"},
		"quarantined":          {[]timeline.Entry{entry("a", events.TransactionQuarantined)}, "QUARANTINED"},
		"conflict":             {[]timeline.Entry{entry("a", events.DuplicateConflictDetected)}, "CONFLICT"},
		// A duplicate shares the timeline of the payment it repeats: the original's end is not its own.
		"duplicate of a posted one": {[]timeline.Entry{entry("b", events.TransactionPosted), entry("a", events.DuplicateTransactionParked)}, "PARKED_DUPLICATE"},
		// What came last counts: a repair after the failure, a rewrite after the posting; not the failure that a replay tells again.
		"repaired":                    {[]timeline.Entry{entry("a", events.TransactionPostingFailed), repairedEntry}, "POSTED"},
		"repaired and replayed":       {[]timeline.Entry{repairedEntry, entry("a", events.TransactionPostingFailed)}, "POSTED"},
		"rewritten after its posting": {[]timeline.Entry{entry("a", events.TransactionPosted), entry("a", events.DuplicateConflictDetected)}, "CONFLICT"},
		"only the other one ended":    {[]timeline.Entry{entry("b", events.TransactionPosted)}, stillUnderWay},
	} {
		t.Run(name, func(t *testing.T) {
			event, ended := final("a", test.happened)
			require.Equal(t, test.want != stillUnderWay, ended)
			require.Equal(t, test.want, outcomes[event.DetailType])
		})
	}
}

// The examples' expectations name outcomes that this program knows, and between them every one.
func TestExamplesShowEveryOutcome(t *testing.T) {
	var expectations []expectation
	ok, err := readFile(filepath.Join("..", "..", examplesFolder, expectedFile), &expectations)
	require.NoError(t, err)
	require.True(t, ok)
	shown := map[string]bool{}
	for _, e := range expectations {
		shown[e.Outcome] = true
	}
	want := map[string]bool{outcomeSuspense: true} // a posted payment, by its journal
	for _, outcome := range outcomes {
		want[outcome] = true
	}
	require.Equal(t, want, shown)
}

func TestSinceFirst(t *testing.T) {
	require.Equal(t, "1250 ms", sinceFirst("2026-07-09T10:15:30.000Z", "2026-07-09T10:15:31.250Z"))
	require.Equal(t, "", sinceFirst("", "2026-07-09T10:15:31.250Z"))
}
