package events

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/payment"
)

// envelope is an event as EventBridge delivers it, in the account and region of the local runtime.
func envelope(c Contract, detail any) map[string]any {
	return map[string]any{
		"version": "0", "id": "7bf73129-1428-4cd3-a780-95db273d1602", "detail-type": c.DetailType, "source": c.Source,
		"account": "000000000000", "time": "2026-07-09T10:15:31Z", "region": "us-east-1", "resources": []string{}, "detail": detail,
	}
}

func attribute(kind payment.AttributeKind, fields ...string) map[string]payment.Attribute {
	item := map[string]payment.Attribute{}
	for i := 0; i < len(fields); i += 2 {
		item[fields[i]] = payment.Attribute{Kind: kind, Text: fields[i+1]}
	}
	return item
}

// examplePayment is worked example E2: USD 100.00 at 0.7925 is GBP 79.25.
func examplePayment(t *testing.T) payment.Authorization {
	t.Helper()
	item := attribute(payment.Text,
		"authorizationId", "auth-e2", "mti", "0110", "panToken", "tok_v1_7Q2M7XKD4ZP5R6TB3W5YHC2NEF", "panLast4", "1111", "bin", "411111",
		"processingCode", "000000", "transactionCurrency", "USD", "billingCurrency", "GBP", "conversionRate", "0.7925",
		"stan", "123457", "acquirerId", "400010", "transmittedAt", "2026-07-09T10:15:30Z", "localDate", "2026-07-09", "settlementDate", "2026-07-10",
		"rrn", "519010123457", "authCode", "A1B2C3", "responseCode", "00", "mcc", "7995", "merchantName", "BETCO", "merchantCity", "NEW YORK",
		"merchantCountry", "US", "merchantId", "MERCHANT0000001", "terminalId", "TERM0001", "acquirerCountry", "840", "issuerCountry", "826", "posEntryMode", "051")
	for name, value := range attribute(payment.Number, "transactionAmount", "10000", "billingAmount", "7925") {
		item[name] = value
	}
	a, err := payment.ParseAuthorization(item)
	require.NoError(t, err)
	return a
}

// exampleDetails takes one payment through the domain and writes every event it could meet.
func exampleDetails(t *testing.T) map[DetailType]any {
	t.Helper()
	a := examplePayment(t)
	key := a.BusinessKey()
	canonical := Payment{Authorization: a, TransactionType: a.TransactionType(), BusinessKey: key, PayloadHash: a.PayloadHash()}
	account := payment.Account{Status: payment.AccountOpen, ID: "acc-alice-gbp", IBAN: "GB29NWBK60161331926819", Holder: "MS A CARDHOLDER",
		SortCode: "601613", BranchID: "601613", BranchName: "LONDON CITY", Product: "CURRENT_ACCOUNT_PLUS", Currency: "GBP", TaxCategory: "PERSONAL"}
	terms := payment.Terms{FXFeeRate: "0.0299", FXFeeTaxRate: "0.20", TaxJurisdiction: "GB", CashFeeRate: "0.03", CashFeeMinimum: &payment.Money{Minor: 300, Currency: "GBP"}}
	merchant := MerchantFacts{Name: "BETCO", Category: "Gambling"}

	authorized := First(TransactionAuthorized, payment.TransactionID(key), a.ID, a.PANToken, "c4ca4238a0b923820dcc509a6f75849b", ingested, published)
	standardized := authorized.Next(TransactionStandardized, "", published)
	enriched := standardized.Next(TransactionEnriched, "", published)
	message, err := payment.Standardize(a, ingested)
	require.NoError(t, err)
	facts := payment.ComputeFacts(a, account, payment.WatchList{"7995": payment.WarningGambling})

	finding := func(name DetailType, rule string, warning payment.MerchantWarning) any {
		return Detail[FindingData]{enriched.Next(name, rule, published), FindingData{Rule: rule, RuleSetVersion: "1", Payment: canonical, Warning: warning}}
	}
	decision := func(name DetailType, account payment.Account, terms payment.Terms, d Decision) any {
		return Detail[DecisionData]{enriched.Next(name, "", published), DecisionData{Payment: canonical, Account: account, Merchant: merchant,
			Description: payment.Description(a), Scheme: "VISA", Terms: terms, Decision: d}}
	}
	parked := func(name DetailType, kind payment.Kind, reason, problem, known string) any {
		return Detail[ParkedData]{authorized.Next(name, "auth-e2-again", published), ParkedData{AuthorizationID: "auth-e2-again", Kind: string(kind), Reason: reason, Problem: problem,
			KnownAuthorizationID: known, Object: "parked/2026-07-09/auth-e2-again.json"}}
	}

	legs, err := payment.Legs(payment.Decided{Outcome: payment.OutcomePosted, TransactionType: "00", MCC: a.MCC, Foreign: true, BillingAmount: a.BillingAmount,
		AccountID: account.ID, Scheme: "VISA", Terms: terms, Description: payment.Description(a), ValueDate: "2026-07-10", BusinessKey: key})
	require.NoError(t, err)
	sequence := payment.Sequence{ID: payment.SequenceID(key, 0), Of: len(legs), Checksum: payment.Checksum(legs), TransactionID: authorized.TransactionID,
		AuthorizationID: a.ID, BusinessKey: key, PayloadHash: canonical.PayloadHash, Outcome: payment.OutcomePosted, OccurredAt: authorized.OccurredAt}
	entry, err := payment.Assemble(sequence, legs)
	require.NoError(t, err)
	approved := enriched.Next(TransactionPostingApproved, "", published)
	approved.PostingSequence = sequence.ID
	leg := approved.Next(PostingLegCreated, "1", published)

	return map[DetailType]any{
		TransactionAuthorized:              Detail[AuthorizedData]{authorized, AuthorizedData{Authorization: a, BusinessKey: key, PayloadHash: canonical.PayloadHash}},
		DuplicateTransactionParked:         parked(DuplicateTransactionParked, payment.Conflict, "DUPLICATE", "authorization auth-e2 holds the business key with the same content", "auth-e2"),
		DuplicateConflictDetected:          parked(DuplicateConflictDetected, payment.Conflict, "CONFLICT", "authorization auth-e2 holds the business key with other content", "auth-e2"),
		TransactionRejected:                parked(TransactionRejected, payment.Unsupported, "MESSAGE_TYPE_NOT_SUPPORTED", "message type 0400 is not supported yet, only 0100 and 0110 are", ""),
		TransactionQuarantined:             Detail[QuarantinedData]{authorized.Next(TransactionQuarantined, "auth-e2", published), QuarantinedData{AuthorizationID: "auth-e2", Reason: "CARD_NUMBER_FOUND", Fields: []string{"merchantName"}, Object: "2026-07-09/auth-e2.json"}},
		TransactionStandardized:            Detail[StandardizedData]{standardized, StandardizedData{Message: message, Payment: canonical}},
		TransactionEnriched:                Detail[EnrichedData]{enriched, EnrichedData{Payment: canonical, Account: account, Merchant: merchant, Description: payment.Description(a), Scheme: "VISA", Terms: terms, Facts: facts, Message: message.Enriched(account)}},
		ForeignTransactionFound:            finding(ForeignTransactionFound, "R-002", ""),
		CurrencyConversionTransactionFound: finding(CurrencyConversionTransactionFound, "R-003", ""),
		WarningMerchantTypeFound:           finding(WarningMerchantTypeFound, "R-004", payment.WarningGambling),
		TransactionPostingApproved:         decision(TransactionPostingApproved, account, terms, Decision{RuleSetVersion: "1", RulesFired: []string{"R-002", "R-003", "R-004", "R-005"}, Outcome: DecisionApproved, Reason: "NONE"}),
		TransactionRoutedToSuspense:        decision(TransactionRoutedToSuspense, payment.Account{Status: payment.AccountNotFound}, payment.Terms{}, Decision{RuleSetVersion: "1", RulesFired: []string{"R-015"}, Outcome: DecisionSuspense, Reason: string(payment.SuspenseAccountNotFound)}),
		TransactionPostingFailed:           Detail[FailedData]{enriched.Next(TransactionPostingFailed, "", published), FailedData{Payment: canonical, Decision: Decision{RuleSetVersion: "1", RulesFired: []string{"R-001"}, Outcome: DecisionFailedReview, Reason: "ISSUER_COUNTRY_UNKNOWN"}}},
		PostingLegCreated:                  Detail[LegData]{leg, LegData{Sequence: sequence, Leg: legs[0]}},
		TransactionPosted:                  Detail[PostedData]{leg.Next(TransactionPosted, "", published), PostedData{Sequence: sequence, Outcome: payment.OutcomePosted, EntryHash: entry.Hash(), Legs: legs}},
	}
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
