package panguard

import (
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func ebcdic(number string) []byte {
	var b []byte
	for _, c := range []byte(number) {
		b = append(b, c-'0'+0xf0)
	}
	return b
}

func TestPublishedNumbersAreFoundHoweverTheyAreEncoded(t *testing.T) {
	for _, number := range published {
		for name, text := range map[string]string{
			"in a URL":               "https://x.test/pay?pan=" + url.QueryEscape(grouped(number, " ")),
			"in a path":              url.PathEscape("card " + grouped(number, " ")),
			"every digit escaped":    "pan=%3" + strings.Join(strings.Split(number, ""), "%3"),
			"base64":                 base64.StdEncoding.EncodeToString([]byte(number)),
			"base64 with dashes":     base64.StdEncoding.EncodeToString([]byte(grouped(number, "-"))),
			"base64, second":         base64.StdEncoding.EncodeToString([]byte("x" + number + "y")),
			"base64, third":          base64.StdEncoding.EncodeToString([]byte("xx" + number + "y")),
			"base64 of JSON":         base64.RawURLEncoding.EncodeToString([]byte(`{"id":"??>>","pan":"` + number + `"}`)),
			"base64 behind words":    "ref " + base64.StdEncoding.EncodeToString([]byte(number)) + " end",
			"base64 behind a letter": "Q" + base64.StdEncoding.EncodeToString([]byte(number)),
			"hexadecimal":            hex.EncodeToString([]byte(number)),
			"hexadecimal, odd":       "f" + strings.ToUpper(hex.EncodeToString([]byte(number))),
			"hexadecimal in EBCDIC":  hex.EncodeToString(ebcdic(number)),
			"packed decimal":         "0x" + strings.Repeat("0", len(number)%2) + number,
		} {
			require.True(t, Contains(text), "%s %s: %s", number, name, text)
		}
	}
}

func TestEncodedTextWithoutACardNumberIsNone(t *testing.T) {
	for name, text := range map[string]string{
		"percent":        "100%25+of+411111+1111",
		"base64":         base64.StdEncoding.EncodeToString([]byte("a note about nothing at all, 2026-07-09")),
		"a hash":         "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
		"a trace":        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
		"a token":        "tok_v1_XMYSAOFQRTVHDBOVPJUHSBK3WF",
		"wrong check":    base64.StdEncoding.EncodeToString([]byte("4111111111111112")),
		"hex, wrong":     hex.EncodeToString([]byte("4111111111111112")),
		"open escapes":   "%zz %4 % 4111%",
		"a key":          "JOURNAL#ps_PFZEIPLD5TNT6E5EUYIS5BKU4E-00",
		"a merchant":     "MERCHANT0000001-TERM0001-STORE22",
		"encoded digits": base64.StdEncoding.EncodeToString([]byte("0000000000000000")),
	} {
		require.False(t, Contains(text), name)
	}
}

func TestAnyBytesAroundAnEncodedNumberDoNotHideIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		number := withCheckDigit("4" + rapid.StringMatching(`[0-9]{14}`).Draw(t, "body"))
		letters := `[A-Za-z .,:{}"]{0,9}`
		plain := rapid.StringMatching(letters).Draw(t, "before") + number + rapid.StringMatching(letters).Draw(t, "after")
		require.True(t, Contains(base64.StdEncoding.EncodeToString([]byte(plain))))
		require.True(t, Contains(base64.RawURLEncoding.EncodeToString([]byte(plain))))
		require.True(t, Contains(hex.EncodeToString([]byte(plain))))
		require.True(t, Contains(url.QueryEscape(plain)))
	})
}
