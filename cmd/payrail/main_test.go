package main

import (
	"bytes"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/internal/token"
	"github.com/payrail/payrail/local"
	"github.com/payrail/payrail/local/storage"
)

// result is what a command left behind.
type result struct {
	status         int
	stdout, stderr string
}

// execute runs a command in this process.
func execute(t *testing.T, arguments ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	status := run(t.Context(), arguments, &stdout, &stderr)
	return result{status, stdout.String(), stderr.String()}
}

// cleanEnvironment hides whatever AWS settings whoever runs the test has.
func cleanEnvironment(t *testing.T) {
	t.Helper()
	for _, name := range []string{endpointVariable, tokenKeyVariable, "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_DEFAULT_PROFILE",
		"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN",
		"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CA_BUNDLE"} {
		t.Setenv(name, "")
	}
	nowhere := filepath.Join(t.TempDir(), "none")
	t.Setenv("AWS_CONFIG_FILE", nowhere)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", nowhere)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
}

// startSmallStack runs the small stack on a free port and returns its address.
func startSmallStack(t *testing.T) string {
	t.Helper()
	runtime, err := local.Start(t.Context(), local.Options{Assembly: smallStack, Stack: "Payrail", Store: storage.NewMemory(),
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil)), TokenKey: token.DevelopmentKey()})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, runtime.Close()) })
	return runtime.Endpoint()
}

// takenPort is a port on which something listens, silentPort one that is in use and refuses connections: a client has it.
func takenPort(t *testing.T) (taken, silent string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	client, err := net.Dial("tcp", listener.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { _ = client.Close() })
	port := func(a net.Addr) string { return strconv.Itoa(a.(*net.TCPAddr).Port) }
	return port(listener.Addr()), port(client.LocalAddr())
}

// answering is a server that gives every request one answer.
func answering(t *testing.T, status int, contentType, body string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// folder writes files into a new folder.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	path := t.TempDir()
	for name, content := range files {
		require.NoError(t, os.WriteFile(filepath.Join(path, name), []byte(content), 0o644))
	}
	return path
}

// Whatever is wrong is said in one line that names the thing and the next step, with nothing on stdout to be taken for a
// result, and with the exit status that main.go documents.
func TestWrongInputGivesOneLineAndAStatus(t *testing.T) {
	cleanEnvironment(t)
	taken, silent := takenPort(t)
	const coffee = "../../examples/try/coffee.json"
	item := func(content string) string {
		path := filepath.Join(t.TempDir(), "item.json")
		require.NoError(t, os.WriteFile(path, []byte(content), 0o644))
		return path
	}
	badJSON, noID, numberID := item(`{"stan": `), item(`{"stan": {"S": "200001"}}`), item(`{"authorizationId": {"N": "1"}}`)
	untyped, unknownType, noValue := item(`{"authorizationId": "a"}`), item(`{"authorizationId": {"X": "a"}}`), item(`{"authorizationId": {"S": null}}`)
	tooLarge := item(`{"authorizationId": {"S": "` + strings.Repeat("a", maxItemFile) + `"}}`)
	invalid := item(`{"authorizationId": {"S": "auth-1"}, "transactionAmount": {"N": "ten"}}`)
	empty := t.TempDir()
	absent := filepath.Join(empty, "absent")
	misspelt := folder(t, map[string]string{"accounts.json": `[{"acountId": "acc-1"}]`})
	trailing := folder(t, map[string]string{"watch-list.json": `{} {}`})
	contradictory := folder(t, map[string]string{"cards.json": `[{"pan": "4111111111111111", "accounts": {"EURO": "acc-1"}}]`})
	noCard := folder(t, map[string]string{"cards.json": `[{"pan": "4111", "accounts": {"EUR": "acc-1"}}]`})
	noMoney := folder(t, map[string]string{"products.json": `[{"product": "P", "currency": "GBP", "cashFeeMinimum": "3.001"}]`})
	const reference, page = "../../examples/reference", "<html>not here</html>"

	running, refusing := startSmallStack(t), "http://127.0.0.1:"+silent
	web := answering(t, http.StatusNotFound, "text/html", page)
	denying := answering(t, http.StatusForbidden, "text/xml", `<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>not you</Message></Error></ErrorResponse>`)
	noStacks := answering(t, http.StatusOK, "text/xml", `<DescribeStacksResponse><DescribeStacksResult><Stacks/></DescribeStacksResult></DescribeStacksResponse>`)
	foreign := answering(t, http.StatusOK, "text/xml", `<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>Payrail</StackName></member></Stacks></DescribeStacksResult></DescribeStacksResponse>`)

	const noRegion = "no AWS region is set; for the local runtime set AWS_ENDPOINT_URL=http://127.0.0.1:4566, for an account set AWS_REGION"
	notRunning := "no runtime answers at " + refusing + "; start it with `make run`, or set AWS_ENDPOINT_URL to where it runs"
	at := func(endpoint string) map[string]string { return map[string]string{endpointVariable: endpoint} }
	ownKey := map[string]string{endpointVariable: running, tokenKeyVariable: "a phrase"}

	for name, test := range map[string]struct {
		environment map[string]string
		folder      string // to run in, if not this one
		arguments   []string
		status      int
		want        string
	}{
		"unknown command":           {arguments: []string{"pay"}, status: statusUsage, want: "payrail has no command \"pay\"; see `payrail --help`"},
		"misspelt command":          {arguments: []string{"sed", "x"}, status: statusUsage, want: `payrail has no command "sed"; did you mean seed or send?`},
		"unknown ledger command":    {arguments: []string{"ledger", "close"}, status: statusUsage, want: "payrail ledger has no command \"close\"; see `payrail ledger --help`"},
		"no ledger command":         {arguments: []string{"ledger"}, status: statusUsage, want: "ledger needs to know what to do; say `payrail ledger trial-balance` or `payrail ledger verify`"},
		"unknown flag":              {arguments: []string{"trace", "--fast", "x"}, status: statusUsage, want: "unknown flag: --fast; see `payrail trace --help`"},
		"unknown short flag":        {arguments: []string{"-x"}, status: statusUsage, want: "unknown shorthand flag: 'x' in -x; see `payrail --help`"},
		"flag without its value":    {arguments: []string{"up", "--port"}, status: statusUsage, want: "flag needs an argument: --port; see `payrail up --help`"},
		"trace without an id":       {arguments: []string{"trace"}, status: statusUsage, want: "payrail trace needs ID; see `payrail trace --help`"},
		"trace of an empty id":      {arguments: []string{"trace", ""}, status: statusUsage, want: "payrail trace needs ID; see `payrail trace --help`"},
		"trace of two":              {arguments: []string{"trace", "a", "b"}, status: statusUsage, want: "payrail trace does not take \"b\"; see `payrail trace --help`"},
		"accounts without an id":    {arguments: []string{"accounts"}, status: statusUsage, want: "payrail accounts needs ID; see `payrail accounts --help`"},
		"seed without a folder":     {arguments: []string{"seed"}, status: statusUsage, want: "payrail seed needs DIR; see `payrail seed --help`"},
		"send without a file":       {arguments: []string{"send"}, status: statusUsage, want: "payrail send needs FILE; see `payrail send --help`"},
		"verify with an argument":   {arguments: []string{"ledger", "verify", "all"}, status: statusUsage, want: "payrail ledger verify does not take \"all\"; see `payrail ledger verify --help`"},
		"up with an argument":       {arguments: []string{"up", "now"}, status: statusUsage, want: "payrail up does not take \"now\"; see `payrail up --help`"},
		"smoke of two folders":      {arguments: []string{"smoke", "a", "b"}, status: statusUsage, want: "payrail smoke does not take \"b\"; see `payrail smoke --help`"},
		"cut-off that is no time":   {arguments: []string{"ledger", "trial-balance", "--as-of", "yesterday"}, status: statusUsage, want: "--as-of yesterday is no RFC 3339 time; write it like 2026-07-09T12:00:00Z"},
		"limit below one":           {arguments: []string{"accounts", "acc-1", "--limit", "0"}, status: statusUsage, want: "--limit must be above zero; leave it out for the latest entries"},
		"limit that is no number":   {arguments: []string{"accounts", "acc-1", "--limit", "all"}, status: statusUsage, want: `invalid argument "all" for "--limit" flag: strconv.ParseInt: parsing "all": invalid syntax; see ` + "`payrail accounts --help`"},
		"send a missing file":       {arguments: []string{"send", absent}, status: statusUsage, want: "reading " + absent + ": no such file or directory; check the path"},
		"send a folder":             {arguments: []string{"send", empty}, status: statusUsage, want: empty + " is a folder; name the files in it"},
		"send bad JSON":             {arguments: []string{"send", badJSON}, status: statusUsage, want: badJSON + ` is no authorization: it is not a JSON object: unexpected end of JSON input; write it like examples/try/coffee.json: {"stan": {"S": "200001"}, …}`},
		"send an untyped item":      {arguments: []string{"send", untyped}, status: statusUsage, want: untyped + ` is no authorization: attribute authorizationId: want {"TYPE": value} with one type such as "S" or "N"; write it like examples/try/coffee.json: {"stan": {"S": "200001"}, …}`},
		"send an unknown type":      {arguments: []string{"send", unknownType}, status: statusUsage, want: unknownType + ` is no authorization: attribute authorizationId: type X: is not an attribute type of DynamoDB; write it like examples/try/coffee.json: {"stan": {"S": "200001"}, …}`},
		"send no value":             {arguments: []string{"send", noValue}, status: statusUsage, want: noValue + ` is no authorization: attribute authorizationId: type S: null is no value; leave the attribute out; write it like examples/try/coffee.json: {"stan": {"S": "200001"}, …}`},
		"send an item without id":   {arguments: []string{"send", noID}, status: statusUsage, want: noID + ` has no authorizationId; add "authorizationId": {"S": "…"}`},
		"send a number as id":       {arguments: []string{"send", numberID}, status: statusUsage, want: numberID + ` has no authorizationId; add "authorizationId": {"S": "…"}`},
		"send too large an item":    {arguments: []string{"send", tooLarge}, status: statusUsage, want: tooLarge + " has more than 524288 bytes, and an item at most 400 KB; name an authorization file"},
		"the second file is bad":    {environment: at(running), arguments: []string{"send", coffee, noID}, status: statusUsage, want: noID + ` has no authorizationId; add "authorizationId": {"S": "…"}`},
		"send an invalid item":      {environment: at(running), arguments: []string{"send", invalid}, status: statusUsage, want: "writing authorization auth-1: DynamoDB PutItem: ValidationException: The parameter cannot be converted to a numeric value: ten; correct it"},
		"seed a missing folder":     {arguments: []string{"seed", absent}, status: statusUsage, want: "reading " + absent + ": no such file or directory; name a folder like examples/reference"},
		"seed a file":               {arguments: []string{"seed", coffee}, status: statusUsage, want: coffee + " is no folder; name one like examples/reference"},
		"seed a folder without":     {arguments: []string{"seed", empty}, status: statusUsage, want: empty + " holds no reference data; name a folder with accounts.json, cards.json, products.json, …, like examples/reference"},
		"seed a misspelt member":    {arguments: []string{"seed", misspelt}, status: statusUsage, want: misspelt + `/accounts.json cannot be read: json: unknown field "acountId"; correct the file`},
		"seed a file and more":      {arguments: []string{"seed", trailing}, status: statusUsage, want: trailing + "/watch-list.json cannot be read: there is something after its JSON value; correct the file"},
		"seed a contradiction":      {environment: ownKey, arguments: []string{"seed", contradictory}, status: statusUsage, want: "the reference data in " + contradictory + " does not hold together: "},
		"seed what is no card":      {environment: ownKey, arguments: []string{"seed", noCard}, status: statusUsage, want: "card 1 of " + noCard + "/cards.json: the card number does not have 13 to 19 digits; give its pan 13 to 19 digits"},
		"seed what is no amount":    {environment: ownKey, arguments: []string{"seed", noMoney}, status: statusUsage, want: "product 1 of " + noMoney + "/products.json: cashFeeMinimum: "},
		"seed without a token key":  {environment: at(running), arguments: []string{"seed", reference}, status: statusMissing, want: "the stack has no output TokenKeyArn; deploy this version of Payrail"},
		"smoke without examples":    {environment: at(running), arguments: []string{"smoke", empty}, status: statusUsage, want: "there is no " + empty + "/expected.json; name a folder like examples"},
		"trace an unknown id":       {environment: at(running), arguments: []string{"trace", "auth-none"}, status: statusFailed, want: "nothing has happened to auth-none yet; check the id; an authorization whose status is not APPROVED is never taken up"},
		"trace as JSON":             {environment: at(running), arguments: []string{"trace", "auth-none", "--json"}, status: statusFailed, want: "nothing has happened to auth-none yet; check the id; an authorization whose status is not APPROVED is never taken up"},
		"an unknown account":        {environment: at(running), arguments: []string{"accounts", "acc-none"}, status: statusFailed, want: "nothing has been posted to account acc-none; check the id: accounts.json of the reference data lists them"},
		"another stack":             {environment: at(running), arguments: []string{"--stack", "Other", "trace", "x"}, status: statusMissing, want: "there is no stack Other at " + running + "; deploy it with `make deploy`, or name another with --stack"},
		"no stack in the answer":    {environment: at(noStacks), arguments: []string{"trace", "x"}, status: statusMissing, want: "what answers at " + noStacks + " knows no stack Payrail; start it with `make run`, or set AWS_ENDPOINT_URL to where it runs"},
		"somebody else's stack":     {environment: at(foreign), arguments: []string{"ledger", "verify"}, status: statusMissing, want: "the stack has no output LedgerTable; deploy this version of Payrail"},
		"not Payrail at all":        {environment: at(web), arguments: []string{"trace", "x"}, status: statusMissing, want: "what answers at " + web + " is not AWS nor like it (HTTP status 404); start it with `make run`, or set AWS_ENDPOINT_URL to where it runs"},
		"access denied":             {environment: at(denying), arguments: []string{"trace", "x"}, status: statusMissing, want: "CloudFormation DescribeStacks: AccessDenied: not you; check the credentials and what they may do"},
		"endpoint without a scheme": {environment: at("127.0.0.1:4566"), arguments: []string{"trace", "x"}, status: statusUsage, want: "AWS_ENDPOINT_URL=127.0.0.1:4566 is no URL; write it like http://127.0.0.1:4566"},
		"trace, not running":        {environment: at(refusing), arguments: []string{"trace", "x"}, status: statusMissing, want: notRunning},
		"accounts, not running":     {environment: at(refusing), arguments: []string{"accounts", "x"}, status: statusMissing, want: notRunning},
		"send, not running":         {environment: at(refusing), arguments: []string{"send", coffee}, status: statusMissing, want: notRunning},
		"seed, not running":         {environment: at(refusing), arguments: []string{"seed", reference}, status: statusMissing, want: notRunning},
		"smoke, not running":        {environment: at(refusing), arguments: []string{"smoke", "../../examples"}, status: statusMissing, want: notRunning},
		"balance, not running":      {environment: at(refusing), arguments: []string{"ledger", "trial-balance"}, status: statusMissing, want: notRunning},
		"verify, not running":       {environment: at(refusing), arguments: []string{"ledger", "verify"}, status: statusMissing, want: notRunning},
		"no region":                 {arguments: []string{"trace", "x"}, status: statusMissing, want: noRegion},
		"send, no region":           {arguments: []string{"send", coffee}, status: statusMissing, want: noRegion},
		"no credentials":            {environment: map[string]string{"AWS_REGION": "eu-west-2"}, arguments: []string{"ledger", "verify"}, status: statusMissing, want: "there are no AWS credentials: "},
		"port out of range":         {arguments: []string{"up", "--port", "65536"}, status: statusUsage, want: "port 65536 is none; give --port a number from 0 to 65535"},
		"port below range":          {arguments: []string{"up", "--port", "-1"}, status: statusUsage, want: "port -1 is none; give --port a number from 0 to 65535"},
		"port that is no number":    {arguments: []string{"up", "--port", "http"}, status: statusUsage, want: `invalid argument "http" for "--port" flag: strconv.ParseInt: parsing "http": invalid syntax; see ` + "`payrail up --help`"},
		"port taken":                {arguments: []string{"up", "--port", taken}, status: statusMissing, want: "port " + taken + " of 127.0.0.1 is taken; stop what uses it, or choose another with --port (0 takes any free one)"},
		"exit without smoke":        {arguments: []string{"up", "--exit"}, status: statusUsage, want: "--exit goes with --smoke; add --smoke or leave --exit out"},
		"time that stands still":    {arguments: []string{"up", "--time-scale", "0"}, status: statusUsage, want: "time scale 0 is none; give --time-scale a number above zero"},
		"context without value":     {arguments: []string{"up", "--context", "timeline"}, status: statusUsage, want: `context "timeline" is no setting; write it like --context timeline=off`},
		"context without key":       {arguments: []string{"up", "--context", "=on"}, status: statusUsage, want: `context "=on" is no setting; write it like --context timeline=off`},
		"context of a target":       {arguments: []string{"up", "--context", "target=arm64"}, status: statusUsage, want: "context target is always this machine; leave it out"},
		"context and assembly":      {arguments: []string{"up", "--context", "timeline=off", "--assembly", smallStack}, status: statusUsage, want: "--context is for synthesizing, which --assembly leaves out; leave one of them out"},
		"outside a repository":      {folder: empty, arguments: []string{"up", "--port", "0"}, status: statusUsage, want: "there is no cdk.json here or above; run this inside a clone of the Payrail repository"},
		"no assembly":               {arguments: []string{"up", "--port", "0", "--assembly", empty}, status: statusUsage, want: empty + " holds no template of stack Payrail; name a folder that `cdk synth` wrote, or leave --assembly out"},
		"log is a folder":           {arguments: []string{"up", "--port", "0", "--assembly", smallStack, "--log", empty}, status: statusUsage, want: "opening the log: open " + empty + ": is a directory; name another file with --log"},
		"up with a wrong seed":      {arguments: []string{"up", "--port", "0", "--seed", absent}, status: statusUsage, want: "reading " + absent + ": no such file or directory; name a folder like examples/reference"},
		"Go is missing":             {environment: map[string]string{"PATH": empty}, arguments: []string{"up", "--port", "0"}, status: statusMissing, want: "go is not installed; install Go 1.26 or later from https://go.dev/dl"},
		"Node is missing":           {environment: map[string]string{"PATH": onlyGo(t)}, arguments: []string{"up", "--port", "0"}, status: statusMissing, want: "node is not installed; install Node.js 20 or later from https://nodejs.org: the CDK needs it to synthesize the template"},
	} {
		t.Run(name, func(t *testing.T) {
			for variable, value := range test.environment {
				t.Setenv(variable, value)
			}
			if test.folder != "" {
				t.Chdir(test.folder)
			}
			got := execute(t, test.arguments...)
			require.Equal(t, test.status, got.status, got.stderr)
			require.Empty(t, got.stdout)
			line, ended := strings.CutSuffix(got.stderr, "\n")
			require.True(t, ended, got.stderr)
			require.NotContains(t, line, "\n")
			if strings.HasSuffix(test.want, ": ") { // what follows is worded by another package
				require.True(t, strings.HasPrefix(line, "payrail: "+test.want), line)
				require.Contains(t, line, "; ", "no next step")
				return
			}
			require.Equal(t, "payrail: "+test.want, line)
		})
	}
}

// onlyGo is a folder with a program called go and none called node.
func onlyGo(t *testing.T) string {
	t.Helper()
	path := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(path, "go"), []byte("#!/bin/sh\nexit 1\n"), 0o755))
	return path
}

func TestHelpIsNoError(t *testing.T) {
	for _, arguments := range [][]string{{}, {"--help"}, {"help", "send"}, {"ledger", "--help"}} {
		got := execute(t, arguments...)
		require.Equal(t, statusDone, got.status, arguments)
		require.NotEmpty(t, got.stdout, arguments)
		require.Empty(t, got.stderr, arguments)
	}
}
