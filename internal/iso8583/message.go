package iso8583

import (
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	moov "github.com/moov-io/iso8583"
	moovfields "github.com/moov-io/iso8583/errors"

	"github.com/payrail/payrail/payment"
)

// sources says which element an attribute comes from; those in copied are copied as they are.
var (
	sources = map[string]int{
		"mti": elementMTI, "panToken": elementPAN, "panLast4": elementPAN, "bin": elementPAN, "transactionAmount": elementTransactionAmount,
		"settlementAmount": elementSettlementAmount, "billingAmount": elementBillingAmount, "transmittedAt": elementTransmission,
		"conversionRate": elementConversionRate, "settlementRate": elementSettlementRate, "conversionDate": elementConversionDate,
		"additionalAmounts": elementAdditionalAmounts, "lifecycleId": elementNetworkData, "localTime": elementLocalTime, "localDate": elementLocalDate, "settlementDate": elementSettlementDate,
		"issuerCountry": elementPANCountry, "merchantName": elementAcceptorName, "merchantCity": elementAcceptorName, "merchantCountry": elementAcceptorName,
		"transactionCurrency": elementTransactionCurrency, "settlementCurrency": elementSettlementCurrency, "billingCurrency": elementBillingCurrency,
		"original": elementOriginal, "replacementAmount": elementReplacement,
	}
	copied = map[string]int{
		"processingCode": elementProcessingCode, "stan": elementSTAN, "mcc": elementMerchantType, "acquirerCountry": elementAcquirerCountry,
		"posEntryMode": elementPOSEntryMode, "panSequence": elementPANSequence, "posCondition": elementPOSCondition, "acquirerFee": elementTransactionFee,
		"acquirerId": elementAcquirer, "forwarderId": elementForwarder, "rrn": elementRRN, "authCode": elementAuthCode, "responseCode": elementResponseCode,
		"terminalId": elementTerminal, "merchantId": elementAcceptor,
	}
)

func elementName(attribute string) string {
	if number, ok := copied[attribute]; ok {
		return nameOf(number)
	}
	if number, ok := sources[attribute]; ok {
		return nameOf(number)
	}
	return attribute
}

const (
	mtiCharacters    = 4
	bitmapCharacters = 16
)

// decode1987 reads a message of ISO 8583:1987 in ASCII.
func decode1987(raw []byte, now time.Time) (*draft, error) {
	present, err := presentElements(raw)
	if err != nil {
		return nil, err
	}
	message := moov.NewMessage(spec())
	// The library's error carries the whole message: it is explained, never wrapped.
	if err := message.Unpack(raw); err != nil {
		return nil, explain(err)
	}
	defer forget(message)
	values, err := read(message, present, raw)
	if err != nil {
		return nil, err
	}
	f := newDraft(elementName)
	f.text["mti"] = string(raw[:mtiCharacters]) // presentElements has checked it
	for attribute, number := range copied {
		f.setText(attribute, values[number])
	}
	if pan, ok := values[elementPAN]; ok {
		f.setPAN(pan)
	} else {
		f.fail("panToken", "is missing")
	}
	f.setText("issuerCountry", values[elementPANCountry])
	f.readAmounts(values)
	f.readTimes(values, now)
	f.readAcceptor(values[elementAcceptorName])
	f.readAdditionalAmounts(values[elementAdditionalAmounts])
	f.readLifecycle(values[elementNetworkData])
	f.readReversal(values, now)
	f.requireApproval()
	return f, f.err()
}

// forget drops what must not outlive its use.
func forget(message *moov.Message) {
	message.UnsetField(elementPAN)
	message.UnsetField(14)
}

// presentElements reads the bitmaps before anything else is decoded, so that what is refused never is.
func presentElements(raw []byte) ([]int, error) {
	one := func(field int, problem string) error {
		return payment.FieldErrors{{Field: nameOf(field), Problem: problem}}
	}
	if len(raw) < mtiCharacters {
		return nil, one(elementMTI, "is cut off: the message has fewer than 4 characters")
	}
	if problem := checkMTI(string(raw[:mtiCharacters])); problem != "" {
		return nil, one(elementMTI, problem)
	}
	var bits []byte
	for rest := raw[mtiCharacters:]; ; rest = rest[bitmapCharacters:] {
		if len(rest) < bitmapCharacters {
			return nil, one(elementBitmap, "is cut off: the message ends inside it")
		}
		bitmap := make([]byte, bitmapCharacters/2)
		if _, err := hex.Decode(bitmap, rest[:bitmapCharacters]); err != nil {
			return nil, one(elementBitmap, "must be hexadecimal digits")
		}
		bits = append(bits, bitmap...)
		if bitmap[0]&0x80 == 0 {
			break
		}
		if len(bits)*8 >= lastElement {
			return nil, one(elementBitmap, "announces a third bitmap, which ISO 8583:1987 does not have")
		}
	}
	var present []int
	for number := 2; number <= len(bits)*8; number++ {
		if number == extendedBits || bits[(number-1)/8]&(0x80>>((number-1)%8)) == 0 {
			continue
		}
		if refused[number] != "" {
			return nil, one(number, "must not be sent here; remove it before the message leaves the authorizer")
		}
		present = append(present, number)
	}
	return present, nil
}

// explain says which element could not be unpacked and why, without a word of the library's, which may quote the message.
func explain(err error) error {
	var unpack *moovfields.UnpackError
	if !errors.As(err, &unpack) {
		return payment.FieldErrors{{Field: "message", Problem: "cannot be unpacked"}}
	}
	number, convErr := strconv.Atoi(unpack.FieldID)
	if convErr != nil {
		return payment.FieldErrors{{Field: "message", Problem: "cannot be unpacked"}}
	}
	problem := "has a length that is no number, or characters that are not ASCII"
	switch text := err.Error(); {
	case strings.Contains(text, "larger than maximum"):
		problem = fmt.Sprintf("says it is longer than its %d characters", elements[number].length)
	case strings.Contains(text, "not enough data"):
		problem = "is cut off: the message ends inside it"
	}
	return payment.FieldErrors{{Field: nameOf(number), Problem: problem}}
}

// read returns the values of the elements that are present, and checks that the message ends with the last.
func read(message *moov.Message, present []int, raw []byte) (map[int]string, error) {
	values := make(map[int]string, len(present))
	length := mtiCharacters + bitmapCharacters
	if hasSecondBitmap(raw) {
		length += bitmapCharacters
	}
	for _, number := range present {
		value, err := message.GetString(number)
		if err != nil {
			return nil, payment.FieldErrors{{Field: nameOf(number), Problem: "cannot be read"}}
		}
		values[number] = value
		length += len(value)
		if e, ok := elements[number]; ok {
			length += e.lengthDigits
		} else {
			length += reservedLengthDigits
		}
	}
	if length != len(raw) {
		last := elementBitmap
		if len(present) > 0 {
			last = slices.Max(present)
		}
		return nil, payment.FieldErrors{{Field: nameOf(last), Problem: fmt.Sprintf("is the last element, and %d characters follow it", len(raw)-length)}}
	}
	return values, nil
}

// reservedLengthDigits is how many digits the length of a reserved element of the second bitmap has.
const reservedLengthDigits = 3

func hasSecondBitmap(raw []byte) bool {
	return strings.ContainsRune("89ABCDEFabcdef", rune(raw[mtiCharacters]))
}

// readAmounts takes amounts with their currencies. A message without a billing amount is billed in what it was paid in.
func (f *draft) readAmounts(values map[int]string) {
	if _, ok := values[elementBillingAmount]; !ok && values[elementBillingCurrency] == "" {
		values[elementBillingAmount], values[elementBillingCurrency] = values[elementTransactionAmount], values[elementTransactionCurrency]
		f.inferred = append(f.inferred, "billingAmount", "billingCurrency")
	}
	for _, m := range []struct {
		attribute         string
		amount, currency  int
		currencyAttribute string
		optional          bool
	}{
		{"transactionAmount", elementTransactionAmount, elementTransactionCurrency, "transactionCurrency", false},
		{"billingAmount", elementBillingAmount, elementBillingCurrency, "billingCurrency", false},
		{"settlementAmount", elementSettlementAmount, elementSettlementCurrency, "settlementCurrency", true},
	} {
		amount, currency := values[m.amount], values[m.currency]
		if m.optional && amount == "" && currency == "" {
			continue
		}
		if amount == "" {
			f.fail(m.attribute, "is missing")
		} else {
			f.setAmount(m.attribute, amount)
		}
		if currency == "" {
			f.fail(m.currencyAttribute, "is missing")
		} else if alpha, err := payment.CurrencyFromNumeric(currency); err != nil {
			f.fail(m.currencyAttribute, "is not an ISO 4217 numeric code")
		} else {
			f.text[m.currencyAttribute] = string(alpha)
		}
	}
	for attribute, number := range map[string]int{"conversionRate": elementConversionRate, "settlementRate": elementSettlementRate} {
		if rate, ok := values[number]; ok {
			f.readRate(attribute, rate)
		}
	}
}

// readRate reads DE9 or DE10: the first digit says how many of the seven after it are decimals.
func (f *draft) readRate(attribute, value string) {
	if len(value) != 8 || !isDigits(value) {
		f.fail(attribute, "must be 8 digits")
		return
	}
	decimals := int(value[0] - '0')
	digits := strings.Repeat("0", max(0, decimals+1-7)) + value[1:]
	whole, fraction := digits[:len(digits)-decimals], strings.TrimRight(digits[len(digits)-decimals:], "0")
	if whole = strings.TrimLeft(whole, "0"); whole == "" {
		whole = "0"
	}
	if fraction != "" {
		whole += "." + fraction
	}
	f.text[attribute] = whole
}

// readTimes completes dates with their year: that of the transmission from the time of receipt, the others from the transmission.
func (f *draft) readTimes(values map[int]string, now time.Time) {
	text, ok := values[elementTransmission]
	if !ok {
		f.fail("transmittedAt", "is missing")
		return
	}
	transmitted, ok := inferYear("0102150405", text, now.UTC().Add(clockSkew))
	if !ok || !isDigits(text) {
		f.fail("transmittedAt", "is not a time MMDDhhmmss of the past year")
		return
	}
	f.setTransmission(transmitted)
	for _, d := range []struct {
		attribute string
		number    int
		ahead     time.Duration
	}{{"localDate", elementLocalDate, localAhead}, {"settlementDate", elementSettlementDate, settlementAhead}, {"conversionDate", elementConversionDate, localAhead}} {
		text, ok := values[d.number]
		if !ok {
			continue
		}
		date, ok := inferYear("0102", text, transmitted.Add(d.ahead))
		if !ok || !isDigits(text) {
			f.fail(d.attribute, "is not a date MMDD of the past year")
			continue
		}
		f.text[d.attribute] = date.Format(time.DateOnly)
	}
	if text, ok := values[elementLocalTime]; ok {
		clock, err := time.Parse("150405", text)
		if err != nil || !isDigits(text) {
			f.fail("localTime", "is not a time hhmmss")
			return
		}
		f.text["localTime"] = clock.Format(time.TimeOnly)
	}
}

// readAcceptor splits DE43: name 22, city 13, state 2, country 2, one blank. It is searched as a whole first: a card number
// could be split with it.
func (f *draft) readAcceptor(value string) {
	if value == "" {
		return
	}
	if holdsCardNumber(value) {
		f.fail("merchantName", problemCardNumber)
		return
	}
	f.setText("merchantName", value[:22])
	f.setText("merchantCity", value[22:35])
	f.setText("merchantCountry", value[37:39])
}

// additionalCharacters is the length of one of the up to six amounts that DE54 holds.
const additionalCharacters = 20

// readAdditionalAmounts splits DE54 into its amounts. In one piece they could be as long as a card number.
func (f *draft) readAdditionalAmounts(value string) {
	if value == "" {
		return
	}
	if len(value)%additionalCharacters != 0 {
		f.fail("additionalAmounts", "must be amounts of 20 characters each")
		return
	}
	var amounts []string
	for ; value != ""; value = value[additionalCharacters:] {
		amounts = append(amounts, value[:additionalCharacters])
	}
	f.text["additionalAmounts"] = strings.Join(amounts, ",")
}

// readLifecycle takes DE63 for the network's id of the purchase where it has the length of one; what else networks put there is
// theirs.
func (f *draft) readLifecycle(value string) {
	if payment.FieldHasForm("lifecycleId", strings.TrimSpace(value)) {
		f.setText("lifecycleId", value)
	}
}

// readReversal reads what a reversal is about: DE90 message type 4, STAN 6, transmission 10, acquirer 11, forwarder 11; and
// DE95, the amounts that remain: transaction 12, settlement 12, and two fees of C or D and 8 digits, of which the first is
// taken. What remains of the billed amount DE95 does not say.
func (f *draft) readReversal(values map[int]string, now time.Time) {
	if payment.MTIClass(f.text["mti"]) != payment.ClassReversal {
		return
	}
	original, ok := values[elementOriginal]
	if !ok {
		f.fail("original", "is missing: a reversal must say what it reverses")
		return
	}
	// What is reversed was sent before its reversal, which may itself have been received late.
	latest := now.UTC()
	if sent, err := time.Parse(time.RFC3339Nano, f.text["transmittedAt"]); err == nil {
		latest = sent
	}
	transmitted, ok := inferYear("0102150405", original[10:20], latest.Add(clockSkew))
	if !isDigits(original) || !ok {
		f.fail("original", "must be 42 digits with a time of the past year")
		return
	}
	acquirer := strings.TrimLeft(original[20:31], "0")
	if acquirer == "" {
		acquirer = f.text["acquirerId"] // networks leave it zero where it is the reversal's own
	}
	f.original = map[string]string{"mti": original[:4], "stan": original[4:10], "transmittedAt": transmitted.Format(time.RFC3339Nano), "acquirerId": acquirer}
	f.readReplacement(values[elementReplacement])
}

// replacementForm is DE95. A message without settlement amount or fees has zeros there.
var replacementForm = regexp.MustCompile(`^(\d{12})\d{12}[CD0]\d{8}[CD0]\d{8}$`)

func (f *draft) readReplacement(value string) {
	if value == "" {
		return
	}
	parts := replacementForm.FindStringSubmatch(value)
	if parts == nil {
		f.fail("replacementAmount", "must be two amounts of 12 digits and two fees of C or D and 8 digits")
		return
	}
	f.setAmount("replacementAmount", parts[1])
}
