package dynamodb

import (
	"context"
	"fmt"
	"hash/maphash"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/payrail/payrail/local/clock"
	"github.com/payrail/payrail/local/faults"
	"github.com/payrail/payrail/local/storage"
	"github.com/payrail/payrail/local/wire"
)

// Prefixes of the X-Amz-Target header.
const (
	TargetPrefix        = "DynamoDB_20120810"
	StreamsTargetPrefix = "DynamoDBStreams_20120810"
	errorNamespace      = "com.amazonaws.dynamodb.v20120810#"
	protocolVersion     = "1.0"
)

// Options are what a Service works with. Store, Clock, Region and Account are needed.
type Options struct {
	Store storage.Store
	// Durable says that the store outlives the process: then it gets the tables' definitions, the streams and the tokens of
	// transactions too, and a table of an earlier process's name goes on where that one was.
	Durable bool
	Clock   clock.Clock
	Faults  *faults.Injector
	// Logger gets the failures of the store; nil logs nothing.
	Logger  *slog.Logger
	Region  string
	Account string
	// Observe hears of failed calls, once for each table concerned, by a metric's name; nil: nobody does. It must not block.
	Observe func(table, operation, metric string)
}

// Service is DynamoDB and DynamoDB Streams of one account and region. It is safe for concurrent use.
type Service struct {
	options Options
	api     *wire.JSON
	streams *wire.JSON
	locks   locks
	ongoing ongoing
	tokens  tokens

	// mu guards tables and byARN. Calls on items hold it for reading until they are done, so that a table is not deleted
	// under them; none takes it twice.
	mu     sync.RWMutex
	tables map[string]*table
	byARN  map[string]*Stream
}

// New returns a service without tables.
func New(o Options) *Service {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Service{options: o, tables: map[string]*table{}, byARN: map[string]*Stream{}}
	s.locks.seed = maphash.MakeSeed()
	s.tokens.clock = o.Clock
	if o.Durable {
		s.tokens.store = o.Store
	}
	server := func(prefix string, operations map[string]wire.Operation) *wire.JSON {
		return &wire.JSON{Name: "dynamodb", TargetPrefix: prefix, Version: protocolVersion, ErrorNamespace: errorNamespace,
			Checksum: true, Operations: operations, Faults: o.Faults, Observe: s.observe}
	}
	s.api = server(TargetPrefix, map[string]wire.Operation{
		"CreateTable":        wire.Op(s.createTable),
		"DescribeTable":      wire.Op(s.describeTable),
		"ListTables":         wire.Op(s.listTables),
		"DescribeTimeToLive": wire.Op(s.describeTimeToLive),
		"DeleteTable":        wire.Op(s.deleteTable),
		"PutItem":            writing(s, "PutItem", s.putItem),
		"GetItem":            onItems(s, s.getItem),
		"UpdateItem":         writing(s, "UpdateItem", s.updateItem),
		"DeleteItem":         writing(s, "DeleteItem", s.deleteItem),
		"Query":              onItems(s, s.query),
		"Scan":               onItems(s, s.scan),
		"BatchGetItem":       onItems(s, s.batchGetItem),
		"BatchWriteItem":     onItems(s, s.batchWriteItem),
		"TransactWriteItems": onItems(s, s.transactWriteItems),
		"TransactGetItems":   onItems(s, s.transactGetItems),
	})
	s.streams = server(StreamsTargetPrefix, map[string]wire.Operation{
		"ListStreams":      wire.Op(s.listStreams),
		"DescribeStream":   wire.Op(s.describeStream),
		"GetShardIterator": wire.Op(s.getShardIterator),
		"GetRecords":       wire.Op(s.getRecords),
	})
	return s
}

// onItems makes the operation of a call on items, which keeps the tables as they are while it runs.
func onItems[In, Out any](s *Service, f func(context.Context, *In) (*Out, error)) wire.Operation {
	return wire.Op(func(ctx context.Context, in *In) (*Out, error) {
		s.mu.RLock()
		defer s.mu.RUnlock()
		return f(ctx, in)
	})
}

// ServeHTTP answers both APIs, told apart by the X-Amz-Target header.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.Header.Get("X-Amz-Target"), StreamsTargetPrefix+".") {
		s.streams.ServeHTTP(w, r)
		return
	}
	s.api.ServeHTTP(w, r)
}

// Call does one operation of DynamoDB by name as a request over HTTP would, with the faults armed for it.
func (s *Service) Call(ctx context.Context, operation string, body []byte) (any, error) {
	return s.api.Call(ctx, operation, body)
}

// table finds a table by name or ARN. Callers hold s.mu.
func (s *Service) table(nameOrARN string) (*table, error) {
	if nameOrARN == "" {
		return nil, invalid("1 validation error detected: Value null at 'tableName' failed to satisfy constraint: Member must not be null")
	}
	name := nameOrARN
	if strings.HasPrefix(name, "arn:") {
		_, name, _ = strings.Cut(name, ":table/")
	}
	t := s.tables[name]
	if t == nil || (name != nameOrARN && t.arn != nameOrARN) {
		return nil, notFound()
	}
	return t, nil
}

// CreateTable creates a table. Items of a table of this name that are in the store already are its items.
func (s *Service) CreateTable(spec TableSpec) (TableInfo, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.addTable(spec)
	if err != nil {
		return TableInfo{}, fmt.Errorf("creating table %s: %w", spec.Name, err)
	}
	return t.info(), nil
}

func (s *Service) addTable(spec TableSpec) (*table, error) {
	spec.Indexes = slices.Clone(spec.Indexes)
	now := s.options.Clock.Now()
	t, err := newTable(spec, s.options.Region, s.options.Account, wire.RequestID(), now, s.locks.seed)
	if err != nil {
		return nil, err
	}
	if s.tables[spec.Name] != nil {
		return nil, wire.Errorf(codeResourceInUse, "Table already exists: %s", spec.Name)
	}
	if err := s.adopt(t); err != nil {
		return nil, err
	}
	if t.stream != nil {
		t.stream.faults = s.options.Faults
		s.byARN[t.stream.arn] = t.stream
	}
	s.tables[spec.Name] = t
	return t, nil
}

// internal logs a failure of the store, which the caller sees as InternalServerError.
func (s *Service) internal(doing string, err error) error {
	s.options.Logger.Error("dynamodb: "+doing, "error", err)
	return &wire.Error{Status: http.StatusInternalServerError, Code: "InternalServerError", Message: doing + ": " + err.Error()}
}
