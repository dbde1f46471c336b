package faults

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestParsePlan(t *testing.T) {
	for spec, want := range map[string]Plan{
		"seed=7,duplicate=0.05,delay=0.1:30s,throttle:dynamodb=0.02,kill=0.01": {Seed: 7, Faults: []Fault{
			{Kind: Duplicate, Operation: "*", When: BeforeEffect, Probability: 0.05},
			{Kind: Delay, Operation: "*", When: BeforeEffect, Probability: 0.1, For: Duration(30 * time.Second)},
			{Kind: Throttle, Operation: "dynamodb", When: BeforeEffect, Probability: 0.02},
			{Kind: Kill, Operation: "lambda:Run", When: BeforeEffect, Probability: 0.01, For: Duration(20 * time.Millisecond)},
		}},
		"fail-after:dynamodb:TransactWriteItems=1/4x20, kill-after=1": {Faults: []Fault{
			{Kind: Fail, Operation: "dynamodb:TransactWriteItems", When: AfterEffect, Every: 4, Times: 20},
			{Kind: Kill, Operation: "lambda:Run", When: AfterEffect, Probability: 1, For: Duration(20 * time.Millisecond)},
		}},
		"fail:dynamodb:TransactWriteItems/*Ledger*=1x5!AccessDeniedException": {Faults: []Fault{
			{Kind: Fail, Operation: "dynamodb:TransactWriteItems/*Ledger*", When: BeforeEffect, Probability: 1, Times: 5, Code: "AccessDeniedException"},
		}},
		"slow:states:Run/*Rules*=0.5:1m30sx3": {Faults: []Fault{
			{Kind: Slow, Operation: "states:Run/*Rules*", When: BeforeEffect, Probability: 0.5, For: Duration(90 * time.Second), Times: 3},
		}},
		"duplicate=0.5,mild": {Faults: []Fault{
			{Kind: Reorder, Operation: "*", When: BeforeEffect, Probability: 0.02, For: Duration(5 * time.Second)},
			{Kind: Drop, Operation: "*", When: BeforeEffect, Probability: 0.005},
			{Kind: Throttle, Operation: "*", When: BeforeEffect, Probability: 0.002},
			{Kind: Duplicate, Operation: "*", When: BeforeEffect, Probability: 0.5},
		}},
	} {
		t.Run(spec, func(t *testing.T) {
			got, seeded, err := ParsePlan(spec)
			require.NoError(t, err)
			require.Equal(t, want, got)
			require.Equal(t, want.Seed != 0, seeded)
		})
	}
}

func TestParsePlanNamesWhatIsWrong(t *testing.T) {
	for spec, want := range map[string]string{
		"":                           `"" is neither a profile (mild, rough, storm) nor written like kill=0.01`,
		"wild":                       `"wild" is neither a profile (mild, rough, storm) nor written like kill=0.01`,
		"kill=0.01,,drop=0.1":        `"" is neither a profile (mild, rough, storm) nor written like kill=0.01`,
		"seed=x":                     `"seed=x" is not one whole number of up to 64 bits, given once`,
		"seed=1,seed=2":              `"seed=2" is not one whole number of up to 64 bits, given once`,
		"kill=2":                     `"kill=2": "2" is no rate above 0 and up to 1, like 0.05 or 1/20`,
		"kill=0":                     `"kill=0": "0" is no rate above 0 and up to 1, like 0.05 or 1/20`,
		"kill=NaN":                   `"kill=NaN": "NaN" is no rate above 0 and up to 1, like 0.05 or 1/20`,
		"kill=1/0":                   `"kill=1/0": "1/0" is no rate like 1/20`,
		"delay=0.1:soon":             `"delay=0.1:soon": "soon" is no duration like 30s`,
		"duplicate=0.1:3s":           `"duplicate=0.1:3s": duplicate takes no time`,
		"fail=0.1!no code":           `"fail=0.1!no code": "no code" is no error code`,
		"drop=0.1x0":                 `"drop=0.1x0": "0" is no number of times`,
		"drop:=0.1":                  `"drop:=0.1": no operation stands after the colon`,
		"throttle-after=0.1":         `"throttle-after=0.1": throttle does not happen after an effect`,
		"drop=0.1,drop=0.2":          `fault 2: drop before the effect of * is there twice`,
		"mild,mild":                  `fault 5: duplicate before the effect of * is there twice`,
		"explode=0.1,duplicate=0.05": `"explode=0.1": the kind "explode" is none of ` + kindNames(),
	} {
		t.Run(spec, func(t *testing.T) {
			_, _, err := ParsePlan(spec)
			require.EqualError(t, err, want)
		})
	}
}

func TestProfilesArePlans(t *testing.T) {
	require.Equal(t, []string{"mild", "rough", "storm"}, Profiles())
	for _, name := range Profiles() {
		p, _, err := ParsePlan(name)
		require.NoError(t, err, name)
		require.NotEmpty(t, p.Faults)
	}
}

func TestParsePlanJSON(t *testing.T) {
	got, err := ParsePlanJSON([]byte(`{"seed": 9, "faults": [{"kind": "delay", "operation": "sqs:Deliver", "probability": 0.5, "for": "2m"}, {"operation": "a:B", "code": "C"}]}`))
	require.NoError(t, err)
	require.Equal(t, Plan{Seed: 9, Faults: []Fault{{Kind: Delay, Operation: "sqs:Deliver", When: BeforeEffect, Probability: 0.5, For: Duration(2 * time.Minute)}}}.Faults[0], got.Faults[0])

	for text, want := range map[string]string{
		`{"faults": [{"kind": "kil", "probability": 1}]}`: `fault 1: the kind "kil" is none of ` + kindNames(),
		`{"fault": []}`:    `json: unknown field "fault"`,
		`{"faults": []} x`: `something stands behind the end, at byte 15`,
		`{"faults": [{"kind": "drop", "every": 2, "times": -1}]}`:        `fault 1: every, skip and times cannot be negative`,
		`{"faults": [{"kind": "drop", "every": 2, "probability": 0.5}]}`: `fault 1: give a probability or every n-th, not both`,
	} {
		_, err := ParsePlanJSON([]byte(text))
		require.EqualError(t, err, want, text)
	}
}

// A plan that was read as JSON is shown so that the same happens again.
func TestPlansOfJSONAreShownWhole(t *testing.T) {
	p, err := ParsePlanJSON([]byte(`{"seed": 9, "faults": [{"operation": "a:B", "code": "C", "times": 3}, {"operation": "events:PutEvents/X", "when": "lost", "skip": 2}]}`))
	require.NoError(t, err)
	require.Equal(t, `seed=9,fail:a:B=1x3!C,{"kind":"fail","operation":"events:PutEvents/X","when":"lost","skip":2,"times":1}`, p.String())
}

// What is written is read as the same plan, and nothing makes the parser fall over.
func FuzzParsePlan(f *testing.F) {
	f.Add("seed=7,duplicate=0.05,delay=0.1:30s,throttle:dynamodb=0.02,kill=1/500x3")
	f.Add("storm,seed=18446744073709551615")
	f.Add("fail-after:*:*/a*b=1e-9x2")
	f.Fuzz(func(t *testing.T, spec string) {
		plan, _, err := ParsePlan(spec)
		if err != nil {
			return
		}
		again, seeded, err := ParsePlan(plan.String())
		require.NoError(t, err, plan.String())
		require.True(t, seeded)
		require.Equal(t, plan, again)
	})
}
