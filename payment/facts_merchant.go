package payment

import (
	"slices"

	"github.com/govalues/decimal"
)

// merchant derives what the merchant's category says.
func (o Observed) merchant(facts *Facts) {
	a, s := o.Authorization, o.Settings
	facts.MerchantWarning = merchantWarning(a.MCC, o.Watched)
	facts.MerchantOnWatchList = facts.MerchantWarning != WarningNone
	if s.Gambling.Contains(a.MCC) {
		facts.GamblingBlocked = o.Account.GamblingBlocked && a.debit()
		facts.Gambling = !facts.GamblingBlocked
	}
	facts.QuasiCash = s.QuasiCash.Contains(a.MCC) && a.debit()
	facts.HighRiskMerchant = s.HighRisk.Contains(a.MCC)
	facts.UnknownCategory = !isCategory(a.MCC) || (s.FlagUnlistedCategories && !o.CategoryListed)
	facts.MerchantTypeInconsistent = s.CashMachines.Contains(a.MCC) && a.TransactionType() == plainPurchase
}

// plainPurchase is the transaction type of a purchase without cash.
const plainPurchase = "00"

func isCategory(mcc string) bool { return len(mcc) == mccDigits && isDigits(mcc) }

func merchantWarning(mcc string, watched WatchList) MerchantWarning {
	if warning, ok := watched[mcc]; ok {
		return warning
	}
	if !isCategory(mcc) {
		return WarningUnknownMCC
	}
	return WarningNone
}

// charges derives which of the product's prices apply to a debit; what a reversal takes back of them, posting knows. A payment
// that does not come to its account bears none of them: that is for the rules to decide.
func (o Observed) charges(facts *Facts) {
	a, t := o.Authorization, o.Authorization.TransactionType()
	hasFXFee := charges(o.Terms.FXFeeRate) || o.Terms.FXFeeMinimum.Minor > 0
	facts.FXFeeApplies = facts.Foreign && a.debit() && hasFXFee && !o.Waiver.waives(a)
	hasCashFee := charges(o.Terms.CashFeeRate) || o.Terms.CashFeeMinimum.Minor > 0
	cash := slices.Contains(cashTypes, t) || (slices.Contains(purchaseTypes, t) && o.Settings.Cash.Contains(a.MCC))
	facts.CashFeeApplies = cash && hasCashFee && a.debit()
	facts.QuasiCashFeeApplies = facts.QuasiCash && !cash && hasCashFee
}

// charges reports whether a rate is more than nothing. One that is no decimal is for the posting rules to refuse.
func charges(rate string) bool {
	if rate == "" {
		return false
	}
	d, err := decimal.Parse(rate)
	return err != nil || d.IsPos()
}
