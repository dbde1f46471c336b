package token

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/payment"
)

type fakeKMS struct{ err error }

func (f fakeKMS) GenerateMac(_ context.Context, in *kms.GenerateMacInput, _ ...func(*kms.Options)) (*kms.GenerateMacOutput, error) {
	if f.err != nil {
		return nil, f.err
	}
	mac := hmac.New(sha256.New, DevelopmentKey())
	mac.Write(in.Message)
	return &kms.GenerateMacOutput{Mac: mac.Sum(nil)}, nil
}

func TestKMSAndStaticDeriveTheSameToken(t *testing.T) {
	const testCard = "4111111111111111"
	static, err := Static{Key: DevelopmentKey()}.Token(context.Background(), testCard)
	require.NoError(t, err)
	require.True(t, payment.IsPANToken(static))
	managed, err := KMS{Client: fakeKMS{}, KeyID: "key"}.Token(context.Background(), testCard)
	require.NoError(t, err)
	require.Equal(t, static, managed)

	other, err := Static{Key: Key("another phrase")}.Token(context.Background(), testCard)
	require.NoError(t, err)
	require.NotEqual(t, static, other)
}

func TestKMSFailureNamesTheKeyAndNoCard(t *testing.T) {
	_, err := KMS{Client: fakeKMS{err: errors.New("denied")}, KeyID: "key-1"}.Token(context.Background(), "4111111111111111")
	require.EqualError(t, err, "deriving a token with key key-1: denied")
}

func TestWhatIsNoCardNumberHasNoToken(t *testing.T) {
	for _, pan := range []string{"", "411111111111", "41111111111111111111", "4111 1111 1111 1111", "4111111111111111\n"} {
		_, err := Static{Key: DevelopmentKey()}.Token(context.Background(), pan)
		require.ErrorIs(t, err, ErrNoCardNumber, "%q", pan)
		_, err = KMS{Client: fakeKMS{}, KeyID: "key"}.Token(context.Background(), pan)
		require.ErrorIs(t, err, ErrNoCardNumber, "%q", pan)
	}
}
