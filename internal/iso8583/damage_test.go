package iso8583

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/payment"
)

// without is the domestic message less an element: its bit and its text.
func without(t *testing.T, number int, text string) string {
	t.Helper()
	bits, err := hex.DecodeString(domesticHead[4:])
	require.NoError(t, err)
	bits[(number-1)/8] &^= 0x80 >> ((number - 1) % 8)
	require.Contains(t, domesticBody, text)
	return "0110" + strings.ToUpper(hex.EncodeToString(bits)) + strings.Replace(domesticBody, text, "", 1)
}

// withElement is a message with one element more in the bitmap; what it holds does not matter.
func withElement(t *testing.T, number int) string {
	t.Helper()
	bits, err := hex.DecodeString(domesticHead[4:] + "0000000000000000")
	require.NoError(t, err)
	bits[(number-1)/8] |= 0x80 >> ((number - 1) % 8)
	if number <= 64 {
		return "0110" + strings.ToUpper(hex.EncodeToString(bits[:8])) + domesticBody + "37" + testPAN + "=2712101" + "0000012345678"
	}
	bits[0] |= 0x80
	return "0110" + strings.ToUpper(hex.EncodeToString(bits)) + domesticBody + "016" + testPAN
}

func replaced(from, to string) string { return strings.Replace(domestic, from, to, 1) }

const cutOff = " is cut off: the message ends inside it"

// Every kind of damage gives one line that names the field, and no value.
func TestDamagedMessages(t *testing.T) {
	const de2, de4, de7 = "DE2 (primary account number)", "DE4 (amount, transaction)", "DE7 (transmission date and time)"
	reversal := strings.Split(string(exampleFile(t, "visa-1987.txt")), "\n")[13]
	for name, tc := range map[string]struct{ message, want string }{
		"one character":              {"0", "DE0 (message type) is cut off: the message has fewer than 4 characters"},
		"no bitmap":                  {"0110", "DE1 (bitmap)" + cutOff},
		"half a bitmap":              {domestic[:12], "DE1 (bitmap)" + cutOff},
		"half a second bitmap":       {"0110F63864810EE0A000" + "0000", "DE1 (bitmap)" + cutOff},
		"a third bitmap":             {"0110F63864810EE0A000" + "8000000000000000" + domesticBody, "DE1 (bitmap) announces a third bitmap, which ISO 8583:1987 does not have"},
		"a bitmap that is none":      {"0110X63864810EE0A000" + domesticBody, "DE1 (bitmap) must be hexadecimal digits"},
		"a network message":          {replaced("0110", "0800"), "DE0 (message type) is not that of a card payment: want 01xx, 02xx or 04xx"},
		"a later version":            {replaced("0110", "1110"), "DE0 (message type) is not that of a card payment: want 01xx, 02xx or 04xx"},
		"letters as message type":    {replaced("0110", "01X0"), "DE0 (message type) is not that of a card payment: want 01xx, 02xx or 04xx"},
		"no fields":                  {"01100000000000000000", "DE2 (primary account number) is missing; DE4 (amount, transaction) is missing; DE49 (currency, transaction) is missing; DE6 (amount, cardholder billing) is missing; DE51 (currency, cardholder billing) is missing; DE7 (transmission date and time) is missing; DE39 (response code) is missing: a request without an answer is not approved"},
		"cut off in the card number": {domestic[:30], de2 + cutOff},
		"cut off in a name":          {domestic[:160], "DE43 (card acceptor name and location)" + cutOff},
		"cut off in the last field":  {domestic[:len(domestic)-1], "DE51 (currency, cardholder billing)" + cutOff},
		"something behind the end":   {domestic + "12", "DE51 (currency, cardholder billing) is the last element, and 2 characters follow it"},
		"a card number too long":     {replaced("16"+testPAN, "20"+testPAN+"1111"), de2 + " says it is longer than its 19 characters"},
		"a card number too short":    {replaced("16"+testPAN, "12"+testPAN[:12]), de2 + " must be 13 to 19 digits"},
		"a card number with letters": {replaced(testPAN, "4111X11111111111"), de2 + " must be 13 to 19 digits"},
		"a length that is no number": {replaced("16"+testPAN, "XX"+testPAN), de2 + " has a length that is no number, or characters that are not ASCII"},
		"characters beyond ASCII":    {replaced("ACME", "AC\xc3\x89"), "DE43 (card acceptor name and location) has a length that is no number, or characters that are not ASCII"},
		"control characters":         {replaced("ACME", "AC\x01E"), "DE43 (card acceptor name and location) must be printable text of at most 99 characters"},
		"no card number":             {without(t, 2, "16"+testPAN), de2 + " is missing"},
		"no processing code":         {without(t, 3, "000000"), "DE3 (processing code) is missing"},
		"no amount":                  {without(t, 4, "000000001981"), de4 + " is missing"},
		"no time":                    {without(t, 7, "0709101530"), de7 + " is missing"},
		"no STAN":                    {without(t, 11, "123456"), "DE11 (systems trace audit number) is missing"},
		"no merchant type":           {without(t, 18, "5411"), "DE18 (merchant type) is missing"},
		"no acquirer":                {without(t, 32, "06400010"), "DE32 (acquiring institution) is missing"},
		"no authorization code":      {without(t, 38, "A1B2C3"), "DE38 (authorization code) is missing"},
		"no billing amount":          {without(t, 6, "000000001981"), "DE6 (amount, cardholder billing) is missing"},
		"no currency":                {"0110763864810EE02000" + domesticBody[:len(domesticBody)-3], "DE49 (currency, transaction) is missing"},
		"a request":                  {without(t, 39, "00TERM")[:20] + strings.Replace(domesticBody, "A1B2C300TERM", "A1B2C3TERM", 1), "DE39 (response code) is missing: a request without an answer is not approved"},
		"declined":                   {replaced("A1B2C300", "A1B2C351"), "DE39 (response code) does not say approved, and only approved authorizations are posted"},
		"letters as amount":          {replaced("000000001981", "00000000198X"), de4 + " must be digits"},
		"a sign in the amount":       {replaced("000000001981", "+00000001981"), de4 + " must be digits"},
		"an amount of zero":          {replaced("000000001981", "000000000000"), de4 + " must be above zero and have at most 12 digits"},
		"an unknown currency":        {domestic[:len(domestic)-6] + "000826", "DE49 (currency, transaction) is not an ISO 4217 numeric code"},
		"a currency in letters":      {domestic[:len(domestic)-3] + "GBP", "DE51 (currency, cardholder billing) is not an ISO 4217 numeric code"},
		"no day":                     {replaced("0709101530", "0732101530"), de7 + " is not a time MMDDhhmmss of the past year"},
		"no local day":               {replaced("1115300709", "1115301332"), "DE13 (date, local transaction) is not a date MMDD of the past year"},
		"no local time":              {replaced("1115300709", "2515300709"), "DE12 (time, local transaction) is not a time hhmmss"},
		"letters as STAN":            {replaced("123456111530", "12345X111530"), "DE11 (systems trace audit number) must be 1 to 12 digits"},
		"letters as country":         {replaced("5411826", "5411GBR"), "DE19 (acquiring institution country) must be an ISO 3166 numeric-3 code"},
		"a card number in a name":    {replaced("ACME STORE            ", "4111-1111 1111 1111   "), "DE43 (card acceptor name and location) holds a card number"},
		"a card number over two":     {replaced("ACME STORE            LONDON       ", "ACME 41111111111111111               "[:22]+"LONDON       "), "DE43 (card acceptor name and location) holds a card number"},
		"a card number as acceptor":  {replaced("MERCHANT0000001", "378282246310005"), "DE42 (card acceptor) holds a card number"},
		"two things":                 {strings.Replace(replaced("123456111530", "12345X111530"), "000000001981", "00000000198X", 1), de4 + " must be digits"},
		"a rate of zero":             {"0110767864810EE0A000" + strings.Replace(domesticBody, "0709101530", "0709101530"+"70000000", 1), "DE10 (conversion rate, cardholder billing) must be a rate above zero"},
		"letters as rate":            {"0110767864810EE0A000" + strings.Replace(domesticBody, "0709101530", "0709101530"+"7792500X", 1), "DE10 (conversion rate, cardholder billing) must be 8 digits"},
		"a fee without a side":       {"0110763864910EE0A000" + strings.Replace(domesticBody, "05100", "05100"+"X00000250", 1), "DE28 (amount, transaction fee) must be C or D and 8 digits"},
		"a reversal of nothing":      {replaced("0110", "0400"), "DE90 (original data elements) is missing: a reversal must say what it reverses"},
		"a reversal of letters":      {strings.Replace(reversal, "0100123457", "0100X23457", 1), "DE90 (original data elements) must be 42 digits with a time of the past year"},
		"a replacement that is none": {strings.Replace(reversal, "000000006309", "00000000630X", 1), "DE95 (replacement amounts) must be two amounts of 12 digits and two fees of C or D and 8 digits"},
		"track 1":                    {withElement(t, 45), "DE45 (track 1 data) must not be sent here; remove it before the message leaves the authorizer"},
		"track 2":                    {withElement(t, 35), "DE35 (track 2 data) must not be sent here; remove it before the message leaves the authorizer"},
		"track 3":                    {withElement(t, 36), "DE36 (track 3 data) must not be sent here; remove it before the message leaves the authorizer"},
		"extended card number":       {withElement(t, 34), "DE34 (extended card number) must not be sent here; remove it before the message leaves the authorizer"},
		"PIN":                        {withElement(t, 52), "DE52 (PIN data) must not be sent here; remove it before the message leaves the authorizer"},
		"PIN control":                {withElement(t, 53), "DE53 (security control data) must not be sent here; remove it before the message leaves the authorizer"},
		"chip data":                  {withElement(t, 55), "DE55 (ICC data) must not be sent here; remove it before the message leaves the authorizer"},
		"private data":               {withElement(t, 48), "DE48 (additional private data, where networks put card verification values) must not be sent here; remove it before the message leaves the authorizer"},
		"CVV2 of one network":        {withElement(t, 126), "DE126 (private data, where networks put card verification values) must not be sent here; remove it before the message leaves the authorizer"},
		"hexadecimal, odd":           {hex.EncodeToString([]byte(domestic))[1:] + "33"[:0], "DE0 (message type) is not that of a card payment: want 01xx, 02xx or 04xx"},
		"hexadecimal, a digit short": {hex.EncodeToString([]byte(domestic))[:301], "message in hexadecimal has an odd number of digits"},
		"hexadecimal with letters":   {"30" + "XY" + hex.EncodeToString([]byte(domestic))[4:], "message starts as hexadecimal and has other characters"},
		"too long":                   {domestic + strings.Repeat("0", MaxMessage), "message has 4299 characters, more than 4096"},
		"guidance, short":            {guidance[:139], "message of the guidance's layout must have 140 hexadecimal digits, and has 139"},
		"guidance, long":             {guidance + "00", "message of the guidance's layout must have 140 hexadecimal digits, and has 142"},
		"guidance, not packed":       {strings.Replace(guidance, guidancePAN, "4561908061867A81", 1), "DE2 (PAN) must be 13 to 19 digits"},
		"guidance, amount":           {strings.Replace(guidance, "000000001981", "0000000019F1", 1), "DE4 (TransactionAmount) must be digits"},
		"guidance, no date":          {strings.Replace(guidance, "20230709", "20231309", 1), "DE7 (DateAndTime) is not a date YYYYMMDD up to today"},
		"guidance, in the future":    {strings.Replace(guidance, "20230709", "20280709", 1), "DE7 (DateAndTime) is not a date YYYYMMDD up to today"},
		"guidance, country":          {strings.Replace(guidance, "AAFF0840", "AAFF1840", 1), "DE19 (AcquiringCountryCode) must be a 0 and the three digits of an ISO 3166 numeric code"},
		"guidance, rate":             {strings.Replace(guidance, "2023070901", "20230709FF", 1), "DE10 (ConversionRate) must be 2 digits"},
		"guidance, STAN":             {strings.Replace(guidance, "981786145671", "98178614567F", 1), "DE11 (SystemTraceAuditNumber) must be 1 to 12 digits"},
		"guidance, a reversal":       {"0400" + guidance[4:28] + "0400" + guidance[32:], "DE0 (MessageType) is a reversal's, and this layout cannot say what is reversed"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := newDecoder(t).Decode(t.Context(), []byte(tc.message))
			require.EqualError(t, err, tc.want)
			require.Equal(t, payment.Invalid, payment.KindOf(err))
		})
	}
}

func TestFiles(t *testing.T) {
	file := "# a title\n\n" + domestic + "\r\n  DE3 000000\n\tmore\n" + guidance
	messages, err := newDecoder(t).DecodeFile(t.Context(), []byte(file))
	require.NoError(t, err)
	require.Len(t, messages, 2)
	require.Equal(t, []int{3, 6}, []int{messages[0].Line, messages[1].Line})

	again, err := newDecoder(t).DecodeFile(t.Context(), []byte(file))
	require.NoError(t, err)
	require.Equal(t, messages, again)

	_, err = newDecoder(t).DecodeFile(t.Context(), []byte("# a title\n"+domestic+"\n"+domestic[:30]+"\n"))
	require.EqualError(t, err, "line 3: DE2 (primary account number) is cut off: the message ends inside it")
	for file, want := range map[string]string{
		"":                                      "file holds no message",
		"# nothing\n":                           "file holds no message",
		strings.Repeat("#\n", MaxFile/2) + "\n": "file has 1048577 bytes, more than 1048576",
	} {
		_, err := newDecoder(t).DecodeFile(t.Context(), []byte(file))
		require.EqualError(t, err, want)
	}
}
