// Package test runs the whole system, the synthesized template with the real functions, and looks at it from outside.
package test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/internal/assembly"
	"github.com/payrail/payrail/internal/awsconfig"
	"github.com/payrail/payrail/internal/directory"
	"github.com/payrail/payrail/internal/ledger"
	"github.com/payrail/payrail/internal/queuedepth"
	"github.com/payrail/payrail/internal/timeline"
	"github.com/payrail/payrail/internal/token"
	"github.com/payrail/payrail/local"
	"github.com/payrail/payrail/local/clock"
	"github.com/payrail/payrail/local/storage"
	"github.com/payrail/payrail/payment"
)

// timeScale is how many times as fast delivery timers run: a visibility timeout of three minutes passes in three seconds.
const timeScale = 60

// patience is how long a test waits for what must happen; it is never how long it takes.
const patience = 4 * time.Minute

// compiledApp compiles the CDK app once for all tests and returns the repository's root.
var compiledApp = sync.OnceValues(func() (string, error) {
	root, err := assembly.Root(mustWorkingFolder())
	if err != nil {
		return "", err
	}
	return root, assembly.CompileApp(context.Background(), root)
})

// assembled synthesizes once for all tests.
var assembled = sync.OnceValues(func() (string, error) {
	root, err := compiledApp()
	if err != nil {
		return "", err
	}
	return assembly.Synthesize(context.Background(), root, assembly.HostFolder, nil)
})

func mustWorkingFolder() string {
	folder, err := os.Getwd()
	if err != nil {
		panic(err)
	}
	return folder
}

// system is a running stack of its own, on a free port, with nothing in it but the reference data.
type system struct {
	*local.Runtime
	aws      aws.Config
	outputs  map[string]string
	dynamodb *dynamodb.Client
	ledger   *ledger.Reader
	timeline *timeline.Reader
}

func start(t testing.TB) *system {
	t.Helper()
	return startAt(t, timeScale)
}

// startAt starts a system whose delivery timers run scale times as fast.
func startAt(t testing.TB, scale float64) *system {
	t.Helper()
	return startWith(t, func(o *local.Options) { o.Clock = clock.NewScaled(scale) })
}

// startWith is start with options of the test's own.
func startWith(t testing.TB, change func(*local.Options)) *system {
	t.Helper()
	if err := assembly.CheckTools(); err != nil {
		t.Skip(err)
	}
	folder, err := assembled()
	require.NoError(t, err)
	logs := &functionLog{}
	options := local.Options{Assembly: folder, Stack: "Payrail", Store: storage.NewMemory(), Clock: clock.NewScaled(timeScale),
		Logger: slog.New(slog.NewTextHandler(logs, nil)), FunctionOutput: logs.line, TokenKey: token.DevelopmentKey()}
	change(&options)
	runtime, err := local.Start(t.Context(), options)
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, runtime.Close())
		if t.Failed() {
			t.Log(logs.tail())
		}
	})
	cfg, err := config.LoadDefaultConfig(t.Context(), config.WithBaseEndpoint(runtime.Endpoint()), config.WithRegion("us-east-1"),
		config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider("test", "test", "")))
	require.NoError(t, err)
	cfg = awsconfig.KeepAnswers(cfg)
	client := dynamodb.NewFromConfig(cfg)
	outputs := runtime.Outputs()
	s := &system{Runtime: runtime, aws: cfg, outputs: outputs, dynamodb: client,
		ledger: ledger.NewReader(client, outputs["LedgerTable"]), timeline: timeline.NewReader(client, outputs["TimelineTable"])}
	s.schedule(t, "Reconcile", false)
	s.seed(t)
	return s
}

// schedule switches the schedule of a function on or off. Reconciliation is off in tests that are not about it: on a clock that runs
// sixty times as fast as the functions', it would find what is merely on its way, and tell it again.
func (s *system) schedule(t testing.TB, function string, on bool) {
	t.Helper()
	client := eventbridge.NewFromConfig(s.aws)
	rules, err := client.ListRules(t.Context(), &eventbridge.ListRulesInput{})
	require.NoError(t, err)
	for _, rule := range rules.Rules {
		if !strings.Contains(*rule.Name, function+"Schedule") {
			continue
		}
		if on {
			_, err = client.EnableRule(t.Context(), &eventbridge.EnableRuleInput{Name: rule.Name})
		} else {
			_, err = client.DisableRule(t.Context(), &eventbridge.DisableRuleInput{Name: rule.Name})
		}
		require.NoError(t, err)
		return
	}
	t.Fatalf("%s has no schedule", function)
}

// functionLog keeps the last lines of what was logged, for tests that fail.
type functionLog struct {
	mu    sync.Mutex
	lines []string
}

const linesKept = 60

func (l *functionLog) line(function, line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lines = append(l.lines, function+" "+line); len(l.lines) > 2*linesKept {
		l.lines = l.lines[linesKept:]
	}
}

func (l *functionLog) Write(p []byte) (int, error) {
	l.line("runtime", strings.TrimSpace(string(p)))
	return len(p), nil
}

func (l *functionLog) tail() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return "the last log lines:\n" + strings.Join(l.lines, "\n")
}

// Test cards: published test numbers, never live ones.
const aliceCard, bobCard, nobodysCard = "4111111111111111", "5555555555554444", "4242424242424242"

func tokenOf(t testing.TB, pan string) string {
	t.Helper()
	panToken, err := token.Static{Key: token.DevelopmentKey()}.Token(context.Background(), pan)
	require.NoError(t, err)
	return panToken
}

func (s *system) seed(t testing.TB) {
	t.Helper()
	minimum := payment.Money{Minor: 300, Currency: "GBP"}
	rules := timeless()
	account := func(id string) payment.Account {
		return payment.Account{ID: id, Status: payment.AccountOpen, IBAN: "GB29NWBK60161331926819", Holder: "TEST HOLDER", SortCode: "601613",
			BranchID: "601613", BranchName: "LONDON CITY", Product: "PLUS", Currency: "GBP", TaxCategory: "PERSONAL"}
	}
	data := directory.Data{
		Products: []directory.Product{{Name: "PLUS", Currency: "GBP", Terms: payment.Terms{FXFeeRate: "0.0299", FXFeeTaxRate: "0.20", TaxJurisdiction: "GB",
			CashFeeRate: "0.03", CashFeeMinimum: minimum}}},
		Accounts:   []payment.Account{account("acc-alice"), account("acc-bob")},
		Cards:      []directory.Card{{PANToken: tokenOf(t, aliceCard), Currency: "GBP", AccountID: "acc-alice"}, {PANToken: tokenOf(t, bobCard), Currency: "GBP", AccountID: "acc-bob"}},
		Categories: []directory.Category{{MCC: "5411", Name: "Grocery stores and supermarkets"}, {MCC: "7995", Name: "Betting and gambling"}},
		WatchList:  payment.WatchList{"7995": payment.WarningGambling},
		Rules:      &rules,
	}
	s.load(t, data)
}

// timeless are rule settings for payments of a fixed date, whatever the date is today.
func timeless() payment.RuleSettings {
	const century = 36_500
	rules := payment.DefaultRuleSettings()
	rules.Validity = payment.AgeLimit{Days: century}
	rules.Timestamp = payment.TimestampLimits{AheadMinutes: century * 24 * 60, BehindDays: century}
	return rules
}

// load writes reference data.
func (s *system) load(t testing.TB, data directory.Data) {
	t.Helper()
	require.NoError(t, data.Check())
	writer := directory.NewWriter(directory.WriterOptions{Client: s.dynamodb, AccountsTable: s.outputs["AccountsTable"], ReferenceTable: s.outputs["ReferenceTable"],
		Wait: func(ctx context.Context, d time.Duration) error { return ctx.Err() }})
	require.NoError(t, writer.Write(t.Context(), data))
}

// item is one approved authorization; n makes it a payment of its own.
func item(t testing.TB, n int, pan string, changes map[string]types.AttributeValue) map[string]types.AttributeValue {
	t.Helper()
	text := func(v string) types.AttributeValue { return &types.AttributeValueMemberS{Value: v} }
	number := func(v string) types.AttributeValue { return &types.AttributeValueMemberN{Value: v} }
	i := map[string]types.AttributeValue{
		"authorizationId": text(fmt.Sprintf("auth-%06d", n)), "status": text("APPROVED"), "mti": text("0110"), "panToken": text(tokenOf(t, pan)), "panLast4": text(pan[12:]),
		"bin": text(pan[:6]), "processingCode": text("000000"), "transactionAmount": number("1981"), "transactionCurrency": text("GBP"),
		"billingAmount": number("1981"), "billingCurrency": text("GBP"), "stan": text(fmt.Sprintf("%06d", n)), "acquirerId": text("400010"),
		"transmittedAt": text("2026-07-09T10:15:30Z"), "authCode": text("A1B2C3"), "responseCode": text("00"), "mcc": text("5411"),
		"merchantName": text("ACME STORE"), "merchantCity": text("LONDON"), "merchantCountry": text("GB"), "merchantId": text("MERCHANT0000001"),
		"acquirerCountry": text("826"), "issuerCountry": text("826"),
	}
	for name, value := range changes {
		i[name] = value
	}
	return i
}

func text(v string) types.AttributeValue   { return &types.AttributeValueMemberS{Value: v} }
func number(v string) types.AttributeValue { return &types.AttributeValueMemberN{Value: v} }

func (s *system) put(t *testing.T, i map[string]types.AttributeValue) {
	t.Helper()
	_, err := s.dynamodb.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String(s.outputs["AuthorizationsTable"]), Item: i})
	require.NoError(t, err)
}

// eventually waits for what must become true.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	require.Eventually(t, done, patience, 50*time.Millisecond, what)
}

// journalEntries is how many journal entries customer accounts have.
func (s *system) journalEntries(t testing.TB, accounts ...string) int64 {
	t.Helper()
	total := int64(0)
	for _, account := range accounts {
		balances, err := s.ledger.Balances(t.Context(), account)
		require.NoError(t, err)
		for _, b := range balances {
			total += b.JournalCount
		}
	}
	return total
}

func (s *system) balance(t *testing.T, account string) string {
	t.Helper()
	balances, err := s.ledger.Balances(t.Context(), account)
	require.NoError(t, err)
	require.Len(t, balances, 1)
	return balances[0].Amount.String()
}

// requireSound checks what must hold at rest: the ledger verifies, debits equal credits, no dead letters anywhere.
func (s *system) requireSound(t *testing.T) {
	t.Helper()
	verified, err := s.ledger.Verify(t.Context())
	require.NoError(t, err)
	require.Empty(t, verified.Findings)
	balance, err := s.ledger.TrialBalance(t.Context(), time.Time{})
	require.NoError(t, err)
	require.True(t, balance.Balanced())
	require.Empty(t, s.deadLetters(t))
}

// deadLetters lists the dead-letter queues that hold something, be it out of sight.
func (s *system) deadLetters(t *testing.T) []string {
	t.Helper()
	client := sqs.NewFromConfig(s.aws)
	var holding []string
	queues, err := client.ListQueues(t.Context(), &sqs.ListQueuesInput{})
	require.NoError(t, err)
	for _, url := range queues.QueueUrls {
		name := url[strings.LastIndexByte(url, '/')+1:]
		if !strings.Contains(name, "DeadLetters") && !strings.Contains(name, "Undelivered") {
			continue
		}
		depth, err := queuedepth.Of(t.Context(), client, url)
		require.NoError(t, err)
		if depth.All > 0 {
			holding = append(holding, fmt.Sprintf("%s: %d", name, depth.All))
		}
	}
	return holding
}

// functions lists the names of the stack's functions.
func (s *system) functions(t *testing.T) []string {
	t.Helper()
	out, err := lambda.NewFromConfig(s.aws).ListFunctions(t.Context(), &lambda.ListFunctionsInput{})
	require.NoError(t, err)
	var names []string
	for _, f := range out.Functions {
		names = append(names, *f.FunctionName)
	}
	require.NotEmpty(t, names)
	return names
}

// repository is the path of a file of the repository.
func repository(t *testing.T, path ...string) string {
	t.Helper()
	root, err := assembly.Root(mustWorkingFolder())
	require.NoError(t, err)
	return filepath.Join(append([]string{root}, path...)...)
}

func mustJSON(t *testing.T, value any) []byte {
	t.Helper()
	raw, err := json.Marshal(value)
	require.NoError(t, err)
	return raw
}
