package main

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"strings"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/internal/authorizationitem"
	"github.com/payrail/payrail/payment"
)

// Kinds and reasons of what dedup sets aside, besides those of the payment package.
const (
	kindDuplicate = "DUPLICATE"

	reasonDuplicate  = "DUPLICATE"                     // another authorization with the same key and content is known
	reasonConflict   = "CONFLICT"                      // the key is known with other content
	reasonChanged    = "CHANGED_AFTER_APPROVAL"        // an approved item was rewritten with another key or other content
	reasonCardNumber = events.ReasonCardNumber         // a card number where none may be
	reasonSensitive  = "SENSITIVE_AUTHENTICATION_DATA" // track data, a card verification value, PIN data or chip data
	problemDuplicate = "another authorization with the same business key and the same content is known"
	problemConflict  = "the business key is known with other content"
	problemChanged   = "the item was approved before with another business key or other content"
)

// verdict is what one record comes to. Exactly one of ignored, offences, rejection and accepted authorization applies.
type verdict struct {
	record record
	// ignored: the item is not approved. The pipe filters such records; one that comes all the same is no payment.
	ignored bool
	// offences are where the PAN guard found card data: the item is quarantined.
	offences []offence
	// rejection says why the item is parked.
	rejection *rejection

	// transactionID is known for every verdict; the rest where the item could be parsed.
	transactionID string
	authorization payment.Authorization
	key, hash     string
}

// rejection is why an item is parked, and the event that says so.
type rejection struct {
	detailType            events.DetailType
	kind, reason, problem string
	// rule is the business rule behind the reason, "" for none.
	rule string
	// known is the authorization that holds the business key.
	known string
}

// judge decides everything about a record that needs no other system.
func judge(r record) verdict {
	v := verdict{record: r, ignored: r.image.Status() != payment.StatusApproved}
	if v.ignored {
		return v
	}
	v.transactionID = payment.UnkeyedTransactionID(r.image.ID())
	if v.offences = findOffences(r.image); len(v.offences) > 0 {
		if v.idWithheld() {
			// A hash without a key would still lead to the card number: the id is made of the record's instead.
			v.transactionID = payment.UnkeyedTransactionID("record " + r.id)
		}
		return v
	}
	authorization, err := payment.ParseAuthorization(r.image.Attributes())
	if err != nil {
		v.rejection = rejected(cmp.Or(unsupportedType(r.image), err))
		return v
	}
	v.authorization, v.key, v.hash = authorization, authorization.BusinessKey(), authorization.PayloadHash()
	v.transactionID = payment.TransactionID(v.key)
	if before, ok := accepted(r.before); ok && (before.BusinessKey() != v.key || before.PayloadHash() != v.hash) {
		v.transactionID = payment.TransactionID(before.BusinessKey()) // the payment that was tampered with
		v.rejection = &rejection{events.DuplicateConflictDetected, string(payment.Conflict), reasonChanged, problemChanged, payment.RuleDuplicate, before.ID}
		return v
	}
	if err := acceptable(authorization); err != nil {
		v.rejection = rejected(err)
	}
	return v
}

// acceptable says whether there is a liability, and one that is posted by this version.
func acceptable(a payment.Authorization) error {
	if err := payment.CheckApproved(a); err != nil {
		return err
	}
	return payment.CheckSupported(a)
}

// unsupportedType says that a malformed item is of a message type that is not posted, such as network management (08xx): then
// what is wrong in it, such as its missing amounts, is nobody's to correct.
func unsupportedType(image authorizationitem.Item) error {
	mti := image.Attributes()["mti"].Text
	if !payment.FieldHasForm("mti", mti) {
		return nil
	}
	return payment.CheckMessageType(mti)
}

func rejected(err error) *rejection {
	problem := err.Error()
	if e, ok := errors.AsType[*payment.Error](err); ok && e.Err != nil {
		problem = e.Err.Error() // the reason has a field of its own
	}
	return &rejection{detailType: events.TransactionRejected, kind: string(payment.KindOf(err)), reason: payment.ReasonOf(err), problem: problem, rule: payment.RuleOf(err)}
}

// accepted parses the item that a record replaced, if it is one that was taken as a payment. A quarantined, malformed or
// unsupported item never was: to correct it is no conflict.
func accepted(before authorizationitem.Item) (payment.Authorization, bool) {
	if before.Status() != payment.StatusApproved || len(findOffences(before)) > 0 {
		return payment.Authorization{}, false
	}
	authorization, err := payment.ParseAuthorization(before.Attributes())
	if err != nil || acceptable(authorization) != nil {
		return payment.Authorization{}, false
	}
	return authorization, true
}

// idWithheld reports whether the item's key holds a card number.
func (v verdict) idWithheld() bool {
	for _, o := range v.offences {
		if o.attribute == authorizationitem.KeyAttribute {
			return true
		}
	}
	return false
}

// quarantineReason is the graver one of what was found.
func (v verdict) quarantineReason() string {
	if slices.ContainsFunc(v.offences, func(o offence) bool { return o.sensitive }) {
		return reasonSensitive
	}
	return reasonCardNumber
}

// maxShownID is the longest authorization id shown as it is in events and object keys. DynamoDB allows 2 KB; sort keys of
// the timeline and object keys hold 1 KB.
const maxShownID = 128

// shownID is the authorization's id as events, objects and logs may show it.
func (v verdict) shownID() string {
	id := v.record.image.ID()
	switch {
	case v.idWithheld():
		return "withheld-" + v.record.id
	case len(id) > maxShownID:
		sum := sha256.Sum256([]byte(id))
		return strings.ToValidUTF8(id[:64], "") + "…" + hex.EncodeToString(sum[:8])
	default:
		return id
	}
}

// groupID is the card token for the event group, empty where the item has none that is a token.
func (v verdict) groupID() string {
	if token := v.record.image.Attributes()["panToken"].Text; payment.IsPANToken(token) {
		return token
	}
	return ""
}
