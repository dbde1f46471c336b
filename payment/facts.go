package payment

import (
	"slices"
	"strings"
	"time"
)

// MerchantWarning says why a merchant's category is of interest (rules ).
type MerchantWarning string

const (
	WarningNone       MerchantWarning = "NONE"
	WarningGambling   MerchantWarning = "GAMBLING"
	WarningWatchList  MerchantWarning = "WATCH_LIST"
	WarningUnknownMCC MerchantWarning = "UNKNOWN_MCC"
	WarningQuasiCash  MerchantWarning = "QUASI_CASH"
	WarningHighRisk   MerchantWarning = "HIGH_RISK"
)

// SuspenseReason says why a payment cannot be posted to its customer's account.
type SuspenseReason string

const (
	SuspenseNone             SuspenseReason = "NONE"
	SuspenseAccountNotFound  SuspenseReason = "ACCOUNT_NOT_FOUND"
	SuspenseAccountClosed    SuspenseReason = "ACCOUNT_CLOSED"
	SuspenseAccountBlocked   SuspenseReason = "ACCOUNT_BLOCKED"
	SuspenseCurrencyMismatch SuspenseReason = "CURRENCY_MISMATCH"
	SuspenseMerchantBlocked  SuspenseReason = "MERCHANT_BLOCKED"
)

// Facts are what the rules engine decides on: booleans and classes, computed here once, so that the state machine
// compares nothing itself. Guidance-style string comparisons of amounts and rates cannot happen there.
type Facts struct {
	IssuerCountryKnown    bool `json:"issuerCountryKnown"`
	Foreign               bool `json:"foreign"`
	ConversionRatePresent bool `json:"conversionRatePresent"`
	ConversionRateIsOne   bool `json:"conversionRateIsOne"`
	// CurrencyConverted: there is a rate, and it is not one.
	CurrencyConverted   bool            `json:"currencyConverted"`
	MerchantOnWatchList bool            `json:"merchantOnWatchList"`
	MerchantWarning     MerchantWarning `json:"merchantWarning"`
	AccountFound        bool            `json:"accountFound"`
	AccountOpen         bool            `json:"accountOpen"`
	// SuspenseReason is what the account alone gives reason for.
	SuspenseReason SuspenseReason `json:"suspenseReason"`

	AccountMissing bool `json:"accountMissing"`
	AccountClosed  bool `json:"accountClosed"`
	// AccountBlocked: the account is blocked or under a legal hold, and the payment debits it.
	AccountBlocked bool `json:"accountBlocked"`
	// AccountDeceased: the account's holder has died, and the payment debits it.
	AccountDeceased bool `json:"accountDeceased"`
	AccountDormant  bool `json:"accountDormant"`
	// CurrencyMismatch: the payment is billed in another currency than its account has.
	CurrencyMismatch bool `json:"currencyMismatch"`

	// FXFeeApplies: the product charges for a payment in this currency.
	FXFeeApplies bool `json:"fxFeeApplies"`
	// CrossBorder: acquired in another country, in the billing currency.
	CrossBorder bool `json:"crossBorder"`
	// FXRateOutOfTolerance: the billed amount is not quite the transaction amount times the rate.
	FXRateOutOfTolerance bool `json:"fxRateOutOfTolerance"`
	// FXRateImplausible: it is so far from it that nothing is to be posted. Then FXRateOutOfTolerance is false.
	FXRateImplausible bool `json:"fxRateImplausible"`
	// FXDataInconsistent: a rate is missing, or one other than one stands between equal currencies.
	FXDataInconsistent bool `json:"fxDataInconsistent"`
	// DynamicConversion: a merchant abroad converted into the issuer's currency (DCC).
	DynamicConversion bool `json:"dynamicConversion"`

	// AuthorizationExpired: the payment comes later than its authorization was good for.
	AuthorizationExpired bool `json:"authorizationExpired"`
	// TimestampAnomalous: the time of transmission lies in the future, or too far in the past.
	TimestampAnomalous bool `json:"timestampAnomalous"`

	Gambling bool `json:"gambling"`
	// GamblingBlocked: the customer opted out of gambling, and the payment debits the account. Then Gambling is false.
	GamblingBlocked bool `json:"gamblingBlocked"`
	QuasiCash       bool `json:"quasiCash"`
	// QuasiCashFeeApplies and CashFeeApplies: the product charges for it.
	QuasiCashFeeApplies      bool `json:"quasiCashFeeApplies"`
	CashFeeApplies           bool `json:"cashFeeApplies"`
	HighRiskMerchant         bool `json:"highRiskMerchant"`
	UnknownCategory          bool `json:"unknownCategory"`
	MerchantTypeInconsistent bool `json:"merchantTypeInconsistent"`

	// EnrichmentIncomplete: the account has no holder, no sort code where one is needed, or a product without terms.
	EnrichmentIncomplete bool `json:"enrichmentIncomplete"`
	// EnrichmentInvalid: the account's IBAN or sort code cannot be right.
	EnrichmentInvalid bool `json:"enrichmentInvalid"`

	// DisabledRules are the rules that the settings switch off, as text with commas, NONE for none: a state machine can check
	// that a member is text, not that it is a list.
	DisabledRules string `json:"disabledRules"`
}

// WatchList maps merchant categories (MCC) to the warning they raise. It is reference data.
type WatchList map[string]MerchantWarning

// Observed is everything that facts are computed from: the payment, and what the reference data says of it.
type Observed struct {
	Authorization Authorization
	// OccurredAt is when the payment was taken in. Ages count to then, never to now: a redelivery must give the same facts.
	OccurredAt time.Time
	Account    Account
	// Terms are the prices of the account's product; ProductFound is false where there are none.
	Terms        Terms
	ProductFound bool
	Waiver       FXWaiver
	// CategoryListed: the reference data knows the merchant's category.
	CategoryListed bool
	Watched        WatchList
	Settings       RuleSettings
}

// Foreign reports whether the payment was made in another currency than it is billed in (rule R-002).
func Foreign(a Authorization) bool {
	return a.TransactionAmount.Currency != a.BillingAmount.Currency
}

// credit reports whether the payment credits the customer's account.
func (a Authorization) credit() bool { return slices.Contains(creditTypes, a.TransactionType()) }

// debit reports whether the payment is a purchase or cash, which the customer pays for. A reversal takes one back.
func (a Authorization) debit() bool { return !a.credit() && !a.IsReversal() }

// debitsAccount reports whether the payment takes money from the customer's account: so does the reversal of a credit.
func (a Authorization) debitsAccount() bool { return a.credit() == a.IsReversal() }

// disabledNone stands where no rule is switched off.
const disabledNone = "NONE"

// ComputeFacts derives the facts of a payment.
func ComputeFacts(o Observed) Facts {
	facts := Facts{IssuerCountryKnown: KnownCountry(o.Authorization.IssuerCountry), DisabledRules: disabledNone}
	if len(o.Settings.Disabled) > 0 {
		facts.DisabledRules = strings.Join(o.Settings.Disabled, ",")
	}
	o.conversion(&facts)
	o.merchant(&facts)
	o.account(&facts)
	o.timing(&facts)
	o.charges(&facts)
	return facts
}

// account derives what the account gives reason for.
func (o Observed) account(facts *Facts) {
	a := o.Account
	facts.AccountFound = a.Status != AccountNotFound
	facts.AccountOpen = a.Status == AccountOpen
	facts.AccountMissing = !facts.AccountFound
	facts.AccountClosed = a.Status == AccountClosed
	facts.AccountDormant = a.Status == AccountDormant
	debit := o.Authorization.debitsAccount()
	facts.AccountBlocked = debit && (a.Status == AccountBlocked || a.Status == AccountLegalHold)
	facts.AccountDeceased = debit && a.Status == AccountDeceased
	facts.CurrencyMismatch = facts.AccountFound && a.Currency != o.Authorization.BillingAmount.Currency
	facts.SuspenseReason = SuspenseNone
	switch {
	case facts.AccountMissing:
		facts.SuspenseReason = SuspenseAccountNotFound
	case facts.AccountClosed:
		facts.SuspenseReason = SuspenseAccountClosed
	case facts.AccountBlocked, facts.AccountDeceased:
		facts.SuspenseReason = SuspenseAccountBlocked
	case facts.CurrencyMismatch:
		facts.SuspenseReason = SuspenseCurrencyMismatch
	}
	if !facts.AccountFound {
		return
	}
	needsSortCode := slices.Contains(o.Settings.SortCodeCurrencies, a.Currency)
	facts.EnrichmentIncomplete = a.Holder == "" || !o.ProductFound || (needsSortCode && a.SortCode == "")
	facts.EnrichmentInvalid = (a.IBAN != "" && !ValidIBAN(a.IBAN)) || (a.SortCode != "" && !validSortCode(a.SortCode))
}

// timing compares the time of transmission with that of intake.
func (o Observed) timing(facts *Facts) {
	age := o.OccurredAt.Sub(o.Authorization.TransmittedAt)
	limits := o.Settings.Timestamp
	facts.TimestampAnomalous = -age > time.Duration(limits.AheadMinutes)*time.Minute || age > days(limits.BehindDays)
	// A reversal posts no authorization.
	facts.AuthorizationExpired = !o.Authorization.IsReversal() && age > o.Settings.Validity.For(o.Authorization.MCC)
}
