package statemachines_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/local/clock"
	"github.com/payrail/payrail/local/stepfunctions"
	"github.com/payrail/payrail/local/wire"
	"github.com/payrail/payrail/payment"
	"github.com/payrail/payrail/statemachines"
)

const (
	bus         = "payrail-bus"
	dlq         = "http://127.0.0.1:4566/000000000000/rules-dlq"
	publishedAt = "2026-07-09T10:15:31.250Z"
)

// enriched is a TransactionEnriched event; facts replace those of a plain domestic purchase.
func enriched(t testing.TB, facts map[string]any) map[string]any {
	t.Helper()
	var event map[string]any
	require.NoError(t, json.Unmarshal([]byte(`{"version":"0","id":"6a7e8feb-b491-4cf7-a9f1-bf3703467718","detail-type":"TransactionEnriched",
	 "source":"payrail.enrich","account":"000000000000","time":"2026-07-09T10:15:31Z","region":"us-east-1","resources":[],
	 "detail":{"metadata":{"schemaVersion":"1.0","eventId":"tx_ABCDEFGHIJKLMNOPQRSTUVWXYZ/TransactionEnriched","transactionId":"tx_ABCDEFGHIJKLMNOPQRSTUVWXYZ",
	   "correlationId":"auth-1","causationId":"tx_ABCDEFGHIJKLMNOPQRSTUVWXYZ/TransactionStandardized","traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
	   "occurredAt":"2026-07-09T10:15:30.000Z","publishedAt":"2026-07-09T10:15:31.000Z","eventGroupId":"tok_v1_ABCDEFGHIJKLMNOPQRSTUVWXYZ"},
	  "data":{"payment":{"mti":"0100","transactionAmount":{"amount":"19.81","currency":"GBP"},"merchant":{"name":"A \"QUOTED\" {NAME}, LTD"}},
	   "account":{"status":"OPEN","accountId":"acc-1"},"merchant":{"name":"ACME STORE"},"description":"ACME STORE LONDON GB","scheme":"VISA","terms":{"fxFeeRate":"0.0299"},
	   "facts":`+string(plainFacts(t))+`,
	   "message":{"msgDefIdr":"cain.003.001.04"}}}}`), &event))
	for name, v := range facts {
		event["detail"].(map[string]any)["data"].(map[string]any)["facts"].(map[string]any)[name] = v
	}
	return event
}

// plainFacts are those of a domestic purchase on which no rule fires but R-005: as the domain writes them, so that a fact that
// is new, or has another name, is known here.
func plainFacts(t testing.TB) []byte {
	t.Helper()
	raw, err := json.Marshal(payment.Facts{IssuerCountryKnown: true, MerchantWarning: payment.WarningNone, AccountFound: true, AccountOpen: true,
		SuspenseReason: payment.SuspenseNone, DisabledRules: "NONE"})
	require.NoError(t, err)
	return raw
}

// aws records what the state machine sends; the first calls of PutEvents fail as failures say.
type aws struct {
	mu       sync.Mutex
	events   []stepfunctions.Event
	messages []stepfunctions.Message
	calls    int
	failures func(call int) ([]stepfunctions.EventResult, error)
	queueErr error
}

func (a *aws) PutEvents(_ context.Context, events []stepfunctions.Event) ([]stepfunctions.EventResult, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls++
	if a.failures != nil {
		if results, err := a.failures(a.calls); results != nil || err != nil {
			return results, err
		}
	}
	a.events = append(a.events, events...)
	return make([]stepfunctions.EventResult, len(events)), nil
}

func (a *aws) SendMessage(_ context.Context, m stepfunctions.Message) (stepfunctions.MessageResult, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.messages = append(a.messages, m)
	return stepfunctions.MessageResult{MessageID: "m-1"}, a.queueErr
}

type engine struct {
	*stepfunctions.Service
	aws   *aws
	arn   string
	clock *clock.Manual
}

func newEngine(t testing.TB, mode string) *engine {
	t.Helper()
	return newEngineOf(t, statemachines.PostingRules, mode)
}

func newEngineOf(t testing.TB, definition, mode string) *engine {
	t.Helper()
	at, err := time.Parse(time.RFC3339, publishedAt)
	require.NoError(t, err)
	e := &engine{aws: &aws{}, clock: clock.NewManual(at)}
	e.Service, err = stepfunctions.New(stepfunctions.Options{
		Region: "us-east-1", Account: "000000000000", Clock: e.clock, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Random: func() float64 { return 0 }, Events: e.aws, Queues: e.aws,
	})
	require.NoError(t, err)
	t.Cleanup(e.Close)
	e.arn, err = e.CreateStateMachine(stepfunctions.Spec{
		Name: "posting-rules", Type: "EXPRESS", Definition: definition,
		Substitutions: map[string]string{"EventBusName": bus, "RulesDlqUrl": dlq, "CurrencyConversionMode": mode, "RuleSetVersion": "2026-07"},
	})
	require.NoError(t, err)
	return e
}

func (e *engine) run(t testing.TB, input any) {
	t.Helper()
	body, err := json.Marshal(input)
	require.NoError(t, err)
	_, err = e.Start(context.Background(), e.arn, "", body)
	require.NoError(t, err)
	e.Idle()
}

// sent are the events in a short form: detail type, rule or outcome with reason, charges and rules fired. Findings are told at
// once, in any order: here in that of the alphabet, before the decision.
func (e *engine) sent(t testing.TB) []string {
	t.Helper()
	var lines []string
	for _, event := range e.aws.events {
		var detail struct {
			Metadata struct{ EventID string }
			Data     struct {
				Rule, Warning, Kind string
				Charges             payment.Charges
				Decision            struct {
					Outcome, Reason, ISOReason string
					RulesFired                 []string
				}
			}
		}
		require.NoError(t, json.Unmarshal([]byte(event.Detail), &detail))
		d := detail.Data
		line := event.DetailType
		id := "tx_ABCDEFGHIJKLMNOPQRSTUVWXYZ/" + event.DetailType
		if d.Rule != "" {
			id += "/" + d.Rule
		}
		require.Equal(t, id, detail.Metadata.EventID)
		charges := ""
		if d.Charges.FX {
			charges = "FX"
		}
		if d.Charges.Cash {
			charges += "CASH"
		}
		for _, part := range []string{d.Rule, d.Warning, d.Kind, d.Decision.Outcome, d.Decision.Reason, d.Decision.ISOReason, strings.Join(d.Decision.RulesFired, ","), charges} {
			if part != "" {
				line += " " + part
			}
		}
		lines = append(lines, line)
	}
	if len(lines) > 0 {
		slices.Sort(lines[:len(lines)-1])
	}
	return lines
}

type facts = map[string]any

func TestRulesDecideOnFacts(t *testing.T) {
	foreign := "ForeignTransactionFound R-002"
	conversion := "CurrencyConversionTransactionFound R-003"
	warning := "WarningMerchantTypeTransactionFound "
	gambling := warning + "R-004 GAMBLING"
	suspense := "TransactionRoutedToSuspense SUSPENSE "
	review := "TransactionPostingFailed FAILED_REVIEW "
	approved := func(fired string) string {
		return "TransactionPostingApproved APPROVED NONE " + strings.TrimPrefix(fired+",R-005", ",")
	}
	for name, tc := range map[string]struct {
		mode  string // corrected where empty
		facts facts
		want  []string
	}{
		"R-005 alone": {want: []string{approved("")}},
		"R-001 ends the evaluation": {
			facts: facts{"issuerCountryKnown": false, "foreign": true, "merchantOnWatchList": true, "accountMissing": true},
			want:  []string{"TransactionPostingFailed FAILED_REVIEW ISSUER_COUNTRY_UNKNOWN R-001"},
		},
		"R-002":                                {facts: facts{"foreign": true}, want: []string{foreign, approved("R-002")}},
		"R-003 corrected, rate other than one": {facts: facts{"currencyConverted": true}, want: []string{conversion, approved("R-003")}},
		"R-003 corrected, rate of one":         {facts: facts{"conversionRateIsOne": true}, want: []string{approved("")}},
		"R-003 legacy, rate other than one":    {mode: "legacy", facts: facts{"currencyConverted": true}, want: []string{approved("")}},
		"R-003 legacy, rate of one":            {mode: "legacy", facts: facts{"conversionRateIsOne": true}, want: []string{conversion, approved("R-003")}},
		"R-003 legacy, no rate":                {mode: "legacy", want: []string{approved("")}},
		"R-004":                                {facts: facts{"merchantOnWatchList": true, "merchantWarning": "GAMBLING"}, want: []string{gambling, approved("R-004")}},
		"R-015 no account":                     {facts: facts{"accountMissing": true}, want: []string{suspense + "ACCOUNT_NOT_FOUND AC01 R-015"}},
		"R-016 account closed":                 {facts: facts{"accountClosed": true}, want: []string{suspense + "ACCOUNT_CLOSED AC04 R-016"}},
		"R-017 account blocked":                {facts: facts{"accountBlocked": true}, want: []string{suspense + "ACCOUNT_BLOCKED AC06 R-017"}},
		"R-017 holder deceased":                {facts: facts{"accountDeceased": true}, want: []string{suspense + "ACCOUNT_BLOCKED MD07 R-017"}},
		"R-018 account dormant":                {facts: facts{"accountDormant": true}, want: []string{"DormantAccountActivity R-018", approved("R-018")}},
		"R-019 currency of the account":        {facts: facts{"currencyMismatch": true}, want: []string{"CurrencyMismatchFound R-019", suspense + "CURRENCY_MISMATCH AM03 R-019"}},
		"R-020 FX fee":                         {facts: facts{"fxFeeApplies": true}, want: []string{"FeeApplied R-020 FX", approved("R-020") + " FX"}},
		"R-021 cross-border":                   {facts: facts{"crossBorder": true}, want: []string{"CrossBorderTransactionFound R-021", approved("R-021")}},
		"R-022 rate out of tolerance":          {facts: facts{"fxRateOutOfTolerance": true}, want: []string{"FxRateToleranceBreached R-022", approved("R-022")}},
		"R-022 rate implausible":               {facts: facts{"fxRateImplausible": true}, want: []string{"FxRateToleranceBreached R-022", review + "FX_RATE_OUT_OF_TOLERANCE R-022"}},
		"R-023 rate and currencies":            {facts: facts{"fxDataInconsistent": true}, want: []string{"FxDataInconsistent R-023", approved("R-023")}},
		"R-024 DCC":                            {facts: facts{"dynamicConversion": true}, want: []string{"DccTransactionFound R-024", approved("R-024")}},
		"R-030 authorization expired":          {facts: facts{"authorizationExpired": true}, want: []string{"ExpiredAuthorizationPosted R-030", approved("R-030")}},
		"R-032 timestamp":                      {facts: facts{"timestampAnomalous": true, "authorizationExpired": true}, want: []string{"TimestampAnomaly R-032", review + "TIMESTAMP_ANOMALY R-032"}},
		"R-040 gambling":                       {facts: facts{"gambling": true}, want: []string{warning + "R-040 GAMBLING", approved("R-040")}},
		"R-040 gambling blocked":               {facts: facts{"gamblingBlocked": true}, want: []string{warning + "R-040 GAMBLING", suspense + "MERCHANT_BLOCKED AG01 R-040"}},
		"R-041 quasi-cash":                     {facts: facts{"quasiCash": true, "quasiCashFeeApplies": true}, want: []string{"FeeApplied R-041 CASH", warning + "R-041 QUASI_CASH", approved("R-041") + " CASH"}},
		"R-041 quasi-cash without a fee":       {facts: facts{"quasiCash": true}, want: []string{warning + "R-041 QUASI_CASH", approved("R-041")}},
		"R-042 cash":                           {facts: facts{"cashFeeApplies": true}, want: []string{"FeeApplied R-042 CASH", approved("R-042") + " CASH"}},
		"R-043 high risk":                      {facts: facts{"highRiskMerchant": true}, want: []string{warning + "R-043 HIGH_RISK", approved("R-043")}},
		"R-044 unknown category":               {facts: facts{"unknownCategory": true}, want: []string{warning + "R-044 UNKNOWN_MCC", approved("R-044")}},
		"R-045 purchase at a cash machine":     {facts: facts{"merchantTypeInconsistent": true}, want: []string{"MerchantTypeInconsistent R-045", approved("R-045")}},
		"R-070 enrichment incomplete":          {facts: facts{"enrichmentIncomplete": true}, want: []string{"EnrichmentFailed R-070", review + "ENRICHMENT_INCOMPLETE R-070"}},
		"R-071 enrichment invalid":             {facts: facts{"enrichmentInvalid": true}, want: []string{"EnrichmentInvalid R-071", review + "ENRICHMENT_INVALID R-071"}},
		"a cash machine abroad bears both fees": {
			facts: facts{"foreign": true, "currencyConverted": true, "fxFeeApplies": true, "cashFeeApplies": true},
			want:  []string{conversion, "FeeApplied R-020 FX", "FeeApplied R-042 CASH", foreign, approved("R-002,R-003,R-020,R-042") + " FXCASH"},
		},
		"every finding, in rule order": {
			facts: facts{"foreign": true, "currencyConverted": true, "merchantOnWatchList": true, "merchantWarning": "GAMBLING"},
			want:  []string{conversion, foreign, gambling, approved("R-002,R-003,R-004")},
		},
		"findings and suspense": {
			facts: facts{"foreign": true, "merchantOnWatchList": true, "merchantWarning": "GAMBLING", "accountClosed": true},
			want:  []string{foreign, gambling, suspense + "ACCOUNT_CLOSED AC04 R-002,R-004,R-016"},
		},
		"suspense bears no fee": {
			facts: facts{"foreign": true, "fxFeeApplies": true, "quasiCash": true, "quasiCashFeeApplies": true, "authorizationExpired": true, "accountClosed": true},
			want:  []string{foreign, warning + "R-041 QUASI_CASH", suspense + "ACCOUNT_CLOSED AC04 R-002,R-041,R-016"},
		},
		"of several that route the first decides": {
			facts: facts{"accountClosed": true, "timestampAnomalous": true, "gamblingBlocked": true, "enrichmentIncomplete": true, "enrichmentInvalid": true},
			want: []string{"EnrichmentFailed R-070", "EnrichmentInvalid R-071", "TimestampAnomaly R-032", warning + "R-040 GAMBLING",
				suspense + "ACCOUNT_CLOSED AC04 R-016,R-032,R-040,R-070,R-071"},
		},
		"rules that are off": {
			facts: facts{"foreign": true, "crossBorder": true, "fxFeeApplies": true, "timestampAnomalous": true, "disabledRules": "R-021,R-020,R-032"},
			want:  []string{foreign, approved("R-002")},
		},
		"the only rule to fire is off": {facts: facts{"quasiCash": true, "quasiCashFeeApplies": true, "disabledRules": "R-041"}, want: []string{approved("")}},
	} {
		t.Run(name, func(t *testing.T) {
			mode := tc.mode
			if mode == "" {
				mode = "corrected"
			}
			e := newEngine(t, mode)
			e.run(t, enriched(t, tc.facts))
			require.Equal(t, tc.want, e.sent(t))
			require.Empty(t, e.aws.messages)
			require.Equal(t, stepfunctions.Counts{Started: 1, Succeeded: 1}, e.Counts(e.arn))
		})
	}
}

// metadata is that of the events of enriched, made from the event id.
func metadata(eventID string) string {
	return `"metadata":{"schemaVersion":"1.0","eventId":"` + eventID + `","transactionId":"tx_ABCDEFGHIJKLMNOPQRSTUVWXYZ","correlationId":"auth-1",
	 "causationId":"tx_ABCDEFGHIJKLMNOPQRSTUVWXYZ/TransactionEnriched","traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
	 "occurredAt":"2026-07-09T10:15:30.000Z","publishedAt":"` + publishedAt + `","eventGroupId":"tok_v1_ABCDEFGHIJKLMNOPQRSTUVWXYZ"}`
}

func TestEventsInFull(t *testing.T) {
	const (
		payment = `{"mti":"0100","transactionAmount":{"amount":"19.81","currency":"GBP"},"merchant":{"name":"A \"QUOTED\" {NAME}, LTD"}}`
		body    = `"payment":` + payment + `,"account":{"status":"OPEN","accountId":"acc-1"},"merchant":{"name":"ACME STORE"},"description":"ACME STORE LONDON GB","scheme":"VISA","terms":{"fxFeeRate":"0.0299"}`
		tx      = "tx_ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	)
	e := newEngine(t, "corrected")
	e.run(t, enriched(t, facts{"merchantOnWatchList": true, "merchantWarning": "GAMBLING"}))
	e.run(t, enriched(t, facts{"accountClosed": true}))
	e.run(t, enriched(t, facts{"issuerCountryKnown": false}))
	want := []string{
		`{` + metadata(tx+"/WarningMerchantTypeTransactionFound/R-004") + `,"data":{"rule":"R-004","ruleSetVersion":"2026-07","warning":"GAMBLING","payment":` + payment + `}}`,
		`{` + metadata(tx+"/TransactionPostingApproved") + `,"data":{` + body + `,"decision":{"ruleSetVersion":"2026-07","rulesFired":["R-004","R-005"],"outcome":"APPROVED","reason":"NONE"},"charges":{"fx":false,"cash":false}}}`,
		`{` + metadata(tx+"/TransactionRoutedToSuspense") + `,"data":{` + body + `,"decision":{"ruleSetVersion":"2026-07","rulesFired":["R-016"],"outcome":"SUSPENSE","reason":"ACCOUNT_CLOSED","isoReason":"AC04"}}}`,
		`{` + metadata(tx+"/TransactionPostingFailed") + `,"data":{"payment":` + payment + `,"decision":{"ruleSetVersion":"2026-07","rulesFired":["R-001"],"outcome":"FAILED_REVIEW","reason":"ISSUER_COUNTRY_UNKNOWN"}}}`,
	}
	require.Len(t, e.aws.events, len(want))
	for i, event := range e.aws.events {
		require.JSONEq(t, want[i], event.Detail)
		require.Equal(t, "payrail.rules", event.Source)
		require.Equal(t, bus, event.EventBusName)
		require.Equal(t, e.arn, event.Resources[0])
	}
}

// TestRedeliveryRepeatsEventIDs is the golden rule: Express runs at least once, so the same event gives the same ids.
func TestRedeliveryRepeatsEventIDs(t *testing.T) {
	e := newEngine(t, "corrected")
	all := facts{"foreign": true, "currencyConverted": true, "merchantOnWatchList": true, "merchantWarning": "GAMBLING"}
	ids := func() (ids []string) {
		for _, event := range e.aws.events {
			var detail struct{ Metadata struct{ EventID string } }
			require.NoError(t, json.Unmarshal([]byte(event.Detail), &detail))
			ids = append(ids, detail.Metadata.EventID)
		}
		e.aws.events = nil
		slices.Sort(ids) // Findings are told in any order.
		return ids
	}
	e.run(t, enriched(t, all))
	first := ids()
	e.clock.Advance(time.Hour)
	event := enriched(t, all)
	event["id"] = "another-delivery"
	e.run(t, event)
	require.Len(t, first, 4)
	require.Equal(t, first, ids())
}

// TestARepairedPaymentKeepsItsAttemptsApart: the ids of a further attempt are none of the first one's.
func TestARepairedPaymentKeepsItsAttemptsApart(t *testing.T) {
	all := facts{"foreign": true, "currencyConverted": true, "merchantOnWatchList": true, "merchantWarning": "GAMBLING"}
	const tx = "tx_ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	for name, tc := range map[string]struct {
		attempt any
		facts   facts
		suffix  string
		number  int
	}{
		"the first says so":      {1, all, "", 1},
		"the second":             {2, all, "/2", 2},
		"the twelfth":            {12, nil, "/12", 12},
		"to suspense":            {2, facts{"accountClosed": true}, "/2", 2},
		"failed another time":    {3, facts{"issuerCountryKnown": false}, "/3", 3},
		"the first says nothing": {nil, facts{"issuerCountryKnown": false}, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEngine(t, "corrected")
			event := enriched(t, tc.facts)
			if tc.attempt != nil {
				event["detail"].(map[string]any)["metadata"].(map[string]any)["attempt"] = tc.attempt
			}
			e.run(t, event)
			require.NotEmpty(t, e.aws.events)
			for _, sent := range e.aws.events {
				var detail struct {
					Metadata struct {
						EventID string
						Attempt int
					}
					Data struct{ Rule string }
				}
				require.NoError(t, json.Unmarshal([]byte(sent.Detail), &detail))
				id := tx + "/" + sent.DetailType
				if detail.Data.Rule != "" {
					id += "/" + detail.Data.Rule
				}
				require.Equal(t, id+tc.suffix, detail.Metadata.EventID)
				require.Equal(t, tc.number, detail.Metadata.Attempt)
			}
		})
	}
}

// TestWhatFollowsFromAReplaySaysSo: by the mark of EventBridge on the event that is replayed, or by that of the event it was made from.
func TestWhatFollowsFromAReplaySaysSo(t *testing.T) {
	all := facts{"foreign": true, "currencyConverted": true}
	for name, tc := range map[string]struct {
		envelope, metadata string
		facts              facts
		want               string
	}{
		"replayed":                        {"replay-1", "", all, "replay-1"},
		"made from a replayed one":        {"", "replay-2", all, "replay-2"},
		"replayed, made from a replay":    {"replay-3", "replay-2", all, "replay-3"},
		"to suspense":                     {"replay-4", "", facts{"accountClosed": true}, "replay-4"},
		"to review":                       {"", "replay-5", facts{"issuerCountryKnown": false}, "replay-5"},
		"as it comes, without any replay": {"", "", all, ""},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEngine(t, "corrected")
			event := enriched(t, tc.facts)
			if tc.envelope != "" {
				event["replay-name"] = tc.envelope
			}
			if tc.metadata != "" {
				event["detail"].(map[string]any)["metadata"].(map[string]any)["replay"] = tc.metadata
			}
			e.run(t, event)
			require.NotEmpty(t, e.aws.events)
			for _, sent := range e.aws.events {
				var detail struct{ Metadata map[string]any }
				require.NoError(t, json.Unmarshal([]byte(sent.Detail), &detail))
				replay, marked := detail.Metadata["replay"]
				require.Equal(t, tc.want != "", marked)
				if marked {
					require.Equal(t, tc.want, replay)
				}
			}
		})
	}
}

// unusedFacts are in the event for its other readers.
var unusedFacts = []string{"conversionRatePresent", "accountFound", "accountOpen", "suspenseReason"}

func TestInputThatCannotBeJudgedGoesToTheDeadLetterQueue(t *testing.T) {
	at := func(event map[string]any, path ...string) map[string]any {
		for _, name := range path {
			event = event[name].(map[string]any)
		}
		return event
	}
	inputs := map[string]any{
		"empty": map[string]any{}, "not an object": []any{1}, "a string": "x", "null": nil,
	}
	for _, field := range []string{"transactionId", "eventId", "correlationId", "traceparent", "occurredAt", "eventGroupId"} {
		missing, wrong := enriched(t, nil), enriched(t, nil)
		delete(at(missing, "detail", "metadata"), field)
		at(wrong, "detail", "metadata")[field] = 1
		inputs["no metadata."+field], inputs["a number in metadata."+field] = missing, wrong
	}
	for _, field := range []string{"payment", "account", "merchant", "description", "scheme", "terms", "facts"} {
		missing := enriched(t, nil)
		delete(at(missing, "detail", "data"), field)
		inputs["no data."+field] = missing
	}
	for field := range at(enriched(t, nil), "detail", "data", "facts") {
		if slices.Contains(unusedFacts, field) {
			continue
		}
		missing, wrong := enriched(t, nil), enriched(t, facts{field: 1})
		delete(at(missing, "detail", "data", "facts"), field)
		inputs["no fact "+field], inputs["a number as fact "+field] = missing, wrong
	}
	counted := enriched(t, nil)
	at(counted, "detail", "metadata")["attempt"] = "2"
	inputs["a text as attempt"] = counted
	for name, input := range inputs {
		t.Run(name, func(t *testing.T) {
			e := newEngine(t, "corrected")
			e.run(t, input)
			require.Empty(t, e.aws.events)
			requireDeadLetter(t, e, "Payrail.InvalidInput", input)
		})
	}
}

func TestUnknownModeIsRefusedBeforeAnythingIsPublished(t *testing.T) {
	e := newEngine(t, "Corrected")
	input := enriched(t, facts{"foreign": true})
	e.run(t, input)
	require.Empty(t, e.aws.events)
	requireDeadLetter(t, e, "Payrail.InvalidSettings", input)
}

// requireDeadLetter checks that one message holds the input as it came and the error, and that the execution failed.
func requireDeadLetter(t *testing.T, e *engine, wantError string, input any) {
	t.Helper()
	require.Len(t, e.aws.messages, 1)
	require.Equal(t, dlq, e.aws.messages[0].QueueURL)
	var body struct {
		Error        struct{ Error, Cause string }
		ExecutionARN string
		FailedAt     string
		Input        any
	}
	require.NoError(t, json.Unmarshal([]byte(e.aws.messages[0].Body), &body))
	require.Equal(t, wantError, body.Error.Error)
	require.NotEmpty(t, body.Error.Cause)
	require.Contains(t, body.ExecutionARN, ":express:posting-rules:")
	want, err := json.Marshal(input)
	require.NoError(t, err)
	got, err := json.Marshal(body.Input)
	require.NoError(t, err)
	require.JSONEq(t, string(want), string(got))
	require.Equal(t, stepfunctions.Counts{Started: 1, Failed: 1}, e.Counts(e.arn))
}

func failedEntry(int) ([]stepfunctions.EventResult, error) {
	return []stepfunctions.EventResult{{ErrorCode: "ThrottlingException", ErrorMessage: "slow down"}}, nil
}

func TestPublishingIsRetried(t *testing.T) {
	for name, fault := range map[string]func(int) ([]stepfunctions.EventResult, error){
		"a failed entry": failedEntry,
		"a throttle": func(int) ([]stepfunctions.EventResult, error) {
			return nil, wire.Errorf("ThrottlingException", "slow down")
		},
		"an internal error": func(int) ([]stepfunctions.EventResult, error) { return nil, fmt.Errorf("connection reset") },
	} {
		t.Run(name, func(t *testing.T) {
			e := newEngine(t, "corrected")
			e.aws.failures = func(call int) ([]stepfunctions.EventResult, error) {
				if call <= 4 {
					return fault(call)
				}
				return nil, nil
			}
			e.run(t, enriched(t, facts{"foreign": true}))
			require.Equal(t, []string{"ForeignTransactionFound R-002", "TransactionPostingApproved APPROVED NONE R-002,R-005"}, e.sent(t))
			require.Equal(t, 6, e.aws.calls)
			require.Empty(t, e.aws.messages)
		})
	}
}

func TestPublishingThatFailsForGoodGoesToTheDeadLetterQueue(t *testing.T) {
	denied := func(int) ([]stepfunctions.EventResult, error) {
		return nil, wire.Errorf("AccessDeniedException", "not allowed to put events")
	}
	for name, tc := range map[string]struct {
		fault     func(int) ([]stepfunctions.EventResult, error)
		wantError string
		wantCalls int
	}{
		"after all retries":           {failedEntry, "EventBridge.FailedEntry", 5},
		"at once where none can help": {denied, "EventBridge.AccessDeniedException", 1},
	} {
		for outcome, f := range map[string]facts{
			"finding": {"foreign": true}, "approved": nil, "suspense": {"accountMissing": true}, "failed": {"issuerCountryKnown": false},
		} {
			t.Run(name+", "+outcome, func(t *testing.T) {
				e := newEngine(t, "corrected")
				e.aws.failures = tc.fault
				input := enriched(t, f)
				e.run(t, input)
				require.Equal(t, tc.wantCalls, e.aws.calls)
				requireDeadLetter(t, e, tc.wantError, input)
			})
		}
	}
}

func TestDeadLetterQueueThatFails(t *testing.T) {
	e := newEngine(t, "corrected")
	e.aws.queueErr = wire.Errorf("OverLimit", "too many")
	e.run(t, map[string]any{})
	require.Len(t, e.aws.messages, 5, "one attempt and four retries")
	require.Equal(t, stepfunctions.Counts{Started: 1, Failed: 1}, e.Counts(e.arn))
}

// TestEveryTaskIsBoundedRetriedAndCaught keeps later edits within the rules of the design: every task bounded, retried and caught.
func TestEveryTaskIsBoundedRetriedAndCaught(t *testing.T) {
	type state struct {
		Type, Comment  string
		Resource       string
		TimeoutSeconds int
		Retry          []struct {
			ErrorEquals                                   []string
			IntervalSeconds, MaxAttempts, MaxDelaySeconds int
			JitterStrategy                                string
		}
		Catch []struct {
			ErrorEquals      []string
			ResultPath, Next string
		}
	}
	var definition struct {
		TimeoutSeconds int
		States         map[string]struct {
			state
			ItemProcessor struct{ States map[string]state }
		}
	}
	require.NoError(t, json.Unmarshal([]byte(statemachines.PostingRules), &definition))
	require.Positive(t, definition.TimeoutSeconds)
	// What a Map runs is caught by the Map.
	findings := definition.States["PublishFindings"]
	require.Equal(t, "Map", findings.Type)
	require.Len(t, findings.Catch, 1)
	inner := findings
	inner.state = findings.ItemProcessor.States["PublishFinding"]
	require.Empty(t, inner.Catch)
	inner.Catch = findings.Catch
	definition.States["PublishFinding"] = inner
	longest := 0
	retried := map[string][]string{ // SQS has one error name for all its errors
		"arn:aws:states:::events:putEvents": {"EventBridge.FailedEntry", "EventBridge.InternalException", "EventBridge.ThrottlingException", "EventBridge.SdkClientException", "States.Timeout"},
		"arn:aws:states:::sqs:sendMessage":  {"SQS.AmazonSQSException", "SQS.SdkClientException", "States.Timeout"},
	}
	for name, s := range definition.States {
		require.NotEmpty(t, s.Comment, name)
		if s.Type != "Task" {
			continue
		}
		require.Positive(t, s.TimeoutSeconds, name)
		require.Len(t, s.Retry, 1, name)
		r := s.Retry[0]
		require.Equal(t, retried[s.Resource], r.ErrorEquals, name)
		require.Equal(t, "FULL", r.JitterStrategy, name)
		require.Positive(t, r.MaxAttempts, name)
		require.Len(t, s.Catch, 1, name)
		require.Equal(t, []string{"States.ALL"}, s.Catch[0].ErrorEquals, name)
		spent, delay := s.TimeoutSeconds*(r.MaxAttempts+1), r.IntervalSeconds
		for range r.MaxAttempts {
			spent += min(delay, r.MaxDelaySeconds)
			delay *= 2
		}
		longest = max(longest, spent)
	}
	// The longest path has the findings, all at once, a decision and the dead-letter queue.
	require.LessOrEqual(t, 3*longest, definition.TimeoutSeconds, "what times out never reaches the dead-letter queue")
	require.LessOrEqual(t, definition.TimeoutSeconds, 300, "Express ends there")
}

func BenchmarkPostingRules(b *testing.B) {
	for name, f := range map[string]facts{
		"approved":     nil,
		"all findings": {"foreign": true, "currencyConverted": true, "merchantOnWatchList": true},
	} {
		b.Run(name, func(b *testing.B) {
			e := newEngine(b, "corrected")
			event := enriched(b, f)
			// The message makes the event as large as real ones are.
			event["detail"].(map[string]any)["data"].(map[string]any)["message"] = strings.Repeat("x", 2000)
			body, err := json.Marshal(event)
			require.NoError(b, err)
			b.ReportAllocs()
			for b.Loop() {
				_, err := e.Start(context.Background(), e.arn, "", body)
				require.NoError(b, err)
				e.Idle()
				e.aws.events = e.aws.events[:0]
			}
		})
	}
}
