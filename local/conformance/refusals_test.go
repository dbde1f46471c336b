package conformance

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRefusalsAreReadFromThePage(t *testing.T) {
	refused := Refusals(t, "EventBridge")
	require.Contains(t, refused, "input transformers")
	require.NotContains(t, refused, "")
}
