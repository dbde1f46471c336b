package disputes

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/payrail/payrail/payment"
)

// Prefixes of the partition keys. The access policies of the functions name them.
const (
	// casePrefix precedes a case's id.
	casePrefix = "DISPUTE#"
	// listPrefix precedes what cases are listed by: a purchase's key, or the month in which they were opened or decided.
	listPrefix = "DISPUTES#"
	// requestPrefix precedes the digest of an idempotency key.
	requestPrefix = "IDEMPOTENCY#"
	caseSort      = "CASE"
	requestSort   = "REQUEST"
)

// idCharacters is how much of a digest an id shows: 26 base32 characters are 130 bits.
const idCharacters = 26

// monthLayout names the months that cases are listed by.
const monthLayout = "2006-01"

var encoding = base32.StdEncoding.WithPadding(base32.NoPadding)

// digest is the head of the base32 SHA-256 of parts; their lengths keep one from posing as two.
func digest(parts ...string) string {
	h := sha256.New()
	for _, part := range parts {
		fmt.Fprintf(h, "%d:%s|", len(part), part)
	}
	return encoding.EncodeToString(h.Sum(nil))[:idCharacters]
}

// CaseID is the id of the case that a request opens: the same request has the same one.
func CaseID(idempotencyKey, purchaseKey string) string {
	return payment.CaseIDPrefix + digest("case", idempotencyKey, purchaseKey)
}

type item = map[string]types.AttributeValue

// itemKey is the primary key of an item.
type itemKey struct{ partition, sort string }

func (k itemKey) attributes() item { return item{"pk": text(k.partition), "sk": text(k.sort)} }

func caseKey(id string) itemKey { return itemKey{casePrefix + id, caseSort} }
func purchaseListKey(purchase, caseID string) itemKey {
	return itemKey{listPrefix + purchase, caseID}
}

// activityKey sorts what happened to cases in a month by its time.
func activityKey(at, what, caseID string) itemKey {
	return itemKey{listPrefix + at[:len(monthLayout)], at + "#" + what + "#" + caseID}
}

// What happened to a case by which it is listed.
const (
	opened  = "OPENED"
	decided = "DECIDED"
)

func requestKey(idempotencyKey string) itemKey {
	return itemKey{requestPrefix + digest("request", idempotencyKey), requestSort}
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

func textOf(i item, name string) string {
	s, _ := i[name].(*types.AttributeValueMemberS)
	if s == nil {
		return ""
	}
	return s.Value
}

func numberOf(i item, name string) (int64, error) {
	n, ok := i[name].(*types.AttributeValueMemberN)
	if !ok {
		return 0, fmt.Errorf("attribute %s is not a number", name)
	}
	value, err := strconv.ParseInt(n.Value, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("attribute %s is not a whole number of 64 bits", name)
	}
	return value, nil
}

// Case is a dispute as it is kept; Version counts its changes.
type Case struct {
	payment.Dispute
	Version int64 `json:"version"`
}

// caseValues are the attributes of a case besides its key. The state stands beside the case for people who look at the table.
func caseValues(d payment.Dispute, version int64) (item, error) {
	form, err := json.Marshal(d)
	if err != nil {
		return nil, fmt.Errorf("encoding case %s: %w", d.CaseID, err)
	}
	return item{"dispute": text(string(form)), "state": text(string(d.State)), "version": number(version)}, nil
}

func decodeCase(i item) (Case, error) {
	var c Case
	id := strings.TrimPrefix(textOf(i, "pk"), casePrefix)
	if err := json.Unmarshal([]byte(textOf(i, "dispute")), &c.Dispute); err != nil {
		return Case{}, fmt.Errorf("decoding case %s: %w", id, err)
	}
	var err error
	if c.Version, err = numberOf(i, "version"); err != nil {
		return Case{}, fmt.Errorf("decoding case %s: %w", id, err)
	}
	return c, nil
}

// monthsOf are the months from one time to another, the latest first.
func monthsOf(from, to time.Time) (months []string) {
	first := from.UTC().Format(monthLayout)
	for month := time.Date(to.UTC().Year(), to.UTC().Month(), 1, 0, 0, 0, 0, time.UTC); ; month = month.AddDate(0, -1, 0) {
		name := month.Format(monthLayout)
		if name < first {
			return months
		}
		months = append(months, name)
	}
}
