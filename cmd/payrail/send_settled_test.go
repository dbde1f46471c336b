package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/internal/timeline"
)

// An authorization that is sent again keeps its outcome only once nothing new has come of it.
func TestAnOldOutcomeIsNotTakenForTheNewOne(t *testing.T) {
	posted := timeline.Entry{EventID: "ps_A-00/TransactionPosted", DetailType: events.TransactionPosted, PublishedAt: "2026-07-09T10:15:31.000Z"}
	again := posted
	again.PublishedAt = "2026-07-09T10:16:00.000Z"
	conflict := timeline.Entry{EventID: "tx_A/DuplicateConflictDetected/a", DetailType: events.DuplicateConflictDetected}
	for name, tc := range map[string]struct {
		last, known timeline.Entry
		identical   bool
		waited      time.Duration
		want        bool
	}{
		"the first time":                  {posted, timeline.Entry{}, false, 0, true},
		"rewritten, nothing new yet":      {posted, posted, false, time.Second, false},
		"rewritten, nothing new any more": {posted, posted, false, rewriteWait + 1, true},
		"rewritten, told again":           {again, posted, false, 0, true},
		"rewritten, another outcome":      {conflict, posted, false, 0, true},
		"the same item":                   {posted, posted, true, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, tc.want, settled(tc.last, tc.known, tc.identical, tc.waited))
		})
	}
}
