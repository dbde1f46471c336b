package iso8583

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/payment"
)

// maxFuzzed bounds what the fuzzer tries: longer input is refused by its length alone.
const maxFuzzed = 1 << 10

// requireSound: what decodes is an authorization, and what does not names fields.
func requireSound(t *testing.T, message []byte) {
	t.Helper()
	m, err := newDecoder(t).Decode(t.Context(), message)
	if err != nil {
		var fields payment.FieldErrors
		require.True(t, errors.As(err, &fields), "%v", err)
		require.NotEmpty(t, fields)
		require.NotContains(t, err.Error(), "\n")
		return
	}
	a, err := payment.ParseAuthorization(m.Item.Attributes())
	require.NoError(t, err)
	require.True(t, payment.IsPANToken(a.PANToken))
}

func Fuzz1987(f *testing.F) {
	f.Add(domestic)
	f.Add(domesticHead)
	f.Add("0110F63864810EE0A000" + "8000000000000000" + domesticBody)
	for _, line := range strings.Split(string(exampleFile(f, "visa-1987.txt")), "\n") {
		if strings.HasPrefix(line, "0") {
			f.Add(line)
			f.Add(hex.EncodeToString([]byte(line)))
		}
	}
	f.Fuzz(func(t *testing.T, message string) {
		if len(message) <= maxFuzzed {
			requireSound(t, []byte(message))
		}
	})
}

func FuzzGuidance(f *testing.F) {
	f.Add([]byte("\x01\x00"))
	packed, err := hex.DecodeString(guidance)
	require.NoError(f, err)
	f.Add(packed)
	f.Fuzz(func(t *testing.T, packed []byte) {
		if len(packed) > maxFuzzed {
			return
		}
		// As the layout requires it, or the fuzzer would hardly get past it.
		if len(packed) >= guidanceBytes {
			packed = append([]byte(nil), packed[:guidanceBytes]...)
			copy(packed[guidanceSecondType/2:], packed[:2])
		}
		requireSound(t, []byte(hex.EncodeToString(packed)))
	})
}

func FuzzFile(f *testing.F) {
	f.Add(string(exampleFile(f, "visa-1987.txt")))
	f.Add("# title\n" + guidance + "\n  text\n")
	f.Fuzz(func(t *testing.T, file string) {
		if len(file) > 4*maxFuzzed {
			return
		}
		_, err := newDecoder(t).DecodeFile(t.Context(), []byte(file))
		var fields payment.FieldErrors
		require.True(t, err == nil || errors.As(err, &fields), "%v", err)
	})
}
