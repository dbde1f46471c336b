package pipes

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/local/conformance"
	"github.com/payrail/payrail/local/wire"
)

// Where the cases are taken from.
const (
	batching   = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-batching-concurrency.html"
	failing    = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-error-troubleshooting.html"
	sources    = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-dynamodb.html"
	filtering  = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-event-filtering.html"
	parameters = "https://docs.aws.amazon.com/eventbridge/latest/pipes-reference/API_PipeSourceDynamoDBStreamParameters.html"
	targets    = "https://docs.aws.amazon.com/eventbridge/latest/pipes-reference/API_PipeTargetEventBridgeEventBusParameters.html"
	recorded   = "https://github.com/localstack/localstack/blob/main/tests/aws/services/lambda_/event_source_mapping/test_lambda_integration_dynamodbstreams.py#"
)

// refuses makes the function fail on batches that have an id, as long as times says.
func refuses(id string, times int) func(string, []byte) (string, bool, error) {
	return func(ids string, payload []byte) (string, bool, error) {
		if slices.Contains(strings.Fields(ids), id) && times != 0 {
			times--
			return `{"errorMessage":"no","errorType":"Poison"}`, true, nil
		}
		return string(payload), false, nil
	}
}

// Each case runs one pipe over the records it has written before; calls are the records of each call of the function, put those of
// each call of the bus.
func TestConformance(t *testing.T) {
	for name, tc := range map[string]struct {
		source    string
		records   string
		pipe      func(*Pipe)
		enrich    func(ids string, payload []byte) (string, bool, error)
		bus       func(events []Event) ([]EventResult, error)
		waits     []time.Duration // What the clock goes on by, each at a back-off.
		calls     []string
		put       []string
		letters   int
		delivered int64
	}{
		"the function gets an array, for one record too":           {source: batching, records: "a", calls: []string{"a"}, put: []string{"a"}, delivered: 1},
		"one batch is one call of the function and one of the bus": {source: batching, records: "a b c", calls: []string{"a b c"}, put: []string{"a b c"}, delivered: 3},
		"a batch has at most BatchSize records": {source: parameters, records: "a b c", pipe: func(p *Pipe) { p.Source.BatchSize = 2 },
			calls: []string{"a b", "c"}, put: []string{"a b", "c"}, delivered: 3},
		"an answer may have fewer elements than the batch": {source: batching, records: "a b c",
			enrich: func(string, []byte) (string, bool, error) { return `[{"n":1}]`, false, nil }, calls: []string{"a b c"}, put: []string{""}, delivered: 1},
		"an answer may have more elements than the batch": {source: batching, records: "a",
			enrich: func(string, []byte) (string, bool, error) { return `[{"n":1},{"n":2},{"n":3}]`, false, nil }, calls: []string{"a"}, put: []string{"  "}, delivered: 3},
		"an answer of 11 does not invoke the bus": {source: batching, records: "a", pipe: func(p *Pipe) { p.Source.MaximumRetryAttempts = attempts(0) },
			enrich: func(string, []byte) (string, bool, error) {
				return "[" + strings.TrimSuffix(strings.Repeat("{},", 11), ",") + "]", false, nil
			}, calls: []string{"a"}, letters: 1},
		"an answer of 10 does": {source: batching, records: "a",
			enrich: func(string, []byte) (string, bool, error) {
				return "[" + strings.TrimSuffix(strings.Repeat("{},", 10), ",") + "]", false, nil
			}, calls: []string{"a"}, put: []string{strings.Repeat(" ", 9)}, delivered: 10},
		"a failing function fails the whole batch": {source: batching + " (no partial failures of the enrichment)", records: "a b", enrich: refuses("b", 1),
			waits: []time.Duration{time.Second}, calls: []string{"a b", "a b"}, put: []string{"a b"}, delivered: 2},
		"what the bus does not take goes through the function again": {source: batching, records: "a b c", bus: failOnce(1),
			waits: []time.Duration{time.Second}, calls: []string{"a b c", "b"}, put: []string{"a b c", "b"}, delivered: 3},
		"a batch that fails blocks those behind it": {source: sources, records: "a b c", pipe: func(p *Pipe) { p.Source.BatchSize = 1 }, enrich: refuses("b", 2),
			waits: []time.Duration{time.Second, 2 * time.Second}, calls: []string{"a", "b", "b", "b", "c"}, put: []string{"a", "b", "c"}, delivered: 3},
		"attempts are limited": {source: parameters, records: "a b", pipe: func(p *Pipe) { p.Source.BatchSize, p.Source.MaximumRetryAttempts = 1, attempts(1) },
			enrich: refuses("a", -1), waits: []time.Duration{time.Second}, calls: []string{"a", "a", "b"}, put: []string{"b"}, letters: 1, delivered: 1},
		"no attempts but the first": {source: parameters, records: "a b", pipe: func(p *Pipe) { p.Source.BatchSize, p.Source.MaximumRetryAttempts = 1, attempts(0) },
			enrich: refuses("a", -1), calls: []string{"a", "b"}, put: []string{"b"}, letters: 1, delivered: 1},
		"age is limited, whatever the attempts": {source: failing + " (whichever comes first)", records: "a",
			pipe: func(p *Pipe) { p.Source.MaximumRecordAge, p.Source.MaximumRetryAttempts = time.Minute, attempts(100) }, enrich: refuses("a", -1),
			waits: []time.Duration{61 * time.Second}, calls: []string{"a"}, letters: 1},
		"internal errors do not count": {source: failing, records: "a", pipe: func(p *Pipe) { p.Source.MaximumRetryAttempts = attempts(0) }, enrich: internalErrors(2),
			waits: []time.Duration{time.Second, 2 * time.Second}, calls: []string{"a", "a", "a"}, put: []string{"a"}, delivered: 1},
		"a missing permission counts": {source: failing, records: "a", pipe: func(p *Pipe) { p.Source.MaximumRetryAttempts = attempts(0) },
			enrich: func(string, []byte) (string, bool, error) {
				return "", false, wire.Errorf("AccessDeniedException", "no")
			}, calls: []string{"a"}, letters: 1},
		"AUTOMATIC_BISECT halves until one is left": {source: parameters, records: "a b c d", pipe: func(p *Pipe) {
			p.Source.OnPartialBatchItemFailure, p.Source.MaximumRetryAttempts = AutomaticBisect, attempts(0)
		}, enrich: refuses("c", -1), calls: []string{"a b c d", "a b", "c d", "c", "d"}, put: []string{"a b", "d"}, letters: 1, delivered: 3},
		"a filter drops before the function": {source: filtering, records: "keep drop keep2", pipe: func(p *Pipe) {
			p.Source.Filters = []string{`{"dynamodb":{"Keys":{"id":{"S":[{"prefix":"keep"}]}}}}`}
		}, calls: []string{"keep keep2"}, put: []string{"keep keep2"}, delivered: 2},
		"one of several filters is enough": {source: filtering, records: "a b c", pipe: func(p *Pipe) {
			p.Source.Filters = []string{`{"dynamodb":{"Keys":{"id":{"S":["a"]}}}}`, `{"dynamodb":{"Keys":{"id":{"S":["c"]}}}}`}
		}, calls: []string{"a c"}, put: []string{"a c"}, delivered: 2},
		"numeric does not match the text of an N attribute": {source: recorded + "test_dynamodb_event_filter[numeric_filter]", records: "number", pipe: func(p *Pipe) {
			p.Source.Filters = []string{`{"dynamodb":{"NewImage":{"monthlyBill":{"N":[{"numeric":[">",10]}]}}}}`}
		}},
		"numeric matches ApproximateCreationDateTime": {source: recorded + "test_dynamodb_event_filter[date_time_conversion]", records: "number", pipe: func(p *Pipe) {
			p.Source.Filters = []string{`{"dynamodb":{"ApproximateCreationDateTime":[{"numeric":[">",0]}]}}`}
		}, calls: []string{"number"}, put: []string{"number"}, delivered: 1},
		"TRIM_HORIZON begins with the oldest": {source: parameters, records: "a", calls: []string{"a"}, put: []string{"a"}, delivered: 1},
		"LATEST begins behind what there is":  {source: parameters, records: "a", pipe: func(p *Pipe) { p.Source.StartingPosition = Latest }},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.stream.write(strings.Fields(tc.records)...)
			for i := range f.stream.records {
				if strings.Contains(string(f.stream.records[i].JSON), `"number"`) {
					f.stream.records[i].JSON = []byte(`{"dynamodb":{"ApproximateCreationDateTime":1783592130,"Keys":{"id":{"S":"number"}},"NewImage":{"monthlyBill":{"N":"12.50"}}}}`)
				}
			}
			f.enrich, f.bus = tc.enrich, tc.bus
			f.pipe(tc.pipe)
			for _, d := range tc.waits {
				f.retry(d)
			}
			f.idle()
			require.Equal(t, tc.calls, f.calls, tc.source)
			require.Equal(t, tc.put, f.targetIDs(), tc.source)
			require.Len(t, f.letters, tc.letters, tc.source)
			require.Equal(t, tc.delivered, f.metrics().EventsDelivered, tc.source)
		})
	}
}

// failOnce makes the bus refuse one of the events of its first call.
func failOnce(index int) func([]Event) ([]EventResult, error) {
	first := true
	return func(events []Event) ([]EventResult, error) {
		results := make([]EventResult, len(events))
		if first {
			first = false
			results[index] = EventResult{ErrorCode: "InternalFailure", ErrorMessage: "try again"}
		}
		return results, nil
	}
}

func internalErrors(times int) func(string, []byte) (string, bool, error) {
	return func(_ string, payload []byte) (string, bool, error) {
		if times > 0 {
			times--
			return "", false, errors.New("connection refused")
		}
		return string(payload), false, nil
	}
}

// The dead letter of a stream's batch has the position of the records, not the records. Source: failing, "Pipe DLQ behavior".
func TestConformanceDeadLetterHasNoRecords(t *testing.T) {
	f := newFixture(t)
	f.stream.write("secret-id")
	f.enrich = refuses("secret-id", -1)
	f.pipe(func(p *Pipe) { p.Source.MaximumRetryAttempts = attempts(0) })
	f.idle()
	require.Len(t, f.letters, 1)
	_, body, _ := strings.Cut(f.letters[0], " ")
	require.NotContains(t, body, "secret-id")
	var letter map[string]json.RawMessage
	require.NoError(t, json.Unmarshal([]byte(body), &letter))
	require.ElementsMatch(t, []string{"context", "version", "timestamp", "DDBStreamBatchInfo"}, slices.Collect(maps.Keys(letter)))
}

// What a pipe may not be configured with. Sources: the API's types and the limits of a target's batch.
func TestConformanceLimits(t *testing.T) {
	for name, tc := range map[string]struct {
		source string
		pipe   func(*Pipe)
		fails  bool
	}{
		"a batch of 10":                      {batching, func(p *Pipe) { p.Source.BatchSize = 10 }, false},
		"a batch larger than the bus takes":  {batching, func(p *Pipe) { p.Source.BatchSize = 11 }, true},
		"a window of 300 s":                  {parameters, func(p *Pipe) { p.Source.BatchingWindow = 300 * time.Second }, false},
		"a longer window":                    {parameters, func(p *Pipe) { p.Source.BatchingWindow = 301 * time.Second }, true},
		"10,000 attempts":                    {parameters, func(p *Pipe) { p.Source.MaximumRetryAttempts = attempts(10_000) }, false},
		"more attempts":                      {parameters, func(p *Pipe) { p.Source.MaximumRetryAttempts = attempts(10_001) }, true},
		"attempts until the record is gone":  {parameters, func(p *Pipe) { p.Source.MaximumRetryAttempts = attempts(-1) }, false},
		"a record age of 604,800 s":          {parameters, func(p *Pipe) { p.Source.MaximumRecordAge = 604_800 * time.Second }, false},
		"a greater record age":               {parameters, func(p *Pipe) { p.Source.MaximumRecordAge = 604_801 * time.Second }, true},
		"ten batches at once":                {parameters, func(p *Pipe) { p.Source.ParallelizationFactor = 10 }, false},
		"more":                               {parameters, func(p *Pipe) { p.Source.ParallelizationFactor = 11 }, true},
		"AT_TIMESTAMP is for Kinesis":        {parameters, func(p *Pipe) { p.Source.StartingPosition = "AT_TIMESTAMP" }, true},
		"five filters":                       {filtering, func(p *Pipe) { p.Source.Filters = slices.Repeat([]string{`{"a":["b"]}`}, 5) }, false},
		"six filters":                        {filtering, func(p *Pipe) { p.Source.Filters = slices.Repeat([]string{`{"a":["b"]}`}, 6) }, true},
		"a filter with an operator of rules": {filtering, func(p *Pipe) { p.Source.Filters = []string{`{"a":[{"wildcard":"b*"}]}`} }, true},
		"a filter that is not a pattern":     {filtering, func(p *Pipe) { p.Source.Filters = []string{`{"a":"b"}`} }, true},
		"a source of AWS":                    {targets, func(p *Pipe) { p.Target.Source = "aws.x" }, true},
		"a detail type of 128 characters":    {targets, func(p *Pipe) { p.Target.DetailType = strings.Repeat("x", 128) }, false},
		"a longer detail type":               {targets, func(p *Pipe) { p.Target.DetailType = strings.Repeat("x", 129) }, true},
		"ten resources":                      {targets, func(p *Pipe) { p.Target.Resources = make([]string, 10) }, false},
		"eleven resources":                   {targets, func(p *Pipe) { p.Target.Resources = make([]string, 11) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			p := Pipe{Name: "p", SourceARN: streamARN, TargetARN: busARN, Source: Source{StartingPosition: TrimHorizon}}
			tc.pipe(&p)
			_, err := f.CreatePipe(p)
			if !tc.fails {
				require.NoError(t, err, tc.source)
				return
			}
			require.Equal(t, "ValidationException", wire.AsError(err).Code, tc.source)
		})
	}
}

// Every refusal that the reference page lists for Pipes is a clear error that names it.
func TestRefusals(t *testing.T) {
	queue, topic := "arn:aws:sqs:us-east-1:000000000000:q", "arn:aws:sns:us-east-1:000000000000:t"
	refused := map[string]map[string]func(*Pipe){
		"sources other than DynamoDB streams": {queue: func(p *Pipe) { p.SourceARN = queue }},
		"enrichments other than functions":    {"arn:aws:states:": func(p *Pipe) { p.EnrichmentARN = "arn:aws:states:us-east-1:000000000000:stateMachine:m" }},
		"targets other than event buses":      {queue: func(p *Pipe) { p.TargetARN = queue }},
		"input templates": {
			"EnrichmentParameters.InputTemplate": func(p *Pipe) { p.EnrichmentTemplate = "<$.a>" },
			"TargetParameters.InputTemplate":     func(p *Pipe) { p.Target.InputTemplate = "<$.a>" },
		},
		"paths (`$.…`) in target parameters": {
			"$.type":                             func(p *Pipe) { p.Target.DetailType = "$.type" },
			"$.source":                           func(p *Pipe) { p.Target.Source = "$.source" },
			"$.arn":                              func(p *Pipe) { p.Target.Resources = []string{"$.arn"} },
			"EventBridgeEventBusParameters.Time": func(p *Pipe) { p.Target.Time = "$.time" },
		},
		"global endpoints":       {"EventBridgeEventBusParameters.EndpointId": func(p *Pipe) { p.Target.EndpointID = "e" }},
		"dead letters to topics": {topic: func(p *Pipe) { p.Source.DeadLetterARN = topic }},
	}
	require.ElementsMatch(t, conformance.Refusals(t, "Pipes"), slices.Collect(maps.Keys(refused)), "the page and this test list the same refusals")
	for name, cases := range refused {
		for named, change := range cases {
			f := newFixture(t)
			p := Pipe{Name: "p", SourceARN: streamARN, TargetARN: busARN, Source: Source{StartingPosition: TrimHorizon}}
			change(&p)
			_, err := f.CreatePipe(p)
			require.Error(t, err, name)
			require.Equal(t, 501, wire.AsError(err).Status, fmt.Sprint(name, err))
			require.Contains(t, err.Error(), named, name)
		}
	}
}
