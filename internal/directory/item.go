package directory

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/govalues/decimal"

	"github.com/payrail/payrail/payment"
)

// Card says which account a card's payments in one billing currency go to.
type Card struct {
	PANToken  string
	Currency  payment.Currency
	AccountID string
}

// Product is the prices of a product in one currency.
type Product struct {
	Name     string
	Currency payment.Currency
	Terms    payment.Terms
	// FXWaiver says for which payments the FX fee is not charged.
	FXWaiver payment.FXWaiver
}

// Category is a merchant category (MCC, ISO 18245).
type Category struct {
	MCC  string
	Name string
}

// Range is a range of card numbers by its first six digits.
type Range struct {
	BIN           string
	Scheme        string
	IssuerCountry string
}

func lifetimeOf(value any) time.Duration {
	switch value.(type) {
	case payment.Account:
		return accountLifetime
	case Card:
		return cardLifetime
	default:
		return referenceLifetime
	}
}

// item writes the attributes that are not empty.
func item(k key, attributes map[string]string) map[string]types.AttributeValue {
	m := k.attributes()
	for name, value := range attributes {
		if value != "" {
			m[name] = text(value)
		}
	}
	return m
}

func cardItem(c Card) map[string]types.AttributeValue {
	return item(cardKey(c.PANToken, c.Currency), map[string]string{"accountId": c.AccountID})
}

func accountItem(a payment.Account) map[string]types.AttributeValue {
	attributes := map[string]string{
		"status": string(a.Status), "iban": a.IBAN, "holder": a.Holder, "sortCode": a.SortCode, "branchId": a.BranchID,
		"branchName": a.BranchName, "product": a.Product, "currency": string(a.Currency), "taxCategory": a.TaxCategory,
	}
	if a.GamblingBlocked {
		attributes[gamblingAttribute] = gamblingBlocked
	}
	return item(accountKey(a.ID), attributes)
}

// gamblingAttribute is there where the customer opted out of gambling; gamblingBlocked is its only value.
const gamblingAttribute, gamblingBlocked = "gamblingBlocked", "true"

func productItem(p Product) map[string]types.AttributeValue {
	attributes := map[string]string{
		"fxFeeRate": p.Terms.FXFeeRate, "fxFeeTaxRate": p.Terms.FXFeeTaxRate, "taxJurisdiction": p.Terms.TaxJurisdiction,
		"cashFeeRate": p.Terms.CashFeeRate, "cardCentre": p.Terms.CardCentre, "fxFeeWaivedCurrencies": joinCurrencies(p.FXWaiver.Currencies),
		"fxFeeWaivedCountries": strings.Join(p.FXWaiver.Countries, ","),
	}
	for name, limit := range limits(&p.Terms) {
		if *limit != (payment.Money{}) {
			attributes[name] = limit.Decimal()
		}
	}
	return item(productKey(p.Name, p.Currency), attributes)
}

// limits are the amounts of terms by the names of their attributes. All are in the product's currency, so that an item has
// decimals only.
func limits(t *payment.Terms) map[string]*payment.Money {
	return map[string]*payment.Money{"fxFeeMinimum": &t.FXFeeMinimum, "fxFeeMaximum": &t.FXFeeMaximum, "cashFeeMinimum": &t.CashFeeMinimum}
}

func joinCurrencies(currencies []payment.Currency) string {
	names := make([]string, len(currencies))
	for i, c := range currencies {
		names[i] = string(c)
	}
	return strings.Join(names, ",")
}

// splitList reads a list of codes with commas; an empty text is an empty list.
func splitList[T ~string](text string) (list []T) {
	for code := range strings.SplitSeq(text, ",") {
		if code != "" {
			list = append(list, T(code))
		}
	}
	return list
}

// rulesAttribute holds the rule settings as a JSON document.
const rulesAttribute = "settings"

func rulesItem(s payment.RuleSettings) (map[string]types.AttributeValue, error) {
	document, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("writing the rule settings: %w", err)
	}
	return item(rulesKey(), map[string]string{rulesAttribute: string(document)}), nil
}

func categoryItem(c Category) map[string]types.AttributeValue {
	return item(categoryKey(c.MCC), map[string]string{"category": c.Name})
}

func rangeItem(r Range) map[string]types.AttributeValue {
	return item(binKey(r.BIN), map[string]string{"scheme": r.Scheme, "issuerCountry": r.IssuerCountry})
}

// watchListAttribute holds the watch-list as a map of MCC to warning.
const watchListAttribute = "warnings"

func watchListItem(w payment.WatchList) map[string]types.AttributeValue {
	warnings := make(map[string]types.AttributeValue, len(w))
	for mcc, warning := range w {
		warnings[mcc] = text(string(warning))
	}
	m := watchListKey().attributes()
	m[watchListAttribute] = &types.AttributeValueMemberM{Value: warnings}
	return m
}

// fields are the string attributes of an item; bad is the first that is no string.
func fields(attributes map[string]types.AttributeValue) (values map[string]string, err error) {
	values = make(map[string]string, len(attributes))
	for name, attribute := range attributes {
		s, ok := attribute.(*types.AttributeValueMemberS)
		if !ok {
			return nil, fmt.Errorf("attribute %s is not a string", name)
		}
		values[name] = s.Value
	}
	return values, nil
}

// decode reads the item at k: a Card, payment.Account, Product, Category, Range, payment.WatchList or payment.RuleSettings.
func decode(k key, attributes map[string]types.AttributeValue) (any, error) {
	if k == watchListKey() {
		return decodeWatchList(attributes)
	}
	values, err := fields(attributes)
	if err != nil {
		return nil, err
	}
	if k == rulesKey() {
		return payment.ParseRuleSettings([]byte(values[rulesAttribute]))
	}
	kind, name, _ := strings.Cut(k.partition, "#")
	switch kind {
	case "CARD":
		c := Card{PANToken: name, Currency: payment.Currency(k.sort), AccountID: values["accountId"]}
		return c, c.check()
	case "ACCOUNT":
		a := payment.Account{
			ID: name, Status: payment.AccountStatus(values["status"]), IBAN: values["iban"], Holder: values["holder"],
			SortCode: values["sortCode"], BranchID: values["branchId"], BranchName: values["branchName"], Product: values["product"],
			Currency: payment.Currency(values["currency"]), TaxCategory: values["taxCategory"], GamblingBlocked: values[gamblingAttribute] == gamblingBlocked,
		}
		if given, ok := values[gamblingAttribute]; ok && given != gamblingBlocked {
			return a, fmt.Errorf("account %s: attribute %s is %q, want true or none", a.ID, gamblingAttribute, given)
		}
		return a, checkAccount(a)
	case "PRODUCT":
		return decodeProduct(name, payment.Currency(k.sort), values)
	case "MCC":
		return Category{MCC: name, Name: values["category"]}, nil
	case "BIN":
		r := Range{BIN: name, Scheme: values["scheme"], IssuerCountry: values["issuerCountry"]}
		return r, r.check()
	default:
		return nil, fmt.Errorf("no item has a key like %q", k.partition)
	}
}

func decodeProduct(name string, currency payment.Currency, values map[string]string) (any, error) {
	p := Product{Name: name, Currency: currency, Terms: payment.Terms{
		FXFeeRate: values["fxFeeRate"], FXFeeTaxRate: values["fxFeeTaxRate"], TaxJurisdiction: values["taxJurisdiction"],
		CashFeeRate: values["cashFeeRate"], CardCentre: values["cardCentre"],
	}, FXWaiver: payment.FXWaiver{Currencies: splitList[payment.Currency](values["fxFeeWaivedCurrencies"]), Countries: splitList[string](values["fxFeeWaivedCountries"])}}
	for name, limit := range limits(&p.Terms) {
		if values[name] == "" {
			continue
		}
		money, err := payment.ParseMoney(values[name], currency)
		if err != nil {
			return nil, fmt.Errorf("attribute %s: %w", name, err)
		}
		*limit = money
	}
	return p, p.check()
}

func decodeWatchList(attributes map[string]types.AttributeValue) (any, error) {
	warnings, ok := attributes[watchListAttribute].(*types.AttributeValueMemberM)
	if !ok {
		return nil, fmt.Errorf("attribute %s is not a map", watchListAttribute)
	}
	values, err := fields(warnings.Value)
	if err != nil {
		return nil, fmt.Errorf("attribute %s: %w", watchListAttribute, err)
	}
	watched := make(payment.WatchList, len(values))
	for mcc, warning := range values {
		watched[mcc] = payment.MerchantWarning(warning)
	}
	return watched, checkWatchList(watched)
}

func (c Card) check() error {
	if c.AccountID == "" {
		return fmt.Errorf("card has no accountId")
	}
	_, err := c.Currency.Exponent()
	return err
}

func checkAccount(a payment.Account) error {
	if !slices.Contains(payment.AccountStatuses(), a.Status) {
		return fmt.Errorf("account %s has status %q, want one of %v", a.ID, a.Status, payment.AccountStatuses())
	}
	if a.ID == "" || a.Product == "" {
		return fmt.Errorf("account %q has no id or no product", a.ID)
	}
	if _, err := a.Currency.Exponent(); err != nil {
		return fmt.Errorf("account %s: %w", a.ID, err)
	}
	return nil
}

func (p Product) check() error {
	if _, err := p.Currency.Exponent(); err != nil {
		return fmt.Errorf("product %s: %w", p.Name, err)
	}
	for name, rate := range map[string]string{"fxFeeRate": p.Terms.FXFeeRate, "fxFeeTaxRate": p.Terms.FXFeeTaxRate, "cashFeeRate": p.Terms.CashFeeRate} {
		if rate == "" {
			continue
		}
		if d, err := decimal.Parse(rate); err != nil || d.IsNeg() {
			return fmt.Errorf("product %s %s: %s is not a decimal of zero or more", p.Name, p.Currency, name)
		}
	}
	for _, c := range p.FXWaiver.Currencies {
		if _, err := c.Exponent(); err != nil {
			return fmt.Errorf("product %s %s: fxFeeWaivedCurrencies: %w", p.Name, p.Currency, err)
		}
	}
	for _, country := range p.FXWaiver.Countries {
		if !payment.KnownCountry(country) {
			return fmt.Errorf("product %s %s: fxFeeWaivedCountries: %q is not an ISO 3166 numeric-3 code", p.Name, p.Currency, country)
		}
	}
	for name, limit := range limits(&p.Terms) {
		if *limit != (payment.Money{}) && (limit.Currency != p.Currency || limit.Minor < 0) {
			return fmt.Errorf("product %s %s: %s must be zero or more in %s", p.Name, p.Currency, name, p.Currency)
		}
	}
	if p.Terms.FXFeeMaximum != (payment.Money{}) && p.Terms.FXFeeMaximum.Minor < p.Terms.FXFeeMinimum.Minor {
		return fmt.Errorf("product %s %s: fxFeeMaximum is less than fxFeeMinimum", p.Name, p.Currency)
	}
	return nil
}

func (r Range) check() error {
	if len(r.BIN) != binDigits || r.Scheme == "" {
		return fmt.Errorf("range %q has not %d digits or no scheme", r.BIN, binDigits)
	}
	return nil
}

func checkWatchList(w payment.WatchList) error {
	for mcc, warning := range w {
		if warning != payment.WarningGambling && warning != payment.WarningWatchList {
			return fmt.Errorf("watch-list: category %s has warning %q, want GAMBLING or WATCH_LIST", mcc, warning)
		}
	}
	return nil
}
