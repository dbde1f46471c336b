package dynamodb

import (
	"cmp"
	"hash/maphash"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/payrail/payrail/local/wire"
)

// Stream view types: what a stream record shows of the item.
const (
	ViewKeysOnly  = "KEYS_ONLY"
	ViewNewImage  = "NEW_IMAGE"
	ViewOldImage  = "OLD_IMAGE"
	ViewNewAndOld = "NEW_AND_OLD_IMAGES"
)

// Projection types of a global secondary index.
const (
	ProjectKeysOnly = "KEYS_ONLY"
	ProjectInclude  = "INCLUDE"
	ProjectAll      = "ALL"
)

// Key is a key attribute: its name and its type, S, N or B.
type Key struct {
	Name string
	Type string
}

// TableSpec describes a table to create.
type TableSpec struct {
	Name         string
	PartitionKey Key
	// SortKey has no Name where the table has no sort key.
	SortKey Key
	Indexes []IndexSpec
	// StreamView is one of the View constants, or empty for a table without stream.
	StreamView string
	// TTLAttribute is reported by DescribeTimeToLive; expired items stay until they are deleted.
	TTLAttribute string
	// DeletionProtection makes DeleteTable refuse the table.
	DeletionProtection bool
}

// IndexSpec describes a global secondary index.
type IndexSpec struct {
	Name         string
	PartitionKey Key
	SortKey      Key
	// Projection is one of the Project constants; Include lists the attributes of ProjectInclude.
	Projection string
	Include    []string
}

// TableInfo is what others need to know of a created table. StreamARN is empty where it has no stream.
type TableInfo struct {
	Name      string
	ARN       string
	StreamARN string
}

type table struct {
	spec    TableSpec
	arn     string
	id      string
	created time.Time
	schema  keySchema
	indexes []*index
	stream  *Stream // nil without stream
	space   string  // of its items in the store
	salt    uint64  // sets equal keys of different tables apart in the locks
}

// index is a global secondary index. Its entries lie in a space of their own, under index key and table key.
type index struct {
	spec      IndexSpec
	schema    keySchema
	projected []string // attributes of an entry; nil for all
	space     string
}

var tableName = regexp.MustCompile(`^[a-zA-Z0-9_.-]+$`)

// Limits of names by the service's quotas.
const (
	minTableName = 3
	maxTableName = 255
	maxIndexes   = 20
	maxIncluded  = 100 // attributes that indexes of a table project besides keys
)

func newTable(spec TableSpec, region, account, id string, now time.Time, seed maphash.Seed) (*table, error) {
	var v violations
	if v.name(&spec.Name, "tableName"); len(v) > 0 {
		return nil, v.err()
	}
	schema, err := newKeySchema(spec.PartitionKey, spec.SortKey)
	if err != nil {
		return nil, err
	}
	if len(spec.Indexes) > maxIndexes {
		return nil, invalidParameter("GlobalSecondaryIndex count exceeds the per-table limit of 20")
	}
	t := &table{
		spec: spec, id: id, created: now, schema: schema, space: "dynamodb/" + spec.Name,
		arn:  "arn:aws:dynamodb:" + region + ":" + account + ":table/" + spec.Name,
		salt: maphash.String(seed, spec.Name),
	}
	included := 0
	for _, s := range spec.Indexes {
		if included += len(s.Include); included > maxIncluded {
			return nil, invalidParameter("The indexes have more than %d NonKeyAttributes together", maxIncluded)
		}
		if t.index(s.Name) != nil {
			return nil, invalidParameter("Duplicate index name: %s", s.Name)
		}
		x, err := newIndex(s, schema, t.space)
		if err != nil {
			return nil, err
		}
		t.indexes = append(t.indexes, x)
	}
	// Of several indexes on an attribute the service's errors name the first by name.
	slices.SortFunc(t.indexes, func(a, b *index) int { return strings.Compare(a.spec.Name, b.spec.Name) })
	return t, nil
}

func newKeySchema(partition, sort Key) (keySchema, error) {
	if partition.Name == "" {
		return keySchema{}, invalid("No Hash Key specified in schema. All Dynamo DB tables must have exactly one hash key")
	}
	if partition.Name == sort.Name {
		return keySchema{}, sameKeyName()
	}
	var schema keySchema
	for key, into := range map[Key]*keyAttribute{partition: &schema.hash, sort: &schema.sort} {
		if key.Name == "" {
			continue
		}
		k := kind(max(0, slices.Index(kindNames[:], key.Type)))
		if !k.isOrdered() {
			return keySchema{}, invalidParameter("Some index key attributes have no or an unknown type: %s has %q", key.Name, key.Type)
		}
		*into = keyAttribute{key.Name, k}
	}
	return schema, nil
}

func newIndex(spec IndexSpec, main keySchema, tableSpace string) (*index, error) {
	if len(spec.Name) < minTableName || len(spec.Name) > maxTableName || !tableName.MatchString(spec.Name) {
		return nil, invalidParameter("Invalid index name: %q", spec.Name)
	}
	schema, err := newKeySchema(spec.PartitionKey, spec.SortKey)
	if err != nil {
		return nil, err
	}
	x := &index{spec: spec, schema: schema, space: tableSpace + "/index/" + spec.Name}
	switch spec.Projection {
	case ProjectAll:
		if len(spec.Include) > 0 {
			return nil, invalidParameter("ProjectionType is ALL, but NonKeyAttributes is specified")
		}
		return x, nil
	case ProjectKeysOnly:
		if len(spec.Include) > 0 {
			return nil, invalidParameter("ProjectionType is KEYS_ONLY, but NonKeyAttributes is specified")
		}
	case ProjectInclude:
		if len(spec.Include) == 0 {
			return nil, invalidParameter("ProjectionType is INCLUDE, but NonKeyAttributes is not specified")
		}
	default:
		return nil, invalidParameter("Unknown ProjectionType: %s", cmp.Or(spec.Projection, "null"))
	}
	x.projected = slices.Clone(spec.Include)
	for _, a := range slices.Concat(schema.attributes(), main.attributes()) {
		if !slices.Contains(x.projected, a.name) {
			x.projected = append(x.projected, a.name)
		}
	}
	return x, nil
}

func (t *table) index(name string) *index {
	for _, x := range t.indexes {
		if x.spec.Name == name {
			return x
		}
	}
	return nil
}

func (t *table) info() TableInfo {
	info := TableInfo{Name: t.spec.Name, ARN: t.arn}
	if t.stream != nil {
		info.StreamARN = t.stream.arn
	}
	return info
}

// checkIndexKeys refuses an item whose index key attributes have a wrong type or are empty or too long; missing ones only
// keep the item out of the index.
func (t *table) checkIndexKeys(item attrs) error {
	for _, x := range t.indexes {
		for _, a := range x.schema.attributes() {
			if v, ok := item.get(a.name); ok && v.kind != a.kind {
				return invalidParameter("Type mismatch for Index Key %s Expected: %s Actual: %s IndexName: %s", a.name, a.kind, v.kind, x.spec.Name)
			}
		}
	}
	if err := t.checkEmptyIndexKeys(item); err != nil {
		return err
	}
	for _, x := range t.indexes {
		if err := x.schema.checkLengths(item); err != nil {
			return err
		}
	}
	return nil
}

// checkIndexKeyTypes refuses an update that gives a key of an index a value of another type, as far as the expression tells it.
func (t *table) checkIndexKeyTypes(u *update) error {
	if len(t.indexes) == 0 {
		return nil
	}
	var item attrs
	note := func(p path, v value) {
		if len(p) == 1 && v.kind != 0 {
			item = item.with(p[0].name, v)
		}
	}
	for _, set := range u.sets {
		if v, ok := set.value.(constant); ok {
			note(set.path, v.value)
		}
	}
	for _, c := range slices.Concat(u.adds, u.deletes) {
		note(c.path, c.value)
	}
	return t.checkIndexKeys(item)
}

// checkNested refuses paths that go into a key attribute, which is always a scalar.
func (t *table) checkNested(paths []path) error {
	const text = "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: "
	for _, p := range paths {
		if t.schema.has(p[0].name) {
			return invalid(text+"Key: %s", p[0].name)
		}
	}
	for _, p := range paths {
		for _, x := range t.indexes {
			if x.schema.has(p[0].name) {
				return invalid(text+"IndexKey: %s", p[0].name)
			}
		}
	}
	return nil
}

func (t *table) checkEmptyIndexKeys(item attrs) error {
	for _, x := range t.indexes {
		for _, a := range x.schema.attributes() {
			if v, _ := item.get(a.name); v.kind == a.kind && v.text == "" {
				return invalid("One or more parameter values are not valid. A value specified for a secondary index key is not supported. "+
					"%s IndexName: %s, IndexKey: %s", emptyKeyText(a.kind), x.spec.Name, a.name)
			}
		}
	}
	return nil
}

// checkUpdatedIndexKey refuses an update that makes a key of an index empty.
func (t *table) checkUpdatedIndexKey(name string, v value) error {
	for _, x := range t.indexes {
		for _, a := range x.schema.attributes() {
			if a.name == name && v.kind == a.kind && v.text == "" {
				return invalid("One or more parameter values are not valid. The update expression attempted to update a secondary index key to a value "+
					"that is not supported. %s", emptyKeyText(a.kind))
			}
		}
	}
	return nil
}

// entry is what the index holds of an item, under which key; nil where the item is not in the index.
func (x *index) entry(tableKey []byte, item attrs, whole stored) (key []byte, projected stored) {
	if item == nil {
		return nil, nil
	}
	for _, a := range x.schema.attributes() {
		if _, ok := item.get(a.name); !ok {
			return nil, nil
		}
	}
	key = append(x.schema.encode(item), tableKey...)
	if x.projected == nil {
		return key, whole
	}
	kept := make(attrs, 0, len(x.projected))
	for _, a := range item {
		if slices.Contains(x.projected, a.name) {
			kept = append(kept, a)
		}
	}
	return key, encodeItem(kept)
}

func unknownTable(name string) *wire.Error {
	return wire.Errorf(codeResourceNotFound, "Requested resource not found: Table: %s not found", name)
}
