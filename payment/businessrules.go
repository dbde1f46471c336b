package payment

// BusinessRule is one rule of the catalogue, as people read it. The catalogue decides nothing: intake, the
// state machine's table of rules, and posting where another payment counts do; tests hold the table against it.
type BusinessRule struct {
	ID string
	// Condition is when the rule fires; Action what it does; Event what tells of it.
	Condition, Action, Event string
	// Setting is where its limits and lists are; "" for none.
	Setting string
	// DecidedBy is the stage that decides.
	DecidedBy Stage
	// Switchable rules can be switched off in the settings.
	Switchable bool
}

// Stage is a stage of the pipeline.
type Stage string

const (
	StageIntake  Stage = "dedup"
	StageRules   Stage = "rules"
	StagePosting Stage = "posting"
)

// Rules that are named outside of the state machine.
const (
	RuleNotApproved  = "R-010"
	RuleBadAmount    = "R-011"
	RuleNonFinancial = "R-012"
	RuleDuplicate    = "R-013"
	RuleCardNumber   = "R-014"
	// RuleOverAuthorization is decided in posting, by the tolerance that enrichment sends along.
	RuleOverAuthorization = "R-031"
)

// BusinessRules is the catalogue of issuer rules, in their order. Of those that route a payment the first one decides; findings
// and fees add up.
func BusinessRules() []BusinessRule {
	const (
		failed   = "`TransactionPostingFailed`"
		suspense = "`TransactionRoutedToSuspense`"
		warning  = "`WarningMerchantTypeTransactionFound`"
		fee      = "`FeeApplied`"
		rejected = "`TransactionRejected`"
		flag     = "flag, post"
	)
	return []BusinessRule{
		{ID: "R-001", Condition: "the issuer's country is blank, 000 or not in ISO 3166", Action: "review; nothing else is evaluated", Event: failed, DecidedBy: StageRules},
		{ID: "R-002", Condition: "billed in another currency than it was made in", Action: flag, Event: "`ForeignTransactionFound`", DecidedBy: StageRules, Switchable: true},
		{ID: "R-003", Condition: "corrected: there is a rate and it is not one; legacy: the rate is one", Action: flag, Event: "`CurrencyConversionTransactionFound`", Setting: "context `r003`", DecidedBy: StageRules, Switchable: true},
		{ID: "R-004", Condition: "the merchant's category is on the watch-list or not of four digits", Action: flag, Event: warning, Setting: "`watch-list.json`", DecidedBy: StageRules, Switchable: true},
		{ID: "R-005", Condition: "no rule routes the payment elsewhere", Action: "post", Event: "`TransactionPostingApproved`", DecidedBy: StageRules},
		{ID: RuleNotApproved, Condition: "01xx, 02xx: the response code is not 00, 08, 10, 11, 85 or 87; or the message is of a type that moves no money", Action: "reject, `NOT_APPROVED` or `MESSAGE_TYPE_NOT_SUPPORTED`", Event: rejected, DecidedBy: StageIntake},
		{ID: RuleBadAmount, Condition: "an amount is not positive, not a whole number, of more than 12 digits, or in an unknown currency", Action: "reject, `BAD_AMOUNT`", Event: rejected, DecidedBy: StageIntake},
		{ID: RuleNonFinancial, Condition: "the transaction type moves no money (30 to 39), or no posting rule takes it", Action: "reject, `NON_FINANCIAL` or `TRANSACTION_TYPE_NOT_SUPPORTED`", Event: rejected, DecidedBy: StageIntake},
		{ID: RuleDuplicate, Condition: "the business key is known, with the same or with other content", Action: "park; other content: alert too", Event: "`DuplicateTransactionParked`, `DuplicateConflictDetected`", DecidedBy: StageIntake},
		{ID: RuleCardNumber, Condition: "a card number or sensitive authentication data stands where none may", Action: "quarantine", Event: "`TransactionQuarantined`", DecidedBy: StageIntake},
		{ID: "R-015", Condition: "the card has no account in the billing currency", Action: "suspense, `ACCOUNT_NOT_FOUND` (AC01)", Event: suspense, DecidedBy: StageRules},
		{ID: "R-016", Condition: "the account is `CLOSED`", Action: "suspense, `ACCOUNT_CLOSED` (AC04)", Event: suspense, DecidedBy: StageRules},
		{ID: "R-017", Condition: "a debit (the reversal of a refund is one), and the account is `BLOCKED`, `LEGAL_HOLD` (AC06) or `DECEASED` (MD07)", Action: "suspense, `ACCOUNT_BLOCKED`; a credit posts", Event: suspense, DecidedBy: StageRules},
		{ID: "R-018", Condition: "the account is `DORMANT`", Action: flag, Event: "`DormantAccountActivity`", DecidedBy: StageRules, Switchable: true},
		{ID: "R-019", Condition: "billed in another currency than the account has", Action: "suspense, `CURRENCY_MISMATCH` (AM03)", Event: "`CurrencyMismatchFound`, " + suspense, DecidedBy: StageRules},
		{ID: "R-020", Condition: "a foreign debit, and the product's fee comes to more than nothing", Action: "FX fee and the tax on it", Event: fee, Setting: "`products.json`: `fxFeeRate`, `fxFeeWaivedCurrencies`, `fxFeeWaivedCountries`", DecidedBy: StageRules, Switchable: true},
		{ID: "R-021", Condition: "acquired in another country, in the billing currency", Action: flag, Event: "`CrossBorderTransactionFound`", DecidedBy: StageRules, Switchable: true},
		{ID: "R-022", Condition: "the billed amount is off the transaction amount times the rate by more than a share and a minor unit", Action: "flag, post; beyond `review`: review, `FX_RATE_OUT_OF_TOLERANCE`", Event: "`FxRateToleranceBreached`", Setting: "`conversionRate`", DecidedBy: StageRules, Switchable: true},
		{ID: "R-023", Condition: "the rate is missing between two currencies, or not one between equal ones", Action: flag, Event: "`FxDataInconsistent`", DecidedBy: StageRules, Switchable: true},
		{ID: "R-024", Condition: "acquired abroad in the currency of the issuer's country, which is not that of the acquirer's (DCC)", Action: "flag, post without FX fee", Event: "`DccTransactionFound`", DecidedBy: StageRules, Switchable: true},
		{ID: "R-030", Condition: "no reversal, and transmitted longer before intake than the authorization is good for", Action: "flag, post late", Event: "`ExpiredAuthorizationPosted`", Setting: "`validity`", DecidedBy: StageRules, Switchable: true},
		{ID: RuleOverAuthorization, Condition: "a completion for more than was authorized, beyond the tolerance of the category", Action: flag, Event: "`OverAuthorizationFound`", Setting: "`overAuthorization`", DecidedBy: StagePosting, Switchable: true},
		{ID: "R-032", Condition: "transmitted after intake, or very long before it", Action: "review, `TIMESTAMP_ANOMALY`", Event: "`TimestampAnomaly`, " + failed, Setting: "`timestamp`", DecidedBy: StageRules, Switchable: true},
		{ID: "R-040", Condition: "gambling", Action: "flag, post; a debit of a customer who opted out: suspense, `MERCHANT_BLOCKED` (AG01)", Event: warning, Setting: "`gambling`; account: `gamblingBlocked`", DecidedBy: StageRules},
		{ID: "R-041", Condition: "quasi-cash, crypto assets, money transfer", Action: "flag, cash fee", Event: warning + ", " + fee, Setting: "`quasiCash`; `products.json`: `cashFeeRate`, `cashFeeMinimum`", DecidedBy: StageRules, Switchable: true},
		{ID: "R-042", Condition: "cash by transaction type (01, 17) or category", Action: "cash fee", Event: fee, Setting: "`cash`; `products.json`: `cashFeeRate`, `cashFeeMinimum`", DecidedBy: StageRules, Switchable: true},
		{ID: "R-043", Condition: "a category of high risk", Action: flag, Event: warning, Setting: "`highRisk`", DecidedBy: StageRules, Switchable: true},
		{ID: "R-044", Condition: "the category is not of four digits, or not listed; it is kept as it came", Action: flag, Event: warning, Setting: "`flagUnlistedCategories`; `merchant-categories.json`", DecidedBy: StageRules, Switchable: true},
		{ID: "R-045", Condition: "a cash machine's category with a plain purchase (00)", Action: flag, Event: "`MerchantTypeInconsistent`", Setting: "`cashMachines`", DecidedBy: StageRules, Switchable: true},
		{ID: "R-052", Condition: "the same card paid the same merchant the same amount within minutes", Action: flag, Event: "`SuspectedDuplicateFound`", DecidedBy: StagePosting},
		{ID: "R-060", Condition: "a reversal without its original", Action: "wait; then suspense", Event: "`OrphanReversal`", DecidedBy: StagePosting},
		{ID: "R-061", Condition: "a reversal would leave no less than remains", Action: "park", Event: "`ReversalExceedsOriginal`, `TransactionRejected`", DecidedBy: StagePosting},
		{ID: "R-062", Condition: "a refund names no purchase, and none is known", Action: flag, Event: "`UnmatchedRefund`", DecidedBy: StagePosting},
		{ID: "R-070", Condition: "after three attempts the account still has no holder, no sort code where one is needed, or a product without terms", Action: "review, `ENRICHMENT_INCOMPLETE`", Event: "`EnrichmentFailed`, " + failed, Setting: "`sortCodeCurrencies`", DecidedBy: StageRules},
		{ID: "R-071", Condition: "the IBAN's check digits or the form of the sort code are wrong", Action: "review, `ENRICHMENT_INVALID`", Event: "`EnrichmentInvalid`, " + failed, DecidedBy: StageRules, Switchable: true},
	}
}
