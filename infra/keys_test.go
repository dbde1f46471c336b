package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTokenKey(t *testing.T) {
	tpl := synthesize(t, defaults(t))
	key := tpl.one(t, "AWS::KMS::Key", "")
	require.Equal(t, "HMAC_256", tpl.get(key, "KeySpec"))
	require.Equal(t, "GENERATE_VERIFY_MAC", tpl.get(key, "KeyUsage"))
	require.Nil(t, tpl.get(key, "EnableKeyRotation"), "KMS refuses it for HMAC keys")
}
