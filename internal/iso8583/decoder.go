package iso8583

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/bojanz/currency"
	"golang.org/x/text/language"

	"github.com/payrail/payrail/internal/authorizationitem"
	"github.com/payrail/payrail/internal/panguard"
	"github.com/payrail/payrail/payment"
)

const (
	// MaxMessage is the most characters a message may have: real ones have a few hundred. Hexadecimal has two for each.
	MaxMessage = 4 << 10

	minPAN, maxPAN = 13, 19
	// binDigits and lastDigits are all of a card number that is kept in the clear, one truncation for the whole platform.
	binDigits, lastDigits = 6, 4
	// idCharacters of base32 are 130 bits of the content's hash.
	idCharacters = 26
	// idPrefix marks authorizations that came as messages.
	idPrefix = "iso8583-"
	// authCodeCharacters is how many characters DE38 has.
	authCodeCharacters = 6

	problemCardNumber = "holds a card number"
)

// Tokenizer derives the token of a card number. It is safe for concurrent use.
type Tokenizer interface {
	Token(ctx context.Context, pan string) (string, error)
}

// Reference is what has to be known besides the message. It is safe for concurrent use.
type Reference interface {
	// IssuerCountry is the country of an issuer's range by the first six digits of its cards, "" where it is not listed.
	IssuerCountry(ctx context.Context, bin string) (string, error)
	// Currencies are those in which a card has accounts.
	Currencies(ctx context.Context, panToken string) ([]payment.Currency, error)
}

// Decoder turns messages into authorization items. It is safe for concurrent use.
type Decoder struct {
	Tokens    Tokenizer
	Reference Reference
	// Now is the time of receipt, from which the missing year is told.
	Now func() time.Time
}

// Message is a decoded message.
type Message struct {
	// Line is where in its file it stands, 0 where there is none.
	Line int
	Item authorizationitem.Item
	// Notes say what the sender should know although the message is taken.
	Notes []string
}

// Decode reads one message: ISO 8583:1987 in ASCII or in hexadecimal digits of it, or the guidance's layout in hexadecimal
// digits. It overwrites message, which holds a card number. A damaged message gives payment.FieldErrors.
func (d *Decoder) Decode(ctx context.Context, message []byte) (Message, error) {
	defer clear(message)
	f, err := draftOf(message, d.Now())
	if err != nil {
		return Message{}, err
	}
	return d.complete(ctx, f)
}

// draftOf tells the formats apart: messages of 1987 start with a 0, which is 30 in hexadecimal.
func draftOf(message []byte, now time.Time) (*draft, error) {
	hexadecimal := len(message) >= 2 && message[0] == '3' && message[1] == '0'
	limit := MaxMessage
	if hexadecimal {
		limit = 2 * MaxMessage
	}
	fail := func(problem string) (*draft, error) {
		return nil, payment.FieldErrors{{Field: "message", Problem: problem}}
	}
	switch {
	case len(message) > limit:
		return fail("has " + strconv.Itoa(len(message)) + " characters, more than " + strconv.Itoa(limit))
	case isGuidance(message):
		return decodeGuidance(message, now)
	case !hexadecimal:
		return decode1987(message, now)
	case len(message)%2 != 0:
		return fail("in hexadecimal has an odd number of digits")
	}
	raw := make([]byte, len(message)/2)
	defer clear(raw)
	if _, err := hex.Decode(raw, message); err != nil {
		return fail("starts as hexadecimal and has other characters")
	}
	return decode1987(raw, now)
}

// complete makes the item: token, issuer's country, inferred currencies and codes, and an id that follows from all of it.
func (d *Decoder) complete(ctx context.Context, f *draft) (Message, error) {
	panToken, err := d.Tokens.Token(ctx, f.pan)
	if err != nil {
		return Message{}, fmt.Errorf("tokenizing a card number: %w", err)
	}
	f.text["panToken"], f.text["bin"], f.text["panLast4"] = panToken, f.pan[:binDigits], f.pan[len(f.pan)-lastDigits:]
	f.pan = ""
	var notes []string
	if f.text["issuerCountry"] == "" {
		country, err := d.Reference.IssuerCountry(ctx, f.text["bin"])
		if err != nil {
			return Message{}, fmt.Errorf("looking the card's range up: %w", err)
		}
		if f.setText("issuerCountry", country); f.text["issuerCountry"] == "" {
			notes = append(notes, f.name("panToken")+" is of a range that the reference data does not list: without an issuer country the payment goes to review")
		}
	}
	if f.text["billingCurrency"] == "" && slices.Contains(f.inferred, "billingCurrency") {
		if err := d.inferCurrencies(ctx, f); err != nil {
			return Message{}, err
		}
	}
	if f.text["authCode"] == "" && slices.Contains(f.inferred, "authCode") {
		code, err := digest(f.item())
		if err != nil {
			return Message{}, err
		}
		f.text["authCode"] = code[:authCodeCharacters]
	}
	item := f.item()
	if err := f.check(item); err != nil {
		return Message{}, err
	}
	if err := identify(item); err != nil {
		return Message{}, err
	}
	return Message{Item: item, Notes: notes}, nil
}

// inferCurrencies: billed in the currency of the card's account, or of the issuer's country where the card has none or several;
// paid in the same currency if the amounts are equal, else in that of the acquirer's country.
func (d *Decoder) inferCurrencies(ctx context.Context, f *draft) error {
	currencies, err := d.Reference.Currencies(ctx, f.text["panToken"])
	if err != nil {
		return fmt.Errorf("looking the card's accounts up: %w", err)
	}
	billing := currencyOf(f.text["issuerCountry"])
	if len(currencies) == 1 {
		billing = currencies[0]
	}
	if billing == "" || (len(currencies) > 1 && !slices.Contains(currencies, billing)) {
		f.fail("issuerCountry", "does not tell the billing currency, which neither the message nor the card's accounts tell")
		return f.err()
	}
	transaction := billing
	if f.number["transactionAmount"] != f.number["billingAmount"] {
		if transaction = currencyOf(f.text["acquirerCountry"]); transaction == "" {
			f.fail("acquirerCountry", "does not tell the currency of the transaction")
			return f.err()
		}
	}
	f.text["billingCurrency"], f.text["transactionCurrency"] = string(billing), string(transaction)
	return nil
}

// currencyOf is the currency of a country given by its ISO 3166 numeric code, "" for an unknown one.
func currencyOf(country string) payment.Currency {
	n, err := strconv.Atoi(country)
	if err != nil {
		return ""
	}
	region, err := language.EncodeM49(n)
	if err != nil {
		return ""
	}
	code, ok := currency.ForCountryCode(region.String())
	if !ok {
		return ""
	}
	return payment.Currency(code)
}

// item writes the draft as an authorization item.
func (f *draft) item() authorizationitem.Item {
	item := authorizationitem.Item{"status": text(payment.StatusApproved)}
	for name, value := range f.text {
		item[name] = text(value)
	}
	for name, value := range f.number {
		item[name] = &types.AttributeValueMemberN{Value: value}
	}
	if f.original != nil {
		original := map[string]types.AttributeValue{}
		for name, value := range f.original {
			original[name] = text(value)
		}
		item["original"] = &types.AttributeValueMemberM{Value: original}
	}
	if len(f.inferred) > 0 {
		// What is not in the data contract is ignored downstream: this is for people who look at the item.
		item["inferred"] = &types.AttributeValueMemberSS{Value: slices.Sorted(slices.Values(f.inferred))}
	}
	return item
}

// check holds the item against the form every authorization must have, and names the message's fields for the item's.
func (f *draft) check(item authorizationitem.Item) error {
	for _, name := range slices.Sorted(maps.Keys(f.text)) {
		if !payment.FieldHasForm(name, f.text[name]) && holdsCardNumber(f.text[name]) {
			f.fail(name, problemCardNumber)
		}
	}
	attributes := item.Attributes()
	attributes[authorizationitem.KeyAttribute] = payment.Attribute{Kind: payment.Text, Text: idPrefix}
	_, err := payment.ParseAuthorization(attributes)
	var problems payment.FieldErrors
	if errors.As(err, &problems) {
		for _, p := range problems {
			f.fail(p.Field, p.Problem)
		}
	} else if err != nil {
		return err
	}
	return f.err()
}

func holdsCardNumber(value string) bool { return panguard.Contains(value) }

// identify gives the item an id that follows from its content: the same message is the same authorization however often it is
// sent.
func identify(item authorizationitem.Item) error {
	delete(item, authorizationitem.KeyAttribute)
	hash, err := digest(item)
	if err != nil {
		return err
	}
	item[authorizationitem.KeyAttribute] = text(idPrefix + hash[:idCharacters])
	return nil
}

// digest is the base32 SHA-256 of an item. Its letters and few digits cannot look like a card number, as hexadecimal can.
func digest(item authorizationitem.Item) (string, error) {
	encoded, err := json.Marshal(item) // members in the order of their names
	if err != nil {
		return "", fmt.Errorf("hashing an item: %w", err)
	}
	sum := sha256.Sum256(encoded)
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:]), nil
}

func text(value string) types.AttributeValue { return &types.AttributeValueMemberS{Value: value} }
