package events

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// referencePage is generated from the schemas.
var referencePage = filepath.Join("..", "docs", "reference", "events.md")

const referenceIntro = `# Events

<!-- Generated from events/schemas by ` + "`go test ./events -update`" + `; a test holds it against them. -->

All on the stack's bus (output ` + "`EventBus`" + `). ` + "`source` is `payrail.` and the producer's name; `detail` is `{\"metadata\": {…}, \"data\": {…}}`" + `.
Each kind has a JSON Schema and an example, both held against the Go types. Changes are additive only: ignore what you do not know.
An event has at most 256,000 bytes, what Step Functions takes as input; the publisher refuses larger ones. Money is
` + "`{\"amount\": \"79.25\", \"currency\": \"GBP\"}`" + `: a string with the currency's decimals, never a number.

The tracker consumes all kinds (` + "`timeline=all`" + `) or those with which a payment ends (` + "`timeline=outcomes`" + `); archive and audit log take
everything.

`

func TestReferenceMatchesTheSchemas(t *testing.T) {
	page := reference(t)
	if *update {
		require.NoError(t, os.WriteFile(referencePage, []byte(page), 0o644))
	}
	checkedIn, err := os.ReadFile(referencePage)
	require.NoError(t, err)
	require.Equal(t, page, string(checkedIn), "%s has drifted: run `go test ./events -update`", referencePage)
}

// node is a JSON Schema as far as the reference shows it.
type node struct {
	Type        string
	Description string
	Pattern     string
	Required    []string
	Properties  orderedNodes
	Items       *node
	// AdditionalProperties is the schema of a map's values; true where anything is allowed.
	AdditionalProperties json.RawMessage
}

// orderedNodes keeps the order of the schema's file, which is that of the Go type.
type orderedNodes struct {
	names []string
	nodes map[string]*node
}

func (o *orderedNodes) UnmarshalJSON(data []byte) error {
	if err := json.Unmarshal(data, &o.nodes); err != nil {
		return err
	}
	decoder := json.NewDecoder(strings.NewReader(string(data)))
	for depth := 0; decoder.More() || depth > 0; {
		token, err := decoder.Token()
		if err != nil {
			return err
		}
		switch v := token.(type) {
		case json.Delim:
			if v == '{' || v == '[' {
				depth++
			} else {
				depth--
			}
			if depth == 0 {
				return nil
			}
		case string:
			if _, isName := o.nodes[v]; isName && depth == 1 {
				o.names = append(o.names, v)
				var skipped json.RawMessage
				if err := decoder.Decode(&skipped); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// structures collects the objects within events: each is described once, however many events have it.
type structures struct {
	names  []string
	byName map[string]*node
}

func reference(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	b.WriteString(referenceIntro)
	b.WriteString("| Detail-type | Source | When |\n|---|---|---|\n")
	shared := &structures{byName: map[string]*node{}}
	var details strings.Builder
	var metadata *node
	for _, c := range Contracts() {
		sources := make([]string, len(c.Sources))
		for i, s := range c.Sources {
			sources[i] = "`" + string(s) + "`"
		}
		fmt.Fprintf(&b, "| [%[1]s](#%[2]s) | %[3]s | %[4]s |\n", c.DetailType, strings.ToLower(string(c.DetailType)), strings.Join(sources, ", "), c.When)

		raw, err := os.ReadFile(filepath.Join("schemas", string(c.DetailType)+".json"))
		require.NoError(t, err)
		var schema node
		require.NoError(t, json.Unmarshal(raw, &schema))
		metadata = schema.Properties.nodes["metadata"]
		fmt.Fprintf(&details, "\n## %[1]s\n\n%[2]s. [Schema](../../events/schemas/%[1]s.json), [example](../../events/examples/%[1]s.json).\n\n",
			c.DetailType, strings.ToUpper(c.When[:1])+c.When[1:])
		table(&details, schema.Properties.nodes["data"], shared)
	}
	b.WriteString("\n## Metadata\n\n")
	table(&b, metadata, shared)
	b.WriteString(details.String())
	b.WriteString("\n# Structures\n")
	for i := 0; i < len(shared.names); i++ { // describing one may add others
		fmt.Fprintf(&b, "\n## %s\n\n", shared.names[i])
		table(&b, shared.byName[shared.names[i]], shared)
	}
	return b.String()
}

func table(b *strings.Builder, object *node, shared *structures) {
	if object.Description != "" {
		fmt.Fprintf(b, "%s\n\n", oneLine(object.Description))
	}
	b.WriteString("| Field | Type | | Meaning |\n|---|---|---|---|\n")
	for _, name := range object.Properties.names {
		field := object.Properties.nodes[name]
		required := "optional"
		if slices.Contains(object.Required, name) {
			required = "required"
		}
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", name, typeOf(name, field, shared), required, meaning(name, field.Description))
	}
}

// meaning is a field's Go comment without the words "Name is" that such comments begin with.
func meaning(name, comment string) string {
	text := oneLine(comment)
	first, rest, _ := strings.Cut(text, " ")
	if !strings.EqualFold(first, name) {
		return text
	}
	for _, verb := range []string{"is ", "are "} {
		if after, found := strings.CutPrefix(rest, verb); found {
			return after
		}
	}
	return rest
}

func oneLine(s string) string {
	return strings.NewReplacer("|", `\|`, "<", "&lt;").Replace(strings.Join(strings.Fields(s), " "))
}

// iso20022Root is where the ISO 20022 message begins, whose fields have a page of their own.
const iso20022Root = "Document"

func typeOf(name string, field *node, shared *structures) string {
	switch {
	case field.Type == "array":
		return "list of " + typeOf(strings.TrimSuffix(name, "s"), field.Items, shared)
	case name == iso20022Root:
		return "[ISO 20022 message](iso20022-mapping.md)"
	case field.Type == "object" && isMoney(field):
		return "money"
	case field.Type == "object" && len(field.Properties.names) > 0:
		return shared.link(name, field)
	case field.Type == "object":
		return "map of strings"
	default:
		return field.Type
	}
}

func isMoney(field *node) bool {
	return slices.Equal(field.Properties.names, []string{"amount", "currency"})
}

// link names an object's section; objects of one name that differ get a number.
func (s *structures) link(name string, field *node) string {
	for n := 1; ; n++ {
		section := name
		if n > 1 {
			section = fmt.Sprintf("%s-%d", name, n)
		}
		known, ok := s.byName[section]
		if !ok {
			s.names = append(s.names, section)
			s.byName[section] = field
		} else if !slices.Equal(known.Properties.names, field.Properties.names) {
			continue
		}
		return fmt.Sprintf("[%s](#%s)", section, strings.ToLower(section))
	}
}
