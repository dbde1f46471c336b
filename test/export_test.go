package test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/payment/iso20022"
	"github.com/payrail/payrail/payment/iso20022/iso20022test"
)

// tool runs the payrail command against the system and returns what it prints.
func (s *system) tool(t *testing.T, binary string, arguments ...string) (stdout []byte, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c := command(ctx, t, append([]string{binary}, arguments...)...)
	c.Env = append(c.Env, "AWS_ENDPOINT_URL="+s.Endpoint())
	var out, problems bytes.Buffer
	c.Stdout, c.Stderr = &out, &problems
	if err = c.Run(); err != nil {
		t.Logf("payrail %v: %v: %s", arguments, err, problems.String())
	}
	return out.Bytes(), err
}

// builtTool compiles the payrail command.
func builtTool(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "payrail")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "./cmd/payrail")
	build.Dir = repository(t)
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return binary
}

// Every example that is posted can be exported as its message and as a notice, as documents that the official schemas take.
func TestExportedExamplesAreValid(t *testing.T) {
	s, binary := start(t), builtTool(t)
	_, err := s.tool(t, binary, "seed", repository(t, "examples", "reference"))
	require.NoError(t, err)
	var files []string
	for _, folder := range []string{"authorizations", filepath.Join("reversals", "authorizations")} {
		found, err := filepath.Glob(repository(t, "examples", folder, "*.json"))
		require.NoError(t, err)
		require.NotEmpty(t, found)
		files = append(files, found...)
	}
	out, err := s.tool(t, binary, append([]string{"send", "--json"}, files...)...)
	require.NoError(t, err)
	var sent []struct{ AuthorizationID, Outcome string }
	require.NoError(t, json.Unmarshal(out, &sent))
	require.Len(t, sent, len(files))

	documents := map[string][][]byte{}
	exported := func(t *testing.T, id, format, definition string) {
		file := filepath.Join(t.TempDir(), "message.xml")
		_, err := s.tool(t, binary, "export", "--transaction", id, "--format", format, "--out", file)
		require.NoError(t, err)
		document, err := os.ReadFile(file)
		require.NoError(t, err)
		message, err := iso20022.ParseXML(document)
		require.NoError(t, err)
		require.Equal(t, definition, message.MsgDefIdr)

		asJSON, err := s.tool(t, binary, "export", "--transaction", id, "--format", format, "--json")
		require.NoError(t, err)
		require.JSONEq(t, string(mustJSON(t, message)), string(asJSON), "both forms hold the same")
		documents[definition] = append(documents[definition], document)
	}
	posted, suspended, reversed := 0, 0, 0
	for _, payment := range sent {
		switch payment.Outcome {
		case "POSTED":
			posted++
			if strings.Contains(payment.AuthorizationID, "reversal") {
				reversed++
				exported(t, payment.AuthorizationID, "cain.005", iso20022.ReversalInitiation)
			} else {
				exported(t, payment.AuthorizationID, "cain.003", iso20022.FinancialInitiation)
			}
			exported(t, payment.AuthorizationID, "camt.054", iso20022.PostedNotice)
		case "SUSPENSE":
			suspended++
			exported(t, payment.AuthorizationID, "cain.003", iso20022.FinancialInitiation)
			_, err := s.tool(t, binary, "export", "--transaction", payment.AuthorizationID, "--format", "camt.054")
			require.Error(t, err, "nobody is notified of a posting to suspense")
		case "FAILED_REVIEW":
			exported(t, payment.AuthorizationID, "cain.003", iso20022.FinancialInitiation)
		}
	}
	require.Positive(t, posted)
	require.Positive(t, suspended)
	require.Equal(t, 3, reversed)
	t.Run("schemas", func(t *testing.T) {
		for definition, of := range documents {
			iso20022test.Valid(t, definition, of...)
		}
	})
	_, err = s.tool(t, binary, "export", "--transaction", "auth-nobody-sent", "--format", "camt.054")
	var status *exec.ExitError
	require.ErrorAs(t, err, &status)
	require.Equal(t, 1, status.ExitCode())
}
