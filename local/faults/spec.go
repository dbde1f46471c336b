package faults

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// SpecSyntax is the syntax of ParsePlan in one line.
const SpecSyntax = "PROFILE | seed=N | KIND[-after][:OPERATION]=RATE[:DURATION][xTIMES][!CODE], separated by commas; RATE is 0.05 or 1/20"

// afterSuffix of a kind means: after the effect.
const afterSuffix = "-after"

// errorCode is what services name their errors by.
var errorCode = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9.]*$`)

// profiles are plans by name: what happens at all, what happens on a bad day, and what should never.
var profiles = map[string]string{
	"mild": "duplicate=0.01,reorder=0.02:5s,drop=0.005,throttle=0.002",
	"rough": "duplicate=0.05,delay=0.02:30s,reorder=0.1:10s,drop=0.02,throttle=0.01,fail=0.005,fail-after=0.005,partial=0.01," +
		"conflict=0.01,kill=0.005,skew=0.05:1m",
	"storm": "duplicate=0.2,delay=0.05:1m,reorder=0.3:30s,drop=0.05,throttle=0.03,fail=0.02,fail-after=0.02,timeout=0.0005," +
		"timeout-after=0.0005,partial=0.05,conflict=0.05,kill=0.02,kill-after=0.02,crash=0.05,slow=0.05:1m,skew=0.2:10m",
}

// Profiles are the names of the plans there are, gentlest first.
func Profiles() []string {
	names := slices.Collect(maps.Keys(profiles))
	slices.SortFunc(names, func(a, b string) int { return len(profiles[a]) - len(profiles[b]) })
	return names
}

// ParsePlan reads a plan as people write it on a command line, such as
//
//	seed=7,duplicate=0.05,delay=0.1:30s,throttle:dynamodb=0.02,kill=1/500,fail-after:dynamodb:TransactWriteItems=0.1x20
//	rough,seed=7
//
// What is given beside a profile takes the place of what the profile says of the same. Errors name the part that is wrong. seeded
// says whether there is a seed.
func ParsePlan(spec string) (p Plan, seeded bool, err error) {
	var general []Fault
	for part := range strings.SplitSeq(spec, ",") {
		part = strings.TrimSpace(part)
		if inner, ok := profiles[part]; ok {
			profile, _, err := ParsePlan(inner)
			if err != nil {
				return Plan{}, false, fmt.Errorf("the profile %s: %w", part, err)
			}
			general = append(general, profile.Faults...)
			continue
		}
		left, right, ok := strings.Cut(part, "=")
		if !ok {
			return Plan{}, false, fmt.Errorf("%q is neither a profile (%s) nor written like kill=0.01", part, strings.Join(Profiles(), ", "))
		}
		if left == "seed" {
			if p.Seed, err = strconv.ParseUint(right, 10, 64); err != nil || seeded {
				return Plan{}, false, fmt.Errorf("%q is not one whole number of up to 64 bits, given once", part)
			}
			seeded = true
			continue
		}
		f, err := parseFault(left, right)
		if err != nil {
			return Plan{}, false, fmt.Errorf("%q: %w", part, err)
		}
		p.Faults = append(p.Faults, f)
	}
	general = slices.DeleteFunc(general, func(f Fault) bool {
		return slices.ContainsFunc(p.Faults, func(own Fault) bool { return own.place() == f.place() })
	})
	p.Faults = append(general, p.Faults...)
	p, err = p.complete()
	return p, seeded, err
}

// parseFault reads KIND[-after][:OPERATION] and RATE[:DURATION][xTIMES][!CODE].
func parseFault(left, right string) (f Fault, err error) {
	kind, operation, named := strings.Cut(left, ":")
	if named && operation == "" {
		return f, fmt.Errorf("no operation stands after the colon")
	}
	f.Kind, f.Operation, f.When = Kind(kind), operation, BeforeEffect
	if before, ok := strings.CutSuffix(kind, afterSuffix); ok {
		f.Kind, f.When = Kind(before), AfterEffect
	}
	rate, code, coded := strings.Cut(right, "!")
	if f.Code = code; coded && !errorCode.MatchString(code) {
		return f, fmt.Errorf("%q is no error code", code)
	}
	rate, times, limited := strings.Cut(rate, "x")
	if limited {
		if f.Times, err = strconv.Atoi(times); err != nil || f.Times < 1 {
			return f, fmt.Errorf("%q is no number of times", times)
		}
	}
	rate, lasts, timed := strings.Cut(rate, ":")
	if timed {
		d, err := time.ParseDuration(lasts)
		if err != nil || d <= 0 {
			return f, fmt.Errorf("%q is no duration like 30s", lasts)
		}
		f.For = Duration(d)
	}
	if nth, ok := strings.CutPrefix(rate, "1/"); ok {
		if f.Every, err = strconv.Atoi(nth); err != nil || f.Every < 1 {
			return f, fmt.Errorf("%q is no rate like 1/20", rate)
		}
		return f.complete()
	}
	f.Probability, err = strconv.ParseFloat(rate, 64)
	if err != nil || !(f.Probability > 0 && f.Probability <= 1) || math.IsNaN(f.Probability) {
		return f, fmt.Errorf("%q is no rate above 0 and up to 1, like 0.05 or 1/20", rate)
	}
	return f.complete()
}

// String writes a plan as ParsePlan reads it, with every fault's operation and duration, but for what only JSON can say.
func (p Plan) String() string {
	parts := []string{"seed=" + strconv.FormatUint(p.Seed, 10)}
	for _, f := range p.Faults {
		parts = append(parts, f.String())
	}
	return strings.Join(parts, ",")
}

// String writes a fault as a part of a plan, or as JSON where that has no words for it.
func (f Fault) String() string {
	if f.When == Lost || f.Skip > 0 {
		text, err := json.Marshal(f)
		if err != nil { // Not reached: what JSON cannot write is no probability that Arm takes.
			return err.Error()
		}
		return string(text)
	}
	s := string(f.Kind)
	if f.When == AfterEffect {
		s += afterSuffix
	}
	if f.Operation != "" {
		s += ":" + f.Operation
	}
	switch {
	case f.Every > 0:
		s += "=1/" + strconv.Itoa(f.Every)
	case f.Probability == 0: // Every call, as JSON says it.
		s += "=1"
	default:
		s += "=" + strconv.FormatFloat(f.Probability, 'g', -1, 64)
	}
	if f.For > 0 {
		s += ":" + f.For.String()
	}
	if f.Times > 0 {
		s += "x" + strconv.Itoa(f.Times)
	}
	if f.Code != "" {
		s += "!" + f.Code
	}
	return s
}
