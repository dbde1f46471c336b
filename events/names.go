package events

// SchemaVersion is the version of the contract in every event's metadata. Additive changes keep it.
const SchemaVersion = "1.0"

// DetailType names an event on the bus.
type DetailType string

const (
	TransactionAuthorized              DetailType = "TransactionAuthorized"
	DuplicateTransactionParked         DetailType = "DuplicateTransactionParked"
	DuplicateConflictDetected          DetailType = "DuplicateConflictDetected"
	TransactionRejected                DetailType = "TransactionRejected"
	TransactionQuarantined             DetailType = "TransactionQuarantined"
	TransactionStandardized            DetailType = "TransactionStandardized"
	TransactionEnriched                DetailType = "TransactionEnriched"
	ForeignTransactionFound            DetailType = "ForeignTransactionFound"
	CurrencyConversionTransactionFound DetailType = "CurrencyConversionTransactionFound"
	WarningMerchantTypeFound           DetailType = "WarningMerchantTypeTransactionFound"
	DormantAccountActivity             DetailType = "DormantAccountActivity"
	CurrencyMismatchFound              DetailType = "CurrencyMismatchFound"
	FeeApplied                         DetailType = "FeeApplied"
	CrossBorderTransactionFound        DetailType = "CrossBorderTransactionFound"
	FxRateToleranceBreached            DetailType = "FxRateToleranceBreached"
	FxDataInconsistent                 DetailType = "FxDataInconsistent"
	DccTransactionFound                DetailType = "DccTransactionFound"
	ExpiredAuthorizationPosted         DetailType = "ExpiredAuthorizationPosted"
	TimestampAnomaly                   DetailType = "TimestampAnomaly"
	MerchantTypeInconsistent           DetailType = "MerchantTypeInconsistent"
	EnrichmentFailed                   DetailType = "EnrichmentFailed"
	EnrichmentInvalid                  DetailType = "EnrichmentInvalid"
	TransactionPostingApproved         DetailType = "TransactionPostingApproved"
	TransactionRoutedToSuspense        DetailType = "TransactionRoutedToSuspense"
	TransactionPostingFailed           DetailType = "TransactionPostingFailed"
	PostingRequested                   DetailType = "PostingRequested"
	PostingLegCreated                  DetailType = "PostingLegCreated"
	PostingOrderCreated                DetailType = "PostingOrderCreated"
	TransactionPosted                  DetailType = "TransactionPosted"
	SuspectedDuplicateFound            DetailType = "SuspectedDuplicateFound"
	OverAuthorizationFound             DetailType = "OverAuthorizationFound"
	OrphanReversal                     DetailType = "OrphanReversal"
	ReversalExceedsOriginal            DetailType = "ReversalExceedsOriginal"
	UnmatchedRefund                    DetailType = "UnmatchedRefund"
	ReconciliationBreakFound           DetailType = "ReconciliationBreakFound"
	ReconciliationPatchApplied         DetailType = "ReconciliationPatchApplied"
	ReconciliationCompleted            DetailType = "ReconciliationCompleted"
	DisputeOpened                      DetailType = "DisputeOpened"
	DisputeRejected                    DetailType = "DisputeRejected"
	DisputeAdvanced                    DetailType = "DisputeAdvanced"
	ProvisionalCreditPosted            DetailType = "ProvisionalCreditPosted"
	DisputeResolved                    DetailType = "DisputeResolved"
	OperatorActionTaken                DetailType = "OperatorActionTaken"
)

// Source names the producer of an event.
type Source string

const (
	SourceDedup            Source = "payrail.dedup" // also of TransactionAuthorized, which the pipe puts
	SourceStandardize      Source = "payrail.standardize"
	SourceEnrich           Source = "payrail.enrich"
	SourceRules            Source = "payrail.rules"
	SourceAccountInterface Source = "payrail.accountinterface"
	SourcePosting          Source = "payrail.posting"
	SourceRepair           Source = "payrail.repair"    // a person, by `payrail repair`
	SourceDisputes         Source = "payrail.disputes"  // also of what the customer API does about disputes
	SourceReconcile        Source = "payrail.reconcile" // also of events of others that it tells again
	SourceOperator         Source = "payrail.operator"  // a person, by `payrail post`, `redrive`, `replay` or `rebuild`
)

// Contract is one kind of event: its name, who produces it, and a value of its data type. Most kinds have one producer; of
// several the first one stands in the example.
type Contract struct {
	DetailType DetailType
	Sources    []Source
	Data       any
	// When says what has happened, as half a sentence.
	When string
}

// dedupOrPosting set payments aside: dedup by its memory of business keys, posting by the journal, which also knows what dedup
// has forgotten, and what remains of a payment that is to be reversed.
var dedupOrPosting = []Source{SourceDedup, SourcePosting}

// Contracts lists every kind of event, in the order a payment meets them.
func Contracts() []Contract {
	return []Contract{
		{TransactionAuthorized, []Source{SourceDedup, SourceRepair, SourceReconcile}, AuthorizedData{}, "an authorization was accepted, or a failed review was repaired"},
		{DuplicateTransactionParked, dedupOrPosting, ParkedData{}, "the same payment came under another authorization id"},
		{DuplicateConflictDetected, dedupOrPosting, ParkedData{}, "a known business key came with other content; it is never posted"},
		{TransactionRejected, dedupOrPosting, ParkedData{}, "an authorization is malformed, of a kind that is not posted, or a reversal that the ledger refuses; it is parked"},
		{TransactionQuarantined, []Source{SourceDedup}, QuarantinedData{}, "a card number or sensitive authentication data was found in an authorization"},
		{TransactionStandardized, []Source{SourceStandardize}, StandardizedData{}, "the payment was written as an ISO 20022 message: cain.003, of a reversal cain.005"},
		{TransactionEnriched, []Source{SourceEnrich}, EnrichedData{}, "account, prices and facts were added"},
		{ForeignTransactionFound, []Source{SourceRules}, FindingData{}, "rule R-002 fired: the payment was made in another currency"},
		{CurrencyConversionTransactionFound, []Source{SourceRules}, FindingData{}, "rule R-003 fired: the payment was converted"},
		{WarningMerchantTypeFound, []Source{SourceRules}, FindingData{}, "rule R-004, R-040, R-041, R-043 or R-044 fired: the merchant's category is of interest"},
		{DormantAccountActivity, []Source{SourceRules}, FindingData{}, "rule R-018 fired: a dormant account was used"},
		{CurrencyMismatchFound, []Source{SourceRules}, FindingData{}, "rule R-019 fired: the payment is billed in another currency than its account has; it goes to suspense"},
		{FeeApplied, []Source{SourceRules}, FindingData{}, "rule R-020, R-041 or R-042 fired: the payment bears a fee of its product"},
		{CrossBorderTransactionFound, []Source{SourceRules}, FindingData{}, "rule R-021 fired: acquired in another country, in the billing currency"},
		{FxRateToleranceBreached, []Source{SourceRules}, FindingData{}, "rule R-022 fired: the billed amount is off the transaction amount times the rate; far off it goes to review"},
		{FxDataInconsistent, []Source{SourceRules}, FindingData{}, "rule R-023 fired: rate and currencies contradict each other"},
		{DccTransactionFound, []Source{SourceRules}, FindingData{}, "rule R-024 fired: a merchant abroad converted into the issuer's currency; no FX fee"},
		{ExpiredAuthorizationPosted, []Source{SourceRules}, FindingData{}, "rule R-030 fired: the payment came after its authorization's validity"},
		{TimestampAnomaly, []Source{SourceRules}, FindingData{}, "rule R-032 fired: the time of transmission cannot be right; the payment goes to review"},
		{MerchantTypeInconsistent, []Source{SourceRules}, FindingData{}, "rule R-045 fired: merchant category and transaction type contradict each other"},
		{EnrichmentFailed, []Source{SourceRules}, FindingData{}, "rule R-070 fired: the account's data is incomplete; the payment goes to review"},
		{EnrichmentInvalid, []Source{SourceRules}, FindingData{}, "rule R-071 fired: the account's data cannot be right; the payment goes to review"},
		{TransactionPostingApproved, []Source{SourceRules, SourceReconcile}, DecisionData{}, "the rules decided: to be posted to its account"},
		{TransactionRoutedToSuspense, []Source{SourceRules, SourceReconcile}, DecisionData{}, "the rules decided: to be posted to suspense"},
		{TransactionPostingFailed, []Source{SourceRules}, FailedData{}, "the rules decided: a person must look; nothing is posted"},
		{PostingRequested, []Source{SourceDisputes, SourceReconcile, SourceOperator}, PostingRequestedData{}, "a posting is to be made that no payment makes: a fee, a step of a dispute, a suspense item's end, a settlement"},
		{PostingLegCreated, []Source{SourceAccountInterface}, LegData{}, "one leg of a posting sequence was computed"},
		{PostingOrderCreated, []Source{SourceAccountInterface, SourceReconcile}, OrderData{}, "a reversal is to be posted, or something in suspense cleared; its legs depend on what was posted of the purchase"},
		{TransactionPosted, []Source{SourcePosting, SourceReconcile}, PostedData{}, "a journal entry was committed"},
		{OverAuthorizationFound, []Source{SourcePosting}, LedgerFindingData{}, "rule R-031 fired: a completion exceeds its authorization by more than its merchant category may"},
		{SuspectedDuplicateFound, []Source{SourcePosting}, LedgerFindingData{}, "rule R-052 fired: the same card paid the same merchant the same amount within minutes; both are posted"},
		{OrphanReversal, []Source{SourcePosting}, LedgerFindingData{}, "rule R-060 fired: a reversal waits for its original"},
		{ReversalExceedsOriginal, []Source{SourcePosting}, LedgerFindingData{}, "rule R-061 fired: a reversal would leave no less than remains; it is parked"},
		{UnmatchedRefund, []Source{SourcePosting}, LedgerFindingData{}, "rule R-062 fired: a refund names no purchase, and none of the card at the merchant is known; it is posted"},
		{ReconciliationBreakFound, []Source{SourceReconcile}, ReconciliationBreakData{}, "authorizations, events and ledger do not agree about a payment"},
		{ReconciliationPatchApplied, []Source{SourceReconcile}, ReconciliationPatchData{}, "a break was patched by an event through the normal path"},
		{ReconciliationCompleted, []Source{SourceReconcile}, ReconciliationCompletedData{}, "a reconciliation run has ended"},
		{DisputeOpened, []Source{SourceDisputes}, DisputeData{}, "a case was opened about a posted purchase"},
		{DisputeRejected, []Source{SourceDisputes}, DisputeRejectedData{}, "rule R-090: a purchase was not to be disputed as it was asked for; no case was opened"},
		{DisputeAdvanced, []Source{SourceOperator}, DisputeData{}, "a case was filed, answered, contested or decided by hand"},
		{ProvisionalCreditPosted, []Source{SourceDisputes}, DisputeData{}, "the disputed amount was credited to the customer until the case is decided"},
		{DisputeResolved, []Source{SourceDisputes}, DisputeData{}, "a case was closed, and what follows from it is posted"},
		{OperatorActionTaken, []Source{SourceOperator}, OperatorActionData{}, "a person put back dead letters, replayed the archive or rebuilt the ledger"},
	}
}
