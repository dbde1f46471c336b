package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/payment"
)

func TestReversalsAreTakenWhereTheyAreOn(t *testing.T) {
	taken, err := takenClasses("on")
	require.NoError(t, err)
	require.Equal(t, payment.EveryClass(), taken)

	taken, err = takenClasses("off")
	require.NoError(t, err)
	require.Equal(t, []string{"1"}, taken)

	_, err = takenClasses("true")
	require.EqualError(t, err, `reading the environment: REVERSALS is "true", want on or off`)
}
