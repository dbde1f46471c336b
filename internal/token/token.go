// Package token derives card-number tokens: tok_v1_ and the first 130 bits of the card number's HMAC-SHA-256 in base32. The
// key never leaves KMS in a deployment; locally it is a development key, which protects nothing and says so.
package token

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"regexp"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/payrail/payrail/payment"
)

// keyVersion is the version in every token. A re-keying makes version 2 and looks cards up under both for a while.
const keyVersion = 1

// ErrNoCardNumber says that what a token was asked for is no card number. It does not say what it is: it may be one with a
// slip in it.
var ErrNoCardNumber = errors.New("the card number does not have 13 to 19 digits")

var cardNumber = regexp.MustCompile(`^[0-9]{13,19}$`)

// developmentPhrase is public: tokens made with it may stand for published test card numbers only.
const developmentPhrase = "payrail development token key, for test card numbers only"

// DevelopmentKey is the key of loopback endpoints.
func DevelopmentKey() []byte { return Key(developmentPhrase) }

// Key makes the 256 bits of an HMAC_256 key from a phrase. The phrase must be as random as a key for anything but tests.
func Key(phrase string) []byte {
	key := sha256.Sum256([]byte(phrase))
	return key[:]
}

// KMSClient models the part of the KMS client used.
type KMSClient interface {
	GenerateMac(context.Context, *kms.GenerateMacInput, ...func(*kms.Options)) (*kms.GenerateMacOutput, error)
}

// KMS derives tokens with an HMAC_256 key in KMS.
type KMS struct {
	Client KMSClient
	KeyID  string
}

// Token returns the token of a card number; the error is ErrNoCardNumber if pan is none.
func (k KMS) Token(ctx context.Context, pan string) (string, error) {
	if !cardNumber.MatchString(pan) {
		return "", ErrNoCardNumber
	}
	out, err := k.Client.GenerateMac(ctx, &kms.GenerateMacInput{KeyId: &k.KeyID, MacAlgorithm: types.MacAlgorithmSpecHmacSha256, Message: []byte(pan)})
	if err != nil {
		return "", fmt.Errorf("deriving a token with key %s: %w", k.KeyID, err)
	}
	return payment.PANToken(keyVersion, out.Mac)
}

// Static derives tokens with a key held in memory.
type Static struct{ Key []byte }

// Token returns the token of a card number; the error is ErrNoCardNumber if pan is none.
func (s Static) Token(_ context.Context, pan string) (string, error) {
	if !cardNumber.MatchString(pan) {
		return "", ErrNoCardNumber
	}
	mac := hmac.New(sha256.New, s.Key)
	mac.Write([]byte(pan))
	return payment.PANToken(keyVersion, mac.Sum(nil))
}
