package faults

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// decisions are what happens to each of n calls of an operation.
func decisions(i *Injector, operation, resource string, n int) []bool {
	out := make([]bool, n)
	for k := range out {
		_, out[k] = i.Decide(operation, resource, Duplicate)
	}
	return out
}

func follow(t *testing.T, spec string) *Injector {
	t.Helper()
	plan, _, err := ParsePlan(spec)
	require.NoError(t, err)
	var i Injector
	require.NoError(t, i.Follow(plan))
	return &i
}

// The n-th call of an operation meets the same faults in every run of a seed, whatever is called beside it and in which order.
func TestTheSameSeedInjectsTheSameFaults(t *testing.T) {
	const calls = 500
	alone := decisions(follow(t, "seed=7,duplicate=0.2"), "sqs:Deliver", "posting", calls)

	crowded := follow(t, "seed=7,drop=0.5,duplicate=0.2,kill=1/3")
	var other sync.WaitGroup
	for k := range 4 {
		other.Go(func() {
			random := rand.New(rand.NewPCG(uint64(k), 1))
			for range 2 * calls {
				_, _ = crowded.Decide("sqs:Deliver", fmt.Sprint("other", random.IntN(3)), Duplicate)
				_ = crowded.Drop("sqs:Deliver", "posting")
				_, _ = crowded.Decide("lambda:Run", "posting", Kill, Hang)
			}
		})
	}
	beside := decisions(crowded, "sqs:Deliver", "posting", calls)
	other.Wait()
	require.Equal(t, alone, beside)
	require.NotEqual(t, alone, decisions(follow(t, "seed=8,duplicate=0.2"), "sqs:Deliver", "posting", calls), "another seed")
	require.NotEqual(t, alone, decisions(follow(t, "seed=7,duplicate=0.2"), "sqs:Deliver", "tracker", calls), "another queue")
}

func TestChanceIsAboutAsOftenAsItSays(t *testing.T) {
	for _, p := range []float64{0.01, 0.2, 0.9} {
		const calls = 100_000
		happened := 0
		for _, ok := range decisions(follow(t, fmt.Sprintf("seed=3,duplicate=%g", p)), "a:B", "", calls) {
			if ok {
				happened++
			}
		}
		// Five standard deviations of a binomial distribution; with a fixed seed the test is as repeatable as any.
		require.InDelta(t, p*calls, happened, 5*316, "%g", p)
	}
}

func TestEveryNthAndNoMoreThanTimes(t *testing.T) {
	i := follow(t, "duplicate:a:B=1/3x2")
	require.Equal(t, []bool{false, false, true, false, false, true, false, false, false}, decisions(i, "a:B", "", 9))
	require.False(t, i.Active(), "what is used up is disarmed")
	require.Equal(t, []Count{{Duplicate, BeforeEffect, "a:B", 2}}, i.Report().Injected)
	require.Equal(t, 2, i.Total())
}

// Faults of one kind are told apart: that one of them happened says nothing of the other.
func TestHappenedTellsFaultsApart(t *testing.T) {
	plan, _, err := ParsePlan("duplicate:a:B=1,duplicate:a:C=1,fail:a:B=1,fail-after:a:B=1")
	require.NoError(t, err)
	var i Injector
	require.NoError(t, i.Follow(plan))
	decisions(&i, "a:B", "q", 2)
	require.Error(t, i.After("a:B", "q"))
	happened := make([]int, len(plan.Faults))
	for n, f := range plan.Faults {
		happened[n] = i.Happened(f)
	}
	require.Equal(t, []int{2, 0, 0, 1}, happened)
	require.Zero(t, i.Happened(Fault{Kind: "none"}))
	require.True(t, plan.Faults[0].Concerns("a:B/q"))
	require.False(t, plan.Faults[0].Concerns("a:C/q"))
}

func TestPatternsOfOperations(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"*", "sqs:Deliver/q", true},
		{"sqs", "sqs:Deliver/q", true},
		{"sqs", "sqsx:Deliver", false},
		{"sqs:Deliver", "sqs:Deliver/q", true},
		{"sqs:Deliver", "sqs:DeliverAll", false},
		{"sqs:Deliver/q", "sqs:Deliver/q", true},
		{"sqs:Deliver/q", "sqs:Deliver/qq", false},
		{"sqs:Deliver/*Posting*", "sqs:Deliver/Payrail-PostingQueue1", true},
		{"sqs:Deliver/*Posting*Queue*", "sqs:Deliver/Payrail-PostingDeadLetters1", false},
		{"dynamodb:*Item", "dynamodb:PutItem/t", true},
		{"dynamodb:*Item", "dynamodb:TransactWriteItems/t", false},
		{"*:*/*", "sqs:Deliver", false},
		{"a*a", "a", false},
	} {
		require.Equal(t, c.want, matches(c.pattern, c.name), "%s %s", c.pattern, c.name)
	}
}

func TestCallsFailWithTheServicesOwnCodes(t *testing.T) {
	for operation, want := range map[string][2]string{
		"dynamodb:PutItem": {"ThrottlingException", "InternalServerError"}, "lambda:Invoke": {"TooManyRequestsException", "ServiceException"},
		"s3:PutObject": {"SlowDown", "InternalError"}, "events:PutEvents": {"ThrottlingException", "InternalException"},
	} {
		var e *Error
		require.ErrorAs(t, follow(t, "throttle=1").Before(operation, "x"), &e)
		require.Equal(t, want[0], e.Code)
		require.ErrorAs(t, follow(t, "fail-after=1").After(operation, "x"), &e)
		require.Equal(t, want[1], e.Code)
		require.Equal(t, operation, e.Operation)
	}
	var e *Error
	require.ErrorAs(t, follow(t, "timeout=1").Before("kms:GenerateMac"), &e)
	require.Equal(t, unansweredFor, e.Unanswered)
}

func TestDeliveriesComeTwiceAndLate(t *testing.T) {
	i := follow(t, "duplicate=1/2,delay=1/2:3s,reorder=1:10s")
	first, second := i.Delivery("sqs:Deliver", "q"), i.Delivery("sqs:Deliver", "q")
	require.False(t, first.Duplicate)
	require.True(t, second.Duplicate)
	require.GreaterOrEqual(t, second.Delay.Seconds(), 3.0)
	require.Less(t, second.Delay.Seconds(), 13.0)
	require.Less(t, first.Delay.Seconds(), 10.0)
	require.Equal(t, Delivery{}, (*Injector)(nil).Delivery("sqs:Deliver", "q"))
	i.Clear()
	require.Equal(t, Delivery{}, i.Delivery("sqs:Deliver", "q"))
}
