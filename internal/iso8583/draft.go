package iso8583

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/payrail/payrail/payment"
)

// draft is a message on its way to an authorization item: attributes as text, the card number still in the clear.
type draft struct {
	pan string
	// text and number are attributes of the item by name; numbers are digits.
	text, number map[string]string
	original     map[string]string
	// inferred are the attributes that the message does not carry.
	inferred []string
	// name says where in the message an attribute stands.
	name     func(attribute string) string
	problems payment.FieldErrors
}

func newDraft(name func(attribute string) string) *draft {
	return &draft{text: map[string]string{}, number: map[string]string{}, name: name}
}

// fail notes a problem with the field an attribute comes from; a field is named once.
func (f *draft) fail(attribute, problem string) { f.failField(f.name(attribute), problem) }

func (f *draft) failField(field, problem string) {
	if !slices.ContainsFunc(f.problems, func(e payment.FieldError) bool { return e.Field == field }) {
		f.problems = append(f.problems, payment.FieldError{Field: field, Problem: problem})
	}
}

func (f *draft) err() error {
	if len(f.problems) == 0 {
		return nil
	}
	return f.problems
}

// setText keeps a text that is not blank.
func (f *draft) setText(attribute, value string) {
	if value = strings.TrimSpace(value); value != "" {
		f.text[attribute] = value
	}
}

// setAmount keeps an amount of minor units, digits with leading zeros.
func (f *draft) setAmount(attribute, digits string) {
	if n, err := strconv.ParseUint(digits, 10, 63); err == nil && isDigits(digits) {
		f.number[attribute] = strconv.FormatUint(n, 10)
		return
	}
	f.fail(attribute, "must be digits")
}

func (f *draft) setPAN(digits string) {
	if !isDigits(digits) || len(digits) < minPAN || len(digits) > maxPAN {
		f.fail("panToken", "must be 13 to 19 digits")
		return
	}
	f.pan = digits
}

// classes are those of messages about payments.
var classes = []string{payment.ClassAuthorization, payment.ClassFinancial, payment.ClassReversal}

// checkMTI returns what is wrong with a message type: "" for authorization, financial and reversal messages of 1987.
func checkMTI(mti string) string {
	if class := payment.MTIClass(mti); isDigits(mti) && mti[0] == '0' && slices.Contains(classes, class) {
		return ""
	}
	return "is not that of a card payment: want 01xx, 02xx or 04xx"
}

// approved are the response codes under which the issuer owes the amount: approved, with identification, for a part, VIP, no
// reason to decline, cash back declined.
var approved = []string{"00", "08", "10", "11", "85", "87"}

// isAdvice reports whether a message tells of what has been done already: function 2 of its type is an advice, 3 the answer to
// one.
func isAdvice(mti string) bool { return len(mti) == mtiCharacters && (mti[2] == '2' || mti[2] == '3') }

// requireApproval refuses what is no approved payment. Reversals need no answer to count. An advice with an approval code tells
// of what was approved, and needs no response code beside it.
func (f *draft) requireApproval() {
	if payment.MTIClass(f.text["mti"]) == payment.ClassReversal {
		return
	}
	if f.text["responseCode"] == "" && f.text["authCode"] != "" && isAdvice(f.text["mti"]) {
		f.text["responseCode"] = approved[0]
		f.inferred = append(f.inferred, "responseCode")
	}
	switch code := f.text["responseCode"]; {
	case code == "":
		f.fail("responseCode", "is missing: a request without an answer is not approved")
	case !slices.Contains(approved, code):
		f.fail("responseCode", "does not say approved, and only approved authorizations are posted")
	}
}

func (f *draft) setTransmission(t time.Time) { f.text["transmittedAt"] = t.Format(time.RFC3339Nano) }
