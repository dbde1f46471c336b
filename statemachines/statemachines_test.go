package statemachines_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/local/clock"
	"github.com/payrail/payrail/local/stepfunctions"
	"github.com/payrail/payrail/local/wire"
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
	   "facts":{"issuerCountryKnown":true,"foreign":false,"conversionRatePresent":false,"conversionRateIsOne":false,"merchantOnWatchList":false,
	    "merchantWarning":"NONE","accountFound":true,"accountOpen":true,"suspenseReason":"NONE"},
	   "message":{"msgDefIdr":"cain.003.001.04"}}}}`), &event))
	for name, v := range facts {
		event["detail"].(map[string]any)["data"].(map[string]any)["facts"].(map[string]any)[name] = v
	}
	return event
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
		Name: "posting-rules", Type: "EXPRESS", Definition: statemachines.PostingRules,
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

// sent are the events in a short form: detail type, rule or outcome with reason, and rules fired.
func (e *engine) sent(t testing.TB) []string {
	t.Helper()
	var lines []string
	for _, event := range e.aws.events {
		var detail struct {
			Metadata struct{ EventID string }
			Data     struct {
				Rule, Warning string
				Decision      struct {
					Outcome, Reason string
					RulesFired      []string
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
		for _, part := range []string{d.Rule, d.Warning, d.Decision.Outcome, d.Decision.Reason, strings.Join(d.Decision.RulesFired, ",")} {
			if part != "" {
				line += " " + part
			}
		}
		lines = append(lines, line)
	}
	return lines
}

type facts = map[string]any

func TestRulesDecideOnFacts(t *testing.T) {
	foreign := "ForeignTransactionFound R-002"
	conversion := "CurrencyConversionTransactionFound R-003"
	gambling := "WarningMerchantTypeTransactionFound R-004 GAMBLING"
	for name, tc := range map[string]struct {
		mode  string // corrected where empty
		facts facts
		want  []string
	}{
		"R-005 alone": {want: []string{"TransactionPostingApproved APPROVED NONE R-005"}},
		"R-001 ends the evaluation": {
			facts: facts{"issuerCountryKnown": false, "foreign": true, "merchantOnWatchList": true, "accountFound": false},
			want:  []string{"TransactionPostingFailed FAILED_REVIEW ISSUER_COUNTRY_UNKNOWN R-001"},
		},
		"R-002": {facts: facts{"foreign": true}, want: []string{foreign, "TransactionPostingApproved APPROVED NONE R-002,R-005"}},
		"R-003 corrected, rate other than one": {
			facts: facts{"conversionRatePresent": true},
			want:  []string{conversion, "TransactionPostingApproved APPROVED NONE R-003,R-005"},
		},
		"R-003 corrected, rate of one": {
			facts: facts{"conversionRatePresent": true, "conversionRateIsOne": true},
			want:  []string{"TransactionPostingApproved APPROVED NONE R-005"},
		},
		"R-003 legacy, rate other than one": {
			mode: "legacy", facts: facts{"conversionRatePresent": true},
			want: []string{"TransactionPostingApproved APPROVED NONE R-005"},
		},
		"R-003 legacy, rate of one": {
			mode: "legacy", facts: facts{"conversionRatePresent": true, "conversionRateIsOne": true},
			want: []string{conversion, "TransactionPostingApproved APPROVED NONE R-003,R-005"},
		},
		"R-003 legacy, no rate": {
			mode: "legacy", facts: facts{"conversionRateIsOne": true},
			want: []string{"TransactionPostingApproved APPROVED NONE R-005"},
		},
		"R-004": {
			facts: facts{"merchantOnWatchList": true, "merchantWarning": "GAMBLING"},
			want:  []string{gambling, "TransactionPostingApproved APPROVED NONE R-004,R-005"},
		},
		"R-015 no account": {
			facts: facts{"accountFound": false, "accountOpen": false, "suspenseReason": "ACCOUNT_NOT_FOUND"},
			want:  []string{"TransactionRoutedToSuspense SUSPENSE ACCOUNT_NOT_FOUND R-015"},
		},
		"R-016 account closed": {
			facts: facts{"accountOpen": false, "suspenseReason": "ACCOUNT_CLOSED"},
			want:  []string{"TransactionRoutedToSuspense SUSPENSE ACCOUNT_CLOSED R-016"},
		},
		"every finding, in rule order": {
			facts: facts{"foreign": true, "conversionRatePresent": true, "merchantOnWatchList": true, "merchantWarning": "GAMBLING"},
			want:  []string{foreign, conversion, gambling, "TransactionPostingApproved APPROVED NONE R-002,R-003,R-004,R-005"},
		},
		"findings and suspense": {
			facts: facts{"foreign": true, "merchantOnWatchList": true, "merchantWarning": "GAMBLING", "accountOpen": false, "suspenseReason": "ACCOUNT_CLOSED"},
			want:  []string{foreign, gambling, "TransactionRoutedToSuspense SUSPENSE ACCOUNT_CLOSED R-002,R-004,R-016"},
		},
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
	 "occurredAt":"2026-07-09T10:15:30.000Z","publishedAt":"` + publishedAt + `","eventGroupId":"tok_v1_ABCDEFGHIJKLMNOPQRSTUVWXYZ","attempt":1}`
}

func TestEventsInFull(t *testing.T) {
	const (
		payment = `{"mti":"0100","transactionAmount":{"amount":"19.81","currency":"GBP"},"merchant":{"name":"A \"QUOTED\" {NAME}, LTD"}}`
		body    = `"payment":` + payment + `,"account":{"status":"OPEN","accountId":"acc-1"},"merchant":{"name":"ACME STORE"},"description":"ACME STORE LONDON GB","scheme":"VISA","terms":{"fxFeeRate":"0.0299"}`
		tx      = "tx_ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	)
	e := newEngine(t, "corrected")
	e.run(t, enriched(t, facts{"merchantOnWatchList": true, "merchantWarning": "GAMBLING"}))
	e.run(t, enriched(t, facts{"accountOpen": false, "suspenseReason": "ACCOUNT_CLOSED"}))
	e.run(t, enriched(t, facts{"issuerCountryKnown": false}))
	want := []string{
		`{` + metadata(tx+"/WarningMerchantTypeTransactionFound/R-004") + `,"data":{"rule":"R-004","ruleSetVersion":"2026-07","warning":"GAMBLING","payment":` + payment + `}}`,
		`{` + metadata(tx+"/TransactionPostingApproved") + `,"data":{` + body + `,"decision":{"ruleSetVersion":"2026-07","rulesFired":["R-004","R-005"],"outcome":"APPROVED","reason":"NONE"}}}`,
		`{` + metadata(tx+"/TransactionRoutedToSuspense") + `,"data":{` + body + `,"decision":{"ruleSetVersion":"2026-07","rulesFired":["R-016"],"outcome":"SUSPENSE","reason":"ACCOUNT_CLOSED"}}}`,
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
	all := facts{"foreign": true, "conversionRatePresent": true, "merchantOnWatchList": true, "merchantWarning": "GAMBLING"}
	ids := func() (ids []string) {
		for _, event := range e.aws.events {
			var detail struct{ Metadata struct{ EventID string } }
			require.NoError(t, json.Unmarshal([]byte(event.Detail), &detail))
			ids = append(ids, detail.Metadata.EventID)
		}
		e.aws.events = nil
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
	all := facts{"foreign": true, "conversionRatePresent": true, "merchantOnWatchList": true, "merchantWarning": "GAMBLING"}
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
		"to suspense":            {2, facts{"accountOpen": false, "suspenseReason": "ACCOUNT_CLOSED"}, "/2", 2},
		"failed another time":    {3, facts{"issuerCountryKnown": false}, "/3", 3},
		"none counts as the 1st": {nil, facts{"issuerCountryKnown": false}, "", 1},
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
			"finding": {"foreign": true}, "approved": nil, "suspense": {"accountFound": false}, "failed": {"issuerCountryKnown": false},
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
	var definition struct {
		TimeoutSeconds int
		States         map[string]struct {
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
	}
	require.NoError(t, json.Unmarshal([]byte(statemachines.PostingRules), &definition))
	require.Positive(t, definition.TimeoutSeconds)
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
	// The longest path has three findings, a decision and the dead-letter queue.
	require.LessOrEqual(t, 5*longest, definition.TimeoutSeconds, "what times out never reaches the dead-letter queue")
	require.LessOrEqual(t, definition.TimeoutSeconds, 300, "Express ends there")
}

func BenchmarkPostingRules(b *testing.B) {
	for name, f := range map[string]facts{
		"approved":     nil,
		"all findings": {"foreign": true, "conversionRatePresent": true, "merchantOnWatchList": true},
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
