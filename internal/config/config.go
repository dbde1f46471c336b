// Package config reads a function's settings from its environment, once, at start-up. Each function declares what it needs
// as a struct whose fields name their variables: `env:"LEDGER_TABLE"`. The template's tests find those tags in the function's
// folder, so that a variable that is needed is also set.
package config

import (
	"fmt"
	"reflect"
	"strings"
)

// names lists the environment variables that settings, a struct or a pointer to one, needs.
func names(settings any) []string {
	t := reflect.TypeOf(settings)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	variables := make([]string, 0, t.NumField())
	for i := range t.NumField() {
		variables = append(variables, t.Field(i).Tag.Get("env"))
	}
	return variables
}

// Load fills settings, a pointer to a struct of tagged strings, with lookup (os.LookupEnv). The error names every variable
// that is missing or empty, not only the first.
func Load(settings any, lookup func(string) (string, bool)) error {
	v := reflect.ValueOf(settings).Elem()
	var missing []string
	for i, name := range names(settings) {
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
