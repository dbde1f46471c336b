package payment

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// idCharacters is how much of a business key an id shows: 26 base32 characters are 130 bits.
const idCharacters = 26

// sequenceForm is what SequenceID makes.
var sequenceForm = regexp.MustCompile(`^ps_([A-Z2-7]{26})-(?:[0-9]{2}|[1-9][0-9]{2,})$`)

var keyEncoding = base32.StdEncoding.WithPadding(base32.NoPadding)

// digest is the base32 SHA-256 of parts joined by "|". Parts never contain "|": they are digits, tokens and times.
func digest(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "|")))
	return keyEncoding.EncodeToString(sum[:])
}

// BusinessKey identifies the payment whatever the id of its authorization: MTI class, acquirer, STAN, transmission time
// and card token. The amount is no part of it, or the same payment with another amount would be a new payment instead of a
// conflict. Only the class of the MTI is: repeats (0101) and request/response pairs are the same payment, a reversal is not.
func (a Authorization) BusinessKey() string {
	return digest("v1", MTIClass(a.MTI), leftPad(a.AcquirerID, 11), leftPad(a.STAN, 12), a.TransmittedAt.UTC().Format(time.RFC3339Nano), a.PANToken)
}

// OriginalKey is the business key of the payment that a reversal takes back; empty for any other message.
func (a Authorization) OriginalKey() string {
	if a.Original == nil {
		return ""
	}
	o := a.Original
	return Authorization{MTI: o.MTI, AcquirerID: o.AcquirerID, STAN: o.STAN, TransmittedAt: o.TransmittedAt, PANToken: a.PANToken}.BusinessKey()
}

// leftPad pads a numeric identifier to the width of its ISO 8583 field, so that "123" and "000123" are the same number.
func leftPad(digits string, width int) string {
	if len(digits) >= width {
		return digits
	}
	return strings.Repeat("0", width-len(digits)) + digits
}

// PayloadHash is the hex SHA-256 of the business content: two items with one key and one hash are the same payment, with
// different hashes a conflict. The authorization's id and unknown attributes are no part of it.
func (a Authorization) PayloadHash() string {
	var b strings.Builder
	field := func(name, value string) {
		// The length keeps a value that contains a line break from posing as two fields.
		fmt.Fprintf(&b, "%s=%d:%s\n", name, len(value), strings.ToUpper(strings.TrimSpace(value)))
	}
	money := func(name string, m *Money) {
		if m != nil {
			field(name, strconv.FormatInt(m.Minor, 10)+" "+string(m.Currency))
		}
	}
	field("hash", "v1")
	field("processingCode", a.ProcessingCode)
	money("transactionAmount", &a.TransactionAmount)
	money("billingAmount", &a.BillingAmount)
	money("settlementAmount", a.SettlementAmount)
	field("conversionRate", a.ConversionRate)
	field("rrn", a.RRN)
	field("authCode", a.AuthCode)
	field("responseCode", a.ResponseCode)
	field("lifecycleId", a.LifecycleID)
	field("mcc", a.MCC)
	field("merchantName", a.Merchant.Name)
	field("merchantCity", a.Merchant.City)
	field("merchantCountry", a.Merchant.Country)
	field("merchantId", a.Merchant.ID)
	field("terminalId", a.Merchant.TerminalID)
	field("acquirerCountry", a.AcquirerCountry)
	field("issuerCountry", a.IssuerCountry)
	field("acquirerFee", a.AcquirerFee)
	// What not every message has is hashed only where it is there: the hash of the others stays what it was.
	if a.SettlementRate != "" {
		field("settlementRate", a.SettlementRate)
	}
	if a.AdditionalAmounts != "" {
		field("additionalAmounts", a.AdditionalAmounts)
	}
	if a.Original != nil {
		field("original", a.OriginalKey())
		money("replacementAmount", a.ReplacementAmount)
		money("replacementBillingAmount", a.ReplacementBillingAmount)
	}
	sum := sha256.Sum256([]byte(b.String()))
	return hex.EncodeToString(sum[:])
}

// ShortKey is the part of a business key that ids show.
func ShortKey(businessKey string) string { return businessKey[:min(idCharacters, len(businessKey))] }

// TransactionID is the id of the payment with this business key.
func TransactionID(businessKey string) string { return "tx_" + businessKey[:idCharacters] }

// traceBytes is the length of a W3C trace id.
const traceBytes = 16

// TraceID is the id of a payment's trace, in hexadecimal: derived and not random, so that every delivery is part of one trace.
func TraceID(transactionID string) string {
	sum := sha256.Sum256([]byte(transactionID))
	return hex.EncodeToString(sum[:traceBytes])
}

// UnkeyedTransactionID is the id of an item from which no business key can be computed: its events can still be traced.
func UnkeyedTransactionID(authorizationID string) string {
	return "tx_" + digest("unkeyed", authorizationID)[:idCharacters]
}

// SequenceID is the id of a payment's n-th posting sequence: 0 is the payment itself, later ones are corrections.
func SequenceID(businessKey string, n int) string {
	return fmt.Sprintf("ps_%s-%02d", businessKey[:idCharacters], n)
}

// firstSuffix ends the id of a payment's first posting sequence.
const firstSuffix = "-00"

// IsFirstSequence reports whether a posting sequence is the payment itself and no correction.
func IsFirstSequence(sequenceID string) bool { return strings.HasSuffix(sequenceID, firstSuffix) }

// TransactionOfSequence is the id of the payment that a posting sequence belongs to. A reversal is a correction of its
// original's sequence: for the id of the reversal itself, see the TransactionID of the sequence.
func TransactionOfSequence(sequenceID string) (string, error) {
	match := sequenceForm.FindStringSubmatch(sequenceID)
	if match == nil {
		return "", fmt.Errorf("%q is not the id of a posting sequence", sequenceID)
	}
	return "tx_" + match[1], nil
}
