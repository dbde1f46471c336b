package stepfunctions

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func compileRule(t *testing.T, rule string) (condition, error) {
	t.Helper()
	f, err := newFields(mustParse(t, rule), "rule", newNotes())
	require.NoError(t, err)
	return compileCondition(f)
}

func TestConditions(t *testing.T) {
	const input = `{"s":"log-2026.txt","n":5,"f":5.0,"b":true,"t":"2026-07-09T10:15:30Z","z":null,"other":"m","min":3,"star":"a*b","o":{}}`
	for rule, want := range map[string]bool{
		`{"Variable":"$.s","StringEquals":"log-2026.txt"}`:                                                             true,
		`{"Variable":"$.n","StringEquals":"5"}`:                                                                        false,
		`{"Variable":"$.s","StringLessThan":"m"}`:                                                                      true,
		`{"Variable":"$.s","StringLessThanPath":"$.other"}`:                                                            true,
		`{"Variable":"$.other","StringGreaterThanEquals":"m"}`:                                                         true,
		`{"Variable":"$.s","StringMatches":"log-*.txt"}`:                                                               true,
		`{"Variable":"$.s","StringMatches":"*"}`:                                                                       true,
		`{"Variable":"$.s","StringMatches":"log*2*6*.txt"}`:                                                            true,
		`{"Variable":"$.s","StringMatches":"log-2026.txt*log-2026.txt"}`:                                               false,
		`{"Variable":"$.s","StringMatches":"og-*"}`:                                                                    false,
		`{"Variable":"$.star","StringMatches":"a\\*b"}`:                                                                true,
		`{"Variable":"$.s","StringMatches":"log\\*"}`:                                                                  false,
		`{"Variable":"$.n","NumericEquals":5.0}`:                                                                       true,
		`{"Variable":"$.n","NumericEqualsPath":"$.f"}`:                                                                 true,
		`{"Variable":"$.n","NumericGreaterThanPath":"$.min"}`:                                                          true,
		`{"Variable":"$.n","NumericLessThanEquals":5}`:                                                                 true,
		`{"Variable":"$.n","NumericLessThan":5}`:                                                                       false,
		`{"Variable":"$.s","NumericLessThan":5}`:                                                                       false,
		`{"Variable":"$.b","BooleanEquals":true}`:                                                                      true,
		`{"Variable":"$.b","BooleanEqualsPath":"$.b"}`:                                                                 true,
		`{"Variable":"$.t","TimestampEquals":"2026-07-09T12:15:30+02:00"}`:                                             true,
		`{"Variable":"$.t","TimestampLessThan":"2026-07-09T10:15:30.001Z"}`:                                            true,
		`{"Variable":"$.t","TimestampGreaterThanEqualsPath":"$.t"}`:                                                    true,
		`{"Variable":"$.s","TimestampEqualsPath":"$.t"}`:                                                               false,
		`{"Variable":"$.z","IsNull":true}`:                                                                             true,
		`{"Variable":"$.z","IsPresent":true}`:                                                                          true,
		`{"Variable":"$.missing.deep","IsPresent":false}`:                                                              true,
		`{"Variable":"$.s","IsString":true}`:                                                                           true,
		`{"Variable":"$.n","IsNumeric":false}`:                                                                         false,
		`{"Variable":"$.b","IsBoolean":true}`:                                                                          true,
		`{"Variable":"$.t","IsTimestamp":true}`:                                                                        true,
		`{"Variable":"$.s","IsTimestamp":true}`:                                                                        false,
		`{"Variable":"$$.Execution.Name","StringEquals":"n"}`:                                                          true,
		`{"Not":{"Variable":"$.b","BooleanEquals":true}}`:                                                              false,
		`{"And":[{"Variable":"$.x","IsPresent":true},{"Variable":"$.x","StringEquals":"a"}]}`:                          false,
		`{"Or":[{"Variable":"$.b","BooleanEquals":true},{"Variable":"$.x","StringEquals":"a"}]}`:                       true,
		`{"Or":[{"Variable":"$.n","NumericEquals":1},{"Not":{"And":[{"Variable":"$.s","IsNull":true}]}}]}`:             true,
		`{"Comment":"c","And":[{"Comment":"c","Variable":"$.n","NumericEquals":5},{"Variable":"$.o","IsNull":false}]}`: true,
	} {
		c, err := compileRule(t, rule)
		require.NoError(t, err, rule)
		got, failed := c.holds(&scope{root: mustParse(t, input), context: func() *value { return mustParse(t, `{"Execution":{"Name":"n"}}`) }})
		require.Nil(t, failed, rule)
		require.Equal(t, want, got, rule)
	}
}

func TestConditionsOnMissingPathsEndTheExecution(t *testing.T) {
	for _, rule := range []string{
		`{"Variable":"$.x","StringEquals":"a"}`, `{"Variable":"$.x","IsString":false}`, `{"Variable":"$.x","IsNull":true}`,
		`{"Variable":"$.a","NumericEqualsPath":"$.x"}`, `{"Not":{"Variable":"$.x","BooleanEquals":true}}`,
		`{"Or":[{"Variable":"$.x","IsNull":true},{"Variable":"$.a","IsPresent":true}]}`,
	} {
		c, err := compileRule(t, rule)
		require.NoError(t, err)
		_, failed := c.holds(&scope{root: mustParse(t, `{"a":1}`)})
		require.NotNil(t, failed, rule)
		require.Equal(t, errorRuntime, failed.name, rule)
	}
}

func TestConditionsRefused(t *testing.T) {
	for rule, want := range map[string]string{
		`{"StringEquals":"a"}`:                                       "These fields are required: [Variable]",
		`{"Variable":"$.a"}`:                                         "needs a comparison operator",
		`{"Variable":"$.a","StringEquals":1}`:                        "Expected value of type String",
		`{"Variable":"$.a","NumericEquals":"1"}`:                     "Expected value of type Number",
		`{"Variable":"$.a","TimestampEquals":"today"}`:               "Expected value of type Timestamp",
		`{"Variable":"$.a","IsPresent":"true"}`:                      "Expected value of type Boolean",
		`{"Variable":"$.a","StringContains":"a"}`:                    "Field 'StringContains' is not supported",
		`{"Variable":"$.a","StringMatchesPath":"$.b"}`:               "Field 'StringMatchesPath' is not supported",
		`{"Variable":"$.a","StringEquals":"a","StringLessThan":"b"}`: "one too many",
		`{"Variable":"$.a","StringEqualsPath":"b"}`:                  "must start with $",
		`{"And":[]}`: "Expected value of type Array that is not empty",
		`{"And":[{"Variable":"$.a","IsNull":true,"Next":"X"}]}`:              "Field 'Next' is not supported",
		`{"Not":[{"Variable":"$.a","IsNull":true}]}`:                         "Expected value of type Object",
		`{"And":[{"Variable":"$.a","IsNull":true}],"Variable":"$.a"}`:        "Field 'Variable' is not supported",
		`{"Condition":"{% true %}"}`:                                         "field 'Condition' is only supported for the 'JSONata' QueryLanguage",
		`{"Or":[{"Variable":"$.a","IsNull":true},{"Variable":"$.a[?(1)]"}]}`: "a comparison must follow 1",
	} {
		_, err := compileRule(t, rule)
		require.ErrorContains(t, err, want, rule)
	}
}
