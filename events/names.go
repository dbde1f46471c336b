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
	PostingLegCreated                  DetailType = "PostingLegCreated"
	ReversalRequested                  DetailType = "ReversalRequested"
	TransactionPosted                  DetailType = "TransactionPosted"
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
)

// Contract is one kind of event: its name, who produces it, and a value of its data type. Most kinds have one producer; of
// several the first one stands in the example.
type Contract struct {
	DetailType DetailType
	Sources    []Source
	Data       any
}

// dedupOrPosting set payments aside: dedup by its memory of business keys, posting by the journal, which also knows what dedup
// has forgotten, and what remains of a payment that is to be reversed.
var dedupOrPosting = []Source{SourceDedup, SourcePosting}

// Contracts lists every kind of event, in the order a payment meets them.
func Contracts() []Contract {
	return []Contract{
		{TransactionAuthorized, []Source{SourceDedup, SourceRepair}, AuthorizedData{}},
		{DuplicateTransactionParked, dedupOrPosting, ParkedData{}},
		{DuplicateConflictDetected, dedupOrPosting, ParkedData{}},
		{TransactionRejected, dedupOrPosting, ParkedData{}},
		{TransactionQuarantined, []Source{SourceDedup}, QuarantinedData{}},
		{TransactionStandardized, []Source{SourceStandardize}, StandardizedData{}},
		{TransactionEnriched, []Source{SourceEnrich}, EnrichedData{}},
		{ForeignTransactionFound, []Source{SourceRules}, FindingData{}},
		{CurrencyConversionTransactionFound, []Source{SourceRules}, FindingData{}},
		{WarningMerchantTypeFound, []Source{SourceRules}, FindingData{}},
		{TransactionPostingApproved, []Source{SourceRules}, DecisionData{}},
		{TransactionRoutedToSuspense, []Source{SourceRules}, DecisionData{}},
		{TransactionPostingFailed, []Source{SourceRules}, FailedData{}},
		{PostingLegCreated, []Source{SourceAccountInterface}, LegData{}},
		{ReversalRequested, []Source{SourceAccountInterface}, ReversalData{}},
		{TransactionPosted, []Source{SourcePosting}, PostedData{}},
	}
}
