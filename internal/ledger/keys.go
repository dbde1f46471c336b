package ledger

import (
	"fmt"
	"slices"
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
	// purchasePrefix precedes the head of a business key: of a purchase, or of a message that leads to one.
	purchasePrefix = "PURCHASE#"
	purchaseSort   = "PURCHASE"
	linkPrefix     = "LINK#"
	linkSort       = "LINK"
	suspensePrefix = "SUSPENSE#"
)

// casePrefixes precede the items of disputes, which package disputes keeps beside the ledger's own.
var casePrefixes = []string{"DISPUTE#", "DISPUTES#", "IDEMPOTENCY#"}

// itemKey is the primary key of an item.
type itemKey struct{ partition, sort string }

func (k itemKey) attributes() map[string]types.AttributeValue {
	return map[string]types.AttributeValue{"pk": text(k.partition), "sk": text(k.sort)}
}

func journalKey(sequence string) itemKey { return itemKey{journalPrefix + sequence, journalSort} }

func purchaseKey(businessKey string) itemKey {
	return itemKey{purchasePrefix + payment.ShortKey(businessKey), purchaseSort}
}

func linkKey(hash string) itemKey { return itemKey{linkPrefix + hash, linkSort} }

// suspenseKey gathers what stands in a suspense account under it, by purchase.
func suspenseKey(account, businessKey string) itemKey {
	return itemKey{suspensePrefix + account, payment.ShortKey(businessKey)}
}

// entryKey sorts the entries of an account by when their payments came in, whatever the order of posting.
func entryKey(sequence payment.Sequence, leg payment.Leg) itemKey {
	return itemKey{entryPrefix + leg.Account, fmt.Sprintf("%s#%s#%02d", sequence.OccurredAt, sequence.ID, leg.Number)}
}

func balanceKey(account string, currency payment.Currency) itemKey {
	return itemKey{balancePrefix + account, string(currency)}
}

// isKind reports whether a partition key has one of the prefixes above.
func isKind(partition string, prefixes ...string) bool {
	return slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(partition, prefix) })
}
