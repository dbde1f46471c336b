package assembly

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRootIsTheNearestFolderAbove(t *testing.T) {
	root := t.TempDir()
	below := filepath.Join(root, "a", "b")
	require.NoError(t, os.MkdirAll(below, 0o755))
	_, err := Root(below)
	require.ErrorIs(t, err, ErrNoRepository)
	require.NoError(t, os.WriteFile(filepath.Join(root, "cdk.json"), nil, 0o644))
	got, err := Root(below)
	require.NoError(t, err)
	require.Equal(t, root, got)
}

func TestCheckToolsNamesWhatIsMissing(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("PATH", folder)
	for _, tool := range []string{"go", "node"} {
		var missing *MissingToolError
		require.ErrorAs(t, CheckTools(), &missing)
		require.Equal(t, tool, missing.Tool)
		require.NotEmpty(t, missing.Next)
		require.NoError(t, os.WriteFile(filepath.Join(folder, tool), nil, 0o755))
	}
	require.NoError(t, CheckTools())
}

func TestToolErrorNamesTheFirstLineThatSaysSomething(t *testing.T) {
	failed := errors.New("exit status 1")
	for output, want := range map[string]string{
		"":                                       "running go build: exit status 1",
		"# example.com/a\n\n  a.go:1:1: x\nmore": "running go build: exit status 1: a.go:1:1: x",
	} {
		err := &ToolError{Command: "go build", Output: output, Err: failed}
		require.EqualError(t, err, want)
		require.ErrorIs(t, err, failed)
	}
}
