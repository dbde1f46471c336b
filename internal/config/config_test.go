package config

import (
	"testing"

	"github.com/stretchr/testify/require"
)

type settings struct {
	EventBusName   string `env:"EVENT_BUS_NAME"`
	AccountsTable  string `env:"ACCOUNTS_TABLE"`
	ReferenceTable string `env:"REFERENCE_TABLE"`
}

func TestLoadNamesEverythingThatIsMissing(t *testing.T) {
	env := map[string]string{"EVENT_BUS_NAME": "bus", "ACCOUNTS_TABLE": ""}
	lookup := func(name string) (string, bool) { v, ok := env[name]; return v, ok }

	var s settings
	require.EqualError(t, Load(&s, lookup), "reading the environment: ACCOUNTS_TABLE, REFERENCE_TABLE not set")

	env["ACCOUNTS_TABLE"], env["REFERENCE_TABLE"] = "accounts", "reference"
	require.NoError(t, Load(&s, lookup))
	require.Equal(t, settings{EventBusName: "bus", AccountsTable: "accounts", ReferenceTable: "reference"}, s)
}

func TestNamesOfAStructAndItsPointer(t *testing.T) {
	want := []string{"EVENT_BUS_NAME", "ACCOUNTS_TABLE", "REFERENCE_TABLE"}
	require.Equal(t, want, names(settings{}))
	require.Equal(t, want, names(&settings{}))
}
