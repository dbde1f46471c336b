package dynamodb

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/local/clock"
	"github.com/payrail/payrail/local/faults"
	"github.com/payrail/payrail/local/storage"
	"github.com/payrail/payrail/local/wire"
)

var testStart = time.Date(2026, 7, 9, 10, 15, 30, 500_000_000, time.UTC)

// fixture is a service on a manual clock with the tables of the developer guide: ProductCatalog (Id N) and Thread
// (ForumName S, Subject S) with a stream and three indexes.
type fixture struct {
	*testing.T
	*Service
	clock  *clock.Manual
	faults *faults.Injector
	stream *Stream
}

func threadSpec() TableSpec {
	return TableSpec{
		Name: "Thread", PartitionKey: Key{"ForumName", "S"}, SortKey: Key{"Subject", "S"}, StreamView: ViewNewAndOld, TTLAttribute: "expiresAt",
		Indexes: []IndexSpec{
			{Name: "ByViews", PartitionKey: Key{"ForumName", "S"}, SortKey: Key{"Views", "N"}, Projection: ProjectAll},
			{Name: "ByPoster", PartitionKey: Key{"LastPostedBy", "S"}, Projection: ProjectKeysOnly},
			{Name: "WithTags", PartitionKey: Key{"LastPostedBy", "S"}, SortKey: Key{"Views", "N"}, Projection: ProjectInclude, Include: []string{"Tags"}},
		},
	}
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{T: t, clock: clock.NewManual(testStart), faults: &faults.Injector{}}
	f.Service = New(Options{Store: storage.NewMemory(), Clock: f.clock, Faults: f.faults, Region: "us-east-1", Account: "000000000000"})
	_, err := f.CreateTable(TableSpec{Name: "ProductCatalog", PartitionKey: Key{"Id", "N"}})
	require.NoError(t, err)
	info, err := f.CreateTable(threadSpec())
	require.NoError(t, err)
	f.stream, err = f.Stream(info.StreamARN)
	require.NoError(t, err)
	return f
}

// call does an operation and returns the answer as JSON.
func (f *fixture) call(operation, body string) (string, *wire.Error) {
	f.Helper()
	server := f.api
	if f.api.Operations[operation] == nil && f.streams.Operations[operation] != nil {
		server = f.streams
	}
	out, err := server.Call(context.Background(), operation, []byte(body))
	if err != nil {
		var e *wire.Error
		require.True(f, errors.As(err, &e), "%v", err)
		return "", e
	}
	text, err := json.Marshal(out)
	require.NoError(f, err)
	return string(text), nil
}

func (f *fixture) must(operation, body string) string {
	f.Helper()
	out, err := f.call(operation, body)
	require.Nil(f, err, "%s %s", operation, body)
	return out
}

func (f *fixture) refused(operation, body, code, message string) *wire.Error {
	f.Helper()
	_, err := f.call(operation, body)
	require.NotNil(f, err, "%s %s was accepted", operation, body)
	require.Equal(f, code, err.Code, err.Message)
	require.Equal(f, message, err.Message)
	return err
}

// bicycle is item 205 of the developer guide, shortened.
const bicycle = `{"Id":{"N":"205"},"Title":{"S":"20-Bicycle 205"},"Price":{"N":"500"},"Color":{"L":[{"S":"Red"},{"S":"Black"}]},
 "ProductCategory":{"S":"Bicycle"},"InStock":{"BOOL":true},"Brand":{"S":"Brand-Company C"},"QuantityOnHand":{"NULL":true},
 "RelatedItems":{"L":[{"N":"341"},{"N":"472"},{"N":"649"}]},"Pictures":{"M":{"FrontView":{"S":"http://example.com/205_front.jpg"}}},
 "ProductReviews":{"M":{"FiveStar":{"L":[{"S":"Excellent!"},{"S":"Buy it"}]},"OneStar":{"L":[{"S":"Terrible"}]}}},
 "Colors":{"SS":["Red","Blue"]},"Sizes":{"NS":["10","9.50","-3"]},"Photo":{"B":"AAEC"}}`

func (f *fixture) putBicycle() {
	f.Helper()
	f.must("PutItem", `{"TableName":"ProductCatalog","Item":`+bicycle+`}`)
}

const bicycleKey = `"TableName":"ProductCatalog","Key":{"Id":{"N":"205"}}`

func quote(text string) string {
	out, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return string(out)
}
