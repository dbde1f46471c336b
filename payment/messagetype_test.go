package payment

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCheckSupported(t *testing.T) {
	only := ", only 0100, 0101, 0110, 0120, 0121, 0130, 0200, 0201, 0210, 0220, 0221, 0230, 0400, 0401, 0410, 0420, 0421 and 0430 are"
	noOriginal := "ORIGINAL_NOT_SUPPORTED: a reversal takes back an authorization (01xx) or a financial message (02xx), and nothing else"
	for name, tc := range map[string]struct {
		change  map[string]Attribute
		problem string
	}{
		"authorization response":          {nil, ""},
		"authorization request":           {map[string]Attribute{"mti": text("0100")}, ""},
		"repeat":                          {map[string]Attribute{"mti": text("0101")}, ""},
		"advice":                          {map[string]Attribute{"mti": text("0120")}, ""},
		"answer to an advice":             {map[string]Attribute{"mti": text("0130")}, ""},
		"financial":                       {map[string]Attribute{"mti": text("0210")}, ""},
		"completion":                      {map[string]Attribute{"mti": text("0220")}, ""},
		"repeated completion":             {map[string]Attribute{"mti": text("0221")}, ""},
		"reversal":                        {map[string]Attribute{"mti": text("0400"), "original": originalOf("0100")}, ""},
		"reversal of a financial message": {map[string]Attribute{"mti": text("0420"), "original": originalOf("0200")}, ""},
		"reversal of a completion":        {map[string]Attribute{"mti": text("0430"), "original": originalOf("0220")}, ""},
		"reversal of a reversal":          {map[string]Attribute{"mti": text("0400"), "original": originalOf("0420")}, noOriginal},
		"reversal of an unknown type":     {map[string]Attribute{"mti": text("0400"), "original": originalOf("0140")}, noOriginal},
		"unknown authorization":           {map[string]Attribute{"mti": text("0140")}, "MESSAGE_TYPE_NOT_SUPPORTED: message type 0140 is not posted" + only},
		"file action":                     {map[string]Attribute{"mti": text("0302")}, "MESSAGE_TYPE_NOT_SUPPORTED: message type 0302 is not posted" + only},
		"network management":              {map[string]Attribute{"mti": text("0800")}, "MESSAGE_TYPE_NOT_SUPPORTED: message type 0800 is not posted" + only},
		"another version of ISO 8583":     {map[string]Attribute{"mti": text("1100")}, "MESSAGE_TYPE_NOT_SUPPORTED: message type 1100 is not posted" + only},
		"balance inquiry":                 {map[string]Attribute{"processingCode": text("310000")}, "TRANSACTION_TYPE_NOT_SUPPORTED: transaction type 31 is not posted"},
	} {
		t.Run(name, func(t *testing.T) {
			err := CheckSupported(parsed(t, with(tc.change)))
			if tc.problem == "" {
				require.NoError(t, err)
				return
			}
			require.Equal(t, Unsupported, KindOf(err))
			require.EqualError(t, err, tc.problem)
		})
	}
	require.Error(t, CheckSupported(Authorization{MTI: "0400", ProcessingCode: "000000"}), "a reversal of nothing")
}

// What posting needs of an answer is needed of every message that has one; a reversal needs none to count.
func TestApprovalIsMandatoryForWhatPresentsAPayment(t *testing.T) {
	for mti, required := range map[string]bool{"0100": true, "0120": true, "0200": true, "0220": true, "0400": false, "0420": false} {
		item := with(map[string]Attribute{"mti": text(mti), "original": originalOf("0110")})
		delete(item, "authCode")
		delete(item, "responseCode")
		_, err := ParseAuthorization(item)
		if !required {
			require.NoError(t, err, mti)
			continue
		}
		require.EqualError(t, err, "authCode is missing; responseCode is missing", mti)
	}
}
