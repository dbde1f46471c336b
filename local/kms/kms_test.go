package kms

import (
	"bytes"
	"encoding/hex"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/local/clock"
	"github.com/payrail/payrail/local/faults"
)

const (
	keyID  = "1234abcd-12ab-34cd-56ef-1234567890ab"
	keyARN = "arn:aws:kms:us-east-1:000000000000:key/" + keyID
)

var now = time.Date(2026, 7, 9, 10, 15, 30, 0, time.UTC)

// material is RFC 4231's test case 1, padded with zeros to the block size by HMAC itself: its 20 bytes 0x0b make the same
// key as those bytes followed by zeros.
func material(string) []byte { return append(bytes.Repeat([]byte{0x0b}, 20), make([]byte, 12)...) }

func serve(t *testing.T, injector *faults.Injector) *sdk.Client {
	t.Helper()
	s := New(Options{KeyMaterial: material, Clock: clock.NewManual(now), Faults: injector, Region: "us-east-1", Account: "000000000000"})
	arn, err := s.CreateKey(KeySpec{ID: keyID, Spec: "HMAC_256", Usage: "GENERATE_VERIFY_MAC", Description: "tokens"})
	require.NoError(t, err)
	require.Equal(t, keyARN, arn)
	require.NoError(t, s.CreateAlias("alias/payrail-token", arn))
	return serveService(t, s)
}

func serveService(t *testing.T, s *Service) *sdk.Client {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return sdk.New(sdk.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(server.URL), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
}

func requireCode(t *testing.T, err error, code string) {
	t.Helper()
	var api smithy.APIError
	require.ErrorAs(t, err, &api)
	require.Equal(t, code, api.ErrorCode())
}

func TestGenerateAndVerifyMac(t *testing.T) {
	client := serve(t, nil)
	for _, id := range []string{keyID, keyARN, "alias/payrail-token", "arn:aws:kms:us-east-1:000000000000:alias/payrail-token"} {
		t.Run(id, func(t *testing.T) {
			out, err := client.GenerateMac(t.Context(), &sdk.GenerateMacInput{
				KeyId: aws.String(id), MacAlgorithm: types.MacAlgorithmSpecHmacSha256, Message: []byte("Hi There"),
			})
			require.NoError(t, err)
			require.Equal(t, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7", hex.EncodeToString(out.Mac))
			require.Equal(t, keyARN, *out.KeyId)
			verified, err := client.VerifyMac(t.Context(), &sdk.VerifyMacInput{
				KeyId: aws.String(id), MacAlgorithm: types.MacAlgorithmSpecHmacSha256, Message: []byte("Hi There"), Mac: out.Mac,
			})
			require.NoError(t, err)
			require.True(t, verified.MacValid)
		})
	}
}

func TestFaultsAreInjected(t *testing.T) {
	var injector faults.Injector
	require.NoError(t, injector.Arm(faults.Fault{Operation: "kms:GenerateMac", When: faults.BeforeEffect, Code: "ThrottlingException"}))
	_, err := serve(t, &injector).GenerateMac(t.Context(), &sdk.GenerateMacInput{
		KeyId: aws.String(keyID), MacAlgorithm: "HMAC_SHA_256", Message: []byte("x"),
	})
	requireCode(t, err, "ThrottlingException")
}

func TestCreateKeyRefuses(t *testing.T) {
	s := New(Options{KeyMaterial: func(string) []byte { return []byte("short") }, Clock: clock.NewManual(now)})
	_, err := s.CreateKey(KeySpec{ID: "k", Spec: "SYMMETRIC_DEFAULT", Usage: "ENCRYPT_DECRYPT"})
	require.ErrorContains(t, err, `kms keys of spec "SYMMETRIC_DEFAULT" and usage "ENCRYPT_DECRYPT"`)
	_, err = s.CreateKey(KeySpec{ID: "k", Spec: "HMAC_256", Usage: "GENERATE_VERIFY_MAC"})
	require.EqualError(t, err, "creating key k: HMAC_256 wants 32 bytes of key material, got 5")
	require.ErrorContains(t, s.CreateAlias("alias/x", "k"), "NotFoundException")
}
