package payment

// AccountStatus says whether an account takes postings.
type AccountStatus string

const (
	AccountOpen     AccountStatus = "OPEN"
	AccountClosed   AccountStatus = "CLOSED"
	AccountNotFound AccountStatus = "NOT_FOUND"
	// Debits of a blocked account, of one under a legal hold and of one whose holder has died go to suspense; credits post.
	AccountBlocked   AccountStatus = "BLOCKED"
	AccountLegalHold AccountStatus = "LEGAL_HOLD"
	AccountDeceased  AccountStatus = "DECEASED"
	// AccountDormant takes postings; somebody should know.
	AccountDormant AccountStatus = "DORMANT"
)

// AccountStatuses are those that an account can have; NOT_FOUND is that of none.
func AccountStatuses() []AccountStatus {
	return []AccountStatus{AccountOpen, AccountClosed, AccountBlocked, AccountLegalHold, AccountDeceased, AccountDormant}
}

// Account is the customer account that a card token and a billing currency lead to.
type Account struct {
	Status      AccountStatus `json:"status"`
	ID          string        `json:"accountId,omitempty"`
	IBAN        string        `json:"iban,omitempty"`
	Holder      string        `json:"holder,omitempty"`
	SortCode    string        `json:"sortCode,omitempty"`
	BranchID    string        `json:"branchId,omitempty"`
	BranchName  string        `json:"branchName,omitempty"`
	Product     string        `json:"product,omitempty"`
	Currency    Currency      `json:"currency,omitempty"`
	TaxCategory string        `json:"taxCategory,omitempty"`
	// GamblingBlocked says that the customer opted out of gambling: such debits go to suspense (rule R-040).
	GamblingBlocked bool `json:"gamblingBlocked,omitempty"`
}

// Terms are the prices of an account's product. Rates are decimals of one ("0.0299" is 2.99 %); empty means no charge.
type Terms struct {
	FXFeeRate       string `json:"fxFeeRate,omitempty"`
	FXFeeMinimum    Money  `json:"fxFeeMinimum,omitzero"`
	FXFeeMaximum    Money  `json:"fxFeeMaximum,omitzero"`
	FXFeeTaxRate    string `json:"fxFeeTaxRate,omitempty"`
	TaxJurisdiction string `json:"taxJurisdiction,omitempty"`
	CashFeeRate     string `json:"cashFeeRate,omitempty"`
	// OverAuthorization is by which share more than was authorized a completion may be, without a finding; empty where it
	// does not matter. It is no price of the product: the rule settings have it by merchant category.
	OverAuthorization string `json:"overAuthorization,omitempty"`
	CashFeeMinimum    Money  `json:"cashFeeMinimum,omitzero"`
	// CardCentre is the branch that runs card settlement, for banks whose branches keep books of their own: payments of accounts
	// of another branch then pass through the inter-office accounts (PR-16). Empty for one set of books.
	CardCentre string `json:"cardCentre,omitempty"`
}
