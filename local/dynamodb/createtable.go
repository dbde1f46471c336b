package dynamodb

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/payrail/payrail/local/wire"
)

type createTableInput struct {
	TableName              *string
	AttributeDefinitions   []attributeDefinition
	KeySchema              []keySchemaElement
	GlobalSecondaryIndexes []createIndexInput
	StreamSpecification    *createStreamInput
	BillingMode            string
	ProvisionedThroughput  *throughput
	Tags                   []json.RawMessage

	DeletionProtectionEnabled bool

	unknown string // a member that is not here
}

type createIndexInput struct {
	IndexName             *string
	KeySchema             []keySchemaElement
	Projection            *projection
	ProvisionedThroughput *throughput
}

type createStreamInput struct {
	StreamEnabled  *bool
	StreamViewType string
}

// UnmarshalJSON notes a member that would be passed over otherwise: a table that is not what was asked for is a wrong answer.
func (in *createTableInput) UnmarshalJSON(text []byte) error {
	type plain createTableInput
	if err := json.Unmarshal(text, (*plain)(in)); err != nil {
		return err
	}
	strict := json.NewDecoder(bytes.NewReader(text))
	strict.DisallowUnknownFields()
	if err := strict.Decode(new(plain)); err != nil {
		in.unknown = strings.Trim(strings.TrimPrefix(err.Error(), "json: unknown field "), `"`)
	}
	return nil
}

// refuse names what the local runtime does not do.
func (in *createTableInput) refuse() error {
	what := in.unknown
	switch {
	case what != "":
	case len(in.Tags) > 0:
		what = "Tags"
	case in.BillingMode != "PAY_PER_REQUEST":
		// Nothing would be throttled by it. It is what a request without BillingMode asks for.
		// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateTable.html
		what = "provisioned capacity: use BillingMode PAY_PER_REQUEST"
	case slices.ContainsFunc(in.GlobalSecondaryIndexes, func(x createIndexInput) bool { return len(x.KeySchema) > 2 }):
		what = "index keys of several attributes"
	}
	if what == "" {
		return nil
	}
	return invalid("the local runtime does not do %s", what)
}

// violations are the members of a request that do not satisfy their constraints; the service tells them all at once.
type violations []string

func (v *violations) add(value, path, constraint string) {
	if value != "null" {
		value = "'" + value + "'"
	}
	*v = append(*v, "Value "+value+" at '"+path+"' failed to satisfy constraint: "+constraint)
}

func (v violations) err() error {
	switch len(v) {
	case 0:
		return nil
	case 1:
		return invalid("1 validation error detected: %s", v[0])
	}
	return invalid("%d validation errors detected: %s", len(v), strings.Join(v, "; "))
}

func (v *violations) enum(value, path string, allowed ...string) {
	if !slices.Contains(allowed, value) {
		v.add(value, path, "Member must satisfy enum value set: ["+strings.Join(allowed, ", ")+"]")
	}
}

// name checks a table's or index's name.
func (v *violations) name(name *string, path string) {
	switch {
	case name == nil:
		v.notNull(path)
	case len(*name) < minTableName:
		v.add(*name, path, fmt.Sprintf("Member must have length greater than or equal to %d", minTableName))
	case len(*name) > maxTableName:
		v.add(*name, path, fmt.Sprintf("Member must have length less than or equal to %d", maxTableName))
	case !tableName.MatchString(*name):
		v.add(*name, path, "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+")
	}
}

func (v *violations) notNull(path string) { v.add("null", path, "Member must not be null") }

func (v *violations) text(text, path string) {
	if text == "" {
		v.notNull(path)
	}
}

// keySchema checks the form of a key; only an index's key may have more than two attributes.
func (v *violations) keySchema(elements []keySchemaElement, path string, most int) {
	printed := make([]string, len(elements))
	for i, e := range elements {
		printed[i] = "KeySchemaElement(attributeName=" + e.AttributeName + ", keyType=" + e.KeyType + ")"
	}
	switch {
	case elements == nil:
		v.notNull(path)
	case len(elements) == 0:
		v.add("[]", path, "Member must have length greater than or equal to 1")
	case len(elements) > most:
		v.add("["+strings.Join(printed, ", ")+"]", path, fmt.Sprintf("Member must have length less than or equal to %d", most))
	}
	for i, e := range elements {
		at := fmt.Sprintf("%s.%d.member.", path, i+1)
		v.text(e.AttributeName, at+"attributeName")
		v.enum(e.KeyType, at+"keyType", "HASH", "RANGE")
	}
}

// check holds every member against its own constraints.
func (in *createTableInput) check() error {
	if in.TableName == nil {
		return tableNameRequired()
	}
	var v violations
	if in.AttributeDefinitions == nil {
		v.notNull("attributeDefinitions")
	}
	for i, d := range in.AttributeDefinitions {
		at := fmt.Sprintf("attributeDefinitions.%d.member.", i+1)
		v.text(d.AttributeName, at+"attributeName")
		v.enum(d.AttributeType, at+"attributeType", "B", "N", "S")
	}
	v.name(in.TableName, "tableName")
	if in.BillingMode != "" {
		v.enum(in.BillingMode, "billingMode", "PROVISIONED", "PAY_PER_REQUEST")
	}
	v.keySchema(in.KeySchema, "keySchema", 2)
	for i, x := range in.GlobalSecondaryIndexes {
		at := fmt.Sprintf("globalSecondaryIndexes.%d.member.", i+1)
		v.name(x.IndexName, at+"indexName")
		v.keySchema(x.KeySchema, at+"keySchema", 8)
		switch {
		case x.Projection == nil:
			v.notNull(at + "projection")
		case x.Projection.ProjectionType != "":
			v.enum(x.Projection.ProjectionType, at+"projection.projectionType", ProjectAll, ProjectInclude, ProjectKeysOnly)
		}
	}
	if stream := in.StreamSpecification; stream != nil {
		if stream.StreamEnabled == nil {
			v.notNull("streamSpecification.streamEnabled")
		}
		if stream.StreamViewType != "" {
			v.enum(stream.StreamViewType, "streamSpecification.streamViewType", ViewNewImage, ViewOldImage, ViewNewAndOld, ViewKeysOnly)
		}
	}
	return v.err()
}

// keys are the attributes of a key. Among several faults the service tells the first of this order.
func (in *createTableInput) keys(elements []keySchemaElement) (partition, sort Key, err error) {
	var names, defined []string
	types := map[string]string{}
	for _, d := range in.AttributeDefinitions {
		defined = append(defined, d.AttributeName)
		types[d.AttributeName] = d.AttributeType
	}
	slices.Sort(defined)
	for _, e := range elements {
		names = append(names, e.AttributeName)
	}
	switch {
	case len(names) > len(defined):
		err = invalid("Invalid KeySchema: Some index key attribute have no definition")
	case slices.ContainsFunc(names, func(name string) bool { return types[name] == "" }):
		err = invalidParameter("Some index key attributes are not defined in AttributeDefinitions. Keys: [%s], AttributeDefinitions: [%s]",
			strings.Join(names, ", "), strings.Join(defined, ", "))
	case len(names) > 1 && names[0] == names[1]:
		err = sameKeyName()
	case elements[0].KeyType != "HASH":
		err = invalid("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
	case len(elements) > 1 && elements[1].KeyType != "RANGE":
		err = invalid("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type")
	}
	if err != nil {
		return partition, sort, err
	}
	partition = Key{Name: names[0], Type: types[names[0]]}
	if len(names) > 1 {
		sort = Key{Name: names[1], Type: types[names[1]]}
	}
	return partition, sort, nil
}

// spec brings the request into the form of the Go API.
func (in *createTableInput) spec() (TableSpec, error) {
	if err := in.check(); err != nil {
		return TableSpec{}, err
	}
	if in.BillingMode == "PAY_PER_REQUEST" && in.ProvisionedThroughput != nil {
		return TableSpec{}, invalidParameter("Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST")
	}
	if err := in.refuse(); err != nil {
		return TableSpec{}, err
	}
	for i, d := range in.AttributeDefinitions {
		if slices.ContainsFunc(in.AttributeDefinitions[:i], func(e attributeDefinition) bool { return e.AttributeName == d.AttributeName }) {
			return TableSpec{}, invalidParameter("Duplicate AttributeName in AttributeDefinitions: %s", d.AttributeName)
		}
	}
	spec := TableSpec{Name: *in.TableName, DeletionProtection: in.DeletionProtectionEnabled}
	var err error
	if spec.PartitionKey, spec.SortKey, err = in.keys(in.KeySchema); err != nil {
		return TableSpec{}, err
	}
	if spec.Indexes, err = in.indexes(); err != nil {
		return TableSpec{}, err
	}
	if err := in.checkDefinitions(spec); err != nil {
		return TableSpec{}, err
	}
	spec.StreamView, err = in.streamView()
	return spec, err
}

func (in *createTableInput) indexes() ([]IndexSpec, error) {
	if in.GlobalSecondaryIndexes != nil && len(in.GlobalSecondaryIndexes) == 0 {
		return nil, invalidParameter("List of GlobalSecondaryIndexes is empty")
	}
	var specs []IndexSpec
	for _, x := range in.GlobalSecondaryIndexes {
		one := IndexSpec{Name: *x.IndexName, Projection: x.Projection.ProjectionType, Include: x.Projection.NonKeyAttributes}
		var err error
		if one.PartitionKey, one.SortKey, err = in.keys(x.KeySchema); err != nil {
			return nil, err
		}
		if x.ProvisionedThroughput != nil {
			return nil, invalidParameter("ProvisionedThroughput should not be specified for index: %s when BillingMode is PAY_PER_REQUEST", one.Name)
		}
		specs = append(specs, one)
	}
	return specs, nil
}

// checkDefinitions wants every defined attribute to be one of a key.
func (in *createTableInput) checkDefinitions(spec TableSpec) error {
	used := map[string]bool{spec.PartitionKey.Name: true, spec.SortKey.Name: true}
	for _, x := range spec.Indexes {
		used[x.PartitionKey.Name], used[x.SortKey.Name] = true, true
	}
	delete(used, "")
	if len(used) == len(in.AttributeDefinitions) {
		return nil
	}
	if in.GlobalSecondaryIndexes == nil {
		return invalidParameter("Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions")
	}
	var defined []string
	for _, d := range in.AttributeDefinitions {
		defined = append(defined, d.AttributeName)
	}
	slices.Sort(defined)
	return invalidParameter("Some AttributeDefinitions are not used. AttributeDefinitions: [%s], keys used: [%s]",
		strings.Join(defined, ", "), strings.Join(sortedKeys(used), ", "))
}

func (in *createTableInput) streamView() (string, error) {
	switch stream := in.StreamSpecification; {
	case stream == nil:
		return "", nil
	case !*stream.StreamEnabled && stream.StreamViewType != "":
		return "", invalidParameter("Table is being created with a stream disabled, UpdateViewType should not be specified")
	case *stream.StreamEnabled && stream.StreamViewType == "":
		return "", invalidParameter("StreamViewType is required when StreamEnabled is true")
	default:
		return stream.StreamViewType, nil
	}
}

func tableNameRequired() *wire.Error {
	return invalid("The parameter 'TableName' is required but was not present in the request")
}

func sameKeyName() *wire.Error {
	return invalid("Both the Hash Key and the Range Key element in the KeySchema have the same name")
}

type createTableOutput struct{ TableDescription tableDescription }

// createTable answers as the service does, that the table is being created; it can be used at once.
func (s *Service) createTable(_ context.Context, in *createTableInput) (*createTableOutput, error) {
	spec, err := in.spec()
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.addTable(spec)
	if err != nil {
		return nil, err
	}
	return &createTableOutput{t.describe("CREATING")}, nil
}
