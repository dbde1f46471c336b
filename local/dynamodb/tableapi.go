package dynamodb

import (
	"context"
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

type streamSpecification struct {
	StreamEnabled  bool
	StreamViewType string `json:",omitempty"`
}

type throughput struct {
	ReadCapacityUnits      int
	WriteCapacityUnits     int
	NumberOfDecreasesToday int
}

type indexDescription struct {
	IndexName             string
	KeySchema             []keySchemaElement
	Projection            projection
	IndexStatus           string
	IndexArn              string
	ItemCount             int
	IndexSizeBytes        int
	ProvisionedThroughput throughput
}

type billingModeSummary struct {
	BillingMode                       string
	LastUpdateToPayPerRequestDateTime float64 `json:",omitempty"` // once the table is there
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
	BillingModeSummary     billingModeSummary
	GlobalSecondaryIndexes []indexDescription   `json:",omitempty"`
	StreamSpecification    *streamSpecification `json:",omitempty"`
	LatestStreamArn        string               `json:",omitempty"`
	LatestStreamLabel      string               `json:",omitempty"`

	DeletionProtectionEnabled bool
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
		KeySchema: describeKeys(t.schema), BillingModeSummary: billingModeSummary{BillingMode: "PAY_PER_REQUEST"},
		DeletionProtectionEnabled: t.spec.DeletionProtection,
	}
	if status != "CREATING" {
		d.BillingModeSummary.LastUpdateToPayPerRequestDateTime = d.CreationDateTime
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
			IndexName: x.spec.Name, KeySchema: describeKeys(x.schema), Projection: projection{x.spec.Projection, x.spec.Include},
			IndexStatus: status, IndexArn: t.arn + "/index/" + x.spec.Name,
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
	if name == "" {
		return nil, tableNameRequired()
	}
	t, err := s.table(name)
	if err != nil {
		return nil, unknownTable(name)
	}
	return t, nil
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
	if start := in.ExclusiveStartTableName; start != "" {
		var v violations
		if v.name(&start, "exclusiveStartTableName"); len(v) > 0 {
			return nil, v.err()
		}
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
