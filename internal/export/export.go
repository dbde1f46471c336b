// Package export writes what the stack holds of a payment as ISO 20022 messages: cain.003 from its authorization, camt.054 from
// its journal record and its account. It reads and changes nothing.
package export

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/internal/authorizationitem"
	"github.com/payrail/payrail/internal/ledger"
	"github.com/payrail/payrail/internal/timeline"
	"github.com/payrail/payrail/payment"
	"github.com/payrail/payrail/payment/iso20022"
)

// Format is a message that a payment can be exported as.
type Format string

const (
	FinancialInitiation Format = "cain.003"
	ReversalInitiation  Format = "cain.005"
	PostedNotice        Format = "camt.054"
)

// Formats lists them all.
func Formats() []Format { return []Format{FinancialInitiation, ReversalInitiation, PostedNotice} }

var (
	// ErrUnknown says that the stack knows no payment of this id.
	ErrUnknown = errors.New("no payment of this id is known")
	// ErrNotPosted says that a payment has no journal record, so that there is nothing to give notice of.
	ErrNotPosted = errors.New("the payment is not posted")
	// ErrChanged says that the authorization is not the one that was posted any more.
	ErrChanged = errors.New("the authorization was changed after it was taken in")
	// ErrOtherKind says that a reversal is to be exported as a payment, or a payment as a reversal.
	ErrOtherKind = errors.New("a reversal is a cain.005, and nothing else is")
	// ErrNoMessage says that a posting was not made of a message of a card network, so that there is none to export.
	ErrNoMessage = errors.New("no message of a card network is behind the posting")
	// ErrFormat says that there is no such format.
	ErrFormat = errors.New("not a format there is")
)

// Journal models ledger.Reader.
type Journal interface {
	Journal(ctx context.Context, sequence string) (record ledger.Record, found bool, err error)
	Message(ctx context.Context, purchaseKey, businessKey string) (record ledger.Record, found bool, err error)
}

// Accounts models directory.Reader.
type Accounts interface {
	Account(ctx context.Context, accountID string) (payment.Account, error)
}

// Timeline models timeline.Reader.
type Timeline interface {
	Trace(ctx context.Context, id string) ([]timeline.Entry, error)
}

// Items models the DynamoDB client.
type Items interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
}

// Exporter exports payments. All fields are needed. It is safe for concurrent use.
type Exporter struct {
	Items               Items
	AuthorizationsTable string
	Journal             Journal
	Accounts            Accounts
	// Timeline is asked only for payments that are not posted.
	Timeline Timeline
}

// Export writes the payment that id, an authorization id or a transaction id (tx_…), stands for, or the posting of a sequence id
// (ps_…). The message has been validated.
func (e *Exporter) Export(ctx context.Context, id string, format Format) (iso20022.Message, error) {
	taken, err := e.find(ctx, id)
	if err != nil {
		return iso20022.Message{}, err
	}
	var message iso20022.Message
	switch format {
	case FinancialInitiation, ReversalInitiation:
		message, err = taken.initiation(format)
	case PostedNotice:
		message, err = taken.notice()
	default:
		err = ErrFormat
	}
	if err != nil {
		return iso20022.Message{}, fmt.Errorf("exporting %s as %s: %w", id, format, err)
	}
	if problems := message.Validate(); len(problems) > 0 {
		return iso20022.Message{}, fmt.Errorf("exporting %s as %s: %w", id, format, problems)
	}
	return message, nil
}

// taken is a payment that was taken in: its authorization, when and with what content it was, and what became of it.
type taken struct {
	// authorization is the zero value for a posting that no message of a card network made.
	authorization payment.Authorization
	payloadHash   string
	ingestedAt    time.Time
	// record is the zero value for a payment that is not posted.
	record ledger.Record
	posted bool
	// account has the status NOT_FOUND where no customer's account was posted to.
	account payment.Account
}

const transactionPrefix, sequencePrefix, firstSequence = "tx_", "ps_", "-00"

// find reads everything there is of a payment. The journal is asked first: it has the ingest time and the content that were
// posted, and needs no timeline.
func (e *Exporter) find(ctx context.Context, id string) (taken, error) {
	transaction := id
	var named *payment.Authorization
	switch {
	case strings.HasPrefix(id, sequencePrefix):
		return e.sequence(ctx, id)
	case !strings.HasPrefix(id, transactionPrefix):
		// An authorization that was a duplicate leads to the payment that holds its key.
		authorization, err := e.authorization(ctx, id)
		if err != nil {
			return taken{}, err
		}
		transaction, named = payment.TransactionID(authorization.BusinessKey()), &authorization
	}
	record, posted, err := e.Journal.Journal(ctx, sequencePrefix+strings.TrimPrefix(transaction, transactionPrefix)+firstSequence)
	if err != nil {
		return taken{}, err
	}
	if !posted {
		if record, posted, err = e.joined(ctx, transaction, named); err != nil {
			return taken{}, err
		}
	}
	if posted {
		return e.posting(ctx, record)
	}
	authorizationID, occurredAt, err := e.trace(ctx, transaction)
	if err != nil {
		return taken{}, err
	}
	t := taken{account: payment.Account{Status: payment.AccountNotFound}}
	if t.ingestedAt, err = ingestTime(transaction, occurredAt); err != nil {
		return taken{}, err
	}
	if t.authorization, err = e.authorization(ctx, authorizationID); err != nil {
		return taken{}, err
	}
	if t.payloadHash = t.authorization.PayloadHash(); payment.TransactionID(t.authorization.BusinessKey()) != transaction {
		return taken{}, fmt.Errorf("authorization %s: %w", authorizationID, ErrChanged)
	}
	return t, nil
}

// sequence reads everything there is of one posting.
func (e *Exporter) sequence(ctx context.Context, id string) (taken, error) {
	record, posted, err := e.Journal.Journal(ctx, id)
	if err != nil {
		return taken{}, err
	}
	if !posted {
		return taken{}, fmt.Errorf("posting sequence %s: %w", id, ErrUnknown)
	}
	return e.posting(ctx, record)
}

// posting reads what is behind a journal record: the message it was made of, and the account it was posted to.
func (e *Exporter) posting(ctx context.Context, record ledger.Record) (taken, error) {
	t := taken{record: record, posted: true, payloadHash: record.PayloadHash, account: payment.Account{Status: payment.AccountNotFound}}
	var err error
	if t.ingestedAt, err = ingestTime(record.ID, record.OccurredAt); err != nil {
		return taken{}, err
	}
	if t.authorization, err = e.behind(ctx, record); err != nil {
		return taken{}, err
	}
	if legs := record.CustomerLegs(); len(legs) > 0 {
		if t.account, err = e.Accounts.Account(ctx, legs[0].Account); err != nil {
			return taken{}, err
		}
	}
	return t, nil
}

// behind is the authorization that a record was made of, with the content it was posted with; the zero value for a posting that
// something else asked for. Of such a one the journal names the cause where it names the authorization of others.
func (e *Exporter) behind(ctx context.Context, record ledger.Record) (payment.Authorization, error) {
	authorization, err := e.authorization(ctx, record.AuthorizationID)
	switch {
	case errors.Is(err, ErrUnknown) && record.Basis == (payment.Decided{}) && record.ReversalOf == "":
		return payment.Authorization{}, nil
	case err != nil:
		return payment.Authorization{}, err
	case authorization.BusinessKey() != record.BusinessKey && record.Basis == (payment.Decided{}) && record.ReversalOf == "":
		return payment.Authorization{}, nil
	case authorization.BusinessKey() != record.BusinessKey, authorization.PayloadHash() != record.PayloadHash:
		return payment.Authorization{}, fmt.Errorf("authorization %s: %w", record.AuthorizationID, ErrChanged)
	default:
		return authorization, nil
	}
}

func ingestTime(of, text string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, fmt.Errorf("reading the ingest time of %s: %w", of, err)
	}
	return t, nil
}

// joined finds the record of a message about a purchase that was posted before: its sequence is one of the purchase's. The
// timeline is asked for the authorization only where a transaction id is all there is.
func (e *Exporter) joined(ctx context.Context, transaction string, named *payment.Authorization) (ledger.Record, bool, error) {
	if named == nil {
		id, _, err := e.trace(ctx, transaction)
		if err != nil {
			return ledger.Record{}, false, err
		}
		authorization, err := e.authorization(ctx, id)
		if err != nil {
			return ledger.Record{}, false, err
		}
		named = &authorization
	}
	return e.Journal.Message(ctx, named.BusinessKey(), named.BusinessKey())
}

// trace finds in the timeline which authorization a payment was taken in with, and when.
func (e *Exporter) trace(ctx context.Context, transaction string) (authorizationID, occurredAt string, err error) {
	entries, err := e.Timeline.Trace(ctx, transaction)
	if err != nil && !errors.Is(err, timeline.ErrNotFound) {
		return "", "", err
	}
	for _, entry := range entries {
		if entry.DetailType == events.TransactionAuthorized || entry.DetailType == events.TransactionPostingFailed {
			return entry.AuthorizationID, entry.OccurredAt, nil
		}
	}
	return "", "", fmt.Errorf("%s: %w", transaction, ErrUnknown)
}

func (e *Exporter) authorization(ctx context.Context, id string) (payment.Authorization, error) {
	out, err := e.Items.GetItem(ctx, &dynamodb.GetItemInput{TableName: &e.AuthorizationsTable, ConsistentRead: aws.Bool(true),
		Key: map[string]types.AttributeValue{authorizationitem.KeyAttribute: &types.AttributeValueMemberS{Value: id}}})
	if err != nil {
		return payment.Authorization{}, fmt.Errorf("reading authorization %s: %w", id, err)
	}
	if out.Item == nil {
		return payment.Authorization{}, fmt.Errorf("authorization %s: %w", id, ErrUnknown)
	}
	authorization, err := payment.ParseAuthorization(authorizationitem.Item(out.Item).Attributes())
	if err != nil {
		return payment.Authorization{}, fmt.Errorf("reading authorization %s: %w", id, err)
	}
	return authorization, nil
}

func (t taken) initiation(format Format) (iso20022.Message, error) {
	if t.authorization.MTI == "" {
		return iso20022.Message{}, ErrNoMessage
	}
	if t.authorization.IsReversal() != (format == ReversalInitiation) {
		return iso20022.Message{}, ErrOtherKind
	}
	message, err := iso20022.Standardize(t.authorization, t.payloadHash, t.ingestedAt)
	if err != nil {
		return iso20022.Message{}, err
	}
	return message.Enriched(t.account), nil
}

func (t taken) notice() (iso20022.Message, error) {
	if !t.posted {
		return iso20022.Message{}, ErrNotPosted
	}
	return iso20022.Notify(iso20022.Posting{Entry: t.record.JournalEntry, PostedAt: t.record.PostedAt, Account: t.account, Authorization: t.authorization, Corrects: t.record.Root})
}
