package kms

import (
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/local/clock"
	"github.com/payrail/payrail/local/conformance"
)

// Where the expectations of the conformance cases come from.
const (
	guide     = "https://docs.aws.amazon.com/kms/latest/developerguide/"
	reference = "https://docs.aws.amazon.com/kms/latest/APIReference/"
	// recorded are answers of AWS that another project recorded.
	recorded = "https://github.com/localstack/localstack/blob/master/tests/aws/services/kms/test_kms.snapshot.json"
)

// The vectors are RFC 4231's for keys that HMAC_256 can have: 20 bytes 0x0b, and 20 bytes 0xaa, both filled up with zeros as HMAC
// itself does. Source: reference + API_GenerateMac.html (the algorithm of RFC 2104)
func TestMacsAreHMACs(t *testing.T) {
	for _, tc := range []struct {
		key     byte
		message string
		mac     string
	}{
		{0x0b, "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
		{0xaa, strings.Repeat("\xdd", 50), "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
	} {
		s := New(Options{KeyMaterial: func(string) []byte {
			return append([]byte(strings.Repeat(string([]byte{tc.key}), 20)), make([]byte, 12)...)
		}, Clock: clock.NewManual(now)})
		_, err := s.CreateKey(KeySpec{ID: keyID, Spec: "HMAC_256", Usage: "GENERATE_VERIFY_MAC"})
		require.NoError(t, err)
		out, err := s.generateMac(t.Context(), &macInput{KeyId: keyID, MacAlgorithm: "HMAC_SHA_256", Message: []byte(tc.message)})
		require.NoError(t, err)
		require.Equal(t, tc.mac, hex.EncodeToString(out.Mac))
	}
}

func TestErrorsAsOnAWS(t *testing.T) {
	mac := func(change func(*sdk.GenerateMacInput)) func(*testing.T, *sdk.Client) error {
		return func(t *testing.T, client *sdk.Client) error {
			in := &sdk.GenerateMacInput{KeyId: aws.String(keyID), MacAlgorithm: types.MacAlgorithmSpecHmacSha256, Message: []byte("some important message")}
			change(in)
			_, err := client.GenerateMac(t.Context(), in)
			return err
		}
	}
	verify := func(change func(*sdk.VerifyMacInput)) func(*testing.T, *sdk.Client) error {
		return func(t *testing.T, client *sdk.Client) error {
			made, err := client.GenerateMac(t.Context(), &sdk.GenerateMacInput{KeyId: aws.String(keyID), MacAlgorithm: types.MacAlgorithmSpecHmacSha256, Message: []byte("some important message")})
			require.NoError(t, err)
			in := &sdk.VerifyMacInput{KeyId: aws.String(keyID), MacAlgorithm: types.MacAlgorithmSpecHmacSha256, Message: []byte("some important message"), Mac: made.Mac}
			change(in)
			_, err = client.VerifyMac(t.Context(), in)
			return err
		}
	}
	const enum = "1 validation error detected: Value 'INVALID' at 'macAlgorithm' failed to satisfy constraint: Member must satisfy enum value set: [HMAC_SHA_384, HMAC_SHA_256, HMAC_SHA_224, HMAC_SHA_512]"
	for _, tc := range []struct {
		name, source string
		call         func(*testing.T, *sdk.Client) error
		code         string
		message      string // All of it; "" where the source does not say.
	}{
		{"a key id that is none", recorded, mac(func(in *sdk.GenerateMacInput) { in.KeyId = aws.String("key_id") }), "NotFoundException", "Invalid keyId 'key_id'"},
		{"a key id that is none, verified", recorded, verify(func(in *sdk.VerifyMacInput) { in.KeyId = aws.String("key_id") }), "NotFoundException", "Invalid keyId 'key_id'"},
		{"an algorithm of another key spec", recorded, mac(func(in *sdk.GenerateMacInput) { in.MacAlgorithm = types.MacAlgorithmSpecHmacSha512 }), "InvalidKeyUsageException", "Algorithm HMAC_SHA_512 is incompatible with key spec HMAC_256."},
		{"an algorithm of another key spec, verified", recorded, verify(func(in *sdk.VerifyMacInput) { in.MacAlgorithm = types.MacAlgorithmSpecHmacSha512 }), "InvalidKeyUsageException", "Algorithm HMAC_SHA_512 is incompatible with key spec HMAC_256."},
		{"an algorithm that is none", recorded, mac(func(in *sdk.GenerateMacInput) { in.MacAlgorithm = "INVALID" }), "ValidationException", enum},
		{"an algorithm that is none, verified", recorded, verify(func(in *sdk.VerifyMacInput) { in.MacAlgorithm = "INVALID" }), "ValidationException", enum},
		{"another message", recorded, verify(func(in *sdk.VerifyMacInput) { in.Message = []byte("some different important message") }), "KMSInvalidMacException", ""},
		{"another MAC", reference + "API_VerifyMac.html", verify(func(in *sdk.VerifyMacInput) { in.Mac = []byte("another") }), "KMSInvalidMacException", ""},
		{"a key that is not there", reference + "API_GenerateMac.html", mac(func(in *sdk.GenerateMacInput) { in.KeyId = aws.String("00000000-12ab-34cd-56ef-1234567890ab") }), "NotFoundException", "Key 'arn:aws:kms:us-east-1:000000000000:key/00000000-12ab-34cd-56ef-1234567890ab' does not exist"},
		{"an alias that is not there", reference + "API_GenerateMac.html", mac(func(in *sdk.GenerateMacInput) { in.KeyId = aws.String("alias/none") }), "NotFoundException", "Alias arn:aws:kms:us-east-1:000000000000:alias/none is not found."},
		{"a key of another account", reference + "API_GenerateMac.html", mac(func(in *sdk.GenerateMacInput) {
			in.KeyId = aws.String("arn:aws:kms:us-east-1:111111111111:key/" + keyID)
		}), "NotFoundException", ""},
		{"an alias as a key's ARN", guide + "concepts.html#key-id-key-ARN", mac(func(in *sdk.GenerateMacInput) {
			in.KeyId = aws.String("arn:aws:kms:us-east-1:000000000000:key/alias/payrail-token")
		}), "NotFoundException", ""},
		{"no message", reference + "API_GenerateMac.html", mac(func(in *sdk.GenerateMacInput) { in.Message = []byte{} }), "ValidationException", ""},
		{"a message that is too long", reference + "API_GenerateMac.html", mac(func(in *sdk.GenerateMacInput) { in.Message = make([]byte, 4097) }), "ValidationException", "1 validation error detected: Value at 'message' failed to satisfy constraint: Member must have length less than or equal to 4096"},
		{"no MAC", reference + "API_VerifyMac.html", verify(func(in *sdk.VerifyMacInput) { in.Mac = []byte{} }), "ValidationException", ""},
		{"a MAC that is too long", reference + "API_VerifyMac.html", verify(func(in *sdk.VerifyMacInput) { in.Mac = make([]byte, 6145) }), "ValidationException", ""},
		{"parameters before the key", recorded, mac(func(in *sdk.GenerateMacInput) { in.KeyId, in.MacAlgorithm = aws.String("key_id"), "INVALID" }), "ValidationException", enum},
		{"a page that is too long", reference + "API_ListAliases.html", func(t *testing.T, client *sdk.Client) error {
			_, err := client.ListAliases(t.Context(), &sdk.ListAliasesInput{Limit: aws.Int32(101)})
			return err
		}, "ValidationException", ""},
		{"a marker that is none", reference + "API_ListAliases.html", func(t *testing.T, client *sdk.Client) error {
			_, err := client.ListAliases(t.Context(), &sdk.ListAliasesInput{Marker: aws.String("?")})
			return err
		}, "InvalidMarkerException", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := tc.call(t, serve(t, nil))
			requireCode(t, err, tc.code)
			require.ErrorContains(t, err, "StatusCode: 400", tc.source)
			if tc.message != "" || tc.source == recorded {
				require.True(t, strings.HasSuffix(err.Error(), ": "+tc.message), "%s: %v", tc.source, err)
			}
		})
	}
}

// A message of 4,096 bytes is the longest. Source: reference + API_GenerateMac.html
func TestLongestMessage(t *testing.T) {
	_, err := serve(t, nil).GenerateMac(t.Context(), &sdk.GenerateMacInput{KeyId: aws.String(keyID), MacAlgorithm: types.MacAlgorithmSpecHmacSha256, Message: make([]byte, 4096)})
	require.NoError(t, err)
}

// Source: recorded, test_hmac_create_key
func TestDescribeKey(t *testing.T) {
	out, err := serve(t, nil).DescribeKey(t.Context(), &sdk.DescribeKeyInput{KeyId: aws.String("alias/payrail-token")})
	require.NoError(t, err)
	created := now
	require.Equal(t, &types.KeyMetadata{
		AWSAccountId: aws.String("000000000000"), Arn: aws.String(keyARN), CreationDate: &created, CustomerMasterKeySpec: types.CustomerMasterKeySpecHmac256,
		Description: aws.String("tokens"), Enabled: true, KeyId: aws.String(keyID), KeyManager: types.KeyManagerTypeCustomer, KeySpec: types.KeySpecHmac256,
		KeyState: types.KeyStateEnabled, KeyUsage: types.KeyUsageTypeGenerateVerifyMac, MacAlgorithms: []types.MacAlgorithmSpec{types.MacAlgorithmSpecHmacSha256},
		MultiRegion: aws.Bool(false), Origin: types.OriginTypeAwsKms,
	}, out.KeyMetadata)
}

// Source: reference + API_ListAliases.html: at most Limit, 50 without it; NextMarker where Truncated.
func TestAliasesComeInPages(t *testing.T) {
	s := New(Options{KeyMaterial: material, Clock: clock.NewManual(now), Region: "us-east-1", Account: "000000000000"})
	client := serveService(t, s)
	for _, id := range []string{keyID, "00000000-12ab-34cd-56ef-1234567890ab"} {
		_, err := s.CreateKey(KeySpec{ID: id, Spec: "HMAC_256", Usage: "GENERATE_VERIFY_MAC"})
		require.NoError(t, err)
	}
	for i := range 51 {
		require.NoError(t, s.CreateAlias("alias/a"+strconv.Itoa(100+i), keyID))
	}
	require.NoError(t, s.CreateAlias("alias/other", "00000000-12ab-34cd-56ef-1234567890ab"))

	first, err := client.ListAliases(t.Context(), &sdk.ListAliasesInput{})
	require.NoError(t, err)
	require.True(t, first.Truncated)
	require.Len(t, first.Aliases, 50)
	var names []string
	for pages := sdk.NewListAliasesPaginator(client, &sdk.ListAliasesInput{KeyId: aws.String(keyARN), Limit: aws.Int32(20)}); pages.HasMorePages(); {
		page, err := pages.NextPage(t.Context())
		require.NoError(t, err)
		for _, a := range page.Aliases {
			names = append(names, *a.AliasName)
			require.Equal(t, keyID, *a.TargetKeyId)
			require.Equal(t, "arn:aws:kms:us-east-1:000000000000:"+*a.AliasName, *a.AliasArn)
		}
	}
	require.Len(t, names, 51)
	require.NotContains(t, names, "alias/other")
}

// refusals are what the reference page says is refused, in its order.
var refusals = []struct {
	feature string
	says    string
	call    func(*testing.T, *Service, *sdk.Client) []error
}{
	{"other kinds of keys", "kms keys of spec", func(_ *testing.T, s *Service, _ *sdk.Client) []error {
		_, symmetric := s.CreateKey(KeySpec{ID: "k", Spec: "SYMMETRIC_DEFAULT", Usage: "ENCRYPT_DECRYPT"})
		_, longer := s.CreateKey(KeySpec{ID: "k", Spec: "HMAC_512", Usage: "GENERATE_VERIFY_MAC"})
		return []error{symmetric, longer}
	}},
	{"grant tokens", "kms with GrantTokens", func(t *testing.T, _ *Service, client *sdk.Client) []error {
		_, made := client.GenerateMac(t.Context(), &sdk.GenerateMacInput{KeyId: aws.String(keyID), MacAlgorithm: "HMAC_SHA_256", Message: []byte("x"), GrantTokens: []string{"g"}})
		_, verified := client.VerifyMac(t.Context(), &sdk.VerifyMacInput{KeyId: aws.String(keyID), MacAlgorithm: "HMAC_SHA_256", Message: []byte("x"), Mac: []byte("x"), GrantTokens: []string{"g"}})
		_, described := client.DescribeKey(t.Context(), &sdk.DescribeKeyInput{KeyId: aws.String(keyID), GrantTokens: []string{"g"}})
		return []error{made, verified, described}
	}},
	{"dry runs", "kms with DryRun", func(t *testing.T, _ *Service, client *sdk.Client) []error {
		_, made := client.GenerateMac(t.Context(), &sdk.GenerateMacInput{KeyId: aws.String(keyID), MacAlgorithm: "HMAC_SHA_256", Message: []byte("x"), DryRun: aws.Bool(true)})
		_, verified := client.VerifyMac(t.Context(), &sdk.VerifyMacInput{KeyId: aws.String(keyID), MacAlgorithm: "HMAC_SHA_256", Message: []byte("x"), Mac: []byte("x"), DryRun: aws.Bool(true)})
		return []error{made, verified}
	}},
}

func TestRefusals(t *testing.T) {
	s := New(Options{KeyMaterial: material, Clock: clock.NewManual(now), Region: "us-east-1", Account: "000000000000"})
	client := serveService(t, s)
	_, err := s.CreateKey(KeySpec{ID: keyID, Spec: "HMAC_256", Usage: "GENERATE_VERIFY_MAC"})
	require.NoError(t, err)
	var features []string
	for _, refusal := range refusals {
		features = append(features, refusal.feature)
		for _, err := range refusal.call(t, s, client) {
			require.ErrorContains(t, err, "NotImplemented", refusal.feature)
			require.ErrorContains(t, err, refusal.says, refusal.feature)
		}
	}
	require.Len(t, s.keys, 1)
	require.Equal(t, conformance.Refusals(t, "KMS"), features)
}

// Every operation that is not done is refused by its name.
func TestOtherOperationsAreRefused(t *testing.T) {
	client := serve(t, nil)
	_, err := client.Encrypt(t.Context(), &sdk.EncryptInput{KeyId: aws.String(keyID), Plaintext: []byte("x")})
	requireCode(t, err, "NotImplemented")
	require.ErrorContains(t, err, "kms:Encrypt")
	require.ErrorContains(t, err, "StatusCode: "+strconv.Itoa(http.StatusNotImplemented))
}
