package main

import (
	"context"
	"fmt"

	lambdaevents "github.com/aws/aws-lambda-go/events"

	"github.com/payrail/payrail/internal/ledger"
	"github.com/payrail/payrail/payment"
)

// balance is an account's balance in one currency.
type balance struct {
	Balance payment.Money `json:"balance"`
	// JournalEntries is how many postings are in it.
	JournalEntries int64 `json:"journalEntries"`
}

type balancesAnswer struct {
	AccountID string    `json:"accountId"`
	Balances  []balance `json:"balances"`
}

// entry is a line of an account.
type entry struct {
	TransactionID string `json:"transactionId"`
	Sequence      string `json:"sequence"`
	Leg           int    `json:"leg"`
	// Amount is above zero for credits, below for debits.
	Amount              payment.Money `json:"amount"`
	Description         string        `json:"description,omitempty"`
	ValueDate           string        `json:"valueDate,omitempty"`
	RuleID              string        `json:"ruleId"`
	BankTransactionCode string        `json:"bankTransactionCode"`
	OccurredAt          string        `json:"occurredAt"`
	PostedAt            string        `json:"postedAt"`
}

type entriesAnswer struct {
	AccountID string  `json:"accountId"`
	Entries   []entry `json:"entries"`
	// NextCursor is absent on the last page.
	NextCursor string `json:"nextCursor,omitempty"`
}

// nothingPosted is the answer for an account without postings: the ledger cannot tell it from one that does not exist.
func nothingPosted() *problem {
	return notFound("Nothing has been posted to this account", "The account is unknown, or no payment has reached it yet.")
}

func (h *handler) balances(ctx context.Context, request lambdaevents.APIGatewayV2HTTPRequest) (any, error) {
	problems := unknown(request.QueryStringParameters)
	id, wrong := pathID(request)
	if wrong != nil {
		problems = append(problems, *wrong)
	}
	if len(problems) > 0 {
		return nil, invalid(problems...)
	}
	found, err := h.ledger.Balances(ctx, id)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, nothingPosted()
	}
	answer := balancesAnswer{AccountID: id, Balances: make([]balance, len(found))}
	for i, b := range found {
		answer.Balances[i] = balance{Balance: b.Amount, JournalEntries: b.JournalCount}
	}
	return answer, nil
}

// entries answers a page of an account, newest first.
func (h *handler) entries(ctx context.Context, request lambdaevents.APIGatewayV2HTTPRequest) (any, error) {
	id, page, err := entriesPage(request)
	if err != nil {
		return nil, err
	}
	found, next, err := h.ledger.Entries(ctx, id, page)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 && page.After == "" {
		return nil, nothingPosted()
	}
	answer := entriesAnswer{AccountID: id, Entries: make([]entry, len(found))}
	for i, e := range found {
		transaction, err := h.transactionOf(ctx, e)
		if err != nil {
			return nil, err
		}
		answer.Entries[i] = entry{TransactionID: transaction, Sequence: e.SequenceID, Leg: e.Leg, Amount: e.Amount, Description: e.Description,
			ValueDate: e.ValueDate, RuleID: e.RuleID, BankTransactionCode: e.BankTransactionCode, OccurredAt: e.OccurredAt, PostedAt: e.PostedAt}
	}
	if next != "" {
		answer.NextCursor = encodeCursor(id, next)
	}
	return answer, nil
}

// transactionOf is the transaction that an entry is of. Of an entry that does not say it, the sequence's name tells it of a
// payment; that of a correction is named after what it corrects, and only its record tells whose it is.
func (h *handler) transactionOf(ctx context.Context, e ledger.Entry) (string, error) {
	if e.TransactionID != "" {
		return e.TransactionID, nil
	}
	sequence := e.SequenceID
	transaction, err := payment.TransactionOfSequence(sequence)
	if err != nil || payment.IsFirstSequence(sequence) {
		return transaction, err
	}
	record, committed, err := h.ledger.Journal(ctx, sequence)
	if err != nil {
		return "", err
	}
	if !committed {
		return "", fmt.Errorf("reading sequence %s: an account has entries of it, the journal does not", sequence)
	}
	return record.TransactionID, nil
}

// entriesPage reads the parameters of entries and names every one that is wrong.
func entriesPage(request lambdaevents.APIGatewayV2HTTPRequest) (id string, page ledger.Page, err error) {
	query := request.QueryStringParameters
	problems := unknown(query, "limit", "cursor")
	id, wrong := pathID(request)
	if wrong != nil {
		problems = append(problems, *wrong)
	}
	page.NewestFirst = true
	if page.Limit, wrong = limitOf(query); wrong != nil {
		problems = append(problems, *wrong)
	}
	if cursor, given := query["cursor"]; given {
		if page.After, err = decodeCursor(id, cursor); err != nil {
			problems = append(problems, fieldProblem{"cursor", "must be the nextCursor of a page of this account"})
		}
	}
	if len(problems) > 0 {
		return "", ledger.Page{}, invalid(problems...)
	}
	return id, page, nil
}
