package local

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/local/storage"
)

// A clock that ran a million times as fast is far ahead; the next one begins there although the machine's is not, and although the
// first was killed.
func TestTimeDoesNotGoBackOverARestart(t *testing.T) {
	store := storage.NewMemory()
	killed, err := KeepTime(store, 1e6)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, killed.Close()) })
	shown := killed.Now()
	next, err := KeepTime(store, 1)
	require.NoError(t, err)
	require.False(t, next.Now().Before(shown))
	require.True(t, next.Now().After(time.Now().Add(time.Hour)))
	shown = next.Now()
	require.NoError(t, next.Close())
	last, err := KeepTime(store, 1)
	require.NoError(t, err)
	require.False(t, last.Now().Before(shown))
	require.NoError(t, last.Close())
}

func TestTimeGoesWithTheMachineWhereItCan(t *testing.T) {
	store := storage.NewMemory()
	for range 3 {
		clock, err := KeepTime(store, 1)
		require.NoError(t, err)
		require.WithinDuration(t, time.Now(), clock.Now(), time.Second)
		require.NoError(t, clock.Close())
		require.NoError(t, clock.Close(), "closing twice is no error")
	}
}
