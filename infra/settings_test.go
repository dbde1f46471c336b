package main

import (
	"runtime"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/stretchr/testify/require"
)

func TestReadSettings(t *testing.T) {
	arm := Target{GOOS: "linux", GOARCH: "arm64"}
	tests := []struct {
		name    string
		context map[string]any
		want    Settings
		err     string
	}{
		{name: "defaults", want: Settings{Target: arm, Removal: awscdk.RemovalPolicy_RETAIN, CurrencyConversion: "corrected", Timeline: "all", ReconcilePatching: "on",
			DisputeWindowDays: "120", ProvisionalCredit: "at-opening", Alarms: "on"}},
		{
			name: "every other choice",
			context: map[string]any{"target": "x86_64", "removal": "destroy", "r003": "legacy", "timeline": "off", "reconcilePatching": "off", "jwtIssuer": "https://issuer.example", "jwtAudience": "payrail",
				"disputeWindowDays": 90.0, "provisionalCredit": "never", "alarms": "off"},
			want: Settings{Target{GOOS: "linux", GOARCH: "amd64"}, awscdk.RemovalPolicy_DESTROY, "legacy", "off", "off",
				"https://issuer.example", "payrail", "90", "never", "off"},
		},
		{
			name:    "this machine",
			context: map[string]any{"target": "host", "timeline": "outcomes"},
			want: Settings{Target: Target{GOOS: runtime.GOOS, GOARCH: runtime.GOARCH}, Removal: awscdk.RemovalPolicy_RETAIN, CurrencyConversion: "corrected", Timeline: "outcomes", ReconcilePatching: "on",
				DisputeWindowDays: "120", ProvisionalCredit: "at-opening", Alarms: "on"},
		},
		{name: "unknown target", context: map[string]any{"target": "arm"}, err: "reading context target=arm: must be one of arm64, x86_64, host"},
		{name: "unknown removal", context: map[string]any{"removal": "snapshot"}, err: "reading context removal=snapshot: must be one of retain, destroy"},
		{name: "unknown mode", context: map[string]any{"r003": ""}, err: "reading context r003=: must be one of corrected, legacy"},
		{name: "an issuer alone", context: map[string]any{"jwtIssuer": "https://issuer.example"}, err: "reading context jwtIssuer and jwtAudience: one needs the other"},
		{name: "an audience alone", context: map[string]any{"jwtAudience": "payrail"}, err: "reading context jwtIssuer and jwtAudience: one needs the other"},
		{name: "an empty issuer", context: map[string]any{"jwtIssuer": "", "jwtAudience": "payrail"}, err: "reading context jwtIssuer=: must be a text, or left out"},
		{name: "an issuer in the clear", context: map[string]any{"jwtIssuer": "http://issuer.example", "jwtAudience": "payrail"}, err: "reading context jwtIssuer=http://issuer.example: must be an address with https"},
		{name: "no window", context: map[string]any{"disputeWindowDays": "0"}, err: "reading context disputeWindowDays=0: must be a whole number above zero"},
		{name: "half a day", context: map[string]any{"disputeWindowDays": 0.5}, err: "reading context disputeWindowDays=0.5: must be a whole number above zero"},
		{name: "a credit some day", context: map[string]any{"provisionalCredit": "later"}, err: "reading context provisionalCredit=later: must be one of at-opening, never"},
		{name: "some alarms", context: map[string]any{"alarms": "few"}, err: "reading context alarms=few: must be one of on, off"},
		{name: "not a string", context: map[string]any{"timeline": true}, err: "reading context timeline=true: must be one of all, outcomes, off"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := readSettings(func(key string) any { return test.context[key] })
			if test.err != "" {
				require.EqualError(t, err, test.err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, test.want, got)
		})
	}
}
