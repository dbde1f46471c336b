package payment

import (
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/govalues/decimal"
)

// StatusApproved is the only status of an authorization that is posted.
const StatusApproved = "APPROVED"

// AttributeKind is the type of an authorization item's attribute.
type AttributeKind int

const (
	// Other is any type that no field of an authorization has.
	Other AttributeKind = iota
	Text
	Number
	Map
)

// Attribute is one attribute of the upstream item, as text: numbers are not parsed, so that none passes through a float.
type Attribute struct {
	Kind AttributeKind
	Text string
	Map  map[string]Attribute
}

// Merchant is the card acceptor as the network names it.
type Merchant struct {
	Name       string `json:"name,omitempty"`
	City       string `json:"city,omitempty"`
	Country    string `json:"country,omitempty"`
	ID         string `json:"id,omitempty"`
	TerminalID string `json:"terminalId,omitempty"`
}

// Authorization is an approved card authorization: the fields of ISO 8583 that posting needs, checked for form.
// Countries are ISO 3166 numeric-3; dates and times are as the item gives them.
type Authorization struct {
	ID                string `json:"authorizationId"`
	MTI               string `json:"mti"`
	ProcessingCode    string `json:"processingCode"`
	PANToken          string `json:"panToken"`
	PANLast4          string `json:"panLast4,omitempty"`
	BIN               string `json:"bin,omitempty"`
	TransactionAmount Money  `json:"transactionAmount"`
	BillingAmount     Money  `json:"billingAmount"`
	SettlementAmount  *Money `json:"settlementAmount,omitempty"`
	ConversionRate    string `json:"conversionRate,omitempty"`
	// SettlementRate is DE9, ConversionDate DE16. Both only tell: the amounts are the network's.
	SettlementRate  string    `json:"settlementRate,omitempty"`
	ConversionDate  string    `json:"conversionDate,omitempty"`
	STAN            string    `json:"stan"`
	AcquirerID      string    `json:"acquirerId"`
	TransmittedAt   time.Time `json:"transmittedAt"`
	LocalDate       string    `json:"localDate,omitempty"`
	LocalTime       string    `json:"localTime,omitempty"`
	SettlementDate  string    `json:"settlementDate,omitempty"`
	RRN             string    `json:"rrn,omitempty"`
	AuthCode        string    `json:"authCode,omitempty"`
	ResponseCode    string    `json:"responseCode,omitempty"`
	LifecycleID     string    `json:"lifecycleId,omitempty"`
	MCC             string    `json:"mcc"`
	Merchant        Merchant  `json:"merchant"`
	AcquirerCountry string    `json:"acquirerCountry,omitempty"`
	IssuerCountry   string    `json:"issuerCountry,omitempty"`
	POSEntryMode    string    `json:"posEntryMode,omitempty"`
	POSCondition    string    `json:"posCondition,omitempty"`
	PANSequence     string    `json:"panSequence,omitempty"`
	ForwarderID     string    `json:"forwarderId,omitempty"`
	AcquirerFee     string    `json:"acquirerFee,omitempty"`
	// AdditionalAmounts is DE54 with a comma between its amounts, such as cash back: parts of the transaction amount.
	AdditionalAmounts string `json:"additionalAmounts,omitempty"`
	// Original and the replacement amounts are there in reversals only (MTI 04xx). The amounts above are then those of the
	// original; the replacement amounts are what remains of it, nil for a full reversal.
	Original                 *Original `json:"original,omitempty"`
	ReplacementAmount        *Money    `json:"replacementAmount,omitempty"`
	ReplacementBillingAmount *Money    `json:"replacementBillingAmount,omitempty"`
}

// Original names the message that a reversal takes back (DE90).
type Original struct {
	MTI           string    `json:"mti"`
	STAN          string    `json:"stan"`
	TransmittedAt time.Time `json:"transmittedAt"`
	AcquirerID    string    `json:"acquirerId"`
}

// form is what a text field must look like. Free text may hold anything printable and is scanned for card numbers.
type form struct {
	pattern  *regexp.Regexp
	describe string
	freeText bool
}

// maxFreeText is the longest free-text field taken: DE43 as a whole has 40 characters, DE42 15; some networks send names of 99.
const maxFreeText = 99

var (
	digits4  = form{pattern: regexp.MustCompile(`^\d{4}$`), describe: "must be 4 digits"}
	digits6  = form{pattern: regexp.MustCompile(`^\d{6}$`), describe: "must be 6 digits"}
	country  = form{pattern: regexp.MustCompile(`^\d{3}$`), describe: "must be an ISO 3166 numeric-3 code"}
	date     = form{pattern: regexp.MustCompile(`^\d{4}-\d{2}-\d{2}$`), describe: "must be a date YYYY-MM-DD"}
	free     = form{pattern: regexp.MustCompile(`^[\p{L}\p{M}\p{N}\p{P}\p{S}\p{Zs}]*$`), describe: "must be printable text of at most 99 characters", freeText: true}
	institut = form{pattern: regexp.MustCompile(`^\d{1,11}$`), describe: "must be 1 to 11 digits"}
)

// textForms is the form of every text field. What is not here is not read and never passed on.
var textForms = map[string]form{
	"status":         {pattern: regexp.MustCompile(`^[A-Z_]{1,20}$`), describe: "must be an upper-case word"},
	"mti":            digits4,
	"panToken":       {pattern: panToken, describe: "must be a card-number token"},
	"panLast4":       digits4,
	"bin":            {pattern: regexp.MustCompile(`^\d{6,8}$`), describe: "must be 6 to 8 digits"},
	"processingCode": digits6,
	"stan":           {pattern: regexp.MustCompile(`^\d{1,12}$`), describe: "must be 1 to 12 digits"},
	"acquirerId":     institut,
	"forwarderId":    institut,
	"localDate":      date,
	"localTime":      {pattern: regexp.MustCompile(`^\d{2}:\d{2}:\d{2}$`), describe: "must be a time HH:MM:SS"},
	"settlementDate": date,
	"rrn":            {pattern: regexp.MustCompile(`^[0-9A-Za-z ]{12}$`), describe: "must be 12 letters and digits"},
	"authCode":       {pattern: regexp.MustCompile(`^[0-9A-Za-z ]{1,6}$`), describe: "must be 1 to 6 letters and digits"},
	"responseCode":   {pattern: regexp.MustCompile(`^[0-9A-Z]{2}$`), describe: "must be 2 letters or digits"},
	"lifecycleId":    {pattern: regexp.MustCompile(`^[0-9A-Za-z ]{15}$`), describe: "must be 15 letters and digits"},
	"mcc":            {pattern: regexp.MustCompile(`^[0-9A-Z]{4}$`), describe: "must be 4 letters or digits"},
	"conversionRate": {pattern: regexp.MustCompile(`^\d{1,10}(\.\d{1,9})?$`), describe: "must be a decimal number"},
	// Blank, 000 and unknown issuer countries are taken: rule R-001 sends them to review.
	"issuerCountry":   {pattern: regexp.MustCompile(`^\d{0,3}$`), describe: "must be an ISO 3166 numeric-3 code or empty"},
	"acquirerCountry": country,
	"posEntryMode":    {pattern: regexp.MustCompile(`^\d{2,4}$`), describe: "must be 2 to 4 digits"},
	"posCondition":    {pattern: regexp.MustCompile(`^[0-9A-Z]{2,4}$`), describe: "must be 2 to 4 letters or digits"},
	"panSequence":     {pattern: regexp.MustCompile(`^\d{1,4}$`), describe: "must be 1 to 4 digits"},
	"acquirerFee":     {pattern: regexp.MustCompile(`^[CD]\d{8}$`), describe: "must be C or D and 8 digits"},
	"settlementRate":  {pattern: regexp.MustCompile(`^\d{1,10}(\.\d{1,9})?$`), describe: "must be a decimal number"},
	"conversionDate":  date,
	// The comma keeps two amounts from running into one number that is as long as a card's.
	"additionalAmounts": {pattern: regexp.MustCompile(`^[0-9A-Z]{4}\d{3}[CD]\d{12}(,[0-9A-Z]{4}\d{3}[CD]\d{12}){0,5}$`),
		describe: "must be 1 to 6 amounts as in DE54, 20 characters each, with commas between them"},
	// When the authorizer wrote the item: reconciliation finds it by these. No payment depends on them.
	"ingestBucket":    {pattern: regexp.MustCompile(`^\d{4}-\d{2}-\d{2}T\d{2}#\d{1,2}$`), describe: "must be an hour and a shard"},
	"ingestedAt":      {pattern: regexp.MustCompile(`^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$`), describe: "must be a time in RFC 3339 with milliseconds, in UTC"},
	"merchantName":    free,
	"merchantCity":    free,
	"merchantCountry": free,
	// cain.003 takes 35 characters of DE42 and 16 of DE41.
	"merchantId": {pattern: regexp.MustCompile(`^[[:print:]]{0,35}$`), describe: "must be printable text of at most 35 characters", freeText: true},
	"terminalId": {pattern: regexp.MustCompile(`^[[:print:]]{0,16}$`), describe: "must be printable text of at most 16 characters", freeText: true},
}

// FieldHasForm reports whether field is a named field whose form alone says that its value is no card number: the guard
// does not search such values, because one in ten random digit strings passes the Luhn check. An authorization's id may be any
// text; it has a form where it is one that machines make.
func FieldHasForm(field, value string) bool {
	if field == "authorizationId" {
		return IsIdentifier(value)
	}
	f, ok := textForms[field]
	return ok && !f.freeText && f.pattern.MatchString(value)
}

// ParseAuthorization reads the upstream item. The error is FieldErrors naming every field that is missing or malformed,
// never a value.
func ParseAuthorization(item map[string]Attribute) (Authorization, error) {
	p := &parser{item: item}
	a := Authorization{
		ID:              p.identifier("authorizationId"),
		MTI:             p.required("mti"),
		ProcessingCode:  p.required("processingCode"),
		PANToken:        p.required("panToken"),
		PANLast4:        p.text("panLast4"),
		BIN:             p.text("bin"),
		STAN:            p.required("stan"),
		AcquirerID:      p.required("acquirerId"),
		TransmittedAt:   p.instant("transmittedAt"),
		LocalDate:       p.date("localDate"),
		LocalTime:       p.text("localTime"),
		SettlementDate:  p.date("settlementDate"),
		RRN:             p.text("rrn"),
		LifecycleID:     p.text("lifecycleId"),
		MCC:             p.required("mcc"),
		AcquirerCountry: p.text("acquirerCountry"),
		IssuerCountry:   p.text("issuerCountry"),
		POSEntryMode:    p.text("posEntryMode"),
		POSCondition:    p.text("posCondition"),
		PANSequence:     p.text("panSequence"),
		ForwarderID:     p.text("forwarderId"),
		AcquirerFee:     p.text("acquirerFee"),
		ConversionDate:  p.date("conversionDate"),
		Merchant: Merchant{Name: p.text("merchantName"), City: p.text("merchantCity"), Country: p.text("merchantCountry"),
			ID: p.text("merchantId"), TerminalID: p.text("terminalId")},
	}
	if class := MTIClass(a.MTI); class == ClassAuthorization || class == ClassFinancial {
		a.AuthCode, a.ResponseCode = p.required("authCode"), p.required("responseCode")
	} else {
		a.AuthCode, a.ResponseCode = p.text("authCode"), p.text("responseCode")
	}
	if money := p.money("transactionAmount", "transactionCurrency", true); money != nil {
		a.TransactionAmount = *money
	}
	if money := p.money("billingAmount", "billingCurrency", true); money != nil {
		a.BillingAmount = *money
	}
	a.SettlementAmount = p.money("settlementAmount", "settlementCurrency", false)
	a.ConversionRate, a.SettlementRate = p.rate("conversionRate"), p.rate("settlementRate")
	a.AdditionalAmounts = p.additionalAmounts("additionalAmounts")
	if a.IsReversal() {
		p.reversal(&a)
	}
	if len(p.problems) > 0 {
		return Authorization{}, p.problems
	}
	return a, nil
}

// transactionTypeDigits is the length of the transaction type, the head of the processing code (DE3).
const transactionTypeDigits = 2

// TransactionType is the first two digits of the processing code (DE3): 00 purchase, 01 cash, 20 refund; "" where an
// authorization that no parser has checked has none.
func (a Authorization) TransactionType() string {
	return a.ProcessingCode[:min(transactionTypeDigits, len(a.ProcessingCode))]
}

// reversal reads what only reversals have.
func (p *parser) reversal(a *Authorization) {
	item, ok := p.item["original"]
	if !ok || item.Kind != Map {
		p.fail("original", "is missing: a reversal must say what it reverses")
		return
	}
	in := &parser{item: item.Map}
	a.Original = &Original{MTI: in.required("mti"), STAN: in.required("stan"), TransmittedAt: in.instant("transmittedAt"), AcquirerID: in.required("acquirerId")}
	for _, problem := range in.problems {
		p.fail("original."+problem.Field, problem.Problem)
	}
	a.ReplacementAmount = p.remains("replacementAmount", a.TransactionAmount)
	a.ReplacementBillingAmount = p.remains("replacementBillingAmount", a.BillingAmount)
	switch amount, billing := a.ReplacementAmount, a.ReplacementBillingAmount; {
	case amount == nil && billing != nil:
		p.fail("replacementAmount", "is missing beside replacementBillingAmount")
	case amount != nil && billing != nil && amount.IsZero() != billing.IsZero():
		p.fail("replacementBillingAmount", "must be zero where replacementAmount is, and only there")
	}
}

// remains reads what remains of an amount after a reversal: none of it or some, never more than there was.
func (p *parser) remains(field string, of Money) *Money {
	attribute, ok := p.item[field]
	if !ok {
		return nil
	}
	minor, err := strconv.ParseInt(attribute.Text, 10, 64)
	if attribute.Kind != Number || err != nil || minor < 0 || minor > of.Minor {
		p.fail(field, "must be a whole number of minor units between zero and the original amount")
		return nil
	}
	return &Money{Minor: minor, Currency: of.Currency}
}

// parser collects the problems of one item.
type parser struct {
	item     map[string]Attribute
	problems FieldErrors
}

func (p *parser) fail(field, problem string) {
	p.problems = append(p.problems, FieldError{Field: field, Problem: problem})
}

func (p *parser) text(field string) string {
	attribute, ok := p.item[field]
	if !ok {
		return ""
	}
	if attribute.Kind != Text {
		p.fail(field, "must be text")
		return ""
	}
	value := strings.TrimSpace(attribute.Text)
	f := textForms[field]
	if value != "" && (!f.pattern.MatchString(value) || f.freeText && utf8.RuneCountInString(value) > maxFreeText) {
		p.fail(field, f.describe)
		return ""
	}
	return value
}

func (p *parser) required(field string) string {
	before := len(p.problems)
	value := p.text(field)
	if value == "" && len(p.problems) == before {
		p.fail(field, "is missing")
	}
	return value
}

// maxIdentifier is the longest authorizationId taken; it stands in keys and event ids.
const maxIdentifier = 128

func (p *parser) identifier(field string) string {
	attribute, ok := p.item[field]
	if !ok || attribute.Kind != Text || attribute.Text == "" {
		p.fail(field, "is missing")
		return ""
	}
	if len(attribute.Text) > maxIdentifier {
		p.fail(field, "must have at most 128 characters")
		return ""
	}
	return attribute.Text
}

func (p *parser) date(field string) string {
	value := p.text(field)
	if value == "" {
		return ""
	}
	if _, err := time.Parse(time.DateOnly, value); err != nil {
		p.fail(field, "is not a date of the calendar")
		return ""
	}
	return value
}

// maxYear is the last year that RFC 3339 can write.
const maxYear = 9999

func (p *parser) instant(field string) time.Time {
	attribute, ok := p.item[field]
	if !ok || attribute.Text == "" {
		p.fail(field, "is missing")
		return time.Time{}
	}
	instant, err := time.Parse(time.RFC3339, attribute.Text)
	if attribute.Kind != Text || err != nil {
		p.fail(field, "must be an RFC 3339 time")
		return time.Time{}
	}
	// A zone can move the first and the last hours there are out of the years that RFC 3339 writes: such a time could be read
	// but not passed on.
	instant = instant.UTC()
	if instant.Year() < 0 || instant.Year() > maxYear {
		p.fail(field, "must be an RFC 3339 time")
		return time.Time{}
	}
	return instant
}

func (p *parser) rate(field string) string {
	value := p.text(field)
	if value == "" {
		return ""
	}
	rate, err := decimal.Parse(value)
	if err != nil || !rate.IsPos() {
		p.fail(field, "must be a rate above zero")
		return ""
	}
	return rate.Trim(0).String()
}

func (p *parser) money(amountField, currencyField string, required bool) *Money {
	amount, hasAmount := p.item[amountField]
	code, hasCurrency := p.item[currencyField]
	if !hasAmount && !hasCurrency && !required {
		return nil
	}
	if !hasAmount {
		p.fail(amountField, "is missing")
	} else if amount.Kind != Number {
		p.fail(amountField, "must be a number of minor units")
	}
	if !hasCurrency {
		p.fail(currencyField, "is missing")
	} else if code.Kind != Text {
		p.fail(currencyField, "must be text")
	}
	if !hasAmount || !hasCurrency || amount.Kind != Number || code.Kind != Text {
		return nil
	}
	minor, err := strconv.ParseInt(amount.Text, 10, 64)
	switch {
	case err != nil:
		p.fail(amountField, "must be a whole number of minor units")
		return nil
	case minor <= 0 || minor > maxMinor:
		p.fail(amountField, "must be above zero and have at most 12 digits")
		return nil
	}
	money, err := NewMoney(minor, Currency(strings.ToUpper(strings.TrimSpace(code.Text))))
	if err != nil {
		p.fail(currencyField, "is not an ISO 4217 currency")
		return nil
	}
	return &money
}
