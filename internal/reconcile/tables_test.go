package reconcile

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/internal/bulkread"
	"github.com/payrail/payrail/internal/ledger"
)

// index answers every query with the same items.
type index struct {
	bulkread.Client
	items []attributes
}

func (i index) Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	return &dynamodb.QueryOutput{Items: i.items}, nil
}

// Others write into these tables too. What they stamp wrongly is seen, and does not keep the rest from being seen.
func TestAStampThatCannotBeReadEndsNoRun(t *testing.T) {
	from := written.Truncate(time.Hour)
	reader := bulkread.Reader{Client: index{items: []attributes{
		{"authorizationId": textValue("auth-1"), "status": textValue("APPROVED"), "ingestedAt": textValue("2026-11-22T11:1")},
		{"authorizationId": textValue("auth-2"), "status": textValue("APPROVED"), "ingestedAt": textValue("2026-11-22T11:10:00.000Z")},
	}}}
	at := map[string]time.Time{}
	err := AuthorizationsTable{Reader: reader, Table: "authorizations"}.InBucket(t.Context(), "2026-11-22T11#0", from, from.Add(time.Hour), func(a StampedAuthorization) error {
		at[a.ID] = a.At
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, map[string]time.Time{"auth-1": from, "auth-2": from.Add(10 * time.Minute)}, at)

	journal := ledger.NewBulkReader(bulkread.Reader{Client: index{items: []attributes{
		{"pk": textValue("JOURNAL#ps_1-00"), "authorizationId": textValue("auth-1"), "occurredAt": textValue("2026-11-22T11:1"), "principalMinor": &types.AttributeValueMemberN{Value: "1"}},
		{"pk": textValue("JOURNAL#ps_2-00"), "authorizationId": textValue("auth-2"), "occurredAt": textValue("2026-11-22T11:10:00.000Z"), "principalMinor": textValue("x")},
	}}}, "ledger")
	var seen []ledger.Stamped
	err = journal.InBucket(t.Context(), "2026-11-22T11#0", from, from.Add(time.Hour), func(c ledger.Stamped) error {
		seen = append(seen, c)
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, []ledger.Stamped{{SequenceID: "ps_1-00", AuthorizationID: "auth-1"}, {SequenceID: "ps_2-00", AuthorizationID: "auth-2"}}, seen)
}
