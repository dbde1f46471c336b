package events

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/internal/authorizationitem"
	"github.com/payrail/payrail/internal/parked"
	"github.com/payrail/payrail/payment"
	"github.com/payrail/payrail/payment/iso20022"
)

// envelope is an event as EventBridge delivers it, in the account and region of the local runtime.
func envelope(c Contract, detail any) map[string]any {
	return map[string]any{
		"version": "0", "id": "7bf73129-1428-4cd3-a780-95db273d1602", "detail-type": c.DetailType, "source": c.Sources[0],
		"account": "000000000000", "time": "2026-07-09T10:15:31Z", "region": "us-east-1", "resources": []string{}, "detail": detail,
	}
}

// exampleItem is worked example E2 as the authorizer writes it: USD 100.00 at 0.7925 is GBP 79.25. changes are names and
// values of attributes.
func exampleItem(t *testing.T, changes ...string) authorizationitem.Item {
	t.Helper()
	item := authorizationitem.Item{}
	set := func(attributes ...string) {
		for i := 0; i < len(attributes); i += 2 {
			item[attributes[i]] = &types.AttributeValueMemberS{Value: attributes[i+1]}
		}
	}
	set("authorizationId", "auth-e2", "status", payment.StatusApproved, "mti", "0110", "panToken", "tok_v1_7Q2M7XKD4ZP5R6TB3W5YHC2NEF", "panLast4", "1111", "bin", "411111",
		"processingCode", "000000", "transactionCurrency", "USD", "billingCurrency", "GBP", "conversionRate", "0.7925",
		"stan", "123457", "acquirerId", "400010", "transmittedAt", "2026-07-09T10:15:30Z", "localDate", "2026-07-09", "settlementDate", "2026-07-10",
		"rrn", "519010123457", "authCode", "A1B2C3", "responseCode", "00", "mcc", "7995", "merchantName", "BETCO", "merchantCity", "NEW YORK",
		"merchantCountry", "US", "merchantId", "MERCHANT0000001", "terminalId", "TERM0001", "acquirerCountry", "840", "issuerCountry", "826", "posEntryMode", "051")
	item["transactionAmount"] = &types.AttributeValueMemberN{Value: "10000"}
	item["billingAmount"] = &types.AttributeValueMemberN{Value: "7925"}
	set(changes...)
	return item
}

func examplePayment(t *testing.T, changes ...string) payment.Authorization {
	t.Helper()
	a, err := payment.ParseAuthorization(exampleItem(t, changes...).Attributes())
	require.NoError(t, err)
	return a
}

// exampleParked is what dedup announces of an item of the example that it parked.
func exampleParked(t *testing.T, detailType DetailType, data ParkedData, changes ...string) Detail[ParkedData] {
	t.Helper()
	a := examplePayment(t, changes...)
	content, err := json.Marshal(exampleItem(t, changes...))
	require.NoError(t, err)
	record := parked.Record{Reason: data.Reason, AuthorizationID: a.ID, OccurredAt: ingested, Content: content}
	data.AuthorizationID, data.Object = a.ID, record.Key()
	metadata := First(detailType, payment.TransactionID(a.BusinessKey()), a.ID, a.PANToken, exampleRecordID, ingested, published)
	return Detail[ParkedData]{metadata.WithSuffix(a.ID + "/" + record.ContentHash()), data}
}

// exampleQuarantined is what dedup announces of an item in which it found a card number: no business key is computed of it.
func exampleQuarantined() Detail[QuarantinedData] {
	tx := payment.UnkeyedTransactionID("auth-e2")
	metadata := First(TransactionQuarantined, tx, "auth-e2", "tok_v1_7Q2M7XKD4ZP5R6TB3W5YHC2NEF", exampleRecordID, ingested, published)
	return Detail[QuarantinedData]{metadata.WithSuffix(exampleRecordID), QuarantinedData{AuthorizationID: "auth-e2", Reason: "CARD_NUMBER_FOUND", Rule: payment.RuleCardNumber,
		Fields: []string{"merchantName"}, Object: ingested.Format("2006/01/02") + "/" + tx + "/" + exampleRecordID + ".json"}}
}

// exampleRecordID is the id of the stream record that brought the example.
const exampleRecordID = "c4ca4238a0b923820dcc509a6f75849b"

// exampleDetails takes one payment through the domain and writes every event it could meet.
func exampleDetails(t *testing.T) map[DetailType]any {
	t.Helper()
	a := examplePayment(t)
	key := a.BusinessKey()
	canonical := Payment{Authorization: a, TransactionType: a.TransactionType(), BusinessKey: key, PayloadHash: a.PayloadHash()}
	account := payment.Account{Status: payment.AccountOpen, ID: "acc-alice-gbp", IBAN: "GB29NWBK60161331926819", Holder: "MS A CARDHOLDER",
		SortCode: "601613", BranchID: "601613", BranchName: "LONDON CITY", Product: "CURRENT_ACCOUNT_PLUS", Currency: "GBP", TaxCategory: "PERSONAL"}
	terms := payment.Terms{FXFeeRate: "0.0299", FXFeeTaxRate: "0.20", TaxJurisdiction: "GB", CashFeeRate: "0.03", CashFeeMinimum: payment.Money{Minor: 300, Currency: "GBP"}}
	merchant := MerchantFacts{Name: "BETCO", Category: "Gambling"}

	authorized := First(TransactionAuthorized, payment.TransactionID(key), a.ID, a.PANToken, exampleRecordID, ingested, published)
	standardized := authorized.Next(TransactionStandardized, "", published)
	enriched := standardized.Next(TransactionEnriched, "", published)
	standard, err := payment.Standardize(a, a.PayloadHash(), ingested)
	require.NoError(t, err)
	message := iso20022.Initiation(standard)
	facts := payment.ComputeFacts(payment.Observed{Authorization: a, OccurredAt: ingested, Account: account, Terms: terms, ProductFound: true, CategoryListed: true,
		Watched: payment.WatchList{"7995": payment.WarningGambling}, Settings: payment.DefaultRuleSettings()})

	finding := func(name DetailType, rule string, warning payment.MerchantWarning) any {
		return Detail[FindingData]{enriched.Next(name, rule, published), FindingData{Rule: rule, RuleSetVersion: "1", Payment: canonical, Warning: warning}}
	}
	fee := func(rule, kind string) any {
		return Detail[FindingData]{enriched.Next(FeeApplied, rule, published), FindingData{Rule: rule, RuleSetVersion: "1", Payment: canonical, Kind: kind}}
	}
	decision := func(name DetailType, account payment.Account, terms payment.Terms, charges payment.Charges, d Decision) any {
		return Detail[DecisionData]{enriched.Next(name, "", published), DecisionData{Payment: canonical, Account: account, Merchant: merchant,
			Description: payment.Description(a), Scheme: "VISA", Terms: terms, Decision: d, Charges: &charges}}
	}
	decided := payment.Decided{Outcome: payment.OutcomePosted, TransactionType: "00", MCC: a.MCC, Foreign: true, Charges: payment.ChargesOf(a), BillingAmount: a.BillingAmount,
		AccountID: account.ID, Scheme: "VISA", Terms: terms, Description: payment.Description(a), ValueDate: "2026-07-10"}
	legs, err := payment.Legs(decided)
	require.NoError(t, err)
	sequence := payment.Sequence{ID: payment.SequenceID(key, 0), Of: len(legs), Checksum: payment.Checksum(legs), TransactionID: authorized.TransactionID,
		AuthorizationID: a.ID, BusinessKey: key, PayloadHash: canonical.PayloadHash, Outcome: payment.OutcomePosted, OccurredAt: authorized.OccurredAt,
		Basis: decided}
	entry, err := payment.Assemble(sequence, legs)
	require.NoError(t, err)
	approved := enriched.Next(TransactionPostingApproved, "", published)
	approved.PostingSequence = sequence.ID
	leg := approved.Next(PostingLegCreated, "1", published)

	ledgerFinding := func(name DetailType, rule, problem string) any {
		cause := leg
		cause.PostingSequence = ""
		return Detail[LedgerFindingData]{cause.Next(name, rule, published), LedgerFindingData{Rule: rule, AuthorizationID: a.ID, RelatedSequence: sequence.ID, Problem: problem}}
	}
	disputes := exampleDisputes(t, leg.TransactionID, a.ID)
	return map[DetailType]any{
		TransactionAuthorized: Detail[AuthorizedData]{authorized, AuthorizedData{Authorization: a, BusinessKey: key, PayloadHash: canonical.PayloadHash}},
		DuplicateTransactionParked: exampleParked(t, DuplicateTransactionParked, ParkedData{Kind: "DUPLICATE", Reason: "DUPLICATE", Rule: payment.RuleDuplicate,
			Problem: "another authorization with the same business key and the same content is known", KnownAuthorizationID: a.ID}, "authorizationId", "auth-e2-again"),
		DuplicateConflictDetected: exampleParked(t, DuplicateConflictDetected, ParkedData{Kind: string(payment.Conflict), Reason: "CONFLICT", Rule: payment.RuleDuplicate,
			Problem: "the business key is known with other content", KnownAuthorizationID: a.ID}, "authorizationId", "auth-e2-other", "merchantName", "BETCO 2"),
		TransactionRejected: exampleParked(t, TransactionRejected, ParkedData{Kind: string(payment.Invalid), Reason: payment.ReasonNonFinancial, Rule: payment.RuleNonFinancial,
			Problem: "transaction type 31 is an inquiry: it moves no money"}, "authorizationId", "auth-e2-inquiry", "processingCode", "310000"),
		TransactionQuarantined:             exampleQuarantined(),
		TransactionStandardized:            Detail[StandardizedData]{standardized, StandardizedData{Message: message, Payment: canonical}},
		TransactionEnriched:                Detail[EnrichedData]{enriched, EnrichedData{Payment: canonical, Account: account, Merchant: merchant, Description: payment.Description(a), Scheme: "VISA", Terms: terms, Facts: facts, Message: message.Enriched(account)}},
		ForeignTransactionFound:            finding(ForeignTransactionFound, "R-002", ""),
		CurrencyConversionTransactionFound: finding(CurrencyConversionTransactionFound, "R-003", ""),
		WarningMerchantTypeFound:           finding(WarningMerchantTypeFound, "R-004", payment.WarningGambling),
		DormantAccountActivity:             finding(DormantAccountActivity, "R-018", ""),
		CurrencyMismatchFound:              finding(CurrencyMismatchFound, "R-019", ""),
		FeeApplied:                         fee("R-020", FeeFX),
		CrossBorderTransactionFound:        finding(CrossBorderTransactionFound, "R-021", ""),
		FxRateToleranceBreached:            finding(FxRateToleranceBreached, "R-022", ""),
		FxDataInconsistent:                 finding(FxDataInconsistent, "R-023", ""),
		DccTransactionFound:                finding(DccTransactionFound, "R-024", ""),
		ExpiredAuthorizationPosted:         finding(ExpiredAuthorizationPosted, "R-030", ""),
		TimestampAnomaly:                   finding(TimestampAnomaly, "R-032", ""),
		MerchantTypeInconsistent:           finding(MerchantTypeInconsistent, "R-045", ""),
		EnrichmentFailed:                   finding(EnrichmentFailed, "R-070", ""),
		EnrichmentInvalid:                  finding(EnrichmentInvalid, "R-071", ""),
		TransactionPostingApproved:         decision(TransactionPostingApproved, account, terms, payment.Charges{FX: true}, Decision{RuleSetVersion: "1", RulesFired: []string{"R-002", "R-003", "R-004", "R-020", "R-040", "R-005"}, Outcome: DecisionApproved, Reason: "NONE"}),
		TransactionRoutedToSuspense:        decision(TransactionRoutedToSuspense, payment.Account{Status: payment.AccountNotFound}, payment.Terms{}, payment.Charges{}, Decision{RuleSetVersion: "1", RulesFired: []string{"R-015"}, Outcome: DecisionSuspense, Reason: string(payment.SuspenseAccountNotFound), ISOReason: "AC01"}),
		TransactionPostingFailed:           Detail[FailedData]{enriched.Next(TransactionPostingFailed, "", published), FailedData{Payment: canonical, Decision: Decision{RuleSetVersion: "1", RulesFired: []string{"R-001"}, Outcome: DecisionFailedReview, Reason: "ISSUER_COUNTRY_UNKNOWN"}}},
		PostingRequested:                   exampleRequest(t),
		PostingLegCreated:                  Detail[LegData]{leg, LegData{Sequence: sequence, Leg: legs[0]}},
		PostingOrderCreated:                exampleReversal(t),
		OverAuthorizationFound:             ledgerFinding(OverAuthorizationFound, "R-031", "GBP 95.10 is more than GBP 79.25 and its tolerance"),
		SuspectedDuplicateFound:            ledgerFinding(SuspectedDuplicateFound, "R-052", "the same card paid the same merchant the same amount within 5 minutes"),
		OrphanReversal:                     ledgerFinding(OrphanReversal, "R-060", "the original is not in the ledger; the reversal waits for it"),
		ReversalExceedsOriginal:            ledgerFinding(ReversalExceedsOriginal, "R-061", "nothing remains of the purchase"),
		UnmatchedRefund:                    ledgerFinding(UnmatchedRefund, "R-062", "the refund names no purchase, and none of the card at the merchant is known"),
		TransactionPosted:                  Detail[PostedData]{leg.Next(TransactionPosted, "", published), PostedData{Sequence: sequence, Outcome: payment.OutcomePosted, EntryHash: entry.Hash(), Legs: legs}},
		ReconciliationBreakFound: Detail[ReconciliationBreakData]{First(ReconciliationBreakFound, authorized.TransactionID, a.ID, a.PANToken, exampleRunID, ingested, published).WithSuffix("B01"),
			ReconciliationBreakData{BreakID: "brk_4QZ7", RunID: exampleRunID, Category: "B01", Severity: "HIGH", AuthorizationID: a.ID, Problem: "no event tells of the authorization",
				AgeSeconds: 901, Amount: &a.BillingAmount, Action: "REPUBLISH_AUTHORIZED"}},
		ReconciliationPatchApplied: Detail[ReconciliationPatchData]{First(ReconciliationPatchApplied, authorized.TransactionID, a.ID, a.PANToken, exampleRunID, ingested, published).WithSuffix("B01/1"),
			ReconciliationPatchData{PatchID: "pt_4QZ7-1", BreakID: "brk_4QZ7", RunID: exampleRunID, Category: "B01", Action: "REPUBLISH_AUTHORIZED", Attempt: 1,
				Before: "no event tells of the authorization", After: "published " + authorized.EventID, Evidence: []string{"authorization read again: APPROVED, unchanged", "journal read again: no sequence"}, Actor: "schedule"}},
		OperatorActionTaken: Detail[OperatorActionData]{First(OperatorActionTaken, exampleActionID, "", "", "ana", published, published).WithSuffix(string(OperatorStarted)),
			OperatorActionData{ActionID: exampleActionID, Action: ActionRedrive, Phase: OperatorStarted, By: "ana", Reason: "the ledger table answers again", From: "PostingDeadLetters", To: "PostingQueue",
				Items: []string{"5fea7756-0ea4-451a-a703-a558b933e274"}, Count: 1}},
		ReconciliationCompleted: Detail[ReconciliationCompletedData]{First(ReconciliationCompleted, exampleRunID, "", "", "schedule", published, published),
			ReconciliationCompletedData{RunID: exampleRunID, Mode: "WINDOW", From: "2026-07-09T08:00:00.000Z", To: "2026-07-09T10:15:00.000Z", Complete: true, Items: 1000, Matched: 999, Breaks: 1,
				ByCategory: map[string]int{"B01": 1}, Patched: 1, Report: "recon/2026-07-09/" + exampleRunID + ".json"}},
		DisputeOpened:           disputes[DisputeOpened],
		DisputeRejected:         disputes[DisputeRejected],
		DisputeAdvanced:         disputes[DisputeAdvanced],
		ProvisionalCreditPosted: disputes[ProvisionalCreditPosted],
		DisputeResolved:         disputes[DisputeResolved],
	}
}

const exampleRunID = "rc_20260709T101500Z-7f3a"

// exampleActionID is an operator's action as the command names it.
const exampleActionID = "rd_20260709T101500Z-7f3a"

// exampleDisputes are the events of worked example E7, the dispute of E2 without tax: opened, credited, filed and won; and of a
// second claim, which is refused.
func exampleDisputes(t *testing.T, transactionID, authorizationID string) map[DetailType]json.RawMessage {
	t.Helper()
	opening := ingested.AddDate(0, 0, 5)
	purchase := payment.Disputable{Key: strings.TrimPrefix(transactionID, "tx_"), TransactionID: transactionID, AuthorizationID: authorizationID,
		Outcome: payment.OutcomePosted, TransactionType: "00", AccountID: "acc-alice-gbp", BranchID: "601613", Scheme: "VISA", Description: "ACME STORE NEW YORK US USD 100.00",
		OccurredAt: ingested, Remaining: payment.Money{Minor: 7925, Currency: "GBP"}, Disputed: payment.Money{Currency: "GBP"},
		FXFee: payment.Money{Minor: 237, Currency: "GBP"}, FXFeeTax: payment.Money{Currency: "GBP"}}
	policy := payment.DisputePolicy{Window: 120 * 24 * time.Hour, ProvisionalCredit: true}
	claim := payment.Claim{CaseID: "dsp_QGPEK3K3UMQWYLPIKNQWHZNJ4E", ReasonCode: "13.1", By: "customer"}
	d, err := payment.OpenDispute(policy, purchase, claim, opening)
	require.NoError(t, err)
	details := map[DetailType]json.RawMessage{}
	add := func(event Event, err error) {
		require.NoError(t, err)
		details[event.DetailType] = event.Detail
	}
	posted := func() {
		request, due, err := d.DuePosting()
		require.NoError(t, err)
		require.True(t, due)
		d, err = d.Posted(payment.SequenceID(request.BusinessKey(), 0), opening)
		require.NoError(t, err)
	}
	add(NewDispute(DisputeOpened, SourceDisputes, d, opening))
	posted()
	add(NewDispute(ProvisionalCreditPosted, SourceDisputes, d, opening))
	opening = opening.AddDate(0, 0, 1)
	d, err = d.File(opening, "operator", "")
	require.NoError(t, err)
	add(NewDispute(DisputeAdvanced, SourceOperator, d, opening))
	opening = opening.AddDate(0, 0, 30)
	d, err = d.Decide(payment.DisputeWon, payment.Money{}, opening, "operator", "")
	require.NoError(t, err)
	posted()
	add(NewDispute(DisputeResolved, SourceDisputes, d, opening))
	purchase.Disputed = d.Amount
	_, err = payment.OpenDispute(policy, purchase, claim, opening)
	require.Error(t, err)
	add(NewDisputeRejected(purchase, "R7W2AJ4TS5RRZSRBDRAZLF6ZYQ", payment.ReasonOf(err), "nothing of the purchase remains to be disputed", opening))
	return details
}

// exampleReversal asks for worked example E5: of USD 100.00 remain 63.09.
func exampleReversal(t *testing.T) Detail[OrderData] {
	t.Helper()
	item := exampleItem(t, "authorizationId", "auth-e5", "mti", "0400", "stan", "123461", "rrn", "519012123461")
	item["original"] = &types.AttributeValueMemberM{Value: exampleItem(t)}
	item["replacementAmount"] = &types.AttributeValueMemberN{Value: "6309"}
	r, err := payment.ParseAuthorization(item.Attributes())
	require.NoError(t, err)
	authorized := First(TransactionAuthorized, payment.TransactionID(r.BusinessKey()), r.ID, r.PANToken, exampleRecordID, ingested, published)
	approved := authorized.Next(TransactionStandardized, "", published).Next(TransactionEnriched, "", published).Next(TransactionPostingApproved, "", published)
	return Detail[OrderData]{approved.Next(PostingOrderCreated, "", published), OrderData{Order: payment.Order{
		Kind: payment.OrderReversal, PurchaseKey: r.OriginalKey(), BusinessKey: r.BusinessKey(), TransactionID: approved.TransactionID, AuthorizationID: r.ID,
		PayloadHash: r.PayloadHash(), PANToken: r.PANToken, OccurredAt: approved.OccurredAt, Outcome: payment.OutcomePosted, AccountID: "acc-1",
		TransmittedAt: r.TransmittedAt.Format(time.RFC3339Nano), TransactionType: "00", Scheme: "VISA", TransactionAmount: r.TransactionAmount,
		BillingAmount: r.BillingAmount, ReplacementAmount: r.ReplacementAmount, ValueDate: "2026-07-10", Description: payment.Description(r)}}}
}

// exampleRequest asks for the provisional credit of worked example E7: the dispute of E2 without tax.
func exampleRequest(t *testing.T) Detail[PostingRequestedData] {
	t.Helper()
	event, err := NewPostingRequest(SourceDisputes, payment.PostingRequest{Kind: payment.RequestDisputeProvisional, CauseID: "case-1", AccountID: "acc-alice-gbp",
		BranchID: "601613", Scheme: "VISA", Amounts: payment.RequestAmounts{Principal: payment.Money{Minor: 7925, Currency: "GBP"}, FXFee: payment.Money{Minor: 237, Currency: "GBP"}},
		ValueDate: "2026-07-14", Description: "DISPUTE ACME STORE NEW YORK", OccurredAt: FormatTime(ingested), CaseID: "case-1",
		PurchaseKey: strings.TrimPrefix(payment.TransactionID(examplePayment(t).BusinessKey()), "tx_")}, "case-1/DisputeOpened", published)
	require.NoError(t, err)
	require.Equal(t, PostingRequested, event.DetailType)
	var detail Detail[PostingRequestedData]
	require.NoError(t, json.Unmarshal(event.Detail, &detail))
	return detail
}

// A card number's place is never on the bus.
func TestExamplesCarryNoCardNumber(t *testing.T) {
	for name, detail := range exampleDetails(t) {
		raw, err := json.Marshal(detail)
		require.NoError(t, err)
		require.NotContains(t, string(raw), "4111111111111111", name)
		require.False(t, strings.Contains(string(raw), `"Minor"`), "%s: money leaves as a decimal string", name)
	}
}
