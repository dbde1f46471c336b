package cloudwatch

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const testPrefix = "arn:aws:cloudwatch:us-east-1:000000000000:alarm:"

func TestRules(t *testing.T) {
	states := map[string]State{"a": Alarm, "b": OK, "c": InsufficientData, "with space (1)": Alarm}
	for text, want := range map[string]bool{
		// The examples of the API reference of PutCompositeAlarm.
		"ALARM(a) AND ALARM(b)":               false,
		"ALARM(a) AND NOT ALARM(b)":           true,
		"(ALARM(a) OR ALARM(b)) AND OK(b)":    true,
		"TRUE":                                true,
		"FALSE":                               false,
		`ALARM("a")`:                          true,
		`ALARM("with space (1)")`:             true,
		"ALARM(" + testPrefix + "a)":          true,
		"INSUFFICIENT_DATA(c)":                true,
		"OK(c)":                               false,
		"NOT NOT ALARM( a )":                  true,
		"ALARM(a) OR ALARM(a) AND ALARM(b)":   true, // AND binds closer.
		"(ALARM(a) OR ALARM(a)) AND ALARM(b)": false,
		"NOT ALARM(a) OR ALARM(a)":            true, // NOT binds closest.
		"NOT (ALARM(a) OR ALARM(a))":          false,
		" ALARM(a)\n\tOR\n FALSE ":            true,
	} {
		r, err := parseRule(text, testPrefix)
		require.NoError(t, err, text)
		require.Equal(t, want, r.holds(func(name string) State { return states[name] }), text)
	}
}

func TestRulesThatAreNone(t *testing.T) {
	for text, want := range map[string]string{
		"":                                       "must not be null",
		"ALARM(a":                                "not valid at",
		"ALARM a":                                "not valid at",
		"ALARM(a) ALARM(b)":                      "not valid at",
		"ALARM(a) OR":                            "not valid at",
		"alarm(a)":                               "not valid at",
		"(ALARM(a)":                              "not valid at",
		"ALARM()":                                "names no alarm",
		`ALARM("a)`:                              "not valid at",
		"ALARM(arn:aws:cloudwatch:x:y:alarm:a)":  "names no alarm of this account",
		"AT_LEAST(1, ALARM, (a, b))":             "does not do AT_LEAST",
		strings.Repeat("TRUE OR ", 500) + "TRUE": "elements",
	} {
		_, err := parseRule(text, testPrefix)
		require.ErrorContains(t, err, want, text)
	}
}

func FuzzParseRule(f *testing.F) {
	for _, seed := range []string{"ALARM(a) AND NOT OK(\"b\")", "((TRUE))", "NOT", "ALARM(\"", "AT_LEAST(", ")"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := parseRule(text, testPrefix)
		if err == nil {
			r.holds(func(string) State { return OK })
			require.LessOrEqual(t, len(children(r)), maxRuleAlarms)
		}
	})
}
