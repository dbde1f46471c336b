package directory

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/payrail/payrail/payment"
)

// Options is what a Directory is made of. All fields are needed.
type Options struct {
	Client                        ReadClient
	AccountsTable, ReferenceTable string
	// Now ages the cache.
	Now func() time.Time
	// Wait sleeps between attempts and returns early with ctx's error.
	Wait func(context.Context, time.Duration) error
}

// Directory looks accounts and reference data up. It is safe for concurrent use.
type Directory struct {
	options Options
	cache   *cache
}

// New makes a Directory with an empty cache.
func New(options Options) *Directory {
	return &Directory{options: options, cache: newCache(options.Now, cacheItems)}
}

// Question is what one payment asks of the directory.
type Question struct {
	PANToken string
	Currency payment.Currency
	MCC      string
	// BIN has six digits or more, or is empty.
	BIN string
}

// Answer is what the directory knows for one payment.
type Answer struct {
	// Account has the status NOT_FOUND where the card has none in the currency.
	Account payment.Account
	// Terms are the prices of the account's product in the account's currency; none without an account, and none where
	// ProductFound is false.
	Terms        payment.Terms
	ProductFound bool
	// FXWaiver is the product's.
	FXWaiver payment.FXWaiver
	// Category is the merchant category's name, empty for an unlisted one.
	Category string
	// CategoryListed is false for a category that the reference data does not have.
	CategoryListed bool
	// Scheme is never empty.
	Scheme    string
	WatchList payment.WatchList
	// Rules are the settings of the business rules, the defaults where there are none.
	Rules payment.RuleSettings
	// Err says why there is no answer: of kind Invalid where the data contradicts itself and must be corrected.
	Err error
}

// Reasons of reference data that is to be corrected.
const (
	ReasonAccountMissing = "ACCOUNT_DATA_MISSING"
	ReasonUnreadable     = "REFERENCE_DATA_UNREADABLE"
)

// Answers looks everything up for a batch of payments, in at most three rounds of reads: cards, categories, ranges and
// settings; then the accounts of the cards; then the products of the accounts. A round whose items are all cached is free.
func (d *Directory) Answers(ctx context.Context, questions []Question) []Answer {
	answers := make([]Answer, len(questions))
	err := d.answer(ctx, questions, answers)
	for i := range answers {
		// A failure to read ends every answer; one that has failed for itself keeps its reason.
		if err != nil && answers[i].Err == nil {
			answers[i].Err = err
		}
	}
	return answers
}

func (d *Directory) answer(ctx context.Context, questions []Question, answers []Answer) error {
	cards, err := d.cards(ctx, questions, answers)
	if err != nil {
		return err
	}
	keys := make([]key, 0, len(questions))
	for i := range cards {
		if cards[i].AccountID != "" {
			keys = append(keys, accountKey(cards[i].AccountID))
		}
	}
	accounts, err := d.fetch(ctx, keys)
	if err != nil {
		return err
	}
	keys = keys[:0]
	for i, card := range cards {
		if card.AccountID == "" || answers[i].Err != nil {
			continue
		}
		account, found, err := as[payment.Account](accounts, accountKey(card.AccountID))
		switch {
		case err != nil:
			answers[i].Err = err
		case !found:
			answers[i].Err = &payment.Error{Kind: payment.Invalid, Reason: ReasonAccountMissing, Err: fmt.Errorf("a card leads to account %s, which is not in the accounts table", card.AccountID)}
		default:
			answers[i].Account = account
			keys = append(keys, productKey(account.Product, account.Currency))
		}
	}
	return d.terms(ctx, keys, answers)
}

// cards answers everything that is not the account's, and returns the card item of each question, empty where there is none.
func (d *Directory) cards(ctx context.Context, questions []Question, answers []Answer) ([]Card, error) {
	keys := []key{watchListKey(), rulesKey()}
	for _, q := range questions {
		keys = append(keys, cardKey(q.PANToken, q.Currency))
		if q.MCC != "" {
			keys = append(keys, categoryKey(q.MCC))
		}
		if len(q.BIN) >= binDigits {
			keys = append(keys, binKey(q.BIN))
		}
	}
	items, err := d.fetch(ctx, keys)
	if err != nil {
		return nil, err
	}
	settings, found, settingsErr := as[payment.RuleSettings](items, rulesKey())
	if !found {
		settings = payment.DefaultRuleSettings()
	}
	cards := make([]Card, len(questions))
	for i, q := range questions {
		watched, _, watchErr := as[payment.WatchList](items, watchListKey())
		category, listed, categoryErr := as[Category](items, categoryKey(q.MCC))
		card, found, cardErr := as[Card](items, cardKey(q.PANToken, q.Currency))
		cards[i] = card
		answers[i] = Answer{Category: category.Name, CategoryListed: listed, Scheme: SchemeOf(q.BIN), WatchList: watched, Rules: settings,
			Err: errors.Join(watchErr, settingsErr, categoryErr, cardErr)}
		if !found {
			answers[i].Account.Status = payment.AccountNotFound
		}
		if len(q.BIN) >= binDigits {
			in, found, err := as[Range](items, binKey(q.BIN))
			if found {
				answers[i].Scheme = in.Scheme
			}
			answers[i].Err = errors.Join(answers[i].Err, err)
		}
	}
	return cards, nil
}

// terms adds the terms of each answer's account. An account whose product is missing is not free of charge: the answer says so.
func (d *Directory) terms(ctx context.Context, keys []key, answers []Answer) error {
	products, err := d.fetch(ctx, keys)
	if err != nil {
		return err
	}
	for i := range answers {
		account := answers[i].Account
		if account.Product == "" || answers[i].Err != nil {
			continue
		}
		product, found, err := as[Product](products, productKey(account.Product, account.Currency))
		answers[i].Terms, answers[i].ProductFound, answers[i].FXWaiver, answers[i].Err = product.Terms, found, product.FXWaiver, err
	}
	return nil
}

// as reads a fetched item of type T. found is false for one that does not exist or was not asked for.
func as[T any](items map[key]fetched, k key) (value T, found bool, err error) {
	item := items[k]
	if item.err != nil {
		return value, false, &payment.Error{Kind: payment.Invalid, Reason: ReasonUnreadable, Err: fmt.Errorf("reading item %s %s: %w", k.partition, k.sort, item.err)}
	}
	if !item.found {
		return value, false, nil
	}
	value, ok := item.value.(T)
	if !ok {
		return value, false, fmt.Errorf("item %s %s is a %T", k.partition, k.sort, item.value)
	}
	return value, true, nil
}
