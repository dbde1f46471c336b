package metrics

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/local/clock"
)

var (
	start    = time.Date(2026, 7, 9, 10, 15, 30, 0, time.UTC)
	errors   = Metric{Namespace: "AWS/Lambda", Name: "Errors", Dimensions: map[string]string{"FunctionName": "posting"}}
	other    = Metric{Namespace: "AWS/Lambda", Name: "Errors", Dimensions: map[string]string{"FunctionName": "dedup"}}
	messages = Metric{Namespace: "AWS/SQS", Name: "ApproximateNumberOfMessagesVisible"}
)

func TestSumsOverAWindow(t *testing.T) {
	c := clock.NewManual(start)
	r := New(c)
	_, ok := r.Sum(errors, time.Hour)
	require.False(t, ok, "no data is not zero")

	r.Add(errors, 1)
	r.Add(errors, 2)
	r.Add(other, 50)
	c.Advance(5 * time.Minute)
	r.Add(errors, 4)
	for window, want := range map[time.Duration]float64{time.Minute: 4, 5 * time.Minute: 4, 6 * time.Minute: 7, time.Hour: 7} {
		sum, ok := r.Sum(errors, window)
		require.True(t, ok)
		require.InDelta(t, want, sum, 0, window.String())
	}
	require.Equal(t, []Point{
		{Start: start.Truncate(time.Minute), Sum: 3, Count: 2, Maximum: 2, Last: 2},
		{Start: start.Truncate(time.Minute).Add(5 * time.Minute), Sum: 4, Count: 1, Maximum: 4, Last: 4},
	}, r.Points(errors, time.Hour))
}

func TestSnapshotHasTheNewestMinuteOfEverySeries(t *testing.T) {
	c := clock.NewManual(start)
	r := New(c)
	r.Add(messages, 7)
	r.Add(messages, 3)
	r.Add(errors, 1)
	c.Advance(time.Minute)
	r.Add(errors, 9)
	got := r.Snapshot()
	require.Len(t, got, 2)
	require.Equal(t, errors, got[0].Metric)
	require.InDelta(t, 9, got[0].Last, 0)
	require.Equal(t, messages, got[1].Metric)
	require.InDelta(t, 3, got[1].Last, 0)
	require.InDelta(t, 7, got[1].Maximum, 0)
}

func TestSeriesAreBounded(t *testing.T) {
	c := clock.NewManual(start)
	r := New(c)
	for range keptBuckets + 3 {
		r.Add(errors, 1)
		c.Advance(time.Minute)
	}
	require.Len(t, r.Points(errors, 1000*time.Hour), keptBuckets)
}
