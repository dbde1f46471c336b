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
	SourceRepair           Source = "payrail.repair" // a person, by `payrail repair`
	SourceDisputes         Source = "payrail.disputes"
	SourceReconcile        Source = "payrail.reconcile"
	SourceOperator         Source = "payrail.operator" // a person, by `payrail post`
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
		{TransactionAuthorized, []Source{SourceDedup, SourceRepair}, AuthorizedData{}, "an authorization was accepted, or a failed review was repaired"},
		{DuplicateTransactionParked, dedupOrPosting, ParkedData{}, "the same payment came under another authorization id"},
		{DuplicateConflictDetected, dedupOrPosting, ParkedData{}, "a known business key came with other content; it is never posted"},
		{TransactionRejected, dedupOrPosting, ParkedData{}, "an authorization is malformed, of a kind that is not posted, or a reversal that the ledger refuses; it is parked"},
		{TransactionQuarantined, []Source{SourceDedup}, QuarantinedData{}, "a card number or sensitive authentication data was found in an authorization"},
		{TransactionStandardized, []Source{SourceStandardize}, StandardizedData{}, "the payment was written as an ISO 20022 message: cain.003, of a reversal cain.005"},
		{TransactionEnriched, []Source{SourceEnrich}, EnrichedData{}, "account, prices and facts were added"},
		{ForeignTransactionFound, []Source{SourceRules}, FindingData{}, "rule R-002 fired: the payment was made in another currency"},
		{CurrencyConversionTransactionFound, []Source{SourceRules}, FindingData{}, "rule R-003 fired: the payment was converted"},
		{WarningMerchantTypeFound, []Source{SourceRules}, FindingData{}, "rule R-004 fired: the merchant category is watched"},
		{TransactionPostingApproved, []Source{SourceRules}, DecisionData{}, "the rules decided: to be posted to its account"},
		{TransactionRoutedToSuspense, []Source{SourceRules}, DecisionData{}, "the rules decided: to be posted to suspense"},
		{TransactionPostingFailed, []Source{SourceRules}, FailedData{}, "the rules decided: a person must look (R-001); nothing is posted"},
		{PostingRequested, []Source{SourceDisputes, SourceReconcile, SourceOperator}, PostingRequestedData{}, "a posting is to be made that no payment makes: a fee, a step of a dispute, a suspense item's end, a settlement"},
		{PostingLegCreated, []Source{SourceAccountInterface}, LegData{}, "one leg of a posting sequence was computed"},
		{PostingOrderCreated, []Source{SourceAccountInterface}, OrderData{}, "a reversal is to be posted, or something in suspense cleared; its legs depend on what was posted of the purchase"},
		{TransactionPosted, []Source{SourcePosting}, PostedData{}, "a journal entry was committed"},
		{OverAuthorizationFound, []Source{SourcePosting}, LedgerFindingData{}, "rule R-031 fired: a completion exceeds its authorization by more than its merchant category may"},
		{SuspectedDuplicateFound, []Source{SourcePosting}, LedgerFindingData{}, "rule R-052 fired: the same card paid the same merchant the same amount within minutes; both are posted"},
		{OrphanReversal, []Source{SourcePosting}, LedgerFindingData{}, "rule R-060 fired: a reversal waits for its original"},
		{ReversalExceedsOriginal, []Source{SourcePosting}, LedgerFindingData{}, "rule R-061 fired: a reversal would leave no less than remains; it is parked"},
		{UnmatchedRefund, []Source{SourcePosting}, LedgerFindingData{}, "rule R-062 fired: a refund names no purchase, and none of the card at the merchant is known; it is posted"},
	}
}
