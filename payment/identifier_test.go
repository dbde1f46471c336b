package payment

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestIdentifiersByTheirForm(t *testing.T) {
	const id = "3Y375A7QOMLESZ64RE6ZRDZLFY"
	for s, want := range map[string]bool{
		"9b2b7f4e-4111-4111-9111-111111111111": true, "9B2B7F4E-4111-7111-B111-111111111111": true,
		"41111111-1111-1111-1111-111111111111": false, "9b2b7f4e-4111-9111-9111-111111111111": false, "9b2b7f4e14111-4111-9111-111111111111": false,
		"01JZQ4V9X3N8W5T2R7Y6P1M0KD": true, "81JZQ4V9X3N8W5T2R7Y6P1M0KD": false, "01JZQ4V9X3N8W5T2R7Y6P1M0KU": false, "00000000004111111111111111": false,
		"c4ca4238a0b923820dcc509a6f75849b": true, strings.Repeat("31", 16): false, strings.Repeat("3a", 32): true, strings.Repeat("3g", 32): false,
		"tx_" + id: true, "tx_" + id + "A": false, "iso8583-" + id: true, "ps_" + id + "-00": true, "ps_" + id + "-0": false, "ps_" + id: false,
		"ps_" + id + "-4111111111111111": false, "tok_v1_" + id: true, "tok_v41111_" + id: false, id: true, id + id: true, "4111111111111111": false, "": false,
	} {
		require.Equal(t, want, IsIdentifier(s), s)
	}
}

func TestIBANs(t *testing.T) {
	for s, want := range map[string]bool{
		"GB29NWBK60161331926819": true, "DE89370400440532013000": true, "NO9386011117947": true, "MT84MALT011000012345MTLCAST001S": true,
		"GB28NWBK60161331926819": false, "4111111111111111": false, "XX414111111111111111": false, "gb29nwbk60161331926819": false, "GB29 NWBK 6016 1331 9268 19": false, "": false,
	} {
		require.Equal(t, want, IsIBAN(s), s)
	}
}

// The token's check is written out because it is asked of every event's ids; it must mean the same as the pattern of the contract.
func TestATokenIsWhatThePatternSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringMatching(`(tok_v)?[0-9]{0,5}_?[A-Z2-7]{25,27}.?`).Draw(t, "s")
		require.Equal(t, panToken.MatchString(s), IsPANToken(s), s)
	})
}
