package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRunNamesWhatIsMissing(t *testing.T) {
	err := run(t.Context(), t.TempDir())
	require.ErrorContains(t, err, "reading the feature flags (run this from the repository's root folder): ")

	t.Setenv("PATH", "")
	err = run(t.Context(), "..")
	require.ErrorContains(t, err, "looking for Node.js, which the CDK needs (install it from https://nodejs.org): ")
}
