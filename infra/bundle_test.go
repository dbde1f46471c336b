package main

import (
	"crypto/sha256"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// module writes a Go module with functions of the given source, somewhere new each time.
func module(t *testing.T, functions map[string]string) string {
	t.Helper()
	root := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(root, "go.mod"), []byte("module example.com/trial\n\ngo 1.26\n"), 0o644))
	for name, source := range functions {
		folder := filepath.Join(root, functionsFolder, name)
		require.NoError(t, os.MkdirAll(folder, 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(folder, "main.go"), []byte(source), 0o644))
	}
	return root
}

const source = "package main\n\nimport \"os\"\n\nfunc main() { os.Exit(len(os.Args)) }\n"

func TestCompileIsReproducible(t *testing.T) {
	target, err := platformOf("arm64")
	require.NoError(t, err)
	var hashes [2][sha256.Size]byte
	for i := range hashes {
		root := module(t, map[string]string{"one": source, "two": source})
		require.NoError(t, os.WriteFile(filepath.Join(root, functionsFolder, "README.md"), []byte("not a function"), 0o644))
		code, err := compile(t.Context(), root, target)
		require.NoError(t, err)
		require.Equal(t, map[string]string{
			"one": filepath.Join(root, "dist", "linux-arm64", "one"),
			"two": filepath.Join(root, "dist", "linux-arm64", "two"),
		}, code)
		binary, err := os.ReadFile(filepath.Join(code["one"], "bootstrap"))
		require.NoError(t, err)
		require.Equal(t, "\x7fELF", string(binary[:4]))
		hashes[i] = sha256.Sum256(binary)
	}
	require.Equal(t, hashes[0], hashes[1], "the same source in two folders gives different binaries")
}

func TestCompileNamesTheFunctionThatFails(t *testing.T) {
	target, err := platformOf("host")
	require.NoError(t, err)
	root := module(t, map[string]string{"good": source, "broken": "package main\n\nfunc main() { missing() }\n"})
	_, err = compile(t.Context(), root, target)
	require.ErrorContains(t, err, "compiling function broken: ")
	require.ErrorContains(t, err, "undefined: missing")

	_, err = compile(t.Context(), t.TempDir(), target)
	require.ErrorContains(t, err, "listing the functions: ")
}
