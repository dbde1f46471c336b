package export

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/internal/authorizationitem"
	"github.com/payrail/payrail/internal/ledger"
	"github.com/payrail/payrail/internal/timeline"
	"github.com/payrail/payrail/payment"
	"github.com/payrail/payrail/payment/iso20022"
)

const ingestedAt, postedAt = "2026-07-09T10:15:31.123Z", "2026-07-09T10:15:32.250Z"

// stack is a stack in memory.
type stack struct {
	items    map[string]map[string]types.AttributeValue
	records  map[string]ledger.Record
	accounts map[string]payment.Account
	entries  map[string][]timeline.Entry
	err      error
}

func (s *stack) GetItem(_ context.Context, in *dynamodb.GetItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	id := in.Key[authorizationitem.KeyAttribute].(*types.AttributeValueMemberS).Value
	return &dynamodb.GetItemOutput{Item: s.items[id]}, s.err
}

func (s *stack) Journal(_ context.Context, sequence string) (ledger.Record, bool, error) {
	record, found := s.records[sequence]
	return record, found, s.err
}

// Message finds a message of a purchase by its business key.
func (s *stack) Message(_ context.Context, _, businessKey string) (ledger.Record, bool, error) {
	record, found := s.records[businessKey]
	return record, found, s.err
}

func (s *stack) Account(_ context.Context, id string) (payment.Account, error) {
	account, found := s.accounts[id]
	if !found {
		account.Status = payment.AccountNotFound
	}
	return account, s.err
}

func (s *stack) Trace(_ context.Context, id string) ([]timeline.Entry, error) {
	if entries, ok := s.entries[id]; ok {
		return entries, nil
	}
	return nil, fmt.Errorf("tracing %s: %w", id, timeline.ErrNotFound)
}

func (s *stack) exporter() *Exporter {
	return &Exporter{Items: s, AuthorizationsTable: "authorizations", Journal: s, Accounts: s, Timeline: s}
}

// newStack holds one authorization, and its journal record where outcome is not empty.
func newStack(t *testing.T, outcome payment.Outcome) (s *stack, transaction string) {
	t.Helper()
	item := map[string]types.AttributeValue{}
	for name, value := range map[string]string{"authorizationId": "auth-1", "status": "APPROVED", "mti": "0110", "panToken": "tok_v1_7Q2M7XKD4ZP5R6TB3W5YHC2NEF",
		"processingCode": "000000", "transactionCurrency": "GBP", "billingCurrency": "GBP", "stan": "123456", "acquirerId": "400010",
		"transmittedAt": "2026-07-09T10:15:30Z", "authCode": "A1B2C3", "responseCode": "00", "mcc": "5411"} {
		item[name] = &types.AttributeValueMemberS{Value: value}
	}
	item["transactionAmount"], item["billingAmount"] = &types.AttributeValueMemberN{Value: "1981"}, &types.AttributeValueMemberN{Value: "1981"}
	a, err := payment.ParseAuthorization(authorizationitem.Item(item).Attributes())
	require.NoError(t, err)
	key := a.BusinessKey()
	s = &stack{items: map[string]map[string]types.AttributeValue{"auth-1": item}, records: map[string]ledger.Record{}, entries: map[string][]timeline.Entry{},
		accounts: map[string]payment.Account{"acc-1": {Status: payment.AccountOpen, ID: "acc-1", Currency: "GBP", Holder: "A HOLDER", Product: "PLUS"}}}
	if outcome == "" {
		return s, payment.TransactionID(key)
	}
	decided := payment.Decided{Outcome: outcome, MTI: "0110", TransactionType: "00", MCC: "5411", TransmittedAt: "2026-07-09T10:15:30Z",
		TransactionAmount: a.TransactionAmount, BillingAmount: a.BillingAmount, AccountID: "acc-1", Scheme: "VISA"}
	legs, err := payment.Legs(decided)
	require.NoError(t, err)
	sequence := payment.Sequence{ID: payment.SequenceID(key, 0), Of: len(legs), AuthorizationID: "auth-1", BusinessKey: key, PayloadHash: a.PayloadHash(),
		Outcome: outcome, OccurredAt: ingestedAt, Basis: decided}
	s.records[sequence.ID] = ledger.Record{JournalEntry: payment.JournalEntry{Sequence: sequence, Legs: legs}, PostedAt: postedAt}
	return s, payment.TransactionID(key)
}

func TestExportOfAPostedPayment(t *testing.T) {
	s, transaction := newStack(t, payment.OutcomePosted)
	for _, id := range []string{"auth-1", transaction} {
		initiation, err := s.exporter().Export(t.Context(), id, FinancialInitiation)
		require.NoError(t, err)
		require.Equal(t, ingestedAt, initiation.Document.FinInitn.Hdr.CreDtTm, "the recorded ingest time, not the present")
		require.Equal(t, "A HOLDER", initiation.Document.FinInitn.AcctFr.Nm)

		notice, err := s.exporter().Export(t.Context(), id, PostedNotice)
		require.NoError(t, err)
		require.Equal(t, postedAt, notice.Document.BkToCstmrDbtCdtNtfctn.GrpHdr.CreDtTm)
		again, err := s.exporter().Export(t.Context(), id, PostedNotice)
		require.NoError(t, err)
		require.Equal(t, notice, again, "an export made again is the same document")
	}
}

func TestExportOfADuplicateIsThePayment(t *testing.T) {
	s, _ := newStack(t, payment.OutcomePosted)
	duplicate := map[string]types.AttributeValue{}
	for name, value := range s.items["auth-1"] {
		duplicate[name] = value
	}
	duplicate["authorizationId"] = &types.AttributeValueMemberS{Value: "auth-2"}
	s.items["auth-2"] = duplicate
	first, err := s.exporter().Export(t.Context(), "auth-1", FinancialInitiation)
	require.NoError(t, err)
	second, err := s.exporter().Export(t.Context(), "auth-2", FinancialInitiation)
	require.NoError(t, err)
	require.Equal(t, first, second)
}

func TestExportOfAReversal(t *testing.T) {
	s, transaction := newStack(t, payment.OutcomePosted)
	item := map[string]types.AttributeValue{}
	for name, value := range s.items["auth-1"] {
		item[name] = value
	}
	text := func(value string) types.AttributeValue { return &types.AttributeValueMemberS{Value: value} }
	item["authorizationId"], item["mti"], item["stan"] = text("auth-r"), text("0400"), text("123461")
	item["original"] = &types.AttributeValueMemberM{Value: map[string]types.AttributeValue{"mti": text("0110"), "stan": text("123456"),
		"transmittedAt": text("2026-07-09T10:15:30Z"), "acquirerId": text("400010")}}
	item["replacementAmount"] = &types.AttributeValueMemberN{Value: "1000"}
	s.items["auth-r"] = item
	a, err := payment.ParseAuthorization(authorizationitem.Item(item).Attributes())
	require.NoError(t, err)
	original := s.records[payment.SequenceID(a.OriginalKey(), 0)]
	original.BusinessKey = a.OriginalKey()
	purchase := payment.Purchase{Key: a.OriginalKey()}.Open(original.JournalEntry)
	taken, err := purchase.Take(payment.OrderMessage(payment.Order{Kind: payment.OrderReversal, PurchaseKey: a.OriginalKey(), AuthorizationID: "auth-r", BusinessKey: a.BusinessKey(),
		PayloadHash: a.PayloadHash(), OccurredAt: ingestedAt, TransmittedAt: "2026-07-09T10:16:00Z", AccountID: purchase.AccountID, TransactionAmount: a.TransactionAmount,
		BillingAmount: a.BillingAmount, ReplacementAmount: a.ReplacementAmount, Outcome: payment.OutcomePosted}), original.Legs)
	require.NoError(t, err)
	reversal := *taken.Entry
	s.records[a.BusinessKey()] = ledger.Record{JournalEntry: reversal, PostedAt: postedAt}
	reversed := payment.TransactionID(a.BusinessKey())
	s.entries[reversed] = []timeline.Entry{{DetailType: events.TransactionAuthorized, AuthorizationID: "auth-r", OccurredAt: ingestedAt}}
	for _, id := range []string{"auth-r", reversed} {
		initiation, err := s.exporter().Export(t.Context(), id, ReversalInitiation)
		require.NoError(t, err)
		require.Equal(t, "10.00", initiation.Document.RvslInitn.TxAmts.Amt)
		require.Equal(t, "A HOLDER", initiation.Document.RvslInitn.AcctFr.Nm)
		notice, err := s.exporter().Export(t.Context(), id, PostedNotice)
		require.NoError(t, err)
		n := notice.Document.BkToCstmrDbtCdtNtfctn.Ntfctn[0]
		require.Equal(t, payment.SequenceID(original.BusinessKey, 1), n.Id)
		require.Equal(t, "CRDT 9.81", n.Ntry[0].CdtDbtInd+" "+n.Ntry[0].Amt.Value)
		require.True(t, *n.Ntry[0].RvslInd)
		require.Nil(t, n.Ntry[0].AmtDtls.InstdAmt)
		_, err = s.exporter().Export(t.Context(), id, FinancialInitiation)
		require.ErrorIs(t, err, ErrOtherKind)
	}
	_, err = s.exporter().Export(t.Context(), transaction, ReversalInitiation)
	require.ErrorIs(t, err, ErrOtherKind)
	delete(s.records, a.BusinessKey())
	_, err = s.exporter().Export(t.Context(), "auth-r", PostedNotice)
	require.ErrorIs(t, err, ErrNotPosted)
}

// A posting that no card message made, a fee, has a notice under its sequence, its transaction, and nothing else to export.
func TestExportOfAPostingWithoutAMessage(t *testing.T) {
	s, _ := newStack(t, payment.OutcomePosted)
	key := "REQUESTAAAAAAAAAAAAAAAAAAAAAAAAA"
	money := payment.Money{Minor: 500, Currency: "GBP"}
	legs := []payment.Leg{
		{Number: 1, Side: payment.Debit, Role: payment.RoleCustomer, Account: "acc-1", Component: "FEE", Amount: money, BankTransactionCode: "PMNT/CCRD/FEES", ValueDate: "2026-07-10"},
		{Number: 2, Side: payment.Credit, Role: "FEE_INCOME.OTHER", Account: "FEE_INCOME.OTHER", Component: "FEE", Amount: money, BankTransactionCode: "PMNT/CCRD/FEES"},
	}
	sequence := payment.Sequence{ID: payment.SequenceID(key, 0), Of: 2, AuthorizationID: "fee-2026-07", BusinessKey: key, PayloadHash: "h", Outcome: payment.OutcomePosted, OccurredAt: ingestedAt}
	s.records[sequence.ID] = ledger.Record{JournalEntry: payment.JournalEntry{Sequence: sequence, Legs: legs}, PostedAt: postedAt}
	// An authorization that goes by the cause's name is not behind the posting.
	for _, named := range []bool{false, true} {
		if named {
			s.items["fee-2026-07"] = s.items["auth-1"]
		}
		for _, id := range []string{sequence.ID, payment.TransactionID(key)} {
			notice, err := s.exporter().Export(t.Context(), id, PostedNotice)
			require.NoError(t, err)
			entry := notice.Document.BkToCstmrDbtCdtNtfctn.Ntfctn[0].Ntry[0]
			require.Equal(t, []string{"DBIT", "5.00", "CARD.FEE"}, []string{entry.CdtDbtInd, entry.Amt.Value, entry.BkTxCd.Prtry.Cd})
			require.Nil(t, entry.CardTx)
			_, err = s.exporter().Export(t.Context(), id, FinancialInitiation)
			require.ErrorIs(t, err, ErrNoMessage)
		}
	}
	_, err := s.exporter().Export(t.Context(), payment.SequenceID("B"+key, 0), PostedNotice)
	require.ErrorIs(t, err, ErrUnknown)
}

func TestExportBySequenceIsThatPosting(t *testing.T) {
	s, transaction := newStack(t, payment.OutcomePosted)
	sequence := "ps_" + transaction[3:] + "-00"
	bySequence, err := s.exporter().Export(t.Context(), sequence, PostedNotice)
	require.NoError(t, err)
	byTransaction, err := s.exporter().Export(t.Context(), transaction, PostedNotice)
	require.NoError(t, err)
	require.Equal(t, byTransaction, bySequence)
	delete(s.items, "auth-1")
	_, err = s.exporter().Export(t.Context(), sequence, PostedNotice)
	require.ErrorIs(t, err, ErrUnknown, "a payment's notice needs its authorization")
}

func TestExportOfSuspense(t *testing.T) {
	s, _ := newStack(t, payment.OutcomeSuspense)
	initiation, err := s.exporter().Export(t.Context(), "auth-1", FinancialInitiation)
	require.NoError(t, err)
	require.Nil(t, initiation.Document.FinInitn.AcctFr)
	_, err = s.exporter().Export(t.Context(), "auth-1", PostedNotice)
	require.ErrorIs(t, err, iso20022.ErrNoCustomerLeg)
}

func TestExportOfAPaymentInReview(t *testing.T) {
	s, transaction := newStack(t, "")
	_, err := s.exporter().Export(t.Context(), "auth-1", FinancialInitiation)
	require.ErrorIs(t, err, ErrUnknown, "it was never taken in")

	s.entries[transaction] = []timeline.Entry{{DetailType: events.TransactionPostingFailed, AuthorizationID: "auth-1", OccurredAt: ingestedAt}}
	initiation, err := s.exporter().Export(t.Context(), "auth-1", FinancialInitiation)
	require.NoError(t, err)
	require.Equal(t, ingestedAt, initiation.Document.FinInitn.Hdr.CreDtTm)
	_, err = s.exporter().Export(t.Context(), transaction, PostedNotice)
	require.ErrorIs(t, err, ErrNotPosted)
}

func TestExportRefuses(t *testing.T) {
	unavailable := errors.New("unavailable")
	for name, tc := range map[string]struct {
		id     string
		format Format
		change func(*stack)
		want   error
	}{
		"an unknown authorization": {"auth-9", PostedNotice, func(*stack) {}, ErrUnknown},
		"an unknown transaction":   {"tx_AAAAAAAAAAAAAAAAAAAAAAAAAA", PostedNotice, func(*stack) {}, ErrUnknown},
		"an unknown format":        {"auth-1", "pacs.008", func(*stack) {}, ErrFormat},
		"a changed authorization": {"auth-1", FinancialInitiation, func(s *stack) {
			s.items["auth-1"]["billingAmount"] = &types.AttributeValueMemberN{Value: "1982"}
		}, ErrChanged},
		"a stack that does not answer": {"auth-1", PostedNotice, func(s *stack) { s.err = unavailable }, unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := newStack(t, payment.OutcomePosted)
			tc.change(s)
			_, err := s.exporter().Export(t.Context(), tc.id, tc.format)
			require.ErrorIs(t, err, tc.want)
		})
	}
	t.Run("a message that the schema does not take", func(t *testing.T) {
		s, _ := newStack(t, payment.OutcomePosted)
		account := s.accounts["acc-1"]
		account.BranchID = "0123456789012345678901234567890123456789"
		s.accounts["acc-1"] = account
		_, err := s.exporter().Export(t.Context(), "auth-1", PostedNotice)
		require.ErrorContains(t, err, "Ntfctn[1]/Acct/Svcr/BrnchId/Id must have 1 to 35 characters")
	})
	t.Run("a notice for an account that is gone", func(t *testing.T) {
		s, _ := newStack(t, payment.OutcomePosted)
		delete(s.accounts, "acc-1")
		_, err := s.exporter().Export(t.Context(), "auth-1", PostedNotice)
		require.ErrorContains(t, err, "acc-1")
	})
}
