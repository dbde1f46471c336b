package clock

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestManualRunsTimersInOrderOfTime(t *testing.T) {
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	c := NewManual(start)
	first, second := c.After(time.Second), c.After(2*time.Second)
	stopped := c.AfterFunc(time.Second, func() { t.Error("a stopped timer ran") })
	require.True(t, stopped.Stop())
	require.False(t, stopped.Stop())

	c.Advance(time.Second)
	<-first
	select {
	case <-second:
		t.Fatal("the second timer ran a second early")
	default:
	}
	c.Advance(time.Second)
	<-second
	require.Equal(t, start.Add(2*time.Second), c.Now())
}

func TestScaledRunsFaster(t *testing.T) {
	c := NewScaled(1e6)
	before := c.Now()
	<-c.After(time.Hour) // 3.6 ms of real time
	require.GreaterOrEqual(t, c.Now().Sub(before), time.Hour)
}
