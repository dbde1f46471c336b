package dynamodb

import (
	"context"
	"encoding/json"
	"sort"
	"time"

	"github.com/payrail/payrail/local/storage"
)

// maxTablesPage is the most names ListTables returns at once.
const maxTablesPage = 100

type keySchemaElement struct {
	AttributeName string
	KeyType       string
}

type attributeDefinition struct {
	AttributeName string
	AttributeType string
}

type projection struct {
	ProjectionType   string
	NonKeyAttributes []string `json:",omitempty"`
}

type indexInput struct {
	IndexName  string
	KeySchema  []keySchemaElement
	Projection projection
}

type streamSpecification struct {
	StreamEnabled  bool
	StreamViewType string `json:",omitempty"`
}

type createTableInput struct {
	TableName              string
	AttributeDefinitions   []attributeDefinition
	KeySchema              []keySchemaElement
	GlobalSecondaryIndexes []indexInput
	LocalSecondaryIndexes  json.RawMessage
	StreamSpecification    *streamSpecification
	BillingMode            string
	ProvisionedThroughput  *throughput
	tableExtras

	DeletionProtectionEnabled bool
}

// tableExtras are parameters of CreateTable that are refused by name.
type tableExtras struct {
	SSESpecification, Tags, TableClass, ResourcePolicy, WarmThroughput, OnDemandThroughput, GlobalTableSourceArn, GlobalTableSettingsReplicationMode json.RawMessage
}

func (x *tableExtras) refuse() error {
	for _, p := range []struct {
		name  string
		value json.RawMessage
	}{
		{"SSESpecification", x.SSESpecification}, {"Tags", x.Tags}, {"TableClass", x.TableClass}, {"ResourcePolicy", x.ResourcePolicy},
		{"WarmThroughput", x.WarmThroughput}, {"OnDemandThroughput", x.OnDemandThroughput}, {"GlobalTableSourceArn", x.GlobalTableSourceArn},
		{"GlobalTableSettingsReplicationMode", x.GlobalTableSettingsReplicationMode},
	} {
		if p.value != nil && string(p.value) != "null" && string(p.value) != "[]" {
			return invalid("the local runtime does not do %s", p.name)
		}
	}
	return nil
}

// checkBilling refuses provisioned capacity, which is not modelled: nothing would be throttled by it. It is what a request without
// BillingMode asks for.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateTable.html
func (in *createTableInput) checkBilling() error {
	switch in.BillingMode {
	case "PAY_PER_REQUEST":
		if in.ProvisionedThroughput != nil {
			return invalidParameter("Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST")
		}
		return nil
	case "", "PROVISIONED":
		return invalid("the local runtime does not do provisioned capacity: use BillingMode PAY_PER_REQUEST")
	}
	return invalidEnum(in.BillingMode, "billingMode", "PROVISIONED, PAY_PER_REQUEST")
}

type throughput struct {
	ReadCapacityUnits      int
	WriteCapacityUnits     int
	NumberOfDecreasesToday int
}

type indexDescription struct {
	indexInput
	IndexStatus           string
	IndexArn              string
	ItemCount             int
	IndexSizeBytes        int
	ProvisionedThroughput throughput
}

type tableDescription struct {
	TableName              string
	TableArn               string
	TableId                string
	TableStatus            string
	CreationDateTime       float64
	AttributeDefinitions   []attributeDefinition
	KeySchema              []keySchemaElement
	ItemCount              int
	TableSizeBytes         int
	ProvisionedThroughput  throughput
	BillingModeSummary     map[string]string
	GlobalSecondaryIndexes []indexDescription   `json:",omitempty"`
	StreamSpecification    *streamSpecification `json:",omitempty"`
	LatestStreamArn        string               `json:",omitempty"`
	LatestStreamLabel      string               `json:",omitempty"`

	DeletionProtectionEnabled bool
}

// spec brings the request into the form of the Go API.
func (in *createTableInput) spec() (TableSpec, error) {
	if in.LocalSecondaryIndexes != nil {
		return TableSpec{}, invalid("the local runtime does not do LocalSecondaryIndexes")
	}
	if err := in.tableExtras.refuse(); err != nil {
		return TableSpec{}, err
	}
	types := map[string]string{}
	for _, d := range in.AttributeDefinitions {
		types[d.AttributeName] = d.AttributeType
	}
	used := map[string]bool{}
	keys := func(elements []keySchemaElement) (partition, sort Key, err error) {
		if len(elements) == 0 || len(elements) > 2 || elements[0].KeyType != "HASH" || (len(elements) == 2 && elements[1].KeyType != "RANGE") {
			return partition, sort, invalid("Invalid KeySchema: The first KeySchemaElement is not a HASH key type, or the second is not a RANGE key type")
		}
		for i, into := range []*Key{&partition, &sort}[:len(elements)] {
			name := elements[i].AttributeName
			if types[name] == "" {
				return partition, sort, invalidParameter("Some index key attributes are not defined in AttributeDefinitions. Keys: [%s]", name)
			}
			used[name] = true
			*into = Key{Name: name, Type: types[name]}
		}
		return partition, sort, nil
	}
	spec := TableSpec{Name: in.TableName, DeletionProtection: in.DeletionProtectionEnabled}
	var err error
	if spec.PartitionKey, spec.SortKey, err = keys(in.KeySchema); err != nil {
		return TableSpec{}, err
	}
	for _, x := range in.GlobalSecondaryIndexes {
		one := IndexSpec{Name: x.IndexName, Projection: x.Projection.ProjectionType, Include: x.Projection.NonKeyAttributes}
		if one.PartitionKey, one.SortKey, err = keys(x.KeySchema); err != nil {
			return TableSpec{}, err
		}
		spec.Indexes = append(spec.Indexes, one)
	}
	if len(used) != len(types) {
		return TableSpec{}, invalidParameter("Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions")
	}
	if in.StreamSpecification != nil && in.StreamSpecification.StreamEnabled {
		if in.StreamSpecification.StreamViewType == "" {
			return TableSpec{}, invalidParameter("StreamViewType is required when StreamEnabled is true")
		}
		spec.StreamView = in.StreamSpecification.StreamViewType
	}
	return spec, in.checkBilling()
}

type createTableOutput struct{ TableDescription tableDescription }

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
	return &createTableOutput{t.describe("ACTIVE")}, nil
}

func epochSeconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

func describeKeys(k keySchema) []keySchemaElement {
	out := []keySchemaElement{{k.hash.name, "HASH"}}
	if k.hasSort() {
		out = append(out, keySchemaElement{k.sort.name, "RANGE"})
	}
	return out
}

// describe leaves the item counts at zero: the service brings them up to date every six hours only.
func (t *table) describe(status string) tableDescription {
	d := tableDescription{
		TableName: t.spec.Name, TableArn: t.arn, TableId: t.id, TableStatus: status, CreationDateTime: epochSeconds(t.created),
		KeySchema: describeKeys(t.schema), BillingModeSummary: map[string]string{"BillingMode": "PAY_PER_REQUEST"},
		DeletionProtectionEnabled: t.spec.DeletionProtection,
	}
	defined := map[string]bool{}
	define := func(k keySchema) {
		for _, a := range k.attributes() {
			if !defined[a.name] {
				defined[a.name] = true
				d.AttributeDefinitions = append(d.AttributeDefinitions, attributeDefinition{a.name, a.kind.String()})
			}
		}
	}
	define(t.schema)
	for _, x := range t.indexes {
		define(x.schema)
		d.GlobalSecondaryIndexes = append(d.GlobalSecondaryIndexes, indexDescription{
			indexInput:  indexInput{x.spec.Name, describeKeys(x.schema), projection{x.spec.Projection, x.spec.Include}},
			IndexStatus: "ACTIVE", IndexArn: t.arn + "/index/" + x.spec.Name,
		})
	}
	if t.stream != nil {
		d.StreamSpecification = &streamSpecification{true, t.stream.view}
		d.LatestStreamArn, d.LatestStreamLabel = t.stream.arn, t.stream.label
	}
	return d
}

type tableInput struct{ TableName string }

type describeTableOutput struct{ Table tableDescription }

// named finds a table for the calls on tables, whose error names it.
func (s *Service) named(name string) (*table, error) {
	t, err := s.table(name)
	if err != nil && name != "" {
		return nil, unknownTable(name)
	}
	return t, err
}

func (s *Service) describeTable(_ context.Context, in *tableInput) (*describeTableOutput, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	t, err := s.named(in.TableName)
	if err != nil {
		return nil, err
	}
	return &describeTableOutput{t.describe("ACTIVE")}, nil
}

type timeToLive struct {
	TimeToLiveStatus string
	AttributeName    string `json:",omitempty"`
}

type describeTimeToLiveOutput struct{ TimeToLiveDescription timeToLive }

func (s *Service) describeTimeToLive(_ context.Context, in *tableInput) (*describeTimeToLiveOutput, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	t, err := s.named(in.TableName)
	if err != nil {
		return nil, err
	}
	if t.spec.TTLAttribute == "" {
		return &describeTimeToLiveOutput{timeToLive{TimeToLiveStatus: "DISABLED"}}, nil
	}
	return &describeTimeToLiveOutput{timeToLive{"ENABLED", t.spec.TTLAttribute}}, nil
}

type listTablesInput struct {
	ExclusiveStartTableName string
	Limit                   *int
}

type listTablesOutput struct {
	TableNames             []string
	LastEvaluatedTableName string `json:",omitempty"`
}

func (s *Service) listTables(_ context.Context, in *listTablesInput) (*listTablesOutput, error) {
	limit, err := checkLimit(in.Limit, maxTablesPage)
	if err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := &listTablesOutput{TableNames: []string{}}
	for name := range s.tables {
		if name > in.ExclusiveStartTableName {
			out.TableNames = append(out.TableNames, name)
		}
	}
	sort.Strings(out.TableNames)
	if len(out.TableNames) > limit {
		out.TableNames = out.TableNames[:limit]
		out.LastEvaluatedTableName = out.TableNames[limit-1]
	}
	return out, nil
}

type deleteTableOutput struct{ TableDescription tableDescription }

// deleteTable waits for the calls on items that are under way. The table's stream stays readable.
func (s *Service) deleteTable(_ context.Context, in *tableInput) (*deleteTableOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.named(in.TableName)
	if err != nil {
		return nil, err
	}
	if t.spec.DeletionProtection {
		return nil, invalid("Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.")
	}
	spaces := []string{t.space}
	for _, x := range t.indexes {
		spaces = append(spaces, x.space)
	}
	var batch storage.Batch
	for _, space := range spaces {
		batch.DeleteRange(space, storage.Range{})
	}
	t.forget(&batch)
	if err := s.options.Store.Apply(&batch); err != nil {
		return nil, s.internal("deleting table", err)
	}
	delete(s.tables, t.spec.Name)
	if t.stream != nil {
		t.stream.close()
	}
	return &deleteTableOutput{t.describe("DELETING")}, nil
}
