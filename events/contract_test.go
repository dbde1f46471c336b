package events

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	reflector "github.com/invopop/jsonschema"
	validator "github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/payment"
)

// Run `go test ./events -update` after an additive change to write schemas and examples anew.
var update = flag.Bool("update", false, "write schemas/ and examples/ anew")

// compare holds content against a checked-in file, or writes it with -update.
func compare(t *testing.T, path string, value any) []byte {
	t.Helper()
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	require.NoError(t, encoder.Encode(value))
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, b.Bytes(), 0o644))
	}
	checkedIn, err := os.ReadFile(path)
	require.NoError(t, err, "run `go test ./events -update`")
	require.JSONEq(t, b.String(), string(checkedIn), "%s has drifted: run `go test ./events -update` if the change is additive", path)
	return checkedIn
}

// schemaOf reflects the detail of one contract. Unknown members are allowed: consumers ignore them.
func schemaOf(t *testing.T, c Contract) *reflector.Schema {
	t.Helper()
	r := reflector.Reflector{CommentMap: goComments(t), DoNotReference: true, AllowAdditionalProperties: true, Anonymous: true, Mapper: func(t reflect.Type) *reflector.Schema {
		if t != reflect.TypeFor[payment.Money]() {
			return nil
		}
		properties := reflector.NewProperties()
		properties.Set("amount", &reflector.Schema{Type: "string", Pattern: `^-?\d+(\.\d+)?$`, Description: "decimal with the currency's number of places"})
		properties.Set("currency", &reflector.Schema{Type: "string", Pattern: `^[A-Z]{3}$`, Description: "ISO 4217"})
		return &reflector.Schema{Type: "object", Properties: properties, Required: []string{"amount", "currency"}}
	}}
	metadata, data := r.ReflectFromType(reflect.TypeFor[Metadata]()), r.ReflectFromType(reflect.TypeOf(c.Data))
	metadata.Version, data.Version = "", ""
	properties := reflector.NewProperties()
	properties.Set("metadata", metadata)
	properties.Set("data", data)
	return &reflector.Schema{
		Version: reflector.Version, Title: string(c.DetailType), Description: "detail of " + string(c.DetailType) + ", source " + joined(c.Sources) + ": " + c.When,
		Type: "object", Properties: properties, Required: []string{"metadata", "data"},
	}
}

// goComments are the doc comments of the contract's types and fields, which become the descriptions.
func goComments(t *testing.T) map[string]string {
	t.Helper()
	var r reflector.Reflector
	for _, folder := range []string{".", "../payment"} {
		require.NoError(t, r.AddGoComments("github.com/payrail/payrail/events", folder))
	}
	return r.CommentMap
}

func joined(sources []Source) string {
	names := make([]string, len(sources))
	for i, source := range sources {
		names[i] = string(source)
	}
	return strings.Join(names, " or ")
}

func TestSchemasAndExamplesMatchTheTypes(t *testing.T) {
	examples := exampleDetails(t)
	for _, contract := range Contracts() {
		t.Run(string(contract.DetailType), func(t *testing.T) {
			schema := compare(t, filepath.Join("schemas", string(contract.DetailType)+".json"), schemaOf(t, contract))
			detail, ok := examples[contract.DetailType]
			require.True(t, ok, "no example")
			example := compare(t, filepath.Join("examples", string(contract.DetailType)+".json"), envelope(contract, detail))

			var written struct{ Detail any }
			require.NoError(t, json.Unmarshal(example, &written))
			require.NoError(t, compiled(t, schema).Validate(written.Detail))
		})
	}
}

func compiled(t *testing.T, schema []byte) *validator.Schema {
	t.Helper()
	document, err := validator.UnmarshalJSON(bytes.NewReader(schema))
	require.NoError(t, err)
	compiler := validator.NewCompiler()
	require.NoError(t, compiler.AddResource("schema.json", document))
	compiledSchema, err := compiler.Compile("schema.json")
	require.NoError(t, err)
	return compiledSchema
}

func TestSchemasRefuseWhatIsNotTheEvent(t *testing.T) {
	schema, err := os.ReadFile(filepath.Join("schemas", "TransactionPosted.json"))
	require.NoError(t, err)
	var example struct{ Detail map[string]any }
	raw, err := os.ReadFile(filepath.Join("examples", "TransactionPosted.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(raw, &example))

	leg := example.Detail["data"].(map[string]any)["legs"].([]any)[0].(map[string]any)
	leg["amount"].(map[string]any)["amount"] = 79.25
	require.ErrorContains(t, compiled(t, schema).Validate(example.Detail), "got number, want string", "money is never a JSON number")
	delete(example.Detail, "metadata")
	require.ErrorContains(t, compiled(t, schema).Validate(example.Detail), "missing property 'metadata'")
}

func TestEveryFileBelongsToAContract(t *testing.T) {
	names := map[string]bool{}
	for _, c := range Contracts() {
		require.False(t, names[string(c.DetailType)], "%s twice", c.DetailType)
		names[string(c.DetailType)] = true
		require.NotEmpty(t, c.Sources, "%s has no producer", c.DetailType)
	}
	for _, folder := range []string{"schemas", "examples"} {
		files, err := os.ReadDir(folder)
		require.NoError(t, err)
		for _, f := range files {
			require.True(t, names[strings.TrimSuffix(f.Name(), ".json")], "%s/%s has no contract", folder, f.Name())
		}
		require.Len(t, files, len(names))
	}
}
