package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	lambdaevents "github.com/aws/aws-lambda-go/events"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/internal/ledger"
	"github.com/payrail/payrail/internal/timeline"
	"github.com/payrail/payrail/payment"
)

// Where a transaction stands, besides the outcomes of a posting.
const (
	statusInProgress   = "IN_PROGRESS"
	statusFailedReview = "FAILED_REVIEW"
	statusRejected     = "REJECTED"
	statusQuarantined  = "QUARANTINED"
)

// ends are the events that end a transaction without a posting. That another authorization was parked as its duplicate says
// nothing about the transaction.
var ends = map[events.DetailType]string{
	events.TransactionPostingFailed: statusFailedReview,
	events.TransactionRejected:      statusRejected,
	events.TransactionQuarantined:   statusQuarantined,
}

// sides are the names of debit and credit in the answer.
var sides = map[payment.Side]string{payment.Debit: "DEBIT", payment.Credit: "CREDIT"}

type leg struct {
	Leg                 int           `json:"leg"`
	Side                string        `json:"side"`
	Role                payment.Role  `json:"role"`
	Account             string        `json:"account"`
	Amount              payment.Money `json:"amount"`
	RuleID              string        `json:"ruleId"`
	BankTransactionCode string        `json:"bankTransactionCode"`
	ValueDate           string        `json:"valueDate,omitempty"`
	Description         string        `json:"description,omitempty"`
}

// posting is one committed sequence of the transaction: the payment itself, later ones are corrections.
type posting struct {
	Sequence   string          `json:"sequence"`
	Outcome    payment.Outcome `json:"outcome"`
	Reason     string          `json:"reason,omitempty"`
	OccurredAt string          `json:"occurredAt"`
	PostedAt   string          `json:"postedAt"`
	Legs       []leg           `json:"legs"`
}

type happening struct {
	Event           events.DetailType `json:"event"`
	By              events.Source     `json:"by"`
	PublishedAt     string            `json:"publishedAt"`
	AuthorizationID string            `json:"authorizationId,omitempty"`
	// Attempt is 2 and more for what a repair caused.
	Attempt int    `json:"attempt,omitempty"`
	Summary string `json:"summary,omitempty"`
}

type transactionAnswer struct {
	TransactionID string      `json:"transactionId"`
	Status        string      `json:"status"`
	Postings      []posting   `json:"postings"`
	Timeline      []happening `json:"timeline"`
}

// transaction answers what happened to a payment, by its own id or that of one of its authorizations.
func (h *handler) transaction(ctx context.Context, request lambdaevents.APIGatewayV2HTTPRequest) (any, error) {
	problems := unknown(request.QueryStringParameters)
	id, wrong := pathID(request)
	if wrong != nil {
		problems = append(problems, *wrong)
	}
	if len(problems) > 0 {
		return nil, invalid(problems...)
	}
	found, err := h.timeline.Trace(ctx, id)
	if errors.Is(err, timeline.ErrNotFound) {
		return nil, unknownTransaction()
	}
	if err != nil {
		return nil, err
	}
	transactions, sequences := idsOf(found)
	if len(transactions) > 1 {
		return nil, ambiguous(transactions)
	}
	answer := transactionAnswer{TransactionID: transactions[0], Postings: []posting{}, Timeline: make([]happening, len(found))}
	for i, e := range found {
		answer.Timeline[i] = happening{Event: e.DetailType, By: e.Source, PublishedAt: e.PublishedAt, AuthorizationID: e.AuthorizationID, Attempt: e.Attempt, Summary: e.Summary}
	}
	for _, sequence := range sequences {
		record, committed, err := h.ledger.Journal(ctx, sequence)
		if err != nil {
			return nil, err
		}
		if !committed {
			continue // Its legs are on their way.
		}
		p, err := postingOf(record)
		if err != nil {
			return nil, err
		}
		answer.Postings = append(answer.Postings, p)
	}
	answer.Status = statusOf(answer.Postings, found)
	return answer, nil
}

func unknownTransaction() *problem {
	return notFound("Nothing is known of this id", "It is no transaction or authorization that has been taken up; one that is new shows up within seconds.")
}

func ambiguous(transactions []string) *problem {
	return &problem{Type: typeAmbiguous, Title: "The authorization led to more than one transaction", Status: http.StatusConflict,
		Detail: "It was sent again with other content. Ask for one of the transactions.", TransactionIDs: transactions}
}

// idsOf lists the transactions and the posting sequences that events are about, each once, in order.
func idsOf(found []timeline.Entry) (transactions, sequences []string) {
	for _, e := range found {
		transactions = append(transactions, e.TransactionID)
		if e.PostingSequence != "" {
			sequences = append(sequences, e.PostingSequence)
		}
	}
	slices.Sort(transactions)
	slices.Sort(sequences)
	return slices.Compact(transactions), slices.Compact(sequences)
}

func postingOf(record ledger.Record) (posting, error) {
	p := posting{Sequence: record.ID, Outcome: record.Outcome, Reason: record.Reason, OccurredAt: record.OccurredAt, PostedAt: record.PostedAt,
		Legs: make([]leg, len(record.Legs))}
	for i, l := range record.Legs {
		side, ok := sides[l.Side]
		if !ok {
			return posting{}, fmt.Errorf("reading sequence %s: leg %d has side %q", record.ID, l.Number, l.Side)
		}
		p.Legs[i] = leg{Leg: l.Number, Side: side, Role: l.Role, Account: l.Account, Amount: l.Amount, RuleID: l.RuleID,
			BankTransactionCode: l.BankTransactionCode, ValueDate: l.ValueDate, Description: l.Description}
	}
	return p, nil
}

// statusOf says where a transaction stands. What is in the journal counts before any event; without a posting, only events of
// the last attempt do: a repair under way is not failed.
func statusOf(postings []posting, found []timeline.Entry) string {
	if len(postings) > 0 {
		return string(postings[len(postings)-1].Outcome)
	}
	last := 0
	for _, e := range found {
		last = max(last, e.Attempt)
	}
	status := statusInProgress
	for _, e := range found {
		if ended, ok := ends[e.DetailType]; ok && e.Attempt == last {
			status = ended
		}
	}
	return status
}
