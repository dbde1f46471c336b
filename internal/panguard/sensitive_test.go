package panguard

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSensitiveNamesHoweverTheyAreWritten(t *testing.T) {
	for _, name := range []string{
		"track1", "track2", "Track2Data", "TRACK_2", "track-2-equivalent-data", "trackII", "magStripe", "magnetic_stripe_data",
		"pin", "PIN", "pinBlock", "pin_block", "encryptedPinBlock", "pinData", "PIN_BLOCK_HEX", "cardholderPin",
		"cvv", "cvv2", "CVV2", "cardCvv2", "cvc", "CVC2", "cvv2Value", "securityCode", "cardSecurityCode", "iCVV",
		"icc", "iccData", "icc_data", "emv", "emvData", "EMV_TLV", "rawEmvData", "chipData",
		"de35", "DE36", "de_45", "DE052", "field55", "f55", "bit52", "de48", "DE126", "de53", "iso8583_de35", "dataElement35",
		"tag57", "5A", "5F24", "9f1f", "tag_9F1F",
	} {
		require.True(t, SensitiveName(name), name)
	}
}

func TestOtherNamesAreNotSensitive(t *testing.T) {
	for _, name := range []string{
		"", "-", "data", "raw", "card", "value", "expiryDate", "expiry", "de14", "posEntryMode", "pinEntered", "pinCaptureCode", "shipping", "mapping",
		"trackingNumber", "tracker", "pan", "panToken", "panSequence", "emvCapable", "cid", "customerId", "de2", "de4", "de355", "code35", "35", "57",
		"traceparent", "track4", "spin", "iccountry", "a very long name that no field has, with a track2 in its middle, and more and more of it",
	} {
		require.False(t, SensitiveName(name), name)
	}
}

func TestNamedValuesInText(t *testing.T) {
	for text, want := range map[string]bool{
		`{"cvv2":"123"}`: true, `{\"cvv2\":\"123\"}`: true, `{"a":1,"pin_block" : "1A2B3C4D5E6F7788"}`: true, "cvv=123&x=1": true,
		"the CVV2: 987, please": true, `<card cvc="123"/>`: true, "track2=;4111": true, "DE55: 9F2608AABB": true, "x.pin=1234": true,
		"his security code: 123": true, "the card verification value = 987": true, "a=1&pin = 1234": true,
		"cvv: unknown": false, "pin entered": false, `{"pin":true}`: false, "shipping: 123": false, "PIN 1234": false, "note: 123": false, "": false,
	} {
		require.Equal(t, want, NamesSensitiveData(text), text)
	}
}
