package eventbridge

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestArchiveAndReplay(t *testing.T) {
	f := newFixture(t)
	f.rule(t, "live", `{"source":["payrail.test"]}`, Target{ID: "a", ARN: queueA})
	f.rule(t, "no-replays", `{"source":["payrail.test"],"replay-name":[{"exists":false}]}`, Target{ID: "b", ARN: queueB})
	archiveARN, err := f.CreateArchive(Archive{Name: "kept", Bus: "payrail", EventPattern: `{"detail-type":["Kept"]}`})
	require.NoError(t, err)
	f.put(t, "Kept", `{"n":1}`)
	f.put(t, "Other", `{"n":2}`)
	f.clock.Advance(time.Minute)
	f.put(t, "Kept", `{"n":3}`)
	f.idle(t)

	var archived []time.Time
	require.NoError(t, f.EachArchived("kept", time.Time{}, time.Time{}, func(e ArchivedEvent) bool {
		archived = append(archived, e.Time)
		return true
	}))
	require.Equal(t, []time.Time{start, start.Add(time.Minute)}, archived)

	busARN := "arn:aws:events:us-east-1:000000000000:event-bus/payrail"
	r := Replay{Name: "again", ArchiveARN: archiveARN, BusARN: busARN, From: start, To: start.Add(time.Minute)}
	wrong := r
	wrong.BusARN = "arn:aws:events:us-east-1:000000000000:event-bus/default"
	require.ErrorContains(t, f.StartReplay(wrong), "Cross event bus replay is not permitted.")
	require.NoError(t, f.StartReplay(r))
	require.ErrorContains(t, f.StartReplay(r), "ResourceAlreadyExistsException")
	f.idle(t)

	got := f.targets.delivered(queueA)
	require.Len(t, got, 4)
	require.Contains(t, got[3], `,"region":"us-east-1","replay-name":"again","resources":[],"detail":{`)
	require.True(t, json.Valid([]byte(got[3])))
	require.Len(t, f.targets.delivered(queueB), 3, "the rule that excludes replays")
	require.EqualValues(t, 2, f.archives["kept"].counts.events.Load(), "a replayed event is not archived again")
	require.Equal(t, replayCompleted, f.replays["again"].state)
}

func TestArchiveForgetsAfterItsRetention(t *testing.T) {
	f := newFixture(t)
	archiveARN, err := f.CreateArchive(Archive{Name: "kept", Bus: "payrail", RetentionDays: 2})
	require.NoError(t, err)
	f.rule(t, "live", `{"source":["payrail.test"]}`, Target{ID: "a", ARN: queueA})
	f.put(t, "Kept", `{"n":1}`)
	f.clock.Advance(36 * time.Hour)
	f.put(t, "Kept", `{"n":2}`)
	f.clock.Advance(24 * time.Hour)
	f.idle(t)

	require.NoError(t, f.StartReplay(Replay{Name: "all", ArchiveARN: archiveARN, BusARN: "arn:aws:events:us-east-1:000000000000:event-bus/payrail",
		From: start.Add(-time.Hour), To: start.Add(100 * time.Hour)}))
	f.idle(t)
	got := f.targets.delivered(queueA)
	require.Len(t, got, 3, "of two events one is older than two days")
	require.Contains(t, got[2], `"detail":{"n":2}`)

	_, err = f.CreateArchive(Archive{Name: "never", Bus: "payrail", RetentionDays: -1})
	require.ErrorContains(t, err, "Member must have value greater than or equal to 0")
}
