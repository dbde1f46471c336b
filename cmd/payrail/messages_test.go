package main

import (
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/internal/token"
	"github.com/payrail/payrail/local"
	"github.com/payrail/payrail/local/storage"
)

// testCard is the card of examples/iso8583/visa-1987.txt.
const testCard = "4111111111111111"

// startIntakeStack runs the small stack with the table of reference data, and a token key of the environment.
func startIntakeStack(t *testing.T) {
	t.Helper()
	cleanEnvironment(t)
	raw, err := os.ReadFile(filepath.Join(smallStack, "Payrail.template.json"))
	require.NoError(t, err)
	var template struct{ Resources, Outputs map[string]any }
	require.NoError(t, json.Unmarshal(raw, &template))
	template.Resources["Reference"] = template.Resources["Accounts"]
	template.Outputs["ReferenceTable"] = map[string]any{"Value": map[string]any{"Ref": "Reference"}}
	raw, err = json.Marshal(template)
	require.NoError(t, err)
	runtime, err := local.Start(t.Context(), local.Options{Assembly: folder(t, map[string]string{"Payrail.template.json": string(raw)}), Stack: "Payrail",
		Store: storage.NewMemory(), Logger: slog.New(slog.DiscardHandler), TokenKey: token.DevelopmentKey()})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, runtime.Close()) })
	t.Setenv(endpointVariable, runtime.Endpoint())
	t.Setenv(tokenKeyVariable, "a phrase for this test")
}

func writeMessages(t *testing.T, lines ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "messages.txt")
	require.NoError(t, os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o644))
	return path
}

func exampleMessages(t *testing.T) []string {
	t.Helper()
	raw, err := os.ReadFile("../../examples/iso8583/visa-1987.txt")
	require.NoError(t, err)
	return strings.Split(strings.TrimSpace(string(raw)), "\n")
}

func sentIDs(t *testing.T, arguments ...string) []string {
	t.Helper()
	got := execute(t, append([]string{"send", "--json", "--wait=false"}, arguments...)...)
	require.Equal(t, statusDone, got.status, got.stderr)
	require.NotContains(t, got.stdout+got.stderr, testCard)
	var results []sent
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &results))
	ids := make([]string, len(results))
	for i, r := range results {
		ids[i] = r.AuthorizationID
	}
	return ids
}

func TestSendTakesMessages(t *testing.T) {
	startIntakeStack(t)
	const visa, guidance, coffee = "../../examples/iso8583/visa-1987.txt", "../../examples/iso8583/aws-guidance.txt", "../../examples/try/coffee.json"

	asIs := sentIDs(t, "--as-is", visa, coffee, guidance)
	require.Len(t, asIs, 9)
	require.Equal(t, "auth-coffee", asIs[7])
	require.Equal(t, asIs, sentIDs(t, "--as-is", visa, coffee, guidance), "as they are, they are the same authorizations")

	first := sentIDs(t, visa)
	second := sentIDs(t, visa)
	for i := range first {
		require.NotEqual(t, first[i], second[i])
		require.NotEqual(t, asIs[i], first[i])
	}
}

// The second authorization is refused by the table: the first is there, and whoever sent it must know.
func TestWhatWasSentIsToldBeforeAnError(t *testing.T) {
	startIntakeStack(t)
	bad := filepath.Join(t.TempDir(), "bad.json")
	require.NoError(t, os.WriteFile(bad, []byte(`{"authorizationId": {"S": "auth-1"}, "transactionAmount": {"N": "ten"}}`), 0o600))
	got := execute(t, "send", "--json", "--wait=false", "../../examples/try/coffee.json", bad)
	require.Equal(t, statusUsage, got.status)
	require.Contains(t, got.stderr, "ValidationException")
	var results []sent
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &results))
	require.Len(t, results, 1)
	require.Equal(t, "auth-coffee", results[0].AuthorizationID)
}

func TestDamagedMessagesAreShownByLine(t *testing.T) {
	startIntakeStack(t)
	whole := exampleMessages(t)[3]
	for name, tc := range map[string]struct{ message, want string }{
		"cut off":     {whole[:60], "DE6 (amount, cardholder billing) is cut off: the message ends inside it"},
		"amount":      {strings.Replace(whole, "000000001981", "00000000198X", 1), "DE4 (amount, transaction) must be digits"},
		"track 2":     {whole[:12] + "2" + whole[13:], "DE35 (track 2 data) must not be sent here; remove it before the message leaves the authorizer"},
		"no message":  {"1234", "DE0 (message type) is not that of a card payment: want 01xx, 02xx or 04xx"},
		"hexadecimal": {"303", "message in hexadecimal has an odd number of digits"},
	} {
		t.Run(name, func(t *testing.T) {
			path := writeMessages(t, "# title", whole, tc.message)
			got := execute(t, "send", path)
			require.Equal(t, statusUsage, got.status)
			require.Empty(t, got.stdout)
			require.Equal(t, "payrail: "+path+":3: "+tc.want+"; correct the message and send again; nothing was sent\n", got.stderr)
		})
	}
	empty := writeMessages(t, "# nothing")
	require.Equal(t, "payrail: "+empty+": file holds no message; correct the message and send again; nothing was sent\n", execute(t, "send", empty).stderr)
}

func TestAnUnknownRangeIsNoted(t *testing.T) {
	startIntakeStack(t)
	path := writeMessages(t, exampleMessages(t)[3])
	got := execute(t, "send", "--wait=false", path)
	require.Equal(t, statusDone, got.status)
	require.Equal(t, "payrail: "+path+":1: note: DE2 (primary account number) is of a range that the reference data does not list: without an issuer country the payment goes to review\n", got.stderr)
}

// Whoever keeps card numbers off the disk pipes them in, as with `payrail send <(gpg -d night.gpg)`.
func TestMessagesAreReadFromAPipe(t *testing.T) {
	startIntakeStack(t)
	path := filepath.Join(t.TempDir(), "pipe")
	require.NoError(t, syscall.Mkfifo(path, 0o600))
	raw, err := os.ReadFile("../../examples/iso8583/visa-1987.txt")
	require.NoError(t, err)
	written := make(chan error, 1)
	go func() { written <- os.WriteFile(path, raw, 0) }()
	require.Len(t, sentIDs(t, path), 7)
	require.NoError(t, <-written)
}
