package bulkread

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"
)

// table answers half of the keys at a time, and pages of two.
type table struct {
	sizes    []int
	pages    int
	stubborn bool
	err      error
}

func (f *table) BatchGetItem(_ context.Context, in *dynamodb.BatchGetItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error) {
	if f.err != nil {
		return nil, f.err
	}
	want := in.RequestItems["t"]
	f.sizes = append(f.sizes, len(want.Keys))
	some := (len(want.Keys) + 1) / 2
	if f.stubborn {
		some = 0
	}
	out := &dynamodb.BatchGetItemOutput{Responses: map[string][]item{"t": want.Keys[:some]}}
	if some < len(want.Keys) {
		out.UnprocessedKeys = map[string]types.KeysAndAttributes{"t": {Keys: want.Keys[some:]}}
	}
	return out, nil
}

func (f *table) page(start item) (items []item, last item) {
	f.pages++
	if f.pages == 2 { // A page may be empty and not the last.
		return nil, keyOf(2)
	}
	if start == nil {
		return []item{keyOf(0), keyOf(1)}, keyOf(1)
	}
	return []item{keyOf(3)}, nil
}

func (f *table) Query(_ context.Context, in *dynamodb.QueryInput, _ ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	items, last := f.page(in.ExclusiveStartKey)
	return &dynamodb.QueryOutput{Items: items, LastEvaluatedKey: last}, f.err
}

func (f *table) Scan(_ context.Context, in *dynamodb.ScanInput, _ ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error) {
	items, last := f.page(in.ExclusiveStartKey)
	return &dynamodb.ScanOutput{Items: items, LastEvaluatedKey: last}, f.err
}

func keyOf(n int) item { return item{"pk": &types.AttributeValueMemberS{Value: strconv.Itoa(n)}} }

func keys(n int) []item {
	all := make([]item, n)
	for i := range all {
		all[i] = keyOf(i)
	}
	return all
}

func noWait(context.Context, time.Duration) error { return nil }

func TestGetAsksAgainForWhatIsUnprocessed(t *testing.T) {
	f, seen := &table{}, map[string]int{}
	err := Reader{Client: f, Wait: noWait}.Get(t.Context(), "t", keys(104), func(found item) error {
		seen[found["pk"].(*types.AttributeValueMemberS).Value]++
		return nil
	})
	require.NoError(t, err)
	require.Len(t, seen, 104)
	require.Equal(t, []int{100, 50, 25, 12, 6, 3, 1, 4, 2, 1}, f.sizes)
}

func TestGetGivesUp(t *testing.T) {
	f := &table{stubborn: true}
	var waits []time.Duration
	reader := Reader{Client: f, Wait: func(_ context.Context, d time.Duration) error { waits = append(waits, d); return nil }}
	require.ErrorIs(t, reader.Get(t.Context(), "t", keys(1), nil), ErrUnprocessed)
	require.Len(t, f.sizes, attempts)
	require.Equal(t, longestBackoff, waits[len(waits)-1])
	reader.Wait = func(context.Context, time.Duration) error { return context.Canceled }
	require.ErrorIs(t, reader.Get(t.Context(), "t", keys(1), nil), context.Canceled)
	f.err = errors.New("throttled")
	require.ErrorIs(t, reader.Get(t.Context(), "t", keys(1), nil), f.err)
}

func TestPagesAreReadToTheEnd(t *testing.T) {
	var seen []string
	visit := func(found item) error {
		seen = append(seen, found["pk"].(*types.AttributeValueMemberS).Value)
		return nil
	}
	require.NoError(t, Reader{Client: &table{}}.Query(t.Context(), &dynamodb.QueryInput{}, visit))
	require.NoError(t, Reader{Client: &table{}}.Scan(t.Context(), &dynamodb.ScanInput{}, visit))
	require.Equal(t, []string{"0", "1", "3", "0", "1", "3"}, seen)
	enough := errors.New("enough")
	stop := func(item) error { return enough }
	require.ErrorIs(t, Reader{Client: &table{}}.Query(t.Context(), &dynamodb.QueryInput{}, stop), enough)
	require.ErrorIs(t, Reader{Client: &table{}}.Scan(t.Context(), &dynamodb.ScanInput{}, stop), enough)
}
