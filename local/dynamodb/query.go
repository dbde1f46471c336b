package dynamodb

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"math"
	"slices"

	"github.com/payrail/payrail/local/storage"
)

const (
	// maxPageBytes is how much one page of Query or Scan reads, before its filter.
	maxPageBytes = 1 << 20
	maxSegments  = 1_000_000
)

// pageInput are the parameters of Query and Scan.
type pageInput struct {
	legacy
	TableName                 string
	IndexName                 string
	KeyConditionExpression    *string
	FilterExpression          *string
	ProjectionExpression      *string
	ExpressionAttributeNames  map[string]string
	ExpressionAttributeValues map[string]json.RawMessage
	ExclusiveStartKey         json.RawMessage
	Select                    string
	Limit                     *int
	ScanIndexForward          *bool
	ConsistentRead            bool
	Segment                   *int
	TotalSegments             *int
	ReturnConsumedCapacity    string
}

type pageOutput struct {
	Items            *[]json.RawMessage `json:",omitempty"`
	Count            int
	ScannedCount     int
	LastEvaluatedKey json.RawMessage   `json:",omitempty"`
	ConsumedCapacity *consumedCapacity `json:",omitempty"`
}

// page is one Query or Scan under way.
type page struct {
	table      *table
	index      *index // nil reads the table itself
	keys       storage.Range
	filter     condition
	filterOn   []path
	projection []path
	countOnly  bool
	limit      int

	items     []json.RawMessage
	count     int
	evaluated int
	bytes     int
	last      stored
	truncated bool
	err       error
}

func (p *page) schema() keySchema {
	if p.index != nil {
		return p.index.schema
	}
	return p.table.schema
}

func (p *page) space() string {
	if p.index != nil {
		return p.index.space
	}
	return p.table.space
}

func (s *Service) query(_ context.Context, in *pageInput) (*pageOutput, error) {
	p, names, err := s.newPage(in, "FilterExpression", "KeyConditionExpression")
	if err != nil {
		return nil, err
	}
	key, err := parseKeyCondition(in.KeyConditionExpression, names, p.schema())
	if err != nil {
		return nil, err
	}
	if err := names.finish(); err != nil {
		return nil, err
	}
	for _, one := range p.filterOn {
		if p.schema().has(one[0].name) {
			return nil, invalid("Filter Expression can only contain non-primary key attributes: Primary key attribute: %s", one[0].name)
		}
	}
	p.keys = key.keys()
	p.keys.Reverse = in.ScanIndexForward != nil && !*in.ScanIndexForward
	start, err := p.startKey(in.ExclusiveStartKey)
	if err != nil {
		return nil, err
	}
	if start != nil && !bytes.HasPrefix(start, appendPartition(nil, key.hash)) {
		return nil, invalid("The provided starting key is outside query boundaries based on provided conditions")
	}
	if start != nil && (bytes.Compare(start, p.keys.From) < 0 || (p.keys.To != nil && bytes.Compare(start, p.keys.To) >= 0)) {
		return nil, invalid("The provided starting key does not match the range key predicate")
	}
	p.startAfter(start)
	return s.run(p, in)
}

func (s *Service) scan(_ context.Context, in *pageInput) (*pageOutput, error) {
	p, names, err := s.newPage(in, "FilterExpression")
	if err != nil {
		return nil, err
	}
	if err := names.finish(); err != nil {
		return nil, err
	}
	if p.keys, err = segment(in.Segment, in.TotalSegments); err != nil {
		return nil, err
	}
	start, err := p.startKey(in.ExclusiveStartKey)
	if err != nil {
		return nil, err
	}
	if start != nil && (bytes.Compare(start, p.keys.From) < 0 || (p.keys.To != nil && bytes.Compare(start, p.keys.To) >= 0)) {
		return nil, invalid("The provided Exclusive start key is not within the current segment")
	}
	p.startAfter(start)
	return s.run(p, in)
}

// newPage checks what Query and Scan have in common.
func (s *Service) newPage(in *pageInput, wanted ...string) (*page, *scope, error) {
	if err := in.refuse(); err != nil {
		return nil, nil, err
	}
	if err := checkReturnConsumedCapacity(in.ReturnConsumedCapacity); err != nil {
		return nil, nil, err
	}
	t, err := s.table(in.TableName)
	if err != nil {
		return nil, nil, err
	}
	p := &page{table: t}
	if p.limit, err = checkLimit(in.Limit, math.MaxInt); err != nil {
		return nil, nil, err
	}
	if in.IndexName != "" {
		if p.index = t.index(in.IndexName); p.index == nil {
			return nil, nil, invalid("The table does not have the specified index: %s", in.IndexName)
		}
		if in.ConsistentRead {
			return nil, nil, invalid("Consistent reads are not supported on global secondary indexes")
		}
	}
	names, err := newScope(in.ExpressionAttributeNames, in.ExpressionAttributeValues, wanted...)
	if err != nil {
		return nil, nil, err
	}
	if p.filter, p.filterOn, err = parseFilter("FilterExpression", in.FilterExpression, names); err != nil {
		return nil, nil, err
	}
	if p.projection, err = parseProjection(in.ProjectionExpression, names); err != nil {
		return nil, nil, err
	}
	return p, names, p.checkSelect(in)
}

// checkSelect checks Select against the projection and index, and that the index holds what is asked for.
func (p *page) checkSelect(in *pageInput) error {
	projects := in.ProjectionExpression != nil
	switch in.Select {
	case "":
	case "COUNT":
		p.countOnly = true
		if projects {
			return invalid("Cannot specify the ProjectionExpression when choosing to get only the Count")
		}
	case "SPECIFIC_ATTRIBUTES":
		if !projects {
			return invalid("Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES")
		}
	case "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES":
		if projects {
			return invalid("Cannot specify the ProjectionExpression when choosing to get %s", in.Select)
		}
		if in.Select == "ALL_PROJECTED_ATTRIBUTES" && p.index == nil {
			return invalid("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName")
		}
		if in.Select == "ALL_ATTRIBUTES" && p.index != nil && p.index.projected != nil {
			return invalidParameter("Select type ALL_ATTRIBUTES is not supported for global secondary index %s because its projection type is not ALL",
				p.index.spec.Name)
		}
	default:
		return invalidEnum(in.Select, "select", "SPECIFIC_ATTRIBUTES, COUNT, ALL_ATTRIBUTES, ALL_PROJECTED_ATTRIBUTES")
	}
	if p.index != nil && p.index.projected != nil {
		for _, name := range topNames(p.projection) {
			if !slices.Contains(p.index.projected, name) {
				return invalidParameter("Global secondary index %s does not project [%s]", p.index.spec.Name, name)
			}
		}
	}
	return nil
}

// segment is the part of a table that one worker of a parallel scan reads: a range of the partitions' hashes.
func segment(number, total *int) (storage.Range, error) {
	if number == nil && total == nil {
		return storage.Range{}, nil
	}
	if number == nil {
		return storage.Range{}, invalid("The Segment parameter is required but was not present in the request when parameter TotalSegments is present")
	}
	if total == nil {
		return storage.Range{}, invalid("The TotalSegments parameter is required but was not present in the request when Segment parameter is present")
	}
	if *total < 1 || *total > maxSegments {
		return storage.Range{}, invalid("1 validation error detected: Value '%d' at 'totalSegments' failed to satisfy constraint: "+
			"Member must have value between 1 and 1000000", *total)
	}
	if *number < 0 || *number >= *total {
		return storage.Range{}, invalid("The Segment parameter is zero-based and must be less than parameter TotalSegments: "+
			"Segment: %d is not less than TotalSegments: %d", *number, *total)
	}
	bound := func(n int) []byte {
		return binary.BigEndian.AppendUint32(nil, uint32(uint64(n)<<32/uint64(*total)))
	}
	r := storage.Range{From: bound(*number)}
	if *number+1 < *total {
		r.To = bound(*number + 1)
	}
	return r, nil
}

// startKey is the store's key of ExclusiveStartKey, nil where there is none.
func (p *page) startKey(raw json.RawMessage) ([]byte, error) {
	if raw == nil || string(raw) == "null" {
		return nil, nil
	}
	item, err := decodeItem(raw)
	if err != nil {
		return nil, err
	}
	schemas := []keySchema{p.table.schema}
	if p.index != nil {
		schemas = append(schemas, p.index.schema)
	}
	var known []string
	for _, schema := range schemas {
		for _, a := range schema.attributes() {
			v, ok := item.get(a.name)
			if !ok || v.kind != a.kind || v.text == "" {
				return nil, invalid("The provided starting key is invalid")
			}
			if !slices.Contains(known, a.name) {
				known = append(known, a.name)
			}
		}
	}
	if len(known) != len(item) {
		return nil, invalid("The provided starting key is invalid")
	}
	key := p.table.schema.encode(item)
	if p.index != nil {
		key = append(p.index.schema.encode(item), key...)
	}
	return key, nil
}

// startAfter leaves out what a former page has read.
func (p *page) startAfter(start []byte) {
	switch {
	case start == nil:
	case p.keys.Reverse:
		p.keys.To = start
	default:
		p.keys.From = append(start, 0) // the next key there could be
	}
}

func (s *Service) run(p *page, in *pageInput) (*pageOutput, error) {
	if err := s.options.Store.Scan(p.space(), p.keys, p.visit); err != nil {
		return nil, s.internal("reading items", err)
	}
	if p.err != nil {
		return nil, s.internal("reading items", p.err)
	}
	out := &pageOutput{Count: p.count, ScannedCount: p.evaluated}
	if !p.countOnly {
		if p.items == nil {
			p.items = []json.RawMessage{}
		}
		out.Items = &p.items
	}
	if p.truncated {
		key, err := p.lastKey()
		if err != nil {
			return nil, s.internal("reading items", err)
		}
		out.LastEvaluatedKey = key
	}
	var cost consumption
	if p.index != nil {
		cost.addIndex(p.index.spec.Name, readUnits(p.bytes, false))
	} else {
		cost.table = readUnits(p.bytes, in.ConsistentRead)
	}
	out.ConsumedCapacity = cost.report(in.ReturnConsumedCapacity, p.table)
	return out, nil
}

// visit takes one item and reports whether the page goes on. Limit and page size count items before the filter; reaching
// Limit leaves a LastEvaluatedKey even behind the last item.
func (p *page) visit(_, raw []byte) bool {
	if p.bytes >= maxPageBytes {
		p.truncated = true
		return false
	}
	p.last = raw
	p.evaluated++
	p.bytes += p.last.size()
	if p.err = p.take(p.last); p.err != nil {
		return false
	}
	p.truncated = p.evaluated == p.limit
	return !p.truncated
}

// take adds the item to the page if the filter lets it through.
func (p *page) take(image stored) error {
	if p.filter != nil {
		item, err := image.item()
		if err != nil {
			return err
		}
		if !p.filter.holds(item) {
			return nil
		}
	}
	p.count++
	if p.countOnly {
		return nil
	}
	shown, err := image.show(p.projection)
	p.items = append(p.items, shown)
	return err
}

func (p *page) lastKey() (json.RawMessage, error) {
	item, err := p.last.item()
	if err != nil {
		return nil, err
	}
	key := p.table.schema.pick(item)
	if p.index != nil {
		for _, a := range p.index.schema.pick(item) {
			key = key.with(a.name, a.value)
		}
	}
	return itemJSON(key), nil
}
