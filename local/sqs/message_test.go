package sqs

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDigests(t *testing.T) {
	require.Equal(t, "5d41402abc4b2a76b9719d911017c592", bodyMD5("hello"))
	require.Empty(t, attributesMD5(nil))
	// The digests SDKs compute themselves are checked in TestAPIWithSDK, whose client refuses a wrong one.
	one := attributesMD5(map[string]Attribute{"a": {DataType: "String", StringValue: "x"}})
	require.Len(t, one, 32)
	require.NotEqual(t, one, attributesMD5(map[string]Attribute{"a": {DataType: "Number", StringValue: "x"}}))
}

func TestValidContents(t *testing.T) {
	for body, want := range map[string]bool{
		"plain":       true,
		"tab\tnl\n\r": true,
		"é € 𝄞":       true,
		"\x0b":        false,
		"\x1f":        false,
		"\xc3":        false,
		"\uFFFE":      false,
		"\uFFFD":      true,
	} {
		require.Equal(t, want, validContents(body), "%q", body)
	}
}

func FuzzParseHandle(f *testing.F) {
	m := &message{sequence: 7, receiveCount: 3}
	f.Add(receiptHandle(handleID("q"), m))
	f.Add("")
	f.Fuzz(func(t *testing.T, handle string) {
		sequence, count, ok := parseHandle(handleID("q"), handle)
		if !ok {
			require.Zero(t, sequence)
			require.Zero(t, count)
		}
	})
}

func TestDelaysThatDoNotFitADurationAreRefused(t *testing.T) {
	for _, seconds := range []int{-1, 901, 1 << 34, 18_446_744_074} {
		_, err := (&sendInput{MessageBody: "m", DelaySeconds: &seconds}).draft()
		requireCode(t, err, "InvalidParameterValue")
	}
}
