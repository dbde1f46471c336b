package payment

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// CaseIDPrefix starts the id of every case. Rules of the bus tell the postings of cases from all others by it.
const CaseIDPrefix = "dsp_"

// DisputeState is where a dispute stands.
type DisputeState string

const (
	// DisputeOpened: the customer's claim was taken; the chargeback is not filed yet.
	DisputeOpened DisputeState = "OPENED"
	// DisputeCredited: as before, and the customer has the amount back until the case is decided.
	DisputeCredited DisputeState = "PROVISIONAL_CREDIT"
	// DisputeFiled: the issuer has charged the payment back through the scheme.
	DisputeFiled DisputeState = "CHARGEBACK_FILED"
	// DisputeRepresented: the merchant's bank has answered with evidence.
	DisputeRepresented DisputeState = "REPRESENTED"
	// DisputePreArbitration: the issuer has contested the answer.
	DisputePreArbitration DisputeState = "PRE_ARBITRATION"
	// DisputeWon: the scheme pays.
	DisputeWon DisputeState = "WON"
	// DisputeLostCustomer: the payment stands, the customer pays.
	DisputeLostCustomer DisputeState = "LOST_CUSTOMER"
	// DisputeLostBank: the payment stands, the bank bears it.
	DisputeLostBank DisputeState = "LOST_BANK"
	// DisputeSplit: the scheme pays a part, the bank bears the rest.
	DisputeSplit DisputeState = "SPLIT"
	// DisputeWithdrawn: the customer has taken the claim back, and pays.
	DisputeWithdrawn DisputeState = "WITHDRAWN"
	// DisputeExpired: the chargeback was not filed in time, which is not the customer's fault: the bank bears it.
	DisputeExpired DisputeState = "EXPIRED"
)

// disputeTransitions are the states that may follow each state. A state that nothing follows is the end of the case.
// Winning needs a chargeback to have been filed; a case expires only before it is.
var disputeTransitions = map[DisputeState][]DisputeState{
	DisputeOpened:         {DisputeCredited, DisputeFiled, DisputeLostCustomer, DisputeLostBank, DisputeWithdrawn, DisputeExpired},
	DisputeCredited:       {DisputeFiled, DisputeLostCustomer, DisputeLostBank, DisputeWithdrawn, DisputeExpired},
	DisputeFiled:          {DisputeRepresented, DisputeWon, DisputeSplit, DisputeLostCustomer, DisputeLostBank, DisputeWithdrawn},
	DisputeRepresented:    {DisputePreArbitration, DisputeWon, DisputeSplit, DisputeLostCustomer, DisputeLostBank, DisputeWithdrawn},
	DisputePreArbitration: {DisputeWon, DisputeSplit, DisputeLostCustomer, DisputeLostBank, DisputeWithdrawn},
	DisputeWon:            nil, DisputeSplit: nil, DisputeLostCustomer: nil, DisputeLostBank: nil, DisputeWithdrawn: nil, DisputeExpired: nil,
}

// Closed reports whether nothing follows the state.
func (s DisputeState) Closed() bool { return len(disputeTransitions[s]) == 0 }

// outcomeRule says what a case's end means for its money.
type outcomeRule struct {
	// posting is what is posted where the customer holds the amount.
	posting RequestKind
	// customerKeeps says that the customer has the amount in the end, so that it is credited first where it has not been.
	customerKeeps bool
}

// disputeOutcomes are the ends that a case can be decided for.
var disputeOutcomes = map[DisputeState]outcomeRule{
	DisputeWon:          {RequestDisputeWon, true},
	DisputeSplit:        {RequestDisputeSplit, true},
	DisputeLostBank:     {RequestDisputeLostBank, true},
	DisputeExpired:      {RequestDisputeLostBank, true},
	DisputeLostCustomer: {RequestDisputeLostCustomer, false},
	DisputeWithdrawn:    {RequestDisputeLostCustomer, false},
}

// DisputeReason is a scheme's reason code for a chargeback.
type DisputeReason struct {
	Code, Scheme string
	// Category is FRAUD, PROCESSING or CONSUMER.
	Category string
	Title    string
}

// DisputeReasons are the reason codes that are taken.
func DisputeReasons() []DisputeReason {
	return []DisputeReason{
		{"10.4", "VISA", "FRAUD", "Other fraud, card-absent environment"},
		{"12.6.1", "VISA", "PROCESSING", "Duplicate processing"},
		{"13.1", "VISA", "CONSUMER", "Merchandise or services not received"},
		{"4834", "MASTERCARD", "PROCESSING", "Point-of-interaction error"},
		{"4837", "MASTERCARD", "FRAUD", "No cardholder authorization"},
		{"4853", "MASTERCARD", "CONSUMER", "Cardholder dispute"},
	}
}

// DisputePolicy is what an issuer decides about disputes by configuration.
type DisputePolicy struct {
	// Window is how long after a purchase came in it can be disputed, and its chargeback be filed: the schemes' 120 days.
	Window time.Duration
	// ProvisionalCredit gives the customer the amount when the case is opened. Without it, the customer is credited when a case
	// ends in his favour.
	ProvisionalCredit bool
}

// Reasons for which a dispute, or a step of one, is refused (R-090 and the transitions above).
const (
	ReasonNotPosted       = "PURCHASE_NOT_POSTED"
	ReasonNotAPurchase    = "NOT_A_PURCHASE"
	ReasonWindowClosed    = "WINDOW_CLOSED"
	ReasonWindowOpen      = "WINDOW_OPEN"
	ReasonCaseOpen        = "CASE_OPEN"
	ReasonCaseClosed      = "CASE_CLOSED"
	ReasonCaseDecided     = "CASE_DECIDED"
	ReasonNotEligible     = "AMOUNT_NOT_ELIGIBLE"
	ReasonCurrency        = "CURRENCY_MISMATCH"
	ReasonReasonCode      = "REASON_CODE_UNKNOWN"
	ReasonReasonScheme    = "REASON_CODE_OF_OTHER_SCHEME"
	ReasonStepNotAllowed  = "STEP_NOT_ALLOWED"
	ReasonSplitAmount     = "SPLIT_AMOUNT_INVALID"
	ReasonUnexpectedEntry = "UNEXPECTED_POSTING"
)

// Disputable is what the ledger says of a purchase that somebody wants to dispute.
type Disputable struct {
	// Key names the purchase in the ledger. Version changes with everything that is posted to it or disputed of it.
	Key     string
	Version int64

	TransactionID, AuthorizationID string
	// Outcome is where the purchase was posted: only what is on a customer's account can be disputed by the customer.
	Outcome         Outcome
	TransactionType string
	AccountID       string
	// BranchID is the account's branch and CardCentre the one that runs card settlement (PR-16).
	BranchID, CardCentre string
	Scheme               string
	TaxJurisdiction      string
	Description          string
	// OccurredAt is when the purchase came in.
	OccurredAt time.Time
	// Remaining is what remains billed after reversals and refunds; Disputed is how much of it was disputed before, without what
	// was withdrawn.
	Remaining, Disputed Money
	// FXFee and FXFeeTax are the charges that stand for what remains.
	FXFee, FXFeeTax Money
	// OpenCase is the purchase's open case; it has at most one.
	OpenCase string
}

// Eligible is how much of the purchase can still be disputed.
func (p Disputable) Eligible() (Money, error) { return p.Remaining.Add(p.Disputed.Neg()) }

// Claim is what a customer asks for.
type Claim struct {
	CaseID string
	// Amount is the part of the billed amount that is disputed; zero for all of it.
	Amount     Money
	ReasonCode string
	Note       string
	// By is who raises the claim for the customer.
	By string
}

// Dispute is a case. It is a value: every step returns the case after it.
type Dispute struct {
	CaseID          string `json:"caseId"`
	PurchaseKey     string `json:"purchaseKey"`
	TransactionID   string `json:"transactionId"`
	AuthorizationID string `json:"authorizationId"`
	AccountID       string `json:"accountId"`
	BranchID        string `json:"branchId,omitempty"`
	CardCentre      string `json:"cardCentre,omitempty"`
	Scheme          string `json:"scheme"`
	TaxJurisdiction string `json:"taxJurisdiction,omitempty"`
	Description     string `json:"description,omitempty"`
	// Amount is the disputed part of the billed amount; FXFee and FXFeeTax are its share of the charges.
	Amount     Money        `json:"amount"`
	FXFee      Money        `json:"fxFee"`
	FXFeeTax   Money        `json:"fxFeeTax"`
	ReasonCode string       `json:"reasonCode"`
	Note       string       `json:"note,omitempty"`
	State      DisputeState `json:"state"`
	// OpenedAt and FileBy are RFC 3339; the chargeback must be filed by the latter.
	OpenedAt string `json:"openedAt"`
	FileBy   string `json:"fileBy"`
	// CreditDue says that the customer gets the amount now; Credit is the posting that gave it.
	CreditDue bool           `json:"creditDue"`
	Credit    *DisputePosted `json:"credit,omitempty"`
	// Decision is how the case was decided; the case closes when that is posted.
	Decision *DisputeDecision `json:"decision,omitempty"`
	History  []DisputeStep    `json:"history"`
}

// DisputePosted is a journal entry of a case; At is when the case was told of it.
type DisputePosted struct {
	Sequence string `json:"sequence"`
	At       string `json:"at"`
}

// DisputeDecision is the end that a case was decided for.
type DisputeDecision struct {
	Outcome DisputeState `json:"outcome"`
	// Won is the part that the scheme pays of a split.
	Won       Money  `json:"won,omitzero"`
	DecidedAt string `json:"decidedAt"`
	By        string `json:"by"`
	// Posted is the posting that closed the case, where there was something to post.
	Posted *DisputePosted `json:"posted,omitempty"`
}

// DisputeStep is a change of a case's state.
type DisputeStep struct {
	State DisputeState `json:"state"`
	At    string       `json:"at"`
	By    string       `json:"by"`
	Note  string       `json:"note,omitempty"`
}

// disputeTime is RFC 3339 with milliseconds, as in events.
const disputeTime = "2006-01-02T15:04:05.000Z"

func formatDisputeTime(t time.Time) string { return t.UTC().Format(disputeTime) }

// OpenDispute opens a case against a purchase. What must not be disputed is refused: kind Conflict where another case is in
// the way, else Invalid, with one of the reasons above.
func OpenDispute(policy DisputePolicy, purchase Disputable, claim Claim, now time.Time) (Dispute, error) {
	amount, err := checkClaim(policy, purchase, claim, now)
	if err != nil {
		return Dispute{}, err
	}
	fxFee, err := purchase.shareOf(purchase.FXFee, amount)
	if err != nil {
		return Dispute{}, fmt.Errorf("computing the share of the fee: %w", err)
	}
	tax, err := purchase.shareOf(purchase.FXFeeTax, amount)
	if err != nil {
		return Dispute{}, fmt.Errorf("computing the share of the tax: %w", err)
	}
	opened := formatDisputeTime(now)
	return Dispute{
		CaseID: claim.CaseID, PurchaseKey: purchase.Key, TransactionID: purchase.TransactionID, AuthorizationID: purchase.AuthorizationID,
		AccountID: purchase.AccountID, BranchID: purchase.BranchID, CardCentre: purchase.CardCentre, Scheme: purchase.Scheme, TaxJurisdiction: purchase.TaxJurisdiction,
		Description: purchase.Description, Amount: amount, FXFee: fxFee, FXFeeTax: tax, ReasonCode: claim.ReasonCode, Note: claim.Note,
		State: DisputeOpened, OpenedAt: opened, FileBy: formatDisputeTime(purchase.OccurredAt.Add(policy.Window)),
		CreditDue: policy.ProvisionalCredit, History: []DisputeStep{{State: DisputeOpened, At: opened, By: claim.By}},
	}, nil
}

// checkClaim returns the disputed amount, or why the purchase cannot be disputed like this.
func checkClaim(policy DisputePolicy, purchase Disputable, claim Claim, now time.Time) (Money, error) {
	eligible, err := purchase.Eligible()
	if err != nil {
		return Money{}, err
	}
	amount := claim.Amount
	if amount == (Money{}) {
		amount = eligible
	}
	reason, known := disputeReason(claim.ReasonCode)
	switch {
	case purchase.Outcome != OutcomePosted:
		return Money{}, refuse(ReasonNotPosted, "the payment is not on the customer's account: its outcome is %s", purchase.Outcome)
	case slices.Contains(creditTypes, purchase.TransactionType):
		return Money{}, refuse(ReasonNotAPurchase, "a refund cannot be disputed")
	case !known:
		return Money{}, refuse(ReasonReasonCode, "reason code is none that is taken")
	case reason.Scheme != purchase.Scheme:
		return Money{}, refuse(ReasonReasonScheme, "reason code %s is %s's, the purchase went through %s", reason.Code, reason.Scheme, purchase.Scheme)
	case purchase.OpenCase != "":
		return Money{}, &Error{Kind: Conflict, Reason: ReasonCaseOpen, Err: fmt.Errorf("case %s about this purchase is open", purchase.OpenCase)}
	case now.After(purchase.OccurredAt.Add(policy.Window)):
		return Money{}, refuse(ReasonWindowClosed, "the window of %d days closed at %s", int(policy.Window.Hours()/24), formatDisputeTime(purchase.OccurredAt.Add(policy.Window)))
	case amount.Currency != eligible.Currency:
		return Money{}, refuse(ReasonCurrency, "the purchase was billed in %s", eligible.Currency)
	case eligible.Minor <= 0:
		return Money{}, refuse(ReasonNotEligible, "nothing of the purchase remains to be disputed")
	case amount.Minor <= 0 || amount.Minor > eligible.Minor:
		return Money{}, refuse(ReasonNotEligible, "at most %s of the purchase can be disputed", eligible)
	}
	return amount, nil
}

func disputeReason(code string) (DisputeReason, bool) {
	reasons := DisputeReasons()
	if i := slices.IndexFunc(reasons, func(r DisputeReason) bool { return r.Code == code }); i >= 0 {
		return reasons[i], true
	}
	return DisputeReason{}, false
}

func refuse(reason, format string, values ...any) *Error {
	return &Error{Kind: Invalid, Reason: reason, Err: fmt.Errorf(format, values...)}
}

// shareOf is the part of a charge that goes with the next amount to be disputed: the share of all that is disputed then, less
// the share of what was disputed before. Each share is rounded once, and all of them together are exactly the charge.
func (p Disputable) shareOf(charge, amount Money) (Money, error) {
	none := Money{Currency: p.Remaining.Currency}
	if charge.Minor <= 0 {
		return none, nil
	}
	total, err := p.Disputed.Add(amount)
	if err != nil {
		return Money{}, err
	}
	before, err := charge.Share(p.Disputed, p.Remaining)
	if err != nil {
		return Money{}, err
	}
	after, err := charge.Share(total, p.Remaining)
	if err != nil {
		return Money{}, err
	}
	return after.Add(before.Neg())
}

// File records that the chargeback was filed with the scheme.
func (d Dispute) File(now time.Time, by, note string) (Dispute, error) {
	if by, err := time.Parse(time.RFC3339, d.FileBy); err != nil || now.After(by) {
		return Dispute{}, refuse(ReasonWindowClosed, "the chargeback had to be filed by %s", d.FileBy)
	}
	return d.Move(DisputeFiled, now, by, note)
}

// Move brings the case to another open state.
func (d Dispute) Move(to DisputeState, now time.Time, by, note string) (Dispute, error) {
	if to.Closed() {
		return Dispute{}, refuse(ReasonStepNotAllowed, "%s is the end of a case, which is decided", to)
	}
	if err := d.allows(to); err != nil {
		return Dispute{}, err
	}
	return d.step(to, now, by, note), nil
}

// allows says whether a state may follow the case's own.
func (d Dispute) allows(to DisputeState) error {
	switch {
	case d.State.Closed():
		return &Error{Kind: Conflict, Reason: ReasonCaseClosed, Err: fmt.Errorf("case %s ended as %s", d.CaseID, d.State)}
	case d.Decision != nil:
		return &Error{Kind: Conflict, Reason: ReasonCaseDecided, Err: fmt.Errorf("case %s was decided for %s, which is being posted", d.CaseID, d.Decision.Outcome)}
	case !slices.Contains(disputeTransitions[d.State], to):
		return &Error{Kind: Conflict, Reason: ReasonStepNotAllowed, Err: fmt.Errorf("case %s is %s: %s does not follow that, only one of %v", d.CaseID, d.State, to, disputeTransitions[d.State])}
	}
	return nil
}

// step returns the case in a state, with a history of its own.
func (d Dispute) step(to DisputeState, now time.Time, by, note string) Dispute {
	d.State = to
	d.History = append(slices.Clone(d.History), DisputeStep{State: to, At: formatDisputeTime(now), By: by, Note: note})
	return d
}

// Decide says how the case ends. won is the scheme's part of a split, and zero otherwise. The case closes when the decision is
// posted (see DuePosting), or here, where there is nothing to post.
func (d Dispute) Decide(outcome DisputeState, won Money, now time.Time, by, note string) (Dispute, error) {
	if _, known := disputeOutcomes[outcome]; !known {
		return Dispute{}, refuse(ReasonStepNotAllowed, "%q is not how a case can end", outcome)
	}
	if err := d.allows(outcome); err != nil {
		return Dispute{}, err
	}
	if outcome == DisputeSplit {
		if won.Currency != d.Amount.Currency || won.Minor <= 0 || won.Minor >= d.Amount.Minor {
			return Dispute{}, refuse(ReasonSplitAmount, "of a split, the won part is more than nothing and less than %s", d.Amount)
		}
	} else if won != (Money{}) {
		return Dispute{}, refuse(ReasonSplitAmount, "only a split has a won part")
	}
	if fileBy, err := time.Parse(time.RFC3339, d.FileBy); outcome == DisputeExpired && (err != nil || !now.After(fileBy)) {
		return Dispute{}, refuse(ReasonWindowOpen, "the chargeback can be filed until %s", d.FileBy)
	}
	d.Decision = &DisputeDecision{Outcome: outcome, Won: won, DecidedAt: formatDisputeTime(now), By: by}
	d.History = append(slices.Clone(d.History), DisputeStep{State: d.State, At: formatDisputeTime(now), By: by, Note: decisionNote(outcome, note)})
	if !d.CreditDue && d.Credit == nil && !disputeOutcomes[outcome].customerKeeps {
		return d.step(outcome, now, by, ""), nil
	}
	return d, nil
}

func decisionNote(outcome DisputeState, note string) string {
	if note == "" {
		return "decided for " + string(outcome)
	}
	return "decided for " + string(outcome) + ": " + note
}

// DuePosting is what has to be posted next for the case; ok is false where nothing is. The same case gives the same request,
// and so the same posting sequence, however often it is asked.
func (d Dispute) DuePosting() (request PostingRequest, ok bool, err error) {
	switch {
	case d.State.Closed():
		return PostingRequest{}, false, nil
	case d.Credit == nil && (d.CreditDue || d.Decision != nil && disputeOutcomes[d.Decision.Outcome].customerKeeps):
		return d.creditRequest(), true, nil
	case d.Decision != nil:
		request, err = d.decisionRequest()
		return request, err == nil, err
	default:
		return PostingRequest{}, false, nil
	}
}

// creditRequest asks for the credit to the customer.
func (d Dispute) creditRequest() PostingRequest {
	return d.request(RequestDisputeProvisional, d.OpenedAt, RequestAmounts{Principal: d.Amount, FXFee: d.FXFee, FXFeeTax: d.FXFeeTax})
}

// decisionRequest asks for what the decision moves.
func (d Dispute) decisionRequest() (PostingRequest, error) {
	kind := disputeOutcomes[d.Decision.Outcome].posting
	amounts := RequestAmounts{Principal: d.Amount}
	switch kind {
	case RequestDisputeLostCustomer:
		amounts.FXFee, amounts.FXFeeTax = d.FXFee, d.FXFeeTax
	case RequestDisputeSplit:
		lost, err := d.Amount.Add(d.Decision.Won.Neg())
		if err != nil {
			return PostingRequest{}, err
		}
		amounts = RequestAmounts{Won: d.Decision.Won, Lost: lost}
	}
	return d.request(kind, d.Decision.DecidedAt, amounts), nil
}

func (d Dispute) request(kind RequestKind, occurredAt string, amounts RequestAmounts) PostingRequest {
	return PostingRequest{
		Kind: kind, CauseID: d.CaseID, AccountID: d.AccountID, BranchID: d.BranchID, CardCentre: d.CardCentre, Scheme: d.Scheme, TaxJurisdiction: d.TaxJurisdiction, Amounts: amounts,
		ValueDate: occurredAt[:len(time.DateOnly)], Description: d.postingDescription(), OccurredAt: occurredAt, CaseID: d.CaseID, PurchaseKey: d.PurchaseKey,
	}
}

// postingDescription is what the customer reads beside the case's entries.
func (d Dispute) postingDescription() string {
	text := strings.TrimSpace("Dispute " + d.Description)
	if len(text) > maxRequestDescription {
		text = strings.ToValidUTF8(text[:maxRequestDescription], "") // A cut may go through a character.
	}
	return text
}

// requestedSequence is the posting sequence that a request becomes.
func requestedSequence(r PostingRequest) string { return SequenceID(r.BusinessKey(), 0) }

// Posted records a journal entry of the case. It returns the case unchanged where the entry is recorded already: the news of a
// posting comes at least once.
func (d Dispute) Posted(sequence string, now time.Time) (Dispute, error) {
	if d.CreditedBy(sequence) || d.ClosedBy(sequence) {
		return d, nil
	}
	due, ok, err := d.DuePosting()
	if err != nil {
		return Dispute{}, err
	}
	if !ok || requestedSequence(due) != sequence {
		return Dispute{}, &Error{Kind: Invalid, Reason: ReasonUnexpectedEntry, Err: fmt.Errorf("case %s does not wait for posting sequence %s", d.CaseID, sequence)}
	}
	posted := &DisputePosted{Sequence: sequence, At: formatDisputeTime(now)}
	if due.Kind == RequestDisputeProvisional {
		d.Credit = posted
		if d.State == DisputeOpened {
			return d.step(DisputeCredited, now, disputesActor, ""), nil
		}
		return d, nil
	}
	decision := *d.Decision
	decision.Posted = posted
	d.Decision = &decision
	return d.step(decision.Outcome, now, disputesActor, ""), nil
}

// CreditedBy reports whether the sequence gave the credit to the customer.
func (d Dispute) CreditedBy(sequence string) bool {
	return d.Credit != nil && d.Credit.Sequence == sequence
}

// ClosedBy reports whether the sequence closed the case.
func (d Dispute) ClosedBy(sequence string) bool {
	return d.Decision != nil && d.Decision.Posted != nil && d.Decision.Posted.Sequence == sequence
}

// disputesActor is who makes the steps that nobody takes by hand.
const disputesActor = "payrail.disputes"

// Releases reports whether the end of the case gives back its claim on the purchase: what was withdrawn can be disputed again.
func (d Dispute) Releases() bool { return d.State == DisputeWithdrawn }
