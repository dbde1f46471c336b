package payment

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestValidIBAN(t *testing.T) {
	// The examples of the registry of ISO 13616.
	for _, iban := range []string{"GB29NWBK60161331926819", "DE89370400440532013000", "BH67BMAG00001299123456", "NO9386011117947", "MT84MALT011000012345MTLCAST001S"} {
		require.True(t, ValidIBAN(iban), iban)
	}
	for name, iban := range map[string]string{
		"a digit wrong": "GB29NWBK60161331926818", "two digits swapped": "GB29NWBK60161331926891", "lower case": "gb29nwbk60161331926819",
		"spaces": "GB29 NWBK 6016 1331 9268 19", "no country": "2929NWBK60161331926819", "letters for check digits": "GBXXNWBK60161331926819",
		"too short": "GB29NWBK", "too long": "GB29NWBK60161331926819GB29NWBK601613", "empty": "", "not ASCII": "GB29NWBK6016133192681９",
	} {
		require.False(t, ValidIBAN(iban), name)
	}
}
