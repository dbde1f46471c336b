package test

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/internal/assembly"
	"github.com/payrail/payrail/local"
	"github.com/payrail/payrail/local/clock"
	"github.com/payrail/payrail/local/faults"
)

// scenario is a kind of fault at an edge, or at several, under a load of mixed payments.
type scenario struct {
	name string
	// plan is written as for `payrail up --chaos`, without the seed.
	plan string
	// share is how many of the usual number of payments it takes, in percent; 0 means all. Scenarios that wait long take fewer.
	share int
	// timeline keeps the tracker in the stack; without it a payment costs less.
	timeline bool
	// scale is how many times as fast delivery timers run; 0 means as in all tests.
	scale float64
	// behind is how far the runtime's clock begins behind the machine's, so that what runs fast does not get ahead of it.
	behind time.Duration
	// quick puts it into the part that CI runs.
	quick bool
	// before and after run before the payments are written and when they are at rest, with the faults still armed, between when the
	// first of them are at rest and the others, which are about the same payments, have not come; restore when the faults are
	// disarmed, to put back what was given up.
	before, between, after, restore func(*faultRun)
	// chance is how many messages a dead-letter queue may hold because a fault has hit every attempt of somebody; they are put back.
	chance map[string]int
	// dead are the messages that must be left in dead-letter queues at the end; nil for none.
	dead func(*faultRun) map[string]int
}

// payments is how many a scenario takes where the usual number is n; some belong to further authorizations, which come on top.
func (sc scenario) payments(n int) int {
	const fewest = 50 // One of each kind.
	if sc.share == 0 {
		return n
	}
	return max(n*sc.share/100, fewest)
}

// faultRun is a scenario that runs.
type faultRun struct {
	*system
	t     *testing.T
	input *faultInput
	// redriven is how many messages `payrail redrive` has put back.
	redriven int
}

const (
	// heldInvariants is what the report says of a scenario in which nothing was wrong.
	heldInvariants = "held"
	// notReached is what it says of one that ended before its payments were looked for.
	notReached = "not reached"
	// quickPayments is how many payments a scenario takes in CI.
	quickPayments = 100
	// usualFaultSeed is that of CI and of `make fault`, where none is asked for: a run that is repeated.
	usualFaultSeed = 20260709
	// restInterval is how often a scenario looks whether all is at rest.
	restInterval = 20 * time.Millisecond
	// restPatience is how long it may take: half an hour of retries in a storm, at a minute a second, with all processors busy.
	restPatience = 8 * time.Minute
)

// withoutTimeline is the stack without the tracker, which is most of what a payment costs.
var withoutTimeline = sync.OnceValues(func() (string, error) {
	root, err := compiledApp()
	if err != nil {
		return "", err
	}
	return assembly.Synthesize(context.Background(), root, "dist/test/fault-assembly", map[string]string{"timeline": "off"})
})

// Every kind of fault at every edge that it makes sense for: no payment is lost, none is posted twice, and the books are as the
// input says. `make fault` runs all scenarios, `make test` some, with few payments.
func TestFaultSuite(t *testing.T) {
	seed, n, all := faultSettings(t)
	report := &faultReport{Seed: seed, Begun: time.Now()}
	for _, sc := range chosenScenarios(t, all) {
		t.Run(sc.name, func(t *testing.T) {
			sc.timeline = sc.timeline || !all // The stack of all other tests, which is there already.
			runScenario(t, sc, seed, sc.payments(n), report)
		})
		if all {
			report.write(t) // Each time: a run that is broken off has told what it knows.
		}
	}
	if all {
		fmt.Println(report.write(t)) // Not to the test's log, whose lines are indented.
	}
	if len(report.Results) == len(scenarios()) {
		require.Empty(t, report.gaps(), "faults that an edge has not met")
	}
}

// faultSettings reads what `make fault` and people ask for.
func faultSettings(t *testing.T) (seed uint64, payments int, all bool) {
	t.Helper()
	seed, payments = usualFaultSeed, quickPayments
	if asked := os.Getenv("PAYRAIL_FAULT_SEED"); asked != "" {
		var err error
		seed, err = strconv.ParseUint(asked, 10, 64)
		require.NoError(t, err, "PAYRAIL_FAULT_SEED")
	}
	if os.Getenv("PAYRAIL_FAULT_PAYMENTS") != "" {
		payments, all = faultPayments(t), true
	}
	return seed, payments, all || os.Getenv("PAYRAIL_FAULT_RUN") != "" // Who names scenarios wants these.
}

// chosenScenarios are all, or the quick ones, and of them those that PAYRAIL_FAULT_RUN matches.
func chosenScenarios(t *testing.T, all bool) []scenario {
	t.Helper()
	wanted, err := regexp.Compile(os.Getenv("PAYRAIL_FAULT_RUN"))
	require.NoError(t, err, "PAYRAIL_FAULT_RUN")
	var chosen []scenario
	for _, sc := range scenarios() {
		if (all || sc.quick) && wanted.MatchString(sc.name) {
			chosen = append(chosen, sc)
		}
	}
	require.NotEmpty(t, chosen, "PAYRAIL_FAULT_RUN matches no scenario")
	return chosen
}

// runScenario runs one and adds it to the report, whatever comes of it.
func runScenario(t *testing.T, sc scenario, seed uint64, payments int, report *faultReport) {
	begun := time.Now()
	plan, _, err := faults.ParsePlan(strings.TrimSuffix(fmt.Sprintf("seed=%d,%s", seed, sc.plan), ","))
	require.NoError(t, err)
	run := &faultRun{t: t, input: newFaultInput(seed, payments)}
	result := faultResult{Scenario: sc.name, Faults: sc.plan, Payments: run.input.payments, Invariants: notReached}
	defer func() {
		result.PutBack = run.redriven
		if run.system != nil {
			result.Injected = byEdge(run.Faults.Report().Injected)
		}
		result.Seconds = time.Since(begun).Seconds()
		report.add(result)
		t.Logf("%d payments, injected %v, put back %d, %.1f s", result.Payments, result.Injected, result.PutBack, result.Seconds)
	}()
	run.system = startFaulty(t, sc)
	if sc.before != nil {
		sc.before(run)
	}
	armed := append(run.Faults.Report().Armed, plan.Faults...)
	if sc.plan == "" {
		result.Faults = fmt.Sprint(armed)
	}
	require.NoError(t, run.Faults.Follow(plan))
	run.write(t, run.input.first)
	run.awaitRest()
	run.redriveFew(sc.chance, underFire) // Before others come that are about the same payments.
	if sc.between != nil {
		sc.between(run)
		run.awaitRest()
	}
	run.write(t, run.input.second)
	run.awaitRest()
	if sc.after != nil {
		sc.after(run)
		run.awaitRest()
	}
	run.requireInjected(armed)
	run.Faults.Clear()
	run.redriveFew(sc.chance, 1)
	if sc.restore != nil {
		sc.restore(run)
		run.awaitRest()
	}
	var dead map[string]int
	if sc.dead != nil {
		dead = sc.dead(run)
	}
	verdict := run.check(t, run.input, dead, sc.timeline)
	result.Lost, result.Duplicated, result.Invariants = len(verdict.lost), len(verdict.duplicated), heldInvariants
	if !verdict.holds() {
		result.Invariants = "broken"
	}
	require.True(t, verdict.holds(), verdict.String())
}

// startFaulty starts the stack of a scenario.
func startFaulty(t *testing.T, sc scenario) *system {
	t.Helper()
	s := startWith(t, func(o *local.Options) {
		if sc.scale > 0 {
			o.Clock = clock.NewScaled(sc.scale)
		}
		if sc.behind > 0 {
			o.Clock = behind{o.Clock, sc.behind}
		}
		if !sc.timeline {
			folder, err := withoutTimeline()
			require.NoError(t, err)
			o.Assembly = folder
		}
	})
	s.schedule(t, "Digest", false)
	s.schedule(t, "Disputesweep", false)
	s.seedFaultAccounts(t)
	return s
}

// awaitRest waits until nothing is under way.
func (r *faultRun) awaitRest() {
	r.t.Helper()
	require.Eventually(r.t, r.AtRest, restPatience, restInterval, "the system does not come to rest")
}

// requireInjected checks that each fault has happened: a scenario without its faults shows nothing.
func (r *faultRun) requireInjected(armed []faults.Fault) {
	r.t.Helper()
	for _, f := range armed {
		require.Positive(r.t, r.Faults.Happened(f), "%s never happened", f)
	}
}
