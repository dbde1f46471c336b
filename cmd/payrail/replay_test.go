package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/internal/rebuild"
)

func TestReplayOptions(t *testing.T) {
	now := time.Date(2026, 7, 9, 12, 0, 0, 500, time.UTC)
	good := replayOptions{from: "2026-07-09T10:00:00.9Z", stage: stagePosting, reason: "drill"}
	r, err := good.check(now)
	require.NoError(t, err)
	require.Equal(t, time.Date(2026, 7, 9, 10, 0, 0, 0, time.UTC), r.From, "EventBridge takes whole seconds: the window grows")
	require.Equal(t, time.Date(2026, 7, 9, 12, 0, 0, 0, time.UTC), r.To, "and does not end in the future")
	asked := good
	asked.to = "2026-07-09T11:00:00.1Z"
	r, err = asked.check(now)
	require.NoError(t, err)
	require.Equal(t, time.Date(2026, 7, 9, 11, 0, 1, 0, time.UTC), r.To)
	require.Regexp(t, `^rp_20260709T120000Z-[0-9a-f]{8}$`, r.Name, "EventBridge's form of a replay's name")
	for problem, change := range map[string]func(*replayOptions){
		"there is no stage audit":                      func(o *replayOptions) { o.stage = "audit" },
		"replay needs --from":                          func(o *replayOptions) { o.from = "" },
		"--from yesterday is no RFC 3339 time":         func(o *replayOptions) { o.from = "yesterday" },
		"--to tomorrow is no RFC 3339 time":            func(o *replayOptions) { o.to = "tomorrow" },
		"--from is not before --to":                    func(o *replayOptions) { o.to = "2026-07-09T10:00:00Z" },
		"replay needs a reason":                        func(o *replayOptions) { o.reason = "" },
		"the reason holds a card number":               func(o *replayOptions) { o.reason = "lost 4111111111111111" },
		"the reason must be one line":                  func(o *replayOptions) { o.reason = "a\nb" },
		"a replay from enrich runs that stage and all": func(o *replayOptions) { o.stage = "enrich" },
	} {
		bad := good
		change(&bad)
		_, err := bad.check(now)
		require.ErrorContains(t, err, problem)
		require.Equal(t, statusUsage, asProblem(err).status)
	}
	good.stage, good.yes = "enrich", true
	_, err = good.check(now)
	require.NoError(t, err)
}

func TestRebuildOptions(t *testing.T) {
	for problem, o := range map[string]rebuildOptions{
		"rebuild needs an audit log":          {reason: "drill"},
		"--audit-endpoint and --audit-region": {audit: "folder", region: "eu-west-1", reason: "drill"},
		"rebuild needs a reason":              {audit: "s3://b"},
		"the reason holds a card number":      {audit: "s3://b", reason: "lost 4111111111111111"},
		"--until noon is no RFC 3339 time":    {audit: "s3://b", reason: "drill", until: "noon"},
	} {
		_, err := o.check()
		require.ErrorContains(t, err, problem)
		require.Equal(t, statusUsage, asProblem(err).status)
	}
	_, err := rebuildOptions{audit: "s3://b", dryRun: true}.check()
	require.NoError(t, err, "who only looks need not say why")
}

func TestReplayBesideLiveTrafficSaysWhatIsLeft(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, (&application{stdout: &out, stderr: &out}).showReplayed(replayed{Name: "rp_1", Stage: stagePosting, State: "COMPLETED", Left: 7, Seconds: 2}))
	require.Contains(t, out.String(), "the stage's queue still has about 7 messages, live traffic among them\ndone after 2.0 s")
}

func TestRebuildShowsWhatDiffers(t *testing.T) {
	var out bytes.Buffer
	a := &application{stdout: &out, stderr: &out}
	require.NoError(t, a.showRebuilt(rebuilt{Name: "rb_1", From: "2026-07-09T10:00:00.000Z", To: "2026-07-09T11:00:00.000Z", Seconds: 2, Lacking: 1,
		Report: rebuild.Report{Events: 9, Units: 3, Entries: 3, Same: 1, Different: 2, Differences: []rebuild.Difference{{Sequence: "ps_A-01", Want: "aa", Got: "bb"}, {Sequence: "ps_B-01", Want: "cc"}}}}))
	require.Equal(t, `rebuild  events  messages  entries  first published           last published
rb_1          9         3        3  2026-07-09T10:00:00.000Z  2026-07-09T11:00:00.000Z
the audit log lacks legs of 1 entries, which therefore cannot come
ps_A-01: bb should be aa
ps_B-01: nothing should be cc
1 of 3 entries are in the ledger under the same hash, after 2.0 s
`, out.String())
}

func TestLogicalIDsOfConstructs(t *testing.T) {
	require.True(t, isNamed("PostingRule8C5D217D", "PostingRule"))
	require.False(t, isNamed("PostingRulesQueue8C5D217D", "PostingRule"))
	require.False(t, isNamed("DisputesweepSchedule853F1C70", "DisputesRule"))
}
