package payment

import "slices"

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

// charges derives which of the product's charges a debit bears: those that come to more than nothing at its amount, so that nobody
// is told of a fee that has no leg. What a reversal takes back of them, posting knows. A payment that does not come to its account
// bears none of them: that is for the rules to decide.
func (o Observed) charges(facts *Facts) {
	a, t := o.Authorization, o.Authorization.TransactionType()
	priced := Decided{Charges: Charges{FX: true, Cash: true}, BillingAmount: a.BillingAmount, Terms: o.Terms}
	facts.FXFeeApplies = facts.Foreign && a.debit() && !o.Waiver.waives(a) && priced.bears(AmountFXFee)
	hasCashFee := a.debit() && priced.bears(AmountCashFee)
	cash := slices.Contains(cashTypes, t) || (slices.Contains(purchaseTypes, t) && o.Settings.Cash.Contains(a.MCC))
	facts.CashFeeApplies = cash && hasCashFee
	facts.QuasiCashFeeApplies = facts.QuasiCash && !cash && hasCashFee
}

// bears reports whether a charge is more than nothing. One that cannot be computed is for the posting rules to refuse.
func (p Decided) bears(amount AmountName) bool {
	fee, err := p.worth(amount)
	return err != nil || !fee.IsZero()
}
