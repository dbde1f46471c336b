package iso8583

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/internal/token"
	"github.com/payrail/payrail/payment"
)

// Card numbers of the examples: a published test number, and the guidance's, which is nobody's.
const testPAN, guidancePAN = "4111111111111111", "4561908061867981"

// received is when the tests receive messages.
var received = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// directory is reference data held in memory.
type directory struct {
	countries  map[string]string
	currencies map[string][]payment.Currency
	err        error
}

func (d directory) IssuerCountry(_ context.Context, bin string) (string, error) {
	return d.countries[bin], d.err
}

func (d directory) Currencies(_ context.Context, panToken string) ([]payment.Currency, error) {
	return d.currencies[panToken], d.err
}

func tokenOf(t testing.TB, pan string) string {
	t.Helper()
	panToken, err := token.Static{Key: token.DevelopmentKey()}.Token(context.Background(), pan)
	require.NoError(t, err)
	return panToken
}

func newDecoder(t testing.TB) *Decoder {
	return &Decoder{
		Tokens: token.Static{Key: token.DevelopmentKey()},
		Reference: directory{countries: map[string]string{"411111": "826"},
			currencies: map[string][]payment.Currency{tokenOf(t, guidancePAN): {"USD"}, tokenOf(t, testPAN): {"BHD", "GBP"}}},
		Now: func() time.Time { return received },
	}
}

func exampleFile(t testing.TB, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile("../../examples/iso8583/" + name)
	require.NoError(t, err)
	return raw
}

// domestic is the first example message, in pieces that tests change.
const (
	domesticHead = "0110763864810EE0A000"
	domesticBody = "164111111111111111" + "000000" + "000000001981" + "000000001981" + "0709101530" + "123456" + "111530" + "0709" + "5411" + "826" + "051" + "00" +
		"06400010" + "519010123456" + "A1B2C3" + "00" + "TERM0001" + "MERCHANT0000001" + "ACME STORE            LONDON         GB " + "826" + "826"
	domestic = domesticHead + domesticBody
	guidance = "0100F238000108A000000400001001004561908061867981000010000000001981000000001981202307090198178614567120270829AAFF0840084000100001AAFF08400840"
)
