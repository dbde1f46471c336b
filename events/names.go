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
)

// Contract is one kind of event: its name, who produces it, and a value of its data type.
type Contract struct {
	DetailType DetailType
	Source     Source
	Data       any
}

// Contracts lists every kind of event, in the order a payment meets them.
func Contracts() []Contract {
	return []Contract{
		{TransactionAuthorized, SourceDedup, AuthorizedData{}},
		{DuplicateTransactionParked, SourceDedup, ParkedData{}},
		{DuplicateConflictDetected, SourceDedup, ParkedData{}},
		{TransactionRejected, SourceDedup, ParkedData{}},
		{TransactionQuarantined, SourceDedup, QuarantinedData{}},
		{TransactionStandardized, SourceStandardize, StandardizedData{}},
		{TransactionEnriched, SourceEnrich, EnrichedData{}},
		{ForeignTransactionFound, SourceRules, FindingData{}},
		{CurrencyConversionTransactionFound, SourceRules, FindingData{}},
		{WarningMerchantTypeFound, SourceRules, FindingData{}},
		{TransactionPostingApproved, SourceRules, DecisionData{}},
		{TransactionRoutedToSuspense, SourceRules, DecisionData{}},
		{TransactionPostingFailed, SourceRules, FailedData{}},
		{PostingLegCreated, SourceAccountInterface, LegData{}},
		{TransactionPosted, SourcePosting, PostedData{}},
	}
}
