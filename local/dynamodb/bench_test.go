package dynamodb

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/local/clock"
	"github.com/payrail/payrail/local/storage"
)

// benchBody is about the size of an authorization: 30 attributes, 1 KB.
func benchBody(id int64, rest string) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, `{"TableName":"Bench","Item":{"id":{"S":"auth-%d"}`, id)
	for i := range 29 {
		fmt.Fprintf(&b, `,"attribute%d":{"S":"value %d of an authorization"}`, i, i)
	}
	return []byte(b.String() + `}` + rest + `}`)
}

func benchService(b *testing.B) *Service {
	s := New(Options{Store: storage.NewMemory(), Clock: clock.NewScaled(1), Region: "us-east-1", Account: "000000000000"})
	_, err := s.CreateTable(TableSpec{Name: "Bench", PartitionKey: Key{"id", "S"}, StreamView: ViewNewAndOld})
	require.NoError(b, err)
	return s
}

func benchCalls(b *testing.B, s *Service, operation string, body func(n int64) []byte) {
	b.ReportAllocs()
	var n atomic.Int64
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := s.Call(context.Background(), operation, body(n.Add(1))); err != nil {
				b.Error(err)
			}
		}
	})
}

func BenchmarkPutItem(b *testing.B) {
	benchCalls(b, benchService(b), "PutItem", func(n int64) []byte { return benchBody(n, `,"ConditionExpression":"attribute_not_exists(id)"`) })
}

func BenchmarkGetItem(b *testing.B) {
	s := benchService(b)
	_, err := s.Call(context.Background(), "PutItem", benchBody(0, ""))
	require.NoError(b, err)
	body := []byte(`{"TableName":"Bench","Key":{"id":{"S":"auth-0"}}}`)
	benchCalls(b, s, "GetItem", func(int64) []byte { return body })
}

func BenchmarkUpdateItem(b *testing.B) {
	s := benchService(b)
	benchCalls(b, s, "UpdateItem", func(n int64) []byte {
		return fmt.Appendf(nil, `{"TableName":"Bench","Key":{"id":{"S":"balance-%d"}},"UpdateExpression":"SET updatedBy = :b ADD amount :a, postings :p",
			"ExpressionAttributeValues":{":a":{"N":"-1981"},":p":{"N":"1"},":b":{"S":"seq-%d"}}}`, n%1000, n)
	})
}

func BenchmarkTransactWriteItems(b *testing.B) {
	s := benchService(b)
	benchCalls(b, s, "TransactWriteItems", func(n int64) []byte {
		return fmt.Appendf(nil, `{"ClientRequestToken":"t-%d","TransactItems":[{"Put":{"TableName":"Bench","Item":{"id":{"S":"journal-%d"}},"ConditionExpression":"attribute_not_exists(id)"}},
			{"Put":{"TableName":"Bench","Item":{"id":{"S":"entry-%d"}}}},{"Update":{"TableName":"Bench","Key":{"id":{"S":"balance-%d"}},
			"UpdateExpression":"ADD amount :a","ExpressionAttributeValues":{":a":{"N":"-1981"}}}}]}`, n, n, n, n%1000)
	})
}

func BenchmarkStreamRead(b *testing.B) {
	s := benchService(b)
	for i := range int64(100) {
		_, err := s.Call(context.Background(), "PutItem", benchBody(i, ""))
		require.NoError(b, err)
	}
	stream := s.tables["Bench"].stream
	b.ReportAllocs()
	for b.Loop() {
		if records, err := stream.Read("", 10); err != nil || len(records) != 10 {
			b.Fatal(len(records), err)
		}
	}
}
