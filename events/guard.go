package events

import (
	"fmt"
	"strings"

	"github.com/payrail/payrail/internal/panguard"
	"github.com/payrail/payrail/payment"
)

// ReasonCardNumber is the reason of an event that is not published because a card number was found in it.
const ReasonCardNumber = "CARD_NUMBER_FOUND"

// checkForCardNumbers is the last look at what goes to the bus. dedup has searched everything that an event can be made of, so that
// what is found here came with reference data, by a person, or through a defect. The error is final and never shows the value.
func checkForCardNumbers(event Event) error {
	member, found := panguard.FindInJSON(event.Detail, MemberHasForm)
	if !found {
		return nil
	}
	return &payment.Error{Kind: payment.Invalid, Reason: ReasonCardNumber,
		Err: fmt.Errorf("publishing %s: member %q holds a card number", event.DetailType, member)}
}

// withheldID stands in front of a stream record's id where an authorization's own id may not be shown.
const withheldID = "withheld-"

// MemberHasForm reports whether a member of an event, or an attribute of a log line, has the form of what its name announces: an
// id, a hash, a trace context, an IBAN, a field of the authorization. Such values are not searched for card numbers. The name
// alone never suffices.
func MemberHasForm(name, value string) bool {
	switch name {
	case "eventId", "causationId", "object", "items": // items are the ids of messages and the keys of objects
		return pathHasForm(value)
	case "traceparent":
		return isTraceparent(value)
	case "iban", "Id": // Id is that of cain.003's accounts
		return payment.IsIBAN(value)
	case "LifeCyclId":
		return payment.FieldHasForm("lifecycleId", value)
	case "Val": // of cain.003's additional data
		return payment.IsIdentifier(value)
	}
	switch {
	case endsIn(name, "Hash", "hash", "checksum", "digest"):
		return payment.IsHash(value)
	case endsIn(name, "Id", "ID", "id", "Key", "key", "Sequence", "sequence", "Token", "token") && payment.IsIdentifier(strings.TrimPrefix(value, withheldID)):
		return true
	default:
		return payment.FieldHasForm(name, value)
	}
}

func endsIn(name string, endings ...string) bool {
	for _, ending := range endings {
		if strings.HasSuffix(name, ending) {
			return true
		}
	}
	return false
}

// pathHasForm reports whether a path, such as an event's id or an object's key, has no card number in what is left of it without
// the segments that have a form of their own. It may end in a hash cut to 16 hexadecimal digits, which tells versions of what stands
// before it apart.
func pathHasForm(path string) bool {
	segments := strings.Split(strings.TrimSuffix(path, ".json"), "/")
	last := len(segments) - 1
	if at := strings.LastIndexByte(segments[last], '-'); (at > 0 || last >= minVersioned) && isShortHash(segments[last][at+1:]) {
		segments[last] = segments[last][:max(at, 0)]
	}
	rest := segments[:0]
	for _, segment := range segments {
		id := strings.TrimPrefix(segment, withheldID)
		if !payment.IsIdentifier(id) && !isRecordID(id) {
			rest = append(rest, segment)
		}
	}
	return !panguard.Contains(strings.Join(rest, "/"))
}

// minVersioned is where the hash stands at the earliest, if it is a segment by itself: <transaction>/<type>/<authorization>/<hash>.
const minVersioned = 3

func isShortHash(s string) bool { return len(s) == 16 && isLowerHex(s) }

// isRecordID takes the ids of stream records. One in some millions is all digits, which counts here, where no other id is.
func isRecordID(s string) bool { return len(s) == 32 && isLowerHex(s) }

func isLowerHex(s string) bool {
	for i := range len(s) {
		if c := s[i]; !(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f') {
			return false
		}
	}
	return true
}

// isTraceparent takes version 00 of W3C's trace context.
func isTraceparent(s string) bool {
	return len(s) == traceparentLength && s[:3] == "00-" && s[35] == '-' && s[52] == '-' &&
		isLowerHex(s[3:35]) && isLowerHex(s[36:52]) && isLowerHex(s[53:])
}
