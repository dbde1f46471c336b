package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strings"

	lambdaevents "github.com/aws/aws-lambda-go/events"

	"github.com/payrail/payrail/internal/disputes"
	"github.com/payrail/payrail/internal/panguard"
	"github.com/payrail/payrail/internal/timeline"
	"github.com/payrail/payrail/payment"
)

const (
	// idempotencyHeader names a request, so that it can be sent again (draft-ietf-httpapi-idempotency-key-header). HTTP APIs give
	// functions the names of headers in lower case.
	idempotencyHeader = "idempotency-key"
	// maxRequestBytes is far above the longest note in its most wasteful encoding.
	maxRequestBytes = 32 << 10
)

var (
	// idempotencyKey is what names a request; shorter ones would meet by accident.
	idempotencyKey = regexp.MustCompile(`^[!-~]{8,128}$`)
	// caseID is the form of the ids of cases.
	caseID = regexp.MustCompile(`^dsp_[A-Z2-7]{26}$`)
	// amountForm is a decimal above zero or zero; how many decimals there may be is the currency's business.
	amountForm   = regexp.MustCompile(`^[0-9]{1,12}(\.[0-9]{1,4})?$`)
	currencyForm = regexp.MustCompile(`^[A-Z]{3}$`)
	// reasonForm bounds what is looked up; which codes are taken depends on the purchase's scheme.
	reasonForm = regexp.MustCompile(`^[0-9.]{1,10}$`)
)

// disputeDesk models disputes.Desk. It is safe for concurrent use.
type disputeDesk interface {
	Open(ctx context.Context, r disputes.Request) (c disputes.Case, opened bool, err error)
	Case(ctx context.Context, id string) (disputes.Case, error)
}

// States of a case's provisional credit.
const (
	creditNone    = "NONE"
	creditPending = "PENDING"
	creditPosted  = "POSTED"
)

// disputeAnswer is a case as the customer's side sees it.
type disputeAnswer struct {
	CaseID        string               `json:"caseId"`
	TransactionID string               `json:"transactionId"`
	AccountID     string               `json:"accountId"`
	State         payment.DisputeState `json:"state"`
	// Amount is the disputed part of the billed amount, FXFee and FXFeeTax its share of the charges: all three are credited.
	Amount            payment.Money   `json:"amount"`
	FXFee             payment.Money   `json:"fxFee"`
	FXFeeTax          payment.Money   `json:"fxFeeTax"`
	ReasonCode        string          `json:"reasonCode"`
	Note              string          `json:"note,omitempty"`
	OpenedAt          string          `json:"openedAt"`
	FileBy            string          `json:"fileBy"`
	ProvisionalCredit string          `json:"provisionalCredit"`
	Decision          *decisionAnswer `json:"decision,omitempty"`
	History           []stepAnswer    `json:"history"`
}

type decisionAnswer struct {
	Outcome   payment.DisputeState `json:"outcome"`
	Won       payment.Money        `json:"won,omitzero"`
	DecidedAt string               `json:"decidedAt"`
}

type stepAnswer struct {
	State payment.DisputeState `json:"state"`
	At    string               `json:"at"`
}

func answerOf(d payment.Dispute) disputeAnswer {
	answer := disputeAnswer{
		CaseID: d.CaseID, TransactionID: d.TransactionID, AccountID: d.AccountID, State: d.State, Amount: d.Amount, FXFee: d.FXFee, FXFeeTax: d.FXFeeTax,
		ReasonCode: d.ReasonCode, Note: d.Note, OpenedAt: d.OpenedAt, FileBy: d.FileBy, ProvisionalCredit: creditNone,
		History: make([]stepAnswer, len(d.History)),
	}
	switch {
	case d.Credit != nil:
		answer.ProvisionalCredit = creditPosted
	case d.CreditDue:
		answer.ProvisionalCredit = creditPending
	}
	if d.Decision != nil {
		answer.Decision = &decisionAnswer{Outcome: d.Decision.Outcome, Won: d.Decision.Won, DecidedAt: d.Decision.DecidedAt}
	}
	for i, step := range d.History {
		answer.History[i] = stepAnswer{State: step.State, At: step.At}
	}
	return answer
}

// openDispute opens a case about a transaction, or answers the case that the same request opened before.
func (h *handler) openDispute(ctx context.Context, request lambdaevents.APIGatewayV2HTTPRequest) (any, error) {
	transaction, wanted, err := disputeRequest(request)
	if err != nil {
		return nil, err
	}
	if wanted.PurchaseKey, err = h.purchaseOf(ctx, transaction); err != nil {
		return nil, err
	}
	c, opened, err := h.disputes.Open(ctx, wanted)
	if errors.Is(err, disputes.ErrUnknownPurchase) {
		if _, err := h.transactionsOf(ctx, transaction); err != nil {
			return nil, err // Not only unposted, but unknown.
		}
	}
	if err != nil {
		return nil, refusal(err)
	}
	if !opened {
		return answerOf(c.Dispute), nil
	}
	return created{location: "/disputes/" + c.CaseID, body: answerOf(c.Dispute)}, nil
}

// disputeRequest reads what is asked for and names every parameter that is wrong.
func disputeRequest(request lambdaevents.APIGatewayV2HTTPRequest) (transaction string, wanted disputes.Request, err error) {
	problems := unknown(request.QueryStringParameters)
	transaction, wrong := pathID(request)
	if wrong != nil {
		problems = append(problems, *wrong)
	}
	wanted.IdempotencyKey = request.Headers[idempotencyHeader]
	if !idempotencyKey.MatchString(wanted.IdempotencyKey) {
		problems = append(problems, fieldProblem{"Idempotency-Key", "must be a header of 8 to 128 printable ASCII characters without blanks, another one for each request; a UUID for instance"})
	}
	members, bodyProblems, err := bodyOf(request, "amount", "currency", "reasonCode", "note")
	if err != nil {
		return "", disputes.Request{}, err
	}
	problems = append(problems, bodyProblems...)
	check := func(name string, form *regexp.Regexp, required bool, problem string) string {
		value, given := members[name]
		if wrongType := slices.ContainsFunc(bodyProblems, func(p fieldProblem) bool { return p.Field == name || p.Field == "body" }); !wrongType && (given && !form.MatchString(value) || required && !given) {
			problems = append(problems, fieldProblem{name, problem})
		}
		return value
	}
	wanted.Amount = check("amount", amountForm, false, "must be a decimal as text, for instance \"19.81\"; leave it out for all that can be disputed")
	wanted.Currency = check("currency", currencyForm, false, "must be the ISO 4217 code of the billing currency; it can be left out")
	wanted.ReasonCode = check("reasonCode", reasonForm, true, "must be a reason code of the card scheme, for instance \"13.1\" of Visa or \"4853\" of Mastercard")
	wanted.Note, wanted.By = members["note"], callerOf(request)
	if len(problems) > 0 {
		return "", disputes.Request{}, invalid(problems...)
	}
	return transaction, wanted, nil
}

// bodyOf reads a JSON object whose members are all texts with one of the names.
func bodyOf(request lambdaevents.APIGatewayV2HTTPRequest, names ...string) (members map[string]string, problems []fieldProblem, err error) {
	if media, _, err := mime.ParseMediaType(request.Headers["content-type"]); err != nil || media != "application/json" {
		return nil, nil, &problem{Type: typeInvalidParameter, Title: "The body must be JSON", Status: http.StatusUnsupportedMediaType,
			Errors: []fieldProblem{{"Content-Type", "must be application/json"}}}
	}
	body := []byte(request.Body)
	if request.IsBase64Encoded {
		if body, err = base64.StdEncoding.DecodeString(request.Body); err != nil {
			return nil, []fieldProblem{{"body", "is not what its encoding says"}}, nil
		}
	}
	if len(body) > maxRequestBytes {
		return nil, nil, &problem{Type: typeInvalidParameter, Title: "The body is too large", Status: http.StatusRequestEntityTooLarge,
			Errors: []fieldProblem{{"body", "must be at most 32 KiB"}}}
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(body, &raw); err != nil || raw == nil {
		return nil, []fieldProblem{{"body", "must be a JSON object"}}, nil
	}
	members = map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(raw)) {
		var text *string
		switch {
		case !slices.Contains(names, name):
			problems = append(problems, fieldProblem{repeatable(name), "is no member of this request"})
		case json.Unmarshal(raw[name], &text) != nil || text == nil:
			problems = append(problems, fieldProblem{name, "must be a text"})
		default:
			members[name] = *text
		}
	}
	return members, problems, nil
}

// repeatable is a name that a caller made up, or what stands for it where it may be a card number.
func repeatable(name string) string {
	if !identifier.MatchString(name) || panguard.Contains(name) {
		return "(name withheld)"
	}
	return name
}

// callerOf is who makes a request: an IAM principal, or the subject of a token.
func callerOf(request lambdaevents.APIGatewayV2HTTPRequest) string {
	switch a := request.RequestContext.Authorizer; {
	case a == nil:
		return "unknown"
	case a.IAM != nil:
		return a.IAM.UserARN
	case a.JWT != nil:
		return "token:" + a.JWT.Claims["sub"]
	default:
		return "unknown"
	}
}

// purchaseOf is the key of a transaction, which leads to its purchase: the head of a business key. An authorization's id leads to
// its transaction.
func (h *handler) purchaseOf(ctx context.Context, id string) (string, error) {
	if transactionID.MatchString(id) {
		return strings.TrimPrefix(id, "tx_"), nil
	}
	transactions, err := h.transactionsOf(ctx, id)
	if err != nil {
		return "", err
	}
	if len(transactions) > 1 {
		return "", ambiguous(transactions)
	}
	return strings.TrimPrefix(transactions[0], "tx_"), nil
}

// transactionsOf are the transactions that an id leads to, at least one.
func (h *handler) transactionsOf(ctx context.Context, id string) ([]string, error) {
	found, err := h.timeline.Trace(ctx, id)
	if errors.Is(err, timeline.ErrNotFound) {
		return nil, unknownTransaction()
	}
	transactions, _ := idsOf(found)
	return transactions, err
}

// refusal is what the caller is told where a case is not opened.
func refusal(err error) error {
	var fields payment.FieldErrors
	var told *payment.Error
	switch {
	case errors.As(err, &fields):
		problems := make([]fieldProblem, len(fields))
		for i, f := range fields {
			problems[i] = fieldProblem{f.Field, f.Problem}
		}
		return invalid(problems...)
	case errors.Is(err, disputes.ErrKeyReused):
		return &problem{Type: typeKeyReused, Title: "The idempotency key was used for another request", Status: http.StatusUnprocessableEntity,
			Detail: "Send this request under a key of its own.", Errors: []fieldProblem{{"Idempotency-Key", "was used for another request"}}}
	case errors.Is(err, disputes.ErrUnknownPurchase):
		return refused(http.StatusUnprocessableEntity, payment.ReasonNotPosted, "Nothing of the transaction is posted.")
	case errors.Is(err, disputes.ErrBusy):
		return &problem{Type: typeBusy, Title: "The transaction is being changed", Status: http.StatusServiceUnavailable,
			Detail: "Nothing was changed. Send the request again, under the same key."}
	case errors.As(err, &told) && told.Kind == payment.Conflict:
		return refused(http.StatusConflict, told.Reason, told.Err.Error())
	case errors.As(err, &told) && told.Kind == payment.Invalid:
		return refused(http.StatusUnprocessableEntity, told.Reason, told.Err.Error())
	default:
		return err
	}
}

// refusedFields are the members of the request that a reason is about.
var refusedFields = map[string]string{
	payment.ReasonNotEligible: "amount", payment.ReasonCurrency: "currency", payment.ReasonReasonCode: "reasonCode", payment.ReasonReasonScheme: "reasonCode",
}

func refused(status int, reason, detail string) *problem {
	p := &problem{Type: typeDisputeRefused, Title: "The transaction cannot be disputed like this", Status: status, Reason: reason, Detail: detail}
	if field, ok := refusedFields[reason]; ok {
		p.Errors = []fieldProblem{{field, detail}}
	}
	return p
}

// dispute answers a case.
func (h *handler) dispute(ctx context.Context, request lambdaevents.APIGatewayV2HTTPRequest) (any, error) {
	problems := unknown(request.QueryStringParameters)
	id := request.PathParameters["id"]
	if !caseID.MatchString(id) {
		problems = append(problems, fieldProblem{"id", "must be the id of a case: dsp_ and 26 letters and digits"})
	}
	if len(problems) > 0 {
		return nil, invalid(problems...)
	}
	c, err := h.disputes.Case(ctx, id)
	if errors.Is(err, disputes.ErrUnknownCase) {
		return nil, notFound("There is no such case", "")
	}
	if err != nil {
		return nil, err
	}
	return answerOf(c.Dispute), nil
}
