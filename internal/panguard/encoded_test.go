package panguard

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
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

func references(number string) string {
	var b strings.Builder
	for _, c := range number {
		fmt.Fprintf(&b, "&#%d;", c)
	}
	return b.String()
}

// packed is a number in half bytes, filled up as on a chip.
func packed(number string) []byte {
	b, err := hex.DecodeString(number + strings.Repeat("f", len(number)%2))
	if err != nil {
		panic(err) // Numbers are digits.
	}
	return b
}

func TestPackedDecimalsInBytesAreFound(t *testing.T) {
	for _, number := range published {
		signed, err := hex.DecodeString(strings.Repeat("0", (len(number)+1)%2) + number + "c")
		require.NoError(t, err)
		for name, data := range map[string][]byte{
			"alone":             packed(number),
			"with a sign":       signed,
			"behind a tag":      append([]byte{0x5a, 0x08}, packed(number)...),
			"in a record":       append(append([]byte{0x01, 0x00, 0xf2, 0x3c, 0x46, 0xd1}, packed(number)...), 0xc1, 0x00, 0x00, 0x00, 0x00, 0x19, 0x81),
			"track 2 in a chip": append(packed(number), 0xd2, 0x51, 0x22, 0x01),
			"in EBCDIC":         append([]byte{0xc1}, ebcdic(number)...),
			"base64 in bytes":   []byte(base64.StdEncoding.EncodeToString([]byte(number))),
		} {
			require.True(t, ContainsBytes(data), "%s %s: %x", number, name, data)
		}
	}
	require.False(t, ContainsBytes([]byte{0x41, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x12}), "a wrong check digit")
}

// What stays unseen is in docs/concepts/card-data.md; this keeps the page honest.
func TestWhatIsNotSeenThrough(t *testing.T) {
	const number = "4111111111111111"
	once := base64.StdEncoding.EncodeToString([]byte(number))
	twice := base64.StdEncoding.EncodeToString([]byte(once))
	for name, text := range map[string]string{
		"three layers":      base64.StdEncoding.EncodeToString([]byte(twice)),
		"letters between":   "4111x1111x1111x1111",
		"backwards":         "1111111111111114",
		"words":             "four one one one",
		"far apart":         "4111" + strings.Repeat(" ", maxLooseGap+1) + "1111" + strings.Repeat(" ", maxLooseGap+1) + "1111" + strings.Repeat(" ", maxLooseGap+1) + "1111",
		"odd dotted groups": "41.1111111.1111111",
		"packed in base64":  base64.StdEncoding.EncodeToString(append([]byte{0xc1, 0xc2}, packed(number)...)),
	} {
		require.False(t, Contains(text), name)
	}
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
			"base64 of packed":       base64.StdEncoding.EncodeToString(packed(number)),
			"the same, unpadded":     base64.RawURLEncoding.EncodeToString(packed(number)),
			"base64 of hexadecimal":  base64.StdEncoding.EncodeToString([]byte(hex.EncodeToString([]byte(number)))),
			"hexadecimal of base64":  hex.EncodeToString([]byte(base64.StdEncoding.EncodeToString([]byte(number)))),
			"base64 twice":           base64.StdEncoding.EncodeToString([]byte(base64.StdEncoding.EncodeToString([]byte(number)))),
			"base64 in a URL":        url.QueryEscape("q=" + base64.StdEncoding.EncodeToString([]byte("p="+number+"&"))),
			"a URL twice":            "%253" + strings.Join(strings.Split(number, ""), "%253"),
			"JSON's escapes":         `{"pan":"\u003` + strings.Join(strings.Split(number, ""), `\u003`) + `"}`,
			"JSON in JSON":           `"{\"pan\":\"` + number + `\"}"`,
			"XML's references":       "&#x3" + strings.Join(strings.Split(number, ""), ";&#x3") + ";",
			"without semicolons":     "&#x3" + strings.Join(strings.Split(number, ""), "&#x3"),
			"decimal references":     references(number),
			"escaped in base64":      base64.StdEncoding.EncodeToString([]byte(`\u003` + strings.Join(strings.Split(number, ""), `\u003`))),
			"hexadecimal of UTF-16":  hex.EncodeToString([]byte(strings.Join(strings.Split(number, ""), "\x00"))),
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
		require.True(t, Contains(base64.StdEncoding.EncodeToString([]byte(hex.EncodeToString([]byte(plain))))))
	})
}
