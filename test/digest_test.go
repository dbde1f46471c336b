package test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/internal/awsconfig"
	"github.com/payrail/payrail/internal/digests"
	"github.com/payrail/payrail/internal/ledger"
	"github.com/payrail/payrail/local"
	"github.com/payrail/payrail/local/clock"
)

// The schedule runs the function, and the function writes the digest of the last hour that is over into the audit bucket. The
// function's own clock is the machine's; the schedule's runs fast enough for several of its hours to pass.
func TestTheScheduleDigestsTheLedger(t *testing.T) {
	const scale = 3600 // An hour in a second.
	s := startWith(t, func(o *local.Options) { o.Clock = clock.NewScaled(scale) })
	store := digests.NewStore(awsconfig.S3(s.aws), s.outputs["AuditBucket"])
	var written []ledger.Digest
	eventually(t, "a digest", func() bool {
		all, findings, err := store.All(t.Context())
		require.NoError(t, err)
		require.Empty(t, findings)
		written = all
		return len(all) > 0
	})
	last := written[len(written)-1]
	require.WithinRange(t, last.End(), time.Now().Add(-2*time.Hour), time.Now())
	require.Zero(t, last.JournalEntries, "nothing was posted in an hour that was over before the system started")
	v, err := s.ledger.VerifyAgainst(t.Context(), written)
	require.NoError(t, err)
	require.Empty(t, v.Findings)
	s.requireSound(t)
}
