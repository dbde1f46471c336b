package iso8583

import (
	"bytes"
	"strconv"
	"strings"
	"time"

	"github.com/payrail/payrail/payment"
)

// guidanceLayout is the message of the AWS guidance for event-driven payment systems: fields of fixed size, packed decimal but
// for some whose digits are hexadecimal. Its bitmaps say nothing about what follows. The expiry date is not read.
var guidanceLayout = []struct {
	name      string
	bytes     int
	attribute string
}{
	{"MessageType", 2, "mti"}, {"Bitmap1", 4, ""}, {"Bitmap2", 4, ""}, {"Bitmap3", 4, ""}, {"MessageType2", 2, "mti2"}, {"PAN", 8, "panToken"},
	{"ProcessingCode", 3, "processingCode"}, {"TransactionAmount", 6, "transactionAmount"}, {"BillingAmount", 6, "billingAmount"},
	{"DateAndTime", 4, "transmittedAt"}, {"ConversionRate", 1, "conversionRate"}, {"SystemTraceAuditNumber", 6, "stan"}, {"ExpiryDate", 4, ""},
	{"MerchantType", 2, "mcc"}, {"AcquiringCountryCode", 2, "acquirerCountry"}, {"IssuingCountryCode", 2, "issuerCountry"},
	{"POSEntryMode", 2, "posEntryMode"}, {"PANSequenceNumber", 2, "panSequence"}, {"POSConditionCode", 2, "posCondition"},
	{"AcquiringInstitutionIDCode", 2, "acquirerId"}, {"ForwardingInstitutionIDCode", 2, "forwarderId"},
}

const (
	guidanceBytes      = 70
	guidanceCharacters = 2 * guidanceBytes
	// guidanceSecondType is where the layout repeats the message type, by which it is recognized.
	guidanceSecondType = 28
)

// guidanceElements are the numbers that fields of the layout have in ISO 8583.
var guidanceElements = map[string]int{
	"MessageType": 0, "MessageType2": 0, "PAN": 2, "ProcessingCode": 3, "TransactionAmount": 4, "BillingAmount": 6, "DateAndTime": 7, "ConversionRate": 10,
	"SystemTraceAuditNumber": 11, "MerchantType": 18, "AcquiringCountryCode": 19, "IssuingCountryCode": 20, "POSEntryMode": 22, "PANSequenceNumber": 23,
	"POSConditionCode": 25, "AcquiringInstitutionIDCode": 32, "ForwardingInstitutionIDCode": 33,
}

func guidanceName(attribute string) string {
	for _, field := range guidanceLayout {
		if field.attribute == attribute {
			return "DE" + strconv.Itoa(guidanceElements[field.name]) + " (" + field.name + ")"
		}
	}
	return attribute
}

// isGuidance reports whether text, hexadecimal digits, is in the guidance's layout.
func isGuidance(text []byte) bool {
	const end = guidanceSecondType + mtiCharacters
	return len(text) >= end && bytes.Equal(text[:mtiCharacters], text[guidanceSecondType:end]) && isHex(text)
}

// decodeGuidance reads a message of the guidance's layout, in hexadecimal digits. The layout has a date and no time of day, no
// currencies, no answer: an approved authorization is what the guidance takes each message for.
func decodeGuidance(text []byte, now time.Time) (*draft, error) {
	if len(text) != guidanceCharacters {
		return nil, payment.FieldErrors{{Field: "message", Problem: "of the guidance's layout must have " + strconv.Itoa(guidanceCharacters) +
			" hexadecimal digits, and has " + strconv.Itoa(len(text))}}
	}
	f := newDraft(guidanceName)
	upper := strings.ToUpper(string(text))
	values := map[string]string{}
	for _, field := range guidanceLayout {
		values[field.attribute], upper = upper[:2*field.bytes], upper[2*field.bytes:]
	}
	f.text["mti"] = values["mti"]
	if problem := checkMTI(values["mti"]); problem != "" {
		f.fail("mti", problem)
	} else if payment.MTIClass(values["mti"]) == payment.ClassReversal {
		f.fail("mti", "is a reversal's, and this layout cannot say what is reversed")
	}
	if values["mti2"] != values["mti"] {
		f.fail("mti2", "differs from MessageType")
	}
	f.setPAN(values["panToken"])
	for _, attribute := range []string{"processingCode", "stan", "mcc", "posEntryMode", "panSequence", "posCondition", "acquirerId", "forwarderId"} {
		f.setText(attribute, values[attribute])
	}
	f.setAmount("transactionAmount", values["transactionAmount"])
	f.setAmount("billingAmount", values["billingAmount"])
	for _, attribute := range []string{"acquirerCountry", "issuerCountry"} {
		switch value := values[attribute]; {
		case !isDigits(value) || value[0] != '0':
			f.fail(attribute, "must be a 0 and the three digits of an ISO 3166 numeric code")
		case value != "0000":
			f.text[attribute] = value[1:]
		}
	}
	if rate := values["conversionRate"]; !isDigits(rate) {
		f.fail("conversionRate", "must be 2 digits")
	} else if rate = strings.TrimLeft(rate, "0"); rate != "" {
		f.text["conversionRate"] = rate
	}
	date, err := time.Parse("20060102", values["transmittedAt"])
	if err != nil || date.After(now.UTC().Add(clockSkew)) {
		f.fail("transmittedAt", "is not a date YYYYMMDD up to today")
	} else {
		f.setTransmission(date)
		f.text["localDate"] = date.Format(time.DateOnly)
	}
	f.text["responseCode"] = "00"
	f.inferred = append(f.inferred, "transmittedAt", "localDate", "responseCode", "authCode", "transactionCurrency", "billingCurrency")
	return f, f.err()
}

func isHex(text []byte) bool {
	for _, c := range text {
		if !('0' <= c && c <= '9' || 'A' <= c && c <= 'F' || 'a' <= c && c <= 'f') {
			return false
		}
	}
	return true
}
