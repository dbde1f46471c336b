package pipes

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestFilterDropsBeforeTheEnrichment(t *testing.T) {
	f := newFixture(t)
	f.stream.write("keep-1", "drop", "keep-2")
	f.pipe(func(p *Pipe) {
		p.Source.Filters = []string{`{"eventName":["REMOVE"]}`, `{"eventName":["INSERT"],"dynamodb":{"Keys":{"id":{"S":[{"prefix":"keep"}]}}}}`}
	})
	f.idle()
	require.Equal(t, []string{"keep-1 keep-2"}, f.calls)
	require.Equal(t, Metrics{RecordsRead: 3, RecordsFiltered: 1, Executions: 1, Enrichments: 1, TargetInvocations: 1, EventsDelivered: 2}, f.metrics())
}

func TestStartingPosition(t *testing.T) {
	for position, want := range map[string][]string{TrimHorizon: {"before", "after"}, Latest: {"after"}} {
		t.Run(position, func(t *testing.T) {
			f := newFixture(t)
			f.stream.write("before")
			f.pipe(func(p *Pipe) { p.Source.StartingPosition, p.Source.BatchSize = position, 1 })
			f.stream.write("after")
			f.idle()
			require.Equal(t, want, f.calls)
		})
	}
}

func TestAPipeMadeAgainGoesOnWhereItWas(t *testing.T) {
	f := newFixture(t)
	f.stream.write("a", "b")
	f.pipe(nil)
	f.idle()
	require.NoError(t, f.Close())
	f.stream.write("c")
	f.open()
	f.pipe(nil)
	f.idle()
	require.Equal(t, []string{"a b", "c"}, f.calls)
}

// What is written while no record was dealt with yet is after LATEST too: LATEST is where the pipe was made first.
func TestAPipeKilledBeforeItsFirstRecordMissesNone(t *testing.T) {
	f := newFixture(t)
	f.stream.write("before")
	f.pipe(func(p *Pipe) { p.Source.StartingPosition, p.Stopped = Latest, true })
	f.stream.write("after")
	require.NoError(t, f.Close())
	f.open()
	f.pipe(func(p *Pipe) { p.Source.StartingPosition = Latest })
	f.idle()
	require.Equal(t, []string{"after"}, f.calls)
}

func TestABatchCutShortByCloseIsRepeated(t *testing.T) {
	f := newFixture(t)
	f.stream.write("a")
	f.enrich = func(string, []byte) (string, bool, error) { return "", true, nil }
	f.pipe(nil)
	f.clock.WaitForTimers(1)
	require.NoError(t, f.Close())
	f.enrich = nil
	f.open()
	f.pipe(nil)
	f.idle()
	require.Equal(t, []string{"a", "a"}, f.calls)
	require.Equal(t, []string{"a"}, f.targetIDs())
}

func TestAStoppedPipeDoesNothing(t *testing.T) {
	f := newFixture(t)
	f.stream.write("a")
	f.pipe(func(p *Pipe) { p.Stopped = true })
	require.NoError(t, f.Close())
	require.Empty(t, f.calls)
}

func TestRefusedPipes(t *testing.T) {
	f := newFixture(t)
	for want, change := range map[string]func(*Pipe){
		`ValidationException: Pipe name "a b" is not valid: 1 to 64 of letters, digits, '.', '-' and '_'.`:           func(p *Pipe) { p.Name = "a b" },
		"NotImplemented: the local runtime does not do the pipe source arn:aws:sqs:x (only DynamoDB streams)":        func(p *Pipe) { p.SourceARN = "arn:aws:sqs:x" },
		"NotImplemented: the local runtime does not do the pipe enrichment arn:aws:states:x (only Lambda functions)": func(p *Pipe) { p.EnrichmentARN = "arn:aws:states:x" },
		"NotImplemented: the local runtime does not do the pipe target arn:aws:sqs:x (only event buses)":             func(p *Pipe) { p.TargetARN = "arn:aws:sqs:x" },
		"NotImplemented: the local runtime does not do EnrichmentParameters.InputTemplate":                           func(p *Pipe) { p.EnrichmentTemplate = "<$.x>" },
		"NotImplemented: the local runtime does not do TargetParameters.InputTemplate":                               func(p *Pipe) { p.Target.InputTemplate = "<$.x>" },
		"NotImplemented: the local runtime does not do EventBridgeEventBusParameters.Time":                           func(p *Pipe) { p.Target.Time = "$.time" },
		"NotImplemented: the local runtime does not do the path $.type in EventBridgeEventBusParameters":             func(p *Pipe) { p.Target.DetailType = "$.type" },
		`ValidationException: Source "aws.x" is not valid: at most 256 characters, and not of aws.`:                  func(p *Pipe) { p.Target.Source = "aws.x" },
		"ValidationException: BatchSize must be 1 to 10: an event bus target takes no more.":                         func(p *Pipe) { p.Source.BatchSize = 11 },
		"ValidationException: MaximumBatchingWindowInSeconds must be 0 to 300.":                                      func(p *Pipe) { p.Source.BatchingWindow = 301 * time.Second },
		"ValidationException: ParallelizationFactor must be 1 to 10.":                                                func(p *Pipe) { p.Source.ParallelizationFactor = 11 },
		"ValidationException: MaximumRetryAttempts must be -1 to 10000.":                                             func(p *Pipe) { p.Source.MaximumRetryAttempts = attempts(-2) },
		"ValidationException: MaximumRecordAgeInSeconds must be -1 or 60 to 604800.":                                 func(p *Pipe) { p.Source.MaximumRecordAge = time.Second },
		`ValidationException: StartingPosition "" is not valid: TRIM_HORIZON or LATEST.`:                             func(p *Pipe) { p.Source.StartingPosition = "" },
		`ValidationException: OnPartialBatchItemFailure "X" is not valid: AUTOMATIC_BISECT.`:                         func(p *Pipe) { p.Source.OnPartialBatchItemFailure = "X" },
		"ValidationException: Dead-letter target arn:aws:s3:::x is neither a queue nor a topic.":                     func(p *Pipe) { p.Source.DeadLetterARN = "arn:aws:s3:::x" },
		"ValidationException: A pipe has at most 5 filters, not 6.":                                                  func(p *Pipe) { p.Source.Filters = make([]string, 6) },
		"ValidationException: Filter pattern is not valid. Reason: pipes do not support wildcard (at a)":             func(p *Pipe) { p.Source.Filters = []string{`{"a":[{"wildcard":"*"}]}`} },
	} {
		t.Run(want, func(t *testing.T) {
			p := Pipe{Name: "q", SourceARN: streamARN, EnrichmentARN: functionARN, TargetARN: busARN, Source: Source{StartingPosition: TrimHorizon}}
			change(&p)
			_, err := f.CreatePipe(p)
			require.EqualError(t, err, want)
		})
	}
	f.pipe(func(p *Pipe) { p.Stopped = true })
	_, err := f.CreatePipe(Pipe{Name: "p", SourceARN: streamARN, TargetARN: busARN, Source: Source{StartingPosition: TrimHorizon}})
	require.EqualError(t, err, "ConflictException: Pipe p already exists.")
}

func TestSequenceNumbersCompareAsNumbers(t *testing.T) {
	for _, tc := range []struct {
		a, b string
		want bool
	}{{"10", "9", true}, {"9", "10", false}, {"0010", "9", true}, {"5", "5", false}, {"1", "", true}, {"", "", false},
		{"100000000000000000000000000001", "100000000000000000000000000000", true}} {
		require.Equal(t, tc.want, later(tc.a, tc.b), fmt.Sprint(tc))
	}
}
