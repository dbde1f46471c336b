// Package iso20022test validates documents against the official ISO 20022 schemas, which this repository does not carry.
package iso20022test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// DirVariable names the folder with the schemas (cain.003.001.04.xsd …). A path that is not absolute is taken from the
// repository's root, wherever a test runs.
const DirVariable = "PAYRAIL_ISO20022_DIR"

// RequireSchemas skips the test where no folder of schemas is named. Where one is, validating was asked for: a missing tool is
// then a failure and no skip.
func RequireSchemas(t *testing.T) {
	t.Helper()
	if os.Getenv(DirVariable) == "" {
		t.Skip(DirVariable + " is not set: there are no schemas to validate against")
	}
	if _, err := os.Stat(schemas(t)); err != nil {
		t.Fatalf("%s names no folder: %v", DirVariable, err)
	}
	if _, err := exec.LookPath("xmllint"); err != nil {
		t.Fatalf("%s is set, but xmllint is not installed (libxml2-utils): %v", DirVariable, err)
	}
}

// schemas is the folder with the schemas.
func schemas(t *testing.T) string {
	t.Helper()
	folder := os.Getenv(DirVariable)
	if filepath.IsAbs(folder) {
		return folder
	}
	root, err := os.Getwd()
	require.NoError(t, err)
	for {
		if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
			return filepath.Join(root, folder)
		}
		parent := filepath.Dir(root)
		require.NotEqual(t, root, parent, "there is no go.mod above %s", root)
		root = parent
	}
}

// Valid fails the test unless xmllint finds every document valid against the schema of the message definition.
func Valid(t *testing.T, definition string, documents ...[]byte) {
	t.Helper()
	RequireSchemas(t)
	require.NotEmpty(t, documents, "nothing to validate")
	arguments := []string{"--noout", "--schema", filepath.Join(schemas(t), definition+".xsd")}
	folder := t.TempDir()
	for i, document := range documents {
		file := filepath.Join(folder, fmt.Sprintf("%d.xml", i))
		require.NoError(t, os.WriteFile(file, document, 0o600))
		arguments = append(arguments, file)
	}
	out, err := exec.CommandContext(t.Context(), "xmllint", arguments...).CombinedOutput()
	require.NoError(t, err, "%s", problems(string(out)))
}

// problems are the lines of xmllint's output but those of valid documents.
func problems(output string) string {
	return strings.Join(slices.DeleteFunc(strings.Split(output, "\n"), func(line string) bool { return strings.HasSuffix(line, " validates") }), "\n")
}
