package ledger

import (
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/payrail/payrail/payment"
)

// Prefixes of the partition keys. The access policy of the posting function names them.
const (
	journalPrefix = "JOURNAL#"
	entryPrefix   = "ENTRY#"
	balancePrefix = "BALANCE#"
	// journalSort is the sort key of every journal item: a sequence has one.
	journalSort = "JOURNAL"
	// reversalPrefix precedes the sequence whose reversals the item counts.
	reversalPrefix = "REVERSAL#"
	reversalSort   = "REVERSAL"
)

// itemKey is the primary key of an item.
type itemKey struct{ partition, sort string }

func (k itemKey) attributes() map[string]types.AttributeValue {
	return map[string]types.AttributeValue{"pk": text(k.partition), "sk": text(k.sort)}
}

func journalKey(sequence string) itemKey { return itemKey{journalPrefix + sequence, journalSort} }

func reversalKey(original string) itemKey { return itemKey{reversalPrefix + original, reversalSort} }

// entryKey sorts the entries of an account by when their payments came in, whatever the order of posting.
func entryKey(sequence payment.Sequence, leg payment.Leg) itemKey {
	return itemKey{entryPrefix + leg.Account, fmt.Sprintf("%s#%s#%02d", sequence.OccurredAt, sequence.ID, leg.Number)}
}

func balanceKey(account string, currency payment.Currency) itemKey {
	return itemKey{balancePrefix + account, string(currency)}
}

// isKind reports whether a partition key has one of the prefixes above.
func isKind(partition, prefix string) bool { return strings.HasPrefix(partition, prefix) }
