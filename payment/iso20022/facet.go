package iso20022

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/payrail/payrail/payment"
)

// facet is what a simple type of the schemas demands of a value.
type facet struct {
	describe string
	// pattern stands for texts of digits and letters, decimals and codes; min and max for free text, in characters.
	pattern  *regexp.Regexp
	min, max int
	// layouts are those a date or time must parse by.
	layouts []string
}

func text(min, max int) facet {
	if min == max {
		return facet{min: min, max: max, describe: fmt.Sprintf("must have exactly %d characters", max)}
	}
	return facet{min: min, max: max, describe: fmt.Sprintf("must have %d to %d characters", min, max)}
}

func pattern(expression, describe string) facet {
	return facet{pattern: regexp.MustCompile(`^(?:` + expression + `)$`), describe: describe}
}

func codes(words string) facet {
	return pattern(strings.ReplaceAll(words, " ", "|"), "must be one of "+words)
}

// decimals is a number without sign of at most digits digits in all and fraction of them decimals. Payrail writes no exponent,
// no plus and no needless zero in front, so that digits in the text are digits of the value.
func decimals(digits, fraction int) facet {
	expression := `0|[1-9]\d{0,` + fmt.Sprint(digits-1) + `}`
	for places := 1; places <= min(fraction, digits-1); places++ {
		expression += fmt.Sprintf(`|(?:0|[1-9]\d{0,%d})\.\d{%d}`, max(digits-places-1, 0), places)
	}
	return pattern(expression, fmt.Sprintf("must be a decimal of at most %d digits, %d of them decimals", digits, fraction))
}

// rate25Digits is one digit less than BaseOne25Rate has: libxml2, which many receivers validate with, reads 24 at most.
const rate25Digits = 24

// facets are the schemas' simple types by the names they have there.
var facets = map[string]facet{
	"Max4Text": text(1, 4), "Max5Text": text(1, 5), "Max16Text": text(1, 16), "Max34Text": text(1, 34), "Max35Text": text(1, 35), "Max50Text": text(1, 50),
	"Max70Text": text(1, 70), "Max99Text": text(1, 99), "Max140Text": text(1, 140), "Max500Text": text(1, 500), "Max1000Text": text(1, 1000),
	"Max2048Text": text(1, 2048), "Exact12Text": text(12, 12), "Exact15Text": text(15, 15),

	"Max11NumericText": pattern(`[0-9]{1,11}`, "must be 1 to 11 digits"), "Max12NumericText": pattern(`[0-9]{1,12}`, "must be 1 to 12 digits"),
	"Max15NumericText": pattern(`[0-9]{1,15}`, "must be 1 to 15 digits"), "Max19NumericText": pattern(`[0-9]{1,19}`, "must be 1 to 19 digits"),
	"Min2Max3NumericText": pattern(`[0-9]{2,3}`, "must be 2 or 3 digits"), "Exact3NumericText": pattern(`[0-9]{3}`, "must be 3 digits"),
	"ISO3NumericCountryCode": pattern(`[0-9]{3}`, "must be a numeric country code of 3 digits"), "ISO3NumericCurrencyCode": pattern(`[0-9]{3}`, "must be a numeric currency code of 3 digits"),
	"Exact6AlphaNumericText": pattern(`[a-zA-Z0-9 ]{6}`, "must be exactly 6 letters, digits or blanks"),

	"CountryCode": pattern(`[A-Z]{2}`, "must be a country code of 2 letters"), "ISOMax3ACountryCode": pattern(`[A-Z]{2,3}`, "must be a country code of 2 or 3 letters"),
	"ActiveOrHistoricCurrencyCode": pattern(`[A-Z]{3}`, "must be a currency code of 3 letters"),
	"IBAN2007Identifier":           pattern(`[A-Z]{2}[0-9]{2}[a-zA-Z0-9]{1,30}`, "must be an IBAN"),

	"ISO8583TransactionTypeCode": pattern(`[0-9A-Z]{2}`, "must be 2 digits or letters"), "ISO8583AccountTypeCode": pattern(`[0-9A-Z]{2}`, "must be 2 digits or letters"),
	"ISO8583AmountTypeCode": pattern(`[0-9A-Z]{2}`, "must be 2 digits or letters"),
	"ISO8583ResponseCode":   pattern(`[0-9A-Z]{2}`, "must be 2 digits or letters"), "ISO8583MessageReasonCode": pattern(`[0-9]{4}`, "must be 4 digits"),
	"ISO18245MerchantCategoryCode": pattern(`[0-9]{4}`, "must be 4 digits"),

	"ImpliedCurrencyAndAmount": decimals(18, 5), "ActiveOrHistoricCurrencyAndAmount": decimals(18, 5), "DecimalNumber": decimals(18, 17),
	"BaseOneRate": decimals(11, 10), "BaseOne25Rate": decimals(rate25Digits, 13), "PercentageRate": decimals(11, 10),

	"ISODate":     {layouts: []string{time.DateOnly}, describe: "must be a date YYYY-MM-DD"},
	"ISOTime":     {layouts: []string{time.TimeOnly}, describe: "must be a time HH:MM:SS"},
	"ISODateTime": {layouts: []string{time.RFC3339Nano, "2006-01-02T15:04:05"}, describe: "must be a date and time"},

	"PartyType17Code": codes("OTHN OTHP ACQR ACQP CISS CISP AGNT"), "PartyType26Code": codes("ACCP ACQR ICCA CISS DLIS AGNT OTHN OTHP"),
	"PartyType3Code": codes("OPOI MERC ACCP ITAG ACQR CISS DLIS"), "PartyType4Code": codes("MERC ACCP ITAG ACQR CISS TAXH"),
	"LifeCycleSupport1Code": codes("AUTH FINC"), "MessageClass1Code": codes("ADDE AMDT AUTH CMGT CBCK FEEC FINL INQY VERI"),
	"TypeOfAmount22Code": codes("ACTL DFLT DPST ESTM MAXI PRXY RESD"), "TypeOfAmount21Code": codes("INTC FEEP OTHN OTHP FEEA CSIF MXIF MNIF"),
	"CardDataReading10Code": codes("ICPY MGST ICCY MICR MLEY OCRR MSIP OPTC OTHN RFID UNSP OTHP KEEN DFLE"),
	"CardDataReading1Code":  codes("TAGC PHYS BRCD MGST CICC DFLE CTLS ECTL"),
	"CreditDebit3Code":      codes("CRDT DBIT"), "CreditDebitCode": codes("CRDT DBIT"), "ChargeBearerType1Code": codes("DEBT CRED SHAR SLEV"),
}

// accepts reports whether value is one of the type.
func (f facet) accepts(value string) bool {
	switch {
	case f.pattern != nil:
		return f.pattern.MatchString(value)
	case f.layouts != nil:
		return slices.ContainsFunc(f.layouts, func(layout string) bool {
			_, err := time.Parse(layout, value)
			return err == nil
		})
	default:
		n := utf8.RuneCountInString(value)
		return n >= f.min && n <= f.max
	}
}

// inXML reports whether XML can carry every character of a text and give it back: no control characters, no broken UTF-8.
func inXML(value string) bool {
	return utf8.ValidString(value) && !strings.ContainsFunc(value, func(r rune) bool {
		return r < 0x20 && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF
	})
}

// chooser is a type that the schema calls a choice.
type chooser interface {
	// chosen is how many of the alternatives are there.
	chosen() int
}

// check walks a message: a field without `omitempty` must be there, and the tag `iso` names the facet of its text.
func check(message any) payment.FieldErrors {
	c := &checker{}
	c.value("", reflect.ValueOf(message), "", true)
	return c.problems
}

type checker struct{ problems payment.FieldErrors }

func (c *checker) fail(path, problem string) {
	c.problems = append(c.problems, payment.FieldError{Field: path, Problem: problem})
}

func (c *checker) value(path string, v reflect.Value, facetName string, required bool) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			c.value(path, v.Elem(), facetName, true)
		} else if required {
			c.fail(path, "is missing")
		}
	case reflect.Slice:
		if required && v.Len() == 0 {
			c.fail(path, "is missing")
		}
		for i := range v.Len() {
			c.value(fmt.Sprintf("%s[%d]", path, i+1), v.Index(i), facetName, true)
		}
	case reflect.Struct:
		c.fields(path, v)
	case reflect.String:
		c.text(path, v.String(), facetName, required)
	}
}

func (c *checker) fields(path string, v reflect.Value) {
	if choice, ok := v.Interface().(chooser); ok && choice.chosen() != 1 {
		c.fail(path, "must hold exactly one of its alternatives")
	}
	for i := range v.NumField() {
		field := v.Type().Field(i)
		at := strings.TrimPrefix(path+"/"+field.Name, "/")
		switch options := field.Tag.Get("xml"); {
		case options == ",chardata":
			at = path
		case strings.HasSuffix(options, ",attr"):
			at = path + "/@" + field.Name
		}
		c.value(at, v.Field(i), field.Tag.Get("iso"), !strings.Contains(field.Tag.Get("json"), "omitempty"))
	}
}

func (c *checker) text(path, value, facetName string, required bool) {
	f, known := facets[facetName]
	switch {
	case !known:
		// A field without a facet would never be checked: a mistake of this program, which the tests find.
		c.fail(path, "has no known type")
	case value == "" && required:
		c.fail(path, "is missing")
	case value != "" && !f.accepts(value):
		c.fail(path, f.describe)
	case !inXML(value):
		c.fail(path, "holds characters that XML cannot carry")
	}
}
