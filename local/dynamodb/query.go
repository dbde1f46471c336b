package dynamodb

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strings"

	"github.com/payrail/payrail/local/storage"
	"github.com/payrail/payrail/local/wire"
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
	nested     []path    // document paths of the filter and projection that go into an attribute
	tests      []keyTest // of a query
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
	p, err := s.newPage(in, expression{"FilterExpression", in.FilterExpression}, expression{keyConditionExpression, in.KeyConditionExpression})
	if err != nil {
		return nil, err
	}
	key, err := newKeyCondition(p.tests, p.schema())
	if err != nil {
		return nil, err
	}
	for _, one := range p.filterOn {
		if p.schema().has(one[0].name) {
			return nil, invalid("Filter Expression can only contain non-primary key attributes: Primary key attribute: %s", one[0].name)
		}
	}
	if err := p.table.checkNested(p.nested); err != nil {
		return nil, err
	}
	p.keys = key.keys()
	p.keys.Reverse = in.ScanIndexForward != nil && !*in.ScanIndexForward
	start, err := p.startKey(in.ExclusiveStartKey)
	if err != nil {
		return nil, err
	}
	if err := key.checkStart(start, p.schema(), p.keys); err != nil {
		return nil, err
	}
	p.startAfter(start.key)
	return s.run(p, in)
}

func (s *Service) scan(_ context.Context, in *pageInput) (*pageOutput, error) {
	p, err := s.newPage(in, expression{"FilterExpression", in.FilterExpression})
	if err != nil {
		return nil, err
	}
	if err := p.table.checkNested(p.nested); err != nil {
		return nil, err
	}
	if p.keys, err = segment(in.Segment, in.TotalSegments); err != nil {
		return nil, err
	}
	start, err := p.startKey(in.ExclusiveStartKey)
	if err != nil {
		return nil, err
	}
	if start.key != nil && !within(start.key, p.keys) {
		return nil, invalid("The provided starting key is invalid: Invalid ExclusiveStartKey. Please use ExclusiveStartKey with correct Segment. "+
			"TotalSegments: %d Segment: %d", *in.TotalSegments, *in.Segment)
	}
	p.startAfter(start.key)
	return s.run(p, in)
}

func within(key []byte, r storage.Range) bool {
	return bytes.Compare(key, r.From) >= 0 && (r.To == nil || bytes.Compare(key, r.To) < 0)
}

// newPage checks what Query and Scan have in common. expressions are those that may have values; a query has a key condition.
func (s *Service) newPage(in *pageInput, expressions ...expression) (*page, error) {
	if err := in.refuse(); err != nil {
		return nil, err
	}
	if err := checkReturnConsumedCapacity(in.ReturnConsumedCapacity); err != nil {
		return nil, err
	}
	p := &page{}
	var err error
	if p.limit, err = checkLimit(in.Limit, math.MaxInt); err != nil {
		return nil, err
	}
	isQuery := len(expressions) > 1
	expressions = append(expressions, expression{"ProjectionExpression", in.ProjectionExpression})
	names, err := newScope(in.ExpressionAttributeNames, in.ExpressionAttributeValues, expressions...)
	if err != nil {
		return nil, err
	}
	if p.filter, p.filterOn, err = parseFilter("FilterExpression", in.FilterExpression, names); err != nil {
		return nil, err
	}
	if p.projection, err = parseProjection(in.ProjectionExpression, names); err != nil {
		return nil, err
	}
	p.nested = names.nested
	if isQuery {
		if p.tests, err = parseKeyTests(in.KeyConditionExpression, names); err != nil {
			return nil, err
		}
	}
	if err := names.finish(); err != nil {
		return nil, err
	}
	if err := p.bind(s, in); err != nil {
		return nil, err
	}
	return p, p.checkSelect(in)
}

// bind finds the table and index to read.
func (p *page) bind(s *Service, in *pageInput) (err error) {
	if p.table, err = s.table(in.TableName); err != nil || in.IndexName == "" {
		return err
	}
	if p.index = p.table.index(in.IndexName); p.index == nil {
		return invalid("The table does not have the specified index: %s", in.IndexName)
	}
	if in.ConsistentRead {
		return invalid("Consistent reads are not supported on global secondary indexes")
	}
	return nil
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

// startingKey is ExclusiveStartKey: the attributes, and where it lies in the store; key is nil where there is none.
type startingKey struct {
	item attrs
	key  []byte
}

// startKey reads ExclusiveStartKey. What is wrong with a key of a table's scan is told, of a query's or an index's less.
func (p *page) startKey(raw json.RawMessage) (startingKey, error) {
	const text = "The provided starting key is invalid"
	if raw == nil || string(raw) == "null" {
		return startingKey{}, nil
	}
	item, err := decodeItem(raw)
	var e *wire.Error
	if errors.As(err, &e) && strings.HasPrefix(e.Message, "Supplied AttributeValue") {
		return startingKey{}, invalid("%s: %s", text, e.Message)
	}
	if err != nil {
		return startingKey{}, err
	}
	short := invalid(text)
	if p.index == nil && p.tests == nil {
		short = invalid("%s: %s", text, wrongKey().Message)
	}
	known := map[string]bool{}
	for _, a := range slices.Concat(p.schema().attributes(), p.table.schema.attributes()) {
		if _, ok := item.get(a.name); !ok {
			return startingKey{}, short
		}
		known[a.name] = true
	}
	if len(known) != len(item) {
		return startingKey{}, short
	}
	if (p.index != nil || p.tests != nil) && !p.schema().isIn(item) {
		return startingKey{}, wrongKey()
	}
	for _, schema := range []keySchema{p.schema(), p.table.schema} {
		if !schema.isIn(item) {
			return startingKey{}, invalid("%s: %s", text, wrongKey().Message)
		}
		if err := schema.checkEmpty(item); err != nil {
			return startingKey{}, err
		}
	}
	key := p.table.schema.encode(item)
	if p.index != nil {
		key = append(p.index.schema.encode(item), key...)
	}
	return startingKey{item, key}, nil
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
