package payment

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// correctable are the fields of an authorization that a person may correct after its review has failed: where and what kind
// of place the payment was made at, which decides how it is treated. Everything else decides which payment it is (the key
// fields), whose (the token) or what it moves (amounts, currencies, rate, processing code): a change of that is another
// payment, and only the authorizer can make one.
var correctable = map[string]func(*Authorization) *string{
	"issuerCountry":   func(a *Authorization) *string { return &a.IssuerCountry },
	"acquirerCountry": func(a *Authorization) *string { return &a.AcquirerCountry },
	"mcc":             func(a *Authorization) *string { return &a.MCC },
	"merchantName":    func(a *Authorization) *string { return &a.Merchant.Name },
	"merchantCity":    func(a *Authorization) *string { return &a.Merchant.City },
	"merchantCountry": func(a *Authorization) *string { return &a.Merchant.Country },
	"merchantId":      func(a *Authorization) *string { return &a.Merchant.ID },
	"terminalId":      func(a *Authorization) *string { return &a.Merchant.TerminalID },
}

// ErrNothingCorrected says that an authorization already has every value it was to be given.
var ErrNothingCorrected = errors.New("the authorization has these values already")

// Correctable lists the fields that Correct takes, sorted.
func Correctable() []string { return slices.Sorted(maps.Keys(correctable)) }

// Correct returns the authorization with fields set, by the names of the authorization item. The error is FieldErrors naming
// every field that may not be corrected or whose new value does not have its form, never the value. Free text is not searched
// for card numbers here.
func (a Authorization) Correct(set map[string]string) (Authorization, error) {
	var problems FieldErrors
	before := a
	for _, name := range slices.Sorted(maps.Keys(set)) {
		value := strings.TrimSpace(set[name])
		field, ok := correctable[name]
		if !ok {
			problems = append(problems, FieldError{name, "cannot be corrected"})
			continue
		}
		f := textForms[name]
		switch {
		case value == "":
			problems = append(problems, FieldError{name, "needs a value"})
		case !f.pattern.MatchString(value) || f.freeText && utf8.RuneCountInString(value) > maxFreeText:
			problems = append(problems, FieldError{name, f.describe})
		case isCountry(name) && !KnownCountry(value):
			problems = append(problems, FieldError{name, "must be an ISO 3166 numeric-3 code that is in use"})
		default:
			*field(&a) = value
		}
	}
	switch {
	case len(problems) > 0:
		return Authorization{}, problems
	case a == before:
		return Authorization{}, ErrNothingCorrected
	}
	return a, nil
}

// isCountry reports whether a field holds a country's number; the merchant's country is text as DE43 has it.
func isCountry(field string) bool { return field == "issuerCountry" || field == "acquirerCountry" }

// Correctable is the value of a field that Correct takes, "" for any other.
func (a Authorization) Correctable(name string) string {
	field, ok := correctable[name]
	if !ok {
		return ""
	}
	return *field(&a)
}
