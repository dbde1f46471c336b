package lambda

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFailedMessages(t *testing.T) {
	batch := map[string]bool{"m1": true, "m2": true}
	success := map[string]bool{}
	for response, want := range map[string]struct {
		failed map[string]bool
		all    bool
	}{
		"":                           {failed: success},
		"null":                       {failed: success},
		`""`:                         {failed: success},
		"{}":                         {failed: success},
		"[]":                         {failed: success},
		` {"other":1}`:               {failed: success},
		`{"batchItemFailures":null}`: {failed: success},
		`{"batchItemFailures":[]}`:   {failed: success},
		`{"batchItemFailures":[{"itemIdentifier":"m2"}]}`:                           {failed: map[string]bool{"m2": true}},
		`{"batchItemFailures":[{"itemIdentifier":"m1"},{"itemIdentifier":"m2"}]}`:   {failed: batch},
		`{"batchItemFailures":[{"itemIdentifier":"m2"},{"itemIdentifier":"m2"}]}`:   {failed: map[string]bool{"m2": true}},
		`{"batchItemFailures":[{"itemIdentifier":"m2"},{"itemIdentifier":"none"}]}`: {all: true},
		`{"batchItemFailures":[{"itemIdentifier":""}]}`:                             {all: true},
		`{"batchItemFailures":[{"itemIdentifier":null}]}`:                           {all: true},
		`{"batchItemFailures":[{"itemIdentifier":7}]}`:                              {all: true},
		`{"batchItemFailures":[{"foo":"m1"}]}`:                                      {all: true},
		`{"batchItemFailures":[{"ItemIdentifier":"m1"}]}`:                           {all: true},
		`{"batchItemFailures":[null]}`:                                              {all: true},
		`{"batchItemFailures":{"itemIdentifier":"m1"}}`:                             {all: true},
		`"done"`: {all: true},
		`7`:      {all: true},
		`[1]`:    {all: true},
	} {
		t.Run(response, func(t *testing.T) {
			failed, all := failedMessages([]byte(response), batch)
			require.Equal(t, want.all, all)
			require.Len(t, failed, len(want.failed))
			for id := range want.failed {
				require.True(t, failed[id])
			}
		})
	}
}

func FuzzFailedMessages(f *testing.F) {
	f.Add([]byte(`{"batchItemFailures":[{"itemIdentifier":"m1"}]}`))
	f.Fuzz(func(t *testing.T, response []byte) {
		failed, all := failedMessages(response, map[string]bool{"m1": true})
		require.False(t, all && len(failed) > 0)
		for id := range failed {
			require.Equal(t, "m1", id, "only messages of the batch can fail by name")
		}
	})
}
