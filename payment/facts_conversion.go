package payment

import (
	"math/big"
	"slices"
	"strconv"

	"github.com/bojanz/currency"
	"github.com/govalues/decimal"
	"golang.org/x/text/language"
)

// FXWaiver says for which payments a product charges no FX fee.
type FXWaiver struct {
	// Currencies are those of the transaction, such as the euro for a bank of the European Economic Area.
	Currencies []Currency
	// Countries are those of the acquirer, ISO 3166 numeric-3.
	Countries []string
}

func (w FXWaiver) waives(a Authorization) bool {
	return slices.Contains(w.Currencies, a.TransactionAmount.Currency) || (a.AcquirerCountry != "" && slices.Contains(w.Countries, a.AcquirerCountry))
}

// conversion derives what currencies, countries and the rate say.
func (o Observed) conversion(facts *Facts) {
	a := o.Authorization
	facts.Foreign = Foreign(a)
	facts.ConversionRatePresent = a.ConversionRate != ""
	// Numerically: the upstream data writes the rate one as "01" and "1.0" too.
	if rate, err := decimal.Parse(a.ConversionRate); err == nil {
		facts.ConversionRateIsOne = rate.Equal(decimal.One)
	}
	facts.CurrencyConverted = facts.ConversionRatePresent && !facts.ConversionRateIsOne
	if facts.Foreign {
		facts.FXDataInconsistent = !facts.ConversionRatePresent
	} else {
		facts.FXDataInconsistent = facts.CurrencyConverted
	}
	abroad := a.AcquirerCountry != "" && facts.IssuerCountryKnown && a.AcquirerCountry != a.IssuerCountry
	facts.CrossBorder = abroad && !facts.Foreign
	facts.DynamicConversion = facts.CrossBorder && dynamicallyConverted(a)
	if facts.Foreign && facts.ConversionRatePresent {
		switch rateDeviation(a, o.Settings.ConversionRate) {
		case deviationFound:
			facts.FXRateOutOfTolerance = true
		case deviationToReview:
			facts.FXRateImplausible = true
		}
	}
}

// dynamicallyConverted reports whether a merchant abroad let the customer pay in the currency of the card's country instead of
// its own: a payment in euro from Germany to France is merely cross-border.
func dynamicallyConverted(a Authorization) bool {
	at, known := currencyOf(a.AcquirerCountry)
	home, homeKnown := currencyOf(a.IssuerCountry)
	used := a.TransactionAmount.Currency
	return known && homeKnown && at != used && home == used
}

// currencyOf is the legal tender of a country by its ISO 3166 numeric-3 code.
func currencyOf(country string) (Currency, bool) {
	n, err := strconv.Atoi(country)
	if err != nil {
		return "", false
	}
	region, err := language.EncodeM49(n)
	if err != nil {
		return "", false
	}
	code, ok := currency.ForCountryCode(region.String())
	return Currency(code), ok
}

type deviation int

const (
	deviationNone deviation = iota
	deviationFound
	deviationToReview
)

// rateDeviation compares the billed amount with the transaction amount times the rate, exactly and in major units: minor units
// of yen and dinar differ by a factor of a thousand. The billed amount itself is never recomputed.
func rateDeviation(a Authorization, tolerance RateTolerance) deviation {
	made, madeOK := major(a.TransactionAmount)
	billed, billedOK := major(a.BillingAmount)
	rate, rateOK := new(big.Rat).SetString(a.ConversionRate)
	share, shareOK := new(big.Rat).SetString(tolerance.Share)
	review, reviewOK := new(big.Rat).SetString(tolerance.Review)
	units, unitsOK := major(Money{Minor: tolerance.MinorUnits, Currency: a.BillingAmount.Currency})
	if !madeOK || !billedOK || !rateOK || !shareOK || !reviewOK || !unitsOK || billed.Sign() <= 0 {
		return deviationToReview // What cannot be compared is nothing to post unseen.
	}
	off := made.Mul(made, rate)
	off.Abs(off.Sub(off, billed))
	switch {
	case off.Cmp(limit(billed, review, units)) > 0:
		return deviationToReview
	case off.Cmp(limit(billed, share, units)) > 0:
		return deviationFound
	default:
		return deviationNone
	}
}

// limit is share of amount, plus what rounding may add.
func limit(amount, share, rounding *big.Rat) *big.Rat {
	l := new(big.Rat).Mul(amount, share)
	return l.Add(l, rounding)
}

// major is an amount in major units: 7925 GBP is 79.25, 30809 BHD is 30.809.
func major(m Money) (*big.Rat, bool) {
	exponent, err := m.Currency.Exponent()
	if err != nil {
		return nil, false
	}
	scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(exponent)), nil)
	return new(big.Rat).SetFrac(big.NewInt(m.Minor), scale), true
}
