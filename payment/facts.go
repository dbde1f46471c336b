package payment

import (
	"github.com/govalues/decimal"
)

// MerchantWarning says why a merchant category is on the watch-list of rule R-004.
type MerchantWarning string

const (
	WarningNone       MerchantWarning = "NONE"
	WarningGambling   MerchantWarning = "GAMBLING"
	WarningWatchList  MerchantWarning = "WATCH_LIST"
	WarningUnknownMCC MerchantWarning = "UNKNOWN_MCC"
)

// SuspenseReason says why a payment cannot be posted to its customer's account.
type SuspenseReason string

const (
	SuspenseNone            SuspenseReason = "NONE"
	SuspenseAccountNotFound SuspenseReason = "ACCOUNT_NOT_FOUND"
	SuspenseAccountClosed   SuspenseReason = "ACCOUNT_CLOSED"
)

// Facts are what the rules engine decides on: booleans and classes, computed here once, so that the state machine
// compares nothing itself. Guidance-style string comparisons of amounts and rates cannot happen there.
type Facts struct {
	IssuerCountryKnown    bool            `json:"issuerCountryKnown"`
	Foreign               bool            `json:"foreign"`
	ConversionRatePresent bool            `json:"conversionRatePresent"`
	ConversionRateIsOne   bool            `json:"conversionRateIsOne"`
	MerchantOnWatchList   bool            `json:"merchantOnWatchList"`
	MerchantWarning       MerchantWarning `json:"merchantWarning"`
	AccountFound          bool            `json:"accountFound"`
	AccountOpen           bool            `json:"accountOpen"`
	SuspenseReason        SuspenseReason  `json:"suspenseReason"`
}

// WatchList maps merchant categories (MCC) to the warning they raise. It is reference data.
type WatchList map[string]MerchantWarning

// Foreign reports whether the payment was made in another currency than it is billed in (rule R-002).
func Foreign(a Authorization) bool {
	return a.TransactionAmount.Currency != a.BillingAmount.Currency
}

// ComputeFacts derives the facts of an authorization from it, its account and the watch-list.
func ComputeFacts(a Authorization, account Account, watched WatchList) Facts {
	facts := Facts{
		IssuerCountryKnown:    KnownCountry(a.IssuerCountry),
		Foreign:               Foreign(a),
		ConversionRatePresent: a.ConversionRate != "",
		MerchantWarning:       merchantWarning(a.MCC, watched),
		AccountFound:          account.Status != AccountNotFound,
		AccountOpen:           account.Status == AccountOpen,
		SuspenseReason:        SuspenseNone,
	}
	// Numerically: the upstream data writes the rate one as "01" and "1.0" too.
	if rate, err := decimal.Parse(a.ConversionRate); err == nil {
		facts.ConversionRateIsOne = rate.Equal(decimal.One)
	}
	facts.MerchantOnWatchList = facts.MerchantWarning != WarningNone
	switch {
	case !facts.AccountFound:
		facts.SuspenseReason = SuspenseAccountNotFound
	case !facts.AccountOpen:
		facts.SuspenseReason = SuspenseAccountClosed
	}
	return facts
}

func merchantWarning(mcc string, watched WatchList) MerchantWarning {
	if warning, ok := watched[mcc]; ok {
		return warning
	}
	if !isDigits(mcc) {
		return WarningUnknownMCC
	}
	return WarningNone
}
