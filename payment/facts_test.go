package payment

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// openAccount is one that gives no rule reason to fire.
func openAccount() Account {
	return Account{Status: AccountOpen, ID: "acc-1", IBAN: "GB29NWBK60161331926819", Holder: "A HOLDER", SortCode: "601613", Product: "PLUS", Currency: "GBP"}
}

// observed is an item as it is seen a second after its transmission, with an open account, a product that charges and a known
// category.
func observed(t testing.TB, item map[string]Attribute) Observed {
	t.Helper()
	a := parsed(t, item)
	return Observed{Authorization: a, OccurredAt: a.TransmittedAt.Add(time.Second), Account: openAccount(), Terms: plusTerms, ProductFound: true,
		CategoryListed: true, Watched: WatchList{"5999": WarningWatchList}, Settings: DefaultRuleSettings()}
}

// domestic is a purchase in the customer's own country and currency, on which no rule fires.
func domestic(changes map[string]Attribute) map[string]Attribute {
	item := with(map[string]Attribute{"transactionCurrency": text("GBP"), "transactionAmount": number("7925"), "conversionRate": text(""), "acquirerCountry": text("826")})
	for name, value := range changes {
		item[name] = value
	}
	return item
}

// quiet are the facts of a domestic purchase.
func quiet(change func(*Facts)) Facts {
	f := Facts{IssuerCountryKnown: true, MerchantWarning: WarningNone, AccountFound: true, AccountOpen: true, SuspenseReason: SuspenseNone, DisabledRules: "NONE"}
	if change != nil {
		change(&f)
	}
	return f
}

// abroad are the facts of worked example E2, on top of those of a domestic purchase.
func abroad(f *Facts) {
	f.Foreign, f.ConversionRatePresent, f.CurrencyConverted, f.FXFeeApplies = true, true, true, true
}

func TestFactsOfAPayment(t *testing.T) {
	for name, tc := range map[string]struct {
		item map[string]Attribute
		see  func(*Observed)
		want func(*Facts)
	}{
		"domestic purchase":   {domestic(nil), nil, nil},
		"E2 foreign purchase": {foreignPurchase(), nil, abroad},
		"no issuer country":   {domestic(map[string]Attribute{"issuerCountry": text("000")}), nil, func(f *Facts) { f.IssuerCountryKnown = false }},
		"rate 01 is one":      {domestic(map[string]Attribute{"conversionRate": text("01")}), nil, func(f *Facts) { f.ConversionRatePresent, f.ConversionRateIsOne = true, true }},
		"same currency with two amounts is not foreign": {domestic(map[string]Attribute{"transactionAmount": number("1")}), nil, nil},
		"a rate between equal currencies": {domestic(map[string]Attribute{"conversionRate": text("0.7925")}), nil,
			func(f *Facts) { f.ConversionRatePresent, f.CurrencyConverted, f.FXDataInconsistent = true, true, true }},
		"no rate between two currencies": {with(map[string]Attribute{"conversionRate": text("")}), nil,
			func(f *Facts) { f.Foreign, f.FXFeeApplies, f.FXDataInconsistent = true, true, true }},

		"watched": {domestic(map[string]Attribute{"mcc": text("5999")}), nil, func(f *Facts) { f.MerchantOnWatchList, f.MerchantWarning = true, WarningWatchList }},
		"letters in the MCC": {domestic(map[string]Attribute{"mcc": text("AAFF")}), nil, func(f *Facts) {
			f.MerchantOnWatchList, f.MerchantWarning, f.UnknownCategory = true, WarningUnknownMCC, true
		}},
		"category not listed":                 {domestic(nil), func(o *Observed) { o.CategoryListed = false }, func(f *Facts) { f.UnknownCategory = true }},
		"unlisted ones of no interest":        {domestic(nil), func(o *Observed) { o.CategoryListed, o.Settings.FlagUnlistedCategories = false, false }, nil},
		"gambling":                            {domestic(map[string]Attribute{"mcc": text("7995")}), nil, func(f *Facts) { f.Gambling = true }},
		"gambling, opted out":                 {domestic(map[string]Attribute{"mcc": text("9406")}), func(o *Observed) { o.Account.GamblingBlocked = true }, func(f *Facts) { f.GamblingBlocked = true }},
		"a win, opted out":                    {domestic(map[string]Attribute{"mcc": text("7995"), "processingCode": text("260000")}), func(o *Observed) { o.Account.GamblingBlocked = true }, func(f *Facts) { f.Gambling = true }},
		"quasi-cash":                          {domestic(map[string]Attribute{"mcc": text("6051")}), nil, func(f *Facts) { f.QuasiCash, f.QuasiCashFeeApplies = true, true }},
		"quasi-cash, no fee":                  {domestic(map[string]Attribute{"mcc": text("4829")}), func(o *Observed) { o.Terms = Terms{} }, func(f *Facts) { f.QuasiCash = true }},
		"refund of quasi-cash":                {domestic(map[string]Attribute{"mcc": text("6051"), "processingCode": text("200000")}), nil, nil},
		"cash at a counter":                   {domestic(map[string]Attribute{"mcc": text("6010")}), nil, func(f *Facts) { f.CashFeeApplies = true }},
		"cash at a machine":                   {domestic(map[string]Attribute{"mcc": text("6011"), "processingCode": text("012000")}), nil, func(f *Facts) { f.CashFeeApplies = true }},
		"cash by its type":                    {domestic(map[string]Attribute{"processingCode": text("010000")}), nil, func(f *Facts) { f.CashFeeApplies = true }},
		"cash, nothing charged":               {domestic(map[string]Attribute{"processingCode": text("010000")}), func(o *Observed) { o.Terms = Terms{CashFeeRate: "0.00"} }, nil},
		"cash, a minimum alone":               {domestic(map[string]Attribute{"processingCode": text("010000")}), func(o *Observed) { o.Terms = Terms{CashFeeMinimum: Money{300, "GBP"}} }, func(f *Facts) { f.CashFeeApplies = true }},
		"one fee for quasi-cash by type cash": {domestic(map[string]Attribute{"mcc": text("6051"), "processingCode": text("010000")}), nil, func(f *Facts) { f.QuasiCash, f.CashFeeApplies = true, true }},
		"a purchase at a cash machine":        {domestic(map[string]Attribute{"mcc": text("6011")}), nil, func(f *Facts) { f.CashFeeApplies, f.MerchantTypeInconsistent = true, true }},
		"high risk":                           {domestic(map[string]Attribute{"mcc": text("5967")}), nil, func(f *Facts) { f.HighRiskMerchant = true }},

		"no account": {domestic(nil), func(o *Observed) {
			o.Account, o.ProductFound, o.Terms = Account{Status: AccountNotFound}, false, Terms{}
		},
			func(f *Facts) {
				f.AccountFound, f.AccountOpen, f.AccountMissing, f.SuspenseReason = false, false, true, SuspenseAccountNotFound
			}},
		"closed": {domestic(nil), status(AccountClosed), func(f *Facts) { f.AccountOpen, f.AccountClosed, f.SuspenseReason = false, true, SuspenseAccountClosed }},
		"blocked": {domestic(nil), status(AccountBlocked), func(f *Facts) {
			f.AccountOpen, f.AccountBlocked, f.SuspenseReason = false, true, SuspenseAccountBlocked
		}},
		"legal hold": {domestic(nil), status(AccountLegalHold), func(f *Facts) {
			f.AccountOpen, f.AccountBlocked, f.SuspenseReason = false, true, SuspenseAccountBlocked
		}},
		"deceased": {domestic(nil), status(AccountDeceased), func(f *Facts) {
			f.AccountOpen, f.AccountDeceased, f.SuspenseReason = false, true, SuspenseAccountBlocked
		}},
		"refund, blocked":   {domestic(map[string]Attribute{"processingCode": text("200000")}), status(AccountBlocked), func(f *Facts) { f.AccountOpen = false }},
		"reversal, blocked": {domestic(map[string]Attribute{"mti": text("0420"), "original": originalOf("0100")}), status(AccountDeceased), func(f *Facts) { f.AccountOpen = false }},
		"reversal of a refund, blocked": {domestic(map[string]Attribute{"mti": text("0420"), "processingCode": text("200000"), "original": originalOf("0100")}), status(AccountBlocked), func(f *Facts) {
			f.AccountOpen, f.AccountBlocked, f.SuspenseReason = false, true, SuspenseAccountBlocked
		}},
		"dormant":                   {domestic(nil), status(AccountDormant), func(f *Facts) { f.AccountOpen, f.AccountDormant = false, true }},
		"other currency":            {domestic(nil), func(o *Observed) { o.Account.Currency = "EUR" }, func(f *Facts) { f.CurrencyMismatch, f.SuspenseReason = true, SuspenseCurrencyMismatch }},
		"no holder":                 {domestic(nil), func(o *Observed) { o.Account.Holder = "" }, func(f *Facts) { f.EnrichmentIncomplete = true }},
		"no product":                {domestic(nil), func(o *Observed) { o.ProductFound = false }, func(f *Facts) { f.EnrichmentIncomplete = true }},
		"no sort code":              {domestic(nil), func(o *Observed) { o.Account.SortCode = "" }, func(f *Facts) { f.EnrichmentIncomplete = true }},
		"sort codes of no interest": {domestic(nil), func(o *Observed) { o.Account.SortCode, o.Settings.SortCodeCurrencies = "", nil }, nil},
		"a wrong sort code":         {domestic(nil), func(o *Observed) { o.Account.SortCode = "60-16-13" }, func(f *Facts) { f.EnrichmentInvalid = true }},
		"a wrong IBAN":              {domestic(nil), func(o *Observed) { o.Account.IBAN = "GB28NWBK60161331926819" }, func(f *Facts) { f.EnrichmentInvalid = true }},
		"no IBAN at all":            {domestic(nil), func(o *Observed) { o.Account.IBAN = "" }, nil},

		"fee waived for the currency":         {foreignPurchase(), func(o *Observed) { o.Waiver.Currencies = []Currency{"EUR", "USD"} }, func(f *Facts) { abroad(f); f.FXFeeApplies = false }},
		"fee waived for the country":          {foreignPurchase(), func(o *Observed) { o.Waiver.Countries = []string{"840"} }, func(f *Facts) { abroad(f); f.FXFeeApplies = false }},
		"waived for others":                   {foreignPurchase(), func(o *Observed) { o.Waiver = FXWaiver{[]Currency{"EUR"}, []string{"250"}} }, abroad},
		"product without FX fee":              {foreignPurchase(), func(o *Observed) { o.Terms = Terms{FXFeeRate: "0"} }, func(f *Facts) { abroad(f); f.FXFeeApplies = false }},
		"a fee of less than half a penny":     {with(map[string]Attribute{"transactionAmount": number("20"), "billingAmount": number("16")}), nil, func(f *Facts) { abroad(f); f.FXFeeApplies = false }},
		"a fee of just a penny":               {with(map[string]Attribute{"transactionAmount": number("22"), "billingAmount": number("17")}), nil, abroad},
		"a fee that has a maximum of nothing": {foreignPurchase(), func(o *Observed) { o.Terms.FXFeeMaximum = Money{0, "GBP"} }, func(f *Facts) { abroad(f); f.FXFeeApplies = false }},
		"a cash fee of less than half a penny": {domestic(map[string]Attribute{"processingCode": text("010000"), "transactionAmount": number("16"), "billingAmount": number("16")}),
			func(o *Observed) { o.Terms = Terms{CashFeeRate: "0.03"} }, nil},
		"a rate that is none": {foreignPurchase(), func(o *Observed) { o.Terms.FXFeeRate = "much" }, abroad},
		"foreign refund":      {with(map[string]Attribute{"processingCode": text("200000")}), nil, func(f *Facts) { abroad(f); f.FXFeeApplies = false }},
		"foreign reversal":    {with(map[string]Attribute{"mti": text("0400"), "original": originalOf("0100")}), nil, func(f *Facts) { abroad(f); f.FXFeeApplies = false }},

		"DCC: pounds in New York": {domestic(map[string]Attribute{"acquirerCountry": text("840")}), nil, func(f *Facts) { f.CrossBorder, f.DynamicConversion = true, true }},
		"euro from Germany to France": {domestic(map[string]Attribute{"acquirerCountry": text("250"), "issuerCountry": text("276"), "transactionCurrency": text("EUR"), "billingCurrency": text("EUR")}),
			func(o *Observed) { o.Account.Currency, o.Account.SortCode = "EUR", "" }, func(f *Facts) { f.CrossBorder = true }},
		"dollars in London for a dollar account": {domestic(map[string]Attribute{"acquirerCountry": text("840"), "transactionCurrency": text("USD"), "billingCurrency": text("USD")}),
			func(o *Observed) { o.Account.Currency = "USD" }, func(f *Facts) { f.CrossBorder = true }},
		"no acquirer country": {domestic(map[string]Attribute{"acquirerCountry": text("")}), nil, nil},

		"seven days old":             {domestic(nil), age(7 * 24 * time.Hour), nil},
		"older than seven days":      {domestic(nil), age(7*24*time.Hour + 1), func(f *Facts) { f.AuthorizationExpired = true }},
		"a hotel's, 30 days old":     {domestic(map[string]Attribute{"mcc": text("7011")}), age(30 * 24 * time.Hour), nil},
		"an airline's, 31 days":      {domestic(map[string]Attribute{"mcc": text("3058")}), age(31 * 24 * time.Hour), func(f *Facts) { f.AuthorizationExpired = true }},
		"fuel, two days old":         {domestic(map[string]Attribute{"mcc": text("5542")}), age(48 * time.Hour), func(f *Facts) { f.AuthorizationExpired = true }},
		"a reversal, eight days old": {domestic(map[string]Attribute{"mti": text("0420"), "original": originalOf("0100")}), age(8 * 24 * time.Hour), nil},
		"180 days old":               {domestic(nil), age(180 * 24 * time.Hour), func(f *Facts) { f.AuthorizationExpired = true }},
		"181 days old":               {domestic(nil), age(181 * 24 * time.Hour), func(f *Facts) { f.AuthorizationExpired, f.TimestampAnomalous = true, true }},
		"five minutes ahead":         {domestic(nil), age(-5 * time.Minute), nil},
		"more than five minutes":     {domestic(nil), age(-5*time.Minute - 1), func(f *Facts) { f.TimestampAnomalous = true }},
		"rules that are off":         {domestic(nil), func(o *Observed) { o.Settings.Disabled = []string{"R-021", "R-044"} }, func(f *Facts) { f.DisabledRules = "R-021,R-044" }},
	} {
		t.Run(name, func(t *testing.T) {
			o := observed(t, tc.item)
			if tc.see != nil {
				tc.see(&o)
			}
			require.Equal(t, quiet(tc.want), ComputeFacts(o))
		})
	}
}

func status(s AccountStatus) func(*Observed) { return func(o *Observed) { o.Account.Status = s } }

func age(d time.Duration) func(*Observed) {
	return func(o *Observed) { o.OccurredAt = o.Authorization.TransmittedAt.Add(d) }
}

// The guidance's message, domain vector 1: fire, R-002 does not, R-003 does in legacy mode only.
func TestFactsOfTheGuidancesMessage(t *testing.T) {
	o := observed(t, domestic(map[string]Attribute{"transactionAmount": number("1981"), "billingAmount": number("1981"), "transactionCurrency": text("USD"),
		"billingCurrency": text("USD"), "conversionRate": text("01"), "mcc": text("AAFF"), "acquirerCountry": text("840"), "issuerCountry": text("840"),
		"stan": text("981786145671"), "processingCode": text("000010")}))
	o.Account.Currency, o.CategoryListed = "USD", false
	require.Equal(t, quiet(func(f *Facts) {
		f.ConversionRatePresent, f.ConversionRateIsOne = true, true
		f.MerchantOnWatchList, f.MerchantWarning, f.UnknownCategory = true, WarningUnknownMCC, true
	}), ComputeFacts(o))
}

// R-022 in major units: yen have no minor unit, dinars three decimals.
func TestConversionRateTolerance(t *testing.T) {
	for name, tc := range map[string]struct {
		made, madeIn, billed, billedIn, rate string
		found, review                        bool
	}{
		"E2 exact":                         {"10000", "USD", "7925", "GBP", "0.7925", false, false},
		"E9 yen to dinar, rounded":         {"12345", "JPY", "30809", "BHD", "0.0024957", false, false},
		"half a percent and a penny":       {"10000", "USD", "7965", "GBP", "0.7925", false, false}, // 0.40 off, 0.39825 + 0.01 allowed
		"more than that":                   {"10000", "USD", "7966", "GBP", "0.7925", true, false},  // 0.41 off, 0.3983 + 0.01 allowed
		"too little, not by much":          {"10000", "USD", "7885", "GBP", "0.7925", false, false},
		"too little billed":                {"10000", "USD", "7884", "GBP", "0.7925", true, false},
		"a penny on a small amount":        {"100", "USD", "78", "GBP", "0.7925", false, false},
		"ten percent and a penny":          {"10000", "USD", "8806", "GBP", "0.7925", true, false}, // 8.81 off, 8.806 + 0.01 allowed
		"beyond ten percent":               {"10000", "USD", "8807", "GBP", "0.7925", false, true},
		"the rate upside down":             {"10000", "USD", "7925", "GBP", "1.2618", false, true},
		"yen taken for having cents":       {"1234500", "JPY", "30809", "BHD", "0.0024957", false, true},
		"an amount beyond any machine's":   {"999999999999", "JPY", "1", "BHD", "9999999999", false, true},
		"the largest amounts, a rate of 1": {"999999999999", "USD", "999999999999", "GBP", "1", false, false},
	} {
		t.Run(name, func(t *testing.T) {
			o := observed(t, with(map[string]Attribute{"transactionAmount": number(tc.made), "transactionCurrency": text(tc.madeIn),
				"billingAmount": number(tc.billed), "billingCurrency": text(tc.billedIn), "conversionRate": text(tc.rate)}))
			facts := ComputeFacts(o)
			require.Equal(t, []bool{tc.found, tc.review}, []bool{facts.FXRateOutOfTolerance, facts.FXRateImplausible})
		})
	}
	o := observed(t, foreignPurchase())
	o.Settings.ConversionRate.Share = "no number"
	require.True(t, ComputeFacts(o).FXRateImplausible, "what cannot be compared is not posted unseen")
}

// A redelivery gives the same facts, and no payment has both of two facts that exclude each other.
func TestFactsAreAFunctionAndExclusive(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		digits := func(name string, values ...string) Attribute { return text(rapid.SampledFrom(values).Draw(r, name)) }
		o := observed(t, with(map[string]Attribute{
			"mcc": digits("mcc", "5411", "6011", "6051", "7995", "AAFF", "3058"), "processingCode": digits("type", "000000", "010000", "200000"),
			"transactionCurrency": digits("made in", "USD", "GBP", "JPY"), "conversionRate": digits("rate", "", "1", "0.7925", "0.9"),
			"acquirerCountry": digits("acquirer", "", "826", "840"),
		}))
		o.Account.Status = rapid.SampledFrom(append(AccountStatuses(), AccountNotFound)).Draw(r, "status")
		o.Account.GamblingBlocked = rapid.Bool().Draw(r, "opted out")
		facts := ComputeFacts(o)
		require.Equal(t, facts, ComputeFacts(o))
		require.False(t, facts.FXRateOutOfTolerance && facts.FXRateImplausible)
		require.False(t, facts.Gambling && facts.GamblingBlocked)
		require.False(t, facts.QuasiCashFeeApplies && facts.CashFeeApplies, "one cash fee")
		require.False(t, facts.Foreign && facts.CrossBorder)
		require.False(t, facts.DynamicConversion && facts.FXFeeApplies, "R-024: no FX fee")
		require.False(t, facts.CurrencyConverted && facts.ConversionRateIsOne)
		require.Equal(t, facts.AccountFound, !facts.AccountMissing)
	})
}

func BenchmarkFacts(b *testing.B) {
	o := observed(b, foreignPurchase())
	b.ReportAllocs()
	for b.Loop() {
		ComputeFacts(o)
	}
}
