package main

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/internal/panguard"
)

// Sensitive authentication data may not be kept at all: neither upstream nor in quarantine.
func TestSensitiveAuthenticationDataIsKeptNowhere(t *testing.T) {
	for name, tc := range map[string]struct {
		changes []string
		fields  []string
		removed []string
		secret  string
	}{
		"a card verification value": {[]string{"cvv2", `{"S":"987"}`}, []string{"cvv2"}, []string{"cvv2"}, `"987"`},
		"as a number":               {[]string{"CVC", `{"N":"987"}`}, []string{"CVC"}, []string{"CVC"}, `"987"`},
		"a PIN block":               {[]string{"pin_block", `{"S":"1A2B3C4D5E6F7788"}`}, []string{"pin_block"}, []string{"pin_block"}, "1A2B3C4D5E6F7788"},
		"binary":                    {[]string{"iccData", `{"B":"nyYIqrs="}`}, []string{"iccData"}, []string{"iccData"}, "nyYIqrs="},
		"an element":                {[]string{"DE52", `{"S":"1A2B3C4D5E6F7788"}`}, []string{"DE52"}, []string{"DE52"}, "1A2B3C4D5E6F7788"},
		"in a map":                  {[]string{"raw", `{"M":{"a":{"L":[{"M":{"5F24":{"S":"270831"}}}]}}}`}, []string{"raw.a[0].5F24"}, []string{"raw"}, "270831"},
		"in text":                   {[]string{"note", `{"S":"{\"cvv2\":\"987\"}"}`}, []string{"note"}, []string{"note"}, "987"},
		"in a known field":          {[]string{"merchantName", `{"S":"ACME cvv2=987"}`}, []string{"merchantName"}, []string{"merchantName"}, "987"},
		"track 2 with the number":   {[]string{"track2", `{"S":";4111111111111111=27082011000012345678?"}`}, []string{"track2"}, []string{"track2"}, "27082011000012345678"},
		"beside a card number":      {[]string{"cvv", `{"S":"987"}`, "remark", `{"S":"4111111111111111"}`}, []string{"cvv", "remark"}, []string{"cvv", "remark"}, `"987"`},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			w.items["auth-1"] = item(t, tc.changes...)
			require.Empty(t, w.run(t, insert(t, 1, item(t, tc.changes...))))

			require.Len(t, w.published, 1)
			detail := data[events.QuarantinedData](t, w.published[0])
			require.Equal(t, "SENSITIVE_AUTHENTICATION_DATA", detail.Data.Reason)
			require.Equal(t, tc.fields, detail.Data.Fields)
			var kept quarantined
			require.NoError(t, json.Unmarshal([]byte(w.objects["quarantine/"+detail.Data.Object]), &kept))
			require.NotEmpty(t, kept.NotKept)
			require.NotContains(t, w.objects["quarantine/"+detail.Data.Object], tc.secret)
			require.Contains(t, string(kept.Item), "merchantCity", "the rest is kept")
			for _, attribute := range tc.removed {
				require.NotContains(t, w.items["auth-1"], attribute)
			}
			require.Equal(t, "QUARANTINED", w.items["auth-1"].Status())
			require.NotContains(t, w.everywhere(t), tc.secret)
			if name == "beside a card number" {
				require.Equal(t, []string{"cvv"}, kept.NotKept)
				require.Contains(t, string(kept.Item), pan, "the card number can be looked up")
			}
		})
	}
}

func TestFlagsAndEmptyFieldsAreNoSensitiveData(t *testing.T) {
	require.Empty(t, findOffences(item(t, "pin", `{"BOOL":true}`, "cvv2", `{"S":""}`, "track2", `{"NULL":true}`, "emv", `{"M":{}}`, "icc", `{"L":[]}`,
		"expiryDate", `{"S":"2708"}`, "de14", `{"S":"2708"}`)))
}

func TestNoFieldOfTheContractHasASensitiveName(t *testing.T) {
	known, others := item(t).Known()
	require.Empty(t, others)
	for name := range known {
		require.False(t, panguard.SensitiveName(name), name)
	}
}

// Ways to write a card number, as DynamoDB's JSON of an attribute.
func spellings(number string) map[string]string {
	base64Of := func(data []byte) string { return base64.StdEncoding.EncodeToString(data) }
	hexOf := hex.EncodeToString([]byte(number))
	text := func(s string) string { b, _ := json.Marshal(map[string]string{"S": s}); return string(b) }
	bcd, _ := hex.DecodeString(number + "ff"[:len(number)%2])
	groups := []string{number[:4], number[4:8], number[8:12], number[12:]}
	return map[string]string{
		"plain": text(number), "dots": text(strings.Join(groups, ".")), "list in JSON": text(`["` + strings.Join(groups, `","`) + `"]`),
		"JSON's escapes": text(`\u003` + strings.Join(strings.Split(number, ""), `\u003`)), "hexadecimal": text(hexOf),
		"base64 of hexadecimal": text(base64Of([]byte(hexOf))), "base64 of packed": text(base64Of(bcd)), "full width": text(strings.Map(func(c rune) rune { return c - '0' + '０' }, number)),
		"N": `{"N":"` + number + `"}`, "N with an exponent": `{"N":"` + number[:1] + "." + number[1:] + `E+` + fmt.Sprint(len(number)-1) + `"}`,
		"packed": `{"B":"` + base64Of(bcd) + `"}`, "packed behind a tag": `{"B":"` + base64Of(append([]byte{0x5a, 0x08}, bcd...)) + `"}`,
		"split over a list": `{"L":[{"S":"` + strings.Join(groups, `"},{"S":"`) + `"}]}`,
		"split over a map":  `{"M":{"a":{"S":"` + groups[0] + `"},"b":{"N":"` + groups[1] + `"},"c":{"S":"` + groups[2] + `"},"d":{"S":"` + groups[3] + `"}}}`,
		"a map's key":       `{"M":{"` + number + `":{"S":"x"}}}`, "a set": `{"SS":["a","` + number + `"]}`, "a set of numbers": `{"NS":["1","` + number + `"]}`,
	}
}

func TestACardNumberInAnyFieldAndSpellingIsAnOffence(t *testing.T) {
	fields := []string{"anUnknownField"}
	for name := range item(t, "lifecycleId", `{"S":"x"}`, "conversionRate", `{"S":"1"}`, "forwarderId", `{"S":"1"}`, "original", `{"M":{}}`, "settlementDate", `{"S":"x"}`) {
		fields = append(fields, name)
	}
	for _, number := range []string{"4111111111111111", "5555555555554444"} {
		for spelling, value := range spellings(number) {
			for _, field := range fields {
				require.Len(t, findOffences(item(t, field, value)), 1, "%s in %s: %s", spelling, field, value)
			}
		}
	}
}

func random(r *rand.Rand, alphabet string, n int) string {
	b := make([]byte, n)
	var bits uint64
	for i := range b {
		if i%8 == 0 {
			bits = r.Uint64() // eight bits for each of eight characters: even enough
		}
		b[i] = alphabet[int(bits&0xff)*len(alphabet)>>8]
		bits >>= 8
	}
	return string(b)
}

// A million authorizations whose ids and references are random: none is quarantined.
func TestAMillionRandomReferencesRaiseNoAlarm(t *testing.T) {
	const digits, hexadecimal, crockford = "0123456789", "0123456789abcdef", "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	r := rand.New(rand.NewPCG(20260709, 3))
	for range 1_000_000 {
		uuid := random(r, hexadecimal, 8) + "-" + random(r, hexadecimal, 4) + "-7" + random(r, hexadecimal, 3) + "-a" + random(r, hexadecimal, 3) + "-" + random(r, hexadecimal, 12)
		for _, field := range [...]struct{ name, value string }{
			{"lifecycleId", random(r, digits, 15)}, {"rrn", random(r, digits, 12)}, {"stan", random(r, digits, 6)}, {"acquirerId", random(r, digits, 11)},
			{"authorizationId", uuid}, {"authorizationId", random(r, "01234567", 1) + random(r, crockford, 25)},
			{"panToken", "tok_v1_" + random(r, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 26)},
		} {
			if o, found := searchAttribute(field.name, text(field.value)); found {
				t.Fatalf("%s %s: %+v", field.name, field.value, o)
			}
		}
	}
}

func BenchmarkFindOffences(b *testing.B) {
	it := item(b, "lifecycleId", `{"S":"385190412345678"}`, "conversionRate", `{"S":"0.7925"}`)
	b.ReportAllocs()
	for b.Loop() {
		if offences := findOffences(it); len(offences) > 0 {
			b.Fatal(offences)
		}
	}
}
