package faults

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestInjectorFailsTheCallsItWasArmedFor(t *testing.T) {
	var i Injector
	require.NoError(t, i.Arm(Fault{Operation: "events:PutEvents", When: AfterEffect, Code: "InternalException", Skip: 1, Times: 2}))

	require.NoError(t, i.Before("events:PutEvents"))
	require.NoError(t, i.After("events:PutEvents"), "the first call is skipped")
	require.NoError(t, i.After("sqs:SendMessage"), "another operation is not touched")
	require.EqualError(t, i.After("events:PutEvents"), "events:PutEvents: InternalException injected after the effect")
	require.Error(t, i.After("events:PutEvents"))
	require.NoError(t, i.After("events:PutEvents"), "the fault is used up")
	require.Equal(t, 2, i.Hits("events:PutEvents"))
}

func TestInjectorRefusesWhatItCannotDo(t *testing.T) {
	var i Injector
	require.EqualError(t, i.Arm(Fault{Operation: "x", Code: "y", When: "during"}), `arming fault: when is "during", want "before", "after" or "lost"`)
	require.Error(t, i.Arm(Fault{When: BeforeEffect, Code: "y"}))
}

func TestInjectorLosesWithoutAnError(t *testing.T) {
	var i Injector
	require.NoError(t, i.Arm(Fault{Operation: "events:PutEvents/TransactionPosted", When: Lost, Skip: 1}))
	require.False(t, i.Lose("events:PutEvents/TransactionPosted"))
	require.NoError(t, i.Before("events:PutEvents/TransactionPosted"))
	require.True(t, i.Lose("events:PutEvents/TransactionPosted"))
	require.False(t, i.Lose("events:PutEvents/TransactionPosted"), "the fault is used up")
	require.Equal(t, 1, i.Hits("events:PutEvents/TransactionPosted"))
}

func TestNilInjectorInjectsNothing(t *testing.T) {
	var i *Injector
	require.NoError(t, i.Before("x"))
}
