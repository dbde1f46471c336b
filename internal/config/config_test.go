package config

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLoadNamesEverythingThatIsMissing(t *testing.T) {
	env := map[string]string{"EVENT_BUS_NAME": "bus", "ACCOUNTS_TABLE": ""}
	lookup := func(name string) (string, bool) { v, ok := env[name]; return v, ok }

	var settings Enrich
	require.EqualError(t, Load(&settings, lookup), "reading the environment: ACCOUNTS_TABLE, REFERENCE_TABLE not set")

	env["ACCOUNTS_TABLE"], env["REFERENCE_TABLE"] = "accounts", "reference"
	require.NoError(t, Load(&settings, lookup))
	require.Equal(t, Enrich{EventBusName: "bus", AccountsTable: "accounts", ReferenceTable: "reference"}, settings)
}

func TestEveryFieldNamesItsVariable(t *testing.T) {
	for function, settings := range ByFunction() {
		for _, name := range Names(settings) {
			require.NotEmpty(t, name, function)
		}
	}
}
