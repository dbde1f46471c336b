// Package config reads a function's settings from its environment, once, at start-up. One struct per function says what
// that function needs; the template tests read the same structs, so that a variable that is needed is also set.
package config

import (
	"fmt"
	"reflect"
	"strings"
)

// Dedup is the environment of functions/dedup.
type Dedup struct {
	EventBusName        string `env:"EVENT_BUS_NAME"`
	AuthorizationsTable string `env:"AUTHORIZATIONS_TABLE"`
	DedupTable          string `env:"DEDUP_TABLE"`
	ParkedBucket        string `env:"PARKED_BUCKET"`
	QuarantineBucket    string `env:"QUARANTINE_BUCKET"`
}

// Standardize is the environment of functions/standardize.
type Standardize struct {
	EventBusName string `env:"EVENT_BUS_NAME"`
}

// Enrich is the environment of functions/enrich.
type Enrich struct {
	EventBusName   string `env:"EVENT_BUS_NAME"`
	AccountsTable  string `env:"ACCOUNTS_TABLE"`
	ReferenceTable string `env:"REFERENCE_TABLE"`
}

// AccountInterface is the environment of functions/accountinterface.
type AccountInterface struct {
	EventBusName string `env:"EVENT_BUS_NAME"`
}

// Posting is the environment of functions/posting.
type Posting struct {
	EventBusName  string `env:"EVENT_BUS_NAME"`
	LedgerTable   string `env:"LEDGER_TABLE"`
	AssemblyTable string `env:"ASSEMBLY_TABLE"`
	ParkedBucket  string `env:"PARKED_BUCKET"`
}

// Tracker is the environment of functions/tracker.
type Tracker struct {
	TimelineTable string `env:"TIMELINE_TABLE"`
}

// ByFunction names the settings struct of every function folder.
func ByFunction() map[string]any {
	return map[string]any{
		"dedup":            Dedup{},
		"standardize":      Standardize{},
		"enrich":           Enrich{},
		"accountinterface": AccountInterface{},
		"posting":          Posting{},
		"tracker":          Tracker{},
	}
}

// Names lists the environment variables that settings (a struct of this package, or a pointer to one) needs.
func Names(settings any) []string {
	t := reflect.TypeOf(settings)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	names := make([]string, 0, t.NumField())
	for i := range t.NumField() {
		names = append(names, t.Field(i).Tag.Get("env"))
	}
	return names
}

// Load fills settings, a pointer to a struct of this package, with lookup (os.LookupEnv). The error names every variable
// that is missing or empty, not only the first.
func Load(settings any, lookup func(string) (string, bool)) error {
	v := reflect.ValueOf(settings).Elem()
	var missing []string
	for i, name := range Names(settings) {
		value, ok := lookup(name)
		if !ok || value == "" {
			missing = append(missing, name)
			continue
		}
		v.Field(i).SetString(value)
	}
	if len(missing) > 0 {
		return fmt.Errorf("reading the environment: %s not set", strings.Join(missing, ", "))
	}
	return nil
}
