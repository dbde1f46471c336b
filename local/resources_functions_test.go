package local

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFunctionsOfOtherRuntimesAreRefused(t *testing.T) {
	f := start(t)
	s := &stack{Runtime: f.Runtime, unenforced: map[string]int{}}
	_, err := s.function("F", map[string]any{"Runtime": "python3.12", "Handler": "index.handler"})
	require.ErrorContains(t, err, "provided.al2023 functions, not python3.12")
}

// A configuration of asynchronous invocations is of a function that exists, and of its one version.
func TestEventInvokeConfigOfTheTemplate(t *testing.T) {
	f := start(t)
	s := &stack{Runtime: f.Runtime, unenforced: map[string]int{}}
	_, err := s.eventInvokeConfig("C", map[string]any{"FunctionName": "none", "Qualifier": "live"})
	require.ErrorContains(t, err, `Qualifier is "live"`)
	_, err = s.eventInvokeConfig("C", map[string]any{"FunctionName": "none", "Qualifier": "$LATEST"})
	require.ErrorContains(t, err, "Function not found")
}
