package dynamodb

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/local/clock"
	"github.com/payrail/payrail/local/storage"
)

// durable makes a service with one table over a store, as a process would that follows one that was killed.
func durable(t *testing.T, c clock.Clock, store storage.Store, spec TableSpec) (*Service, *Stream) {
	t.Helper()
	s := New(Options{Store: store, Durable: true, Clock: c, Region: "us-east-1", Account: "000000000000"})
	info, err := s.CreateTable(spec)
	require.NoError(t, err)
	if info.StreamARN == "" {
		return s, nil
	}
	stream, err := s.Stream(info.StreamARN)
	require.NoError(t, err)
	return s, stream
}

func tableSpec() TableSpec {
	return TableSpec{Name: "Payments", PartitionKey: Key{"id", "S"}, StreamView: ViewNewAndOld}
}

func put(t *testing.T, s *Service, item string) {
	t.Helper()
	_, err := s.Call(context.Background(), "PutItem", []byte(`{"TableName":"Payments","Item":`+item+`}`))
	require.NoError(t, err)
}

func ids(t *testing.T, records []StreamRecord) []string {
	t.Helper()
	all := make([]string, len(records))
	for i, r := range records {
		all[i] = r.SequenceNumber + " " + string(r.JSON)
	}
	return all
}

func TestAStreamGoesOnWhereTheLastProcessWas(t *testing.T) {
	c, store := clock.NewManual(testStart), storage.NewMemory()
	s, stream := durable(t, c, store, tableSpec())
	put(t, s, `{"id":{"S":"1"}}`)
	put(t, s, `{"id":{"S":"1"},"n":{"N":"2"}}`)
	before, err := stream.Read("", 10)
	require.NoError(t, err)
	require.Len(t, before, 2)
	c.Advance(time.Hour)

	after, continued := durable(t, c, store, tableSpec())
	require.Equal(t, stream.ARN(), continued.ARN())
	again, err := continued.Read("", 10)
	require.NoError(t, err)
	require.Equal(t, ids(t, before), ids(t, again))
	require.Equal(t, before[0].Created, again[0].Created)
	put(t, after, `{"id":{"S":"3"}}`)
	next, err := continued.Read(before[1].SequenceNumber, 10)
	require.NoError(t, err)
	require.Len(t, next, 1)
	require.Contains(t, string(next[0].JSON), `"3"`)
	description, err := after.Call(context.Background(), "DescribeTable", []byte(`{"TableName":"Payments"}`))
	require.NoError(t, err)
	require.Equal(t, epochSeconds(testStart), description.(*describeTableOutput).Table.CreationDateTime)
}

// A reader keeps its position over a restart also where all records it has read are past retention.
func TestAPositionStaysGoodWhereEverythingIsTrimmed(t *testing.T) {
	c, store := clock.NewManual(testStart), storage.NewMemory()
	s, stream := durable(t, c, store, tableSpec())
	for i := range 3 {
		put(t, s, `{"id":{"S":"`+strconv.Itoa(i)+`"}}`)
	}
	position := stream.Latest()
	c.Advance(StreamRetention + time.Minute)
	put(t, s, `{"id":{"S":"young"}}`) // Trims the others, in the store too.
	var left int
	require.NoError(t, store.Scan(streamSpace+"Payments", storage.Range{}, func(_, _ []byte) bool { left++; return true }))
	require.Equal(t, 1, left)
	c.Advance(StreamRetention + time.Minute)
	s, stream = durable(t, c, store, tableSpec())
	_, err := stream.Read("", 10) // Trims the last one.
	require.NoError(t, err)
	put(t, s, `{"id":{"S":"next"}}`)
	s, stream = durable(t, c, store, tableSpec())
	put(t, s, `{"id":{"S":"last"}}`)
	read, err := stream.Read(position, 10)
	require.NoError(t, err)
	require.Len(t, read, 2)
}

func TestOldRecordsAreReadFromTheStore(t *testing.T) {
	c, store := clock.NewManual(testStart), storage.NewMemory()
	s, stream := durable(t, c, store, tableSpec())
	const all = warmRecords + 20
	for i := range all {
		put(t, s, `{"id":{"S":"`+strconv.Itoa(i)+`"}}`)
	}
	require.Nil(t, stream.records[19].new)
	require.NotNil(t, stream.records[20].new)
	records, err := stream.Read("", all+1)
	require.NoError(t, err)
	require.Len(t, records, all)
	for i, r := range records {
		require.Contains(t, string(r.JSON), `"NewImage":{"id":{"S":"`+strconv.Itoa(i)+`"}}`)
	}
}

func TestAnotherKeyIsRefused(t *testing.T) {
	c, store := clock.NewManual(testStart), storage.NewMemory()
	durable(t, c, store, tableSpec())
	other := tableSpec()
	other.SortKey = Key{"at", "N"}
	s := New(Options{Store: store, Durable: true, Clock: c, Region: "us-east-1", Account: "000000000000"})
	_, err := s.CreateTable(other)
	require.ErrorContains(t, err, "table Payments with the key (id S), the table to create has the key (id S, at N): take another data folder")
	_, err = s.CreateTable(tableSpec())
	require.NoError(t, err, "nothing was changed")
}

func TestAnIndexThatIsNewIsFilled(t *testing.T) {
	c, store := clock.NewManual(testStart), storage.NewMemory()
	spec := tableSpec()
	spec.Indexes = []IndexSpec{{Name: "ByOwner", PartitionKey: Key{"owner", "S"}, Projection: ProjectKeysOnly}}
	s, _ := durable(t, c, store, spec)
	put(t, s, `{"id":{"S":"1"},"owner":{"S":"alice"},"at":{"N":"7"}}`)
	put(t, s, `{"id":{"S":"2"},"owner":{"S":"bob"},"at":{"S":"no number"}}`)
	put(t, s, `{"id":{"S":"3"}}`)

	spec.Indexes = []IndexSpec{{Name: "ByTime", PartitionKey: Key{"at", "N"}, Projection: ProjectAll}}
	s, _ = durable(t, c, store, spec)
	out, err := s.Call(context.Background(), "Scan", []byte(`{"TableName":"Payments","IndexName":"ByTime"}`))
	require.NoError(t, err)
	require.Len(t, *out.(*pageOutput).Items, 1)
	require.JSONEq(t, `{"id":{"S":"1"},"owner":{"S":"alice"},"at":{"N":"7"}}`, string((*out.(*pageOutput).Items)[0]))
	require.NoError(t, store.Scan("dynamodb/Payments/index/ByOwner", storage.Range{}, func(key, _ []byte) bool {
		t.Errorf("the index that is no more has %q", key)
		return true
	}))
}

func TestAnotherViewIsAnotherStream(t *testing.T) {
	c, store := clock.NewManual(testStart), storage.NewMemory()
	s, stream := durable(t, c, store, tableSpec())
	put(t, s, `{"id":{"S":"1"}}`)
	c.Advance(time.Hour)
	other := tableSpec()
	other.StreamView = ViewKeysOnly
	s, next := durable(t, c, store, other)
	require.NotEqual(t, stream.ARN(), next.ARN())
	records, err := next.Read("", 10)
	require.NoError(t, err)
	require.Empty(t, records)
	put(t, s, `{"id":{"S":"2"}}`)
	_, next = durable(t, c, store, other)
	records, err = next.Read("", 10)
	require.NoError(t, err)
	require.Len(t, records, 1)
}

func TestADeletedTableIsGone(t *testing.T) {
	c, store := clock.NewManual(testStart), storage.NewMemory()
	s, _ := durable(t, c, store, tableSpec())
	put(t, s, `{"id":{"S":"1"}}`)
	_, err := s.Call(context.Background(), "DeleteTable", []byte(`{"TableName":"Payments"}`))
	require.NoError(t, err)
	other := tableSpec()
	other.PartitionKey = Key{"other", "N"}
	s, stream := durable(t, c, store, other)
	out, err := s.Call(context.Background(), "Scan", []byte(`{"TableName":"Payments"}`))
	require.NoError(t, err)
	require.Empty(t, *out.(*pageOutput).Items)
	records, err := stream.Read("", 10)
	require.NoError(t, err)
	require.Empty(t, records)
}

func TestATransactionTokenOutlivesTheService(t *testing.T) {
	c, store := clock.NewManual(testStart), storage.NewMemory()
	s, _ := durable(t, c, store, tableSpec())
	transact := func(s *Service, id string) error {
		_, err := s.Call(context.Background(), "TransactWriteItems", []byte(`{"ClientRequestToken":"token","TransactItems":[
			{"Put":{"TableName":"Payments","Item":{"id":{"S":"`+id+`"}},"ConditionExpression":"attribute_not_exists(id)"}}]}`))
		return err
	}
	require.NoError(t, transact(s, "1"))
	s, stream := durable(t, c, store, tableSpec())
	require.NoError(t, transact(s, "1"), "the same request again is done already")
	require.ErrorContains(t, transact(s, "2"), "IdempotentParameterMismatch")
	records, err := stream.Read("", 10)
	require.NoError(t, err)
	require.Len(t, records, 1)
	c.Advance(tokenLife + time.Second)
	s, _ = durable(t, c, store, tableSpec())
	require.ErrorContains(t, transact(s, "1"), "ConditionalCheckFailed", "its time is over")
}

// heldStore lets a test stop and fail writes.
type heldStore struct {
	*storage.Memory
	before func(*storage.Batch) error
}

func (h *heldStore) Apply(b *storage.Batch) error {
	if h.before != nil {
		if err := h.before(b); err != nil {
			return err
		}
	}
	return h.Memory.Apply(b)
}

// A record whose write is under way holds up those behind it: a reader that got past its number would never see it.
func TestAReaderDoesNotOvertakeAWrite(t *testing.T) {
	for name, failure := range map[string]error{"done": nil, "failed": errors.New("the device is full")} {
		t.Run(name, func(t *testing.T) {
			c, store := clock.NewManual(testStart), &heldStore{Memory: storage.NewMemory()}
			s, stream := durable(t, c, store, tableSpec())
			arrived, release := make(chan struct{}), make(chan struct{})
			first := true
			store.before = func(*storage.Batch) error {
				if !first {
					return nil
				}
				first = false
				close(arrived)
				<-release
				return failure
			}
			latest := stream.Latest()
			slow := make(chan error)
			go func() {
				_, err := s.Call(context.Background(), "PutItem", []byte(`{"TableName":"Payments","Item":{"id":{"S":"slow"}}}`))
				slow <- err
			}()
			<-arrived
			put(t, s, `{"id":{"S":"fast"}}`)
			records, err := stream.Read("", 10)
			require.NoError(t, err)
			require.Empty(t, records)
			require.Equal(t, latest, stream.Latest())
			changed := stream.Changed()
			close(release)
			require.Equal(t, failure != nil, <-slow != nil)
			<-changed
			want := []string{"slow", "fast"}
			if failure != nil {
				want = want[1:]
			}
			records, err = stream.Read("", 10)
			require.NoError(t, err)
			require.Len(t, records, len(want))
			for i, id := range want {
				require.Contains(t, string(records[i].JSON), fmt.Sprintf(`"Keys":{"id":{"S":%q}}`, id))
			}
			_, restarted := durable(t, c, store, tableSpec())
			again, err := restarted.Read("", 10)
			require.NoError(t, err)
			require.Equal(t, ids(t, records), ids(t, again))
		})
	}
}
