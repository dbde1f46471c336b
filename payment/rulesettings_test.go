package payment

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestDefaultRuleSettingsHoldTogether(t *testing.T) {
	require.NoError(t, DefaultRuleSettings().Check())
	raw, err := json.Marshal(DefaultRuleSettings())
	require.NoError(t, err)
	again, err := ParseRuleSettings(raw)
	require.NoError(t, err)
	rewritten, err := json.Marshal(again)
	require.NoError(t, err)
	require.JSONEq(t, string(raw), string(rewritten))
}

func TestRuleSettingsKeepTheDefaultsOfWhatIsLeftOut(t *testing.T) {
	settings, err := ParseRuleSettings([]byte(`{"disabled":["R-021"],"gambling":["7995"],"validity":{"days":3},"conversionRate":{"share":"0.01"}}`))
	require.NoError(t, err)
	want := DefaultRuleSettings()
	want.Disabled, want.Gambling, want.Validity, want.ConversionRate.Share = []string{"R-021"}, CategoryList{"7995"}, AgeLimit{Days: 3}, "0.01"
	require.Equal(t, want, settings)
	none, err := ParseRuleSettings([]byte(`{}`))
	require.NoError(t, err)
	require.Equal(t, DefaultRuleSettings(), none)
}

func TestRuleSettingsRefused(t *testing.T) {
	for document, problem := range map[string]string{
		`{"gamblin":[]}`:                                     `unknown field "gamblin"`,
		`{"validity":{"day":1}}`:                             `unknown field "day"`,
		`[]`:                                                 "cannot unmarshal array",
		`{} {}`:                                              "after top-level value",
		`{"disabled":["R-015"]}`:                             `disabled: "R-015" is no rule that can be switched off`,
		`{"disabled":["R-13"]}`:                              `disabled: "R-13" is no rule`,
		`{"gambling":["79950"]}`:                             `gambling: "79950" is no merchant category`,
		`{"highRisk":["4000-3000"]}`:                         `highRisk: "4000-3000" is no merchant category`,
		`{"cash":["AAFF"]}`:                                  `cash: "AAFF" is no merchant category`,
		`{"conversionRate":{"share":"0,5"}}`:                 `conversionRate.share: "0,5" is not a decimal`,
		`{"conversionRate":{"review":"-1"}}`:                 `conversionRate.review: "-1" is not a decimal of zero or more`,
		`{"conversionRate":{"minorUnits":-1}}`:               "conversionRate.minorUnits must not be negative",
		`{"validity":{"days":-1}}`:                           "validity: a time must not be negative",
		`{"timestamp":{"behindDays":40000}}`:                 "timestamp: a time must not be negative, nor longer than a century",
		`{"validity":{"exceptions":[{"categories":["x"]}]}}`: `validity: "x" is no merchant category`,
		`{"overAuthorization":{"exceptions":[{"categories":["5812"]}]}}`:   `overAuthorization: "" is not a decimal`,
		`{"sortCodeCurrencies":["XXQ"]}`:                                   "sortCodeCurrencies: ",
		`{"timestamp":{"aheadMinutes":99999999999999999999999999999999 }}`: "cannot unmarshal number",
	} {
		_, err := ParseRuleSettings([]byte(document))
		require.ErrorContains(t, err, problem, document)
	}
}

func TestCategoryListAndLimits(t *testing.T) {
	list := CategoryList{"3000-3999", "7011"}
	for mcc, want := range map[string]bool{"3000": true, "3500": true, "3999": true, "4000": false, "2999": false, "7011": true, "7012": false, "AAFF": false, "": false, "35000": false} {
		require.Equal(t, want, list.Contains(mcc), mcc)
	}
	validity := DefaultRuleSettings().Validity
	const day = 24 * time.Hour
	for mcc, want := range map[string]time.Duration{"5411": 7 * day, "5542": day, "7011": 30 * day, "3001": 30 * day, "7512": 30 * day, "AAFF": 7 * day} {
		require.Equal(t, want, validity.For(mcc), mcc)
	}
}

// The catalogue names each rule once, in order.
func TestBusinessRulesAreInOrder(t *testing.T) {
	rules := BusinessRules()
	for i, r := range rules {
		require.Regexp(t, `^R-0\d\d$`, r.ID)
		require.NotEmpty(t, r.Condition, r.ID)
		require.NotEmpty(t, r.Action, r.ID)
		require.NotEmpty(t, r.Event, r.ID)
		require.NotEmpty(t, r.DecidedBy, r.ID)
		require.False(t, r.Switchable && r.DecidedBy != StageRules && r.ID != RuleOverAuthorization, r.ID)
		if i > 0 {
			require.Less(t, rules[i-1].ID, r.ID)
		}
	}
}
