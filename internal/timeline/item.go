package timeline

import (
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/payrail/payrail/events"
)

const (
	// authorizationPrefix starts the partition key of the items that lead from an authorization to its transactions.
	authorizationPrefix = "AUTH#"
	// maxSortKey is DynamoDB's limit in bytes.
	maxSortKey = 1024
)

type attributes = map[string]types.AttributeValue

// itemKey is an item's primary key.
type itemKey struct{ pk, sk string }

// items are what an entry is written as: itself and, where it starts a transaction, the way there from the authorization.
// The same event gives the same items: writing it again changes nothing but publishedAt.
func (e Entry) items() map[itemKey]attributes {
	item := attributes{}
	put := func(name, value string) {
		if value != "" {
			item[name] = &types.AttributeValueMemberS{Value: value}
		}
	}
	put("pk", e.TransactionID)
	put("sk", e.EventID)
	put("detailType", string(e.DetailType))
	put("source", string(e.Source))
	put("occurredAt", e.OccurredAt)
	put("publishedAt", e.PublishedAt)
	put("authorizationId", e.AuthorizationID)
	put("postingSequence", e.PostingSequence)
	put("summary", e.Summary)
	if e.Attempt > 0 {
		item["attempt"] = &types.AttributeValueMemberN{Value: strconv.Itoa(e.Attempt)}
	}
	items := map[itemKey]attributes{{e.TransactionID, e.EventID}: item}
	if e.startsTransaction() {
		key := itemKey{authorizationPrefix + e.AuthorizationID, e.TransactionID}
		items[key] = attributes{"pk": &types.AttributeValueMemberS{Value: key.pk}, "sk": &types.AttributeValueMemberS{Value: key.sk}}
	}
	return items
}

func entryOf(item attributes) Entry {
	text := func(name string) string {
		if value, ok := item[name].(*types.AttributeValueMemberS); ok {
			return value.Value
		}
		return ""
	}
	attempt := 0
	if number, ok := item["attempt"].(*types.AttributeValueMemberN); ok {
		attempt, _ = strconv.Atoi(number.Value) // Written by items; what else could be there counts as the first attempt.
	}
	return Entry{
		TransactionID: text("pk"), EventID: text("sk"), DetailType: events.DetailType(text("detailType")), Source: events.Source(text("source")),
		OccurredAt: text("occurredAt"), PublishedAt: text("publishedAt"), AuthorizationID: text("authorizationId"),
		PostingSequence: text("postingSequence"), Attempt: attempt, Summary: text("summary"),
	}
}
