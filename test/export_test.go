package test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/payment"
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

// Every example that is posted can be exported as its message and as a notice, as documents that the official schemas take:
// authorizations, advices, completions, reversals, items and messages.
func TestExportedExamplesAreValid(t *testing.T) {
	s, binary := start(t), builtTool(t)
	_, err := s.tool(t, binary, "seed", repository(t, "examples", "reference"))
	require.NoError(t, err)
	var files []string
	for _, pattern := range []string{"authorizations/*.json", "reversals/authorizations/*.json", "iso8583/*.txt"} {
		found, err := filepath.Glob(repository(t, "examples", filepath.FromSlash(pattern)))
		require.NoError(t, err)
		require.NotEmpty(t, found)
		files = append(files, found...)
	}
	out, err := s.tool(t, binary, append([]string{"send", "--json"}, files...)...)
	require.NoError(t, err)
	var sent []struct{ AuthorizationID, Outcome string }
	require.NoError(t, json.Unmarshal(out, &sent))
	require.Greater(t, len(sent), len(files), "files of messages have several")

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
	classes, notified := map[string]int{}, map[string]int{}
	for _, example := range sent {
		id := example.AuthorizationID
		mti := s.messageType(t, id)
		switch example.Outcome {
		case "POSTED", "SUSPENSE", "FAILED_REVIEW":
			classes[payment.MTIClass(mti)]++
			if payment.MTIClass(mti) == payment.ClassReversal {
				exported(t, id, "cain.005", iso20022.ReversalInitiation)
			} else {
				exported(t, id, "cain.003", iso20022.FinancialInitiation)
			}
		}
		switch example.Outcome {
		case "POSTED":
			notified[payment.MTIClass(mti)]++
			exported(t, id, "camt.054", iso20022.PostedNotice)
		case "SUSPENSE", "FAILED_REVIEW":
			_, err := s.tool(t, binary, "export", "--transaction", id, "--format", "camt.054")
			require.Error(t, err, "nobody is notified of a posting to suspense, nor of none")
		}
	}
	for class, at := range map[string]int{payment.ClassAuthorization: 10, payment.ClassFinancial: 3, payment.ClassReversal: 4} {
		require.GreaterOrEqual(t, classes[class], at, class)
		require.Positive(t, notified[class], class)
	}
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

// messageType reads the type of an authorization's message.
func (s *system) messageType(t *testing.T, authorizationID string) string {
	t.Helper()
	out, err := s.dynamodb.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String(s.outputs["AuthorizationsTable"]),
		Key: map[string]types.AttributeValue{"authorizationId": text(authorizationID)}})
	require.NoError(t, err)
	mti, ok := out.Item["mti"].(*types.AttributeValueMemberS)
	require.True(t, ok, authorizationID)
	return mti.Value
}
