package test

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/internal/directory"
	"github.com/payrail/payrail/internal/timeline"
	"github.com/payrail/payrail/payment"
)

// changes are attributes of an authorization that are not those of the ordinary one.
type changes = map[string]types.AttributeValue

// ruleCase is an authorization of its own account, and what is to become of it.
type ruleCase struct {
	name    string
	account func(*payment.Account)
	changes changes
	// findings are detail types with rule, and class or kind; outcome is the decision's summary; legs the journal's.
	findings []string
	outcome  string
	legs     []string
}

// abroad is worked example E2: USD 100.00 at 0.7925 is GBP 79.25.
func abroad(more changes) changes {
	all := changes{"transactionAmount": number("10000"), "transactionCurrency": text("USD"), "billingAmount": number("7925"), "conversionRate": text("0.7925"),
		"acquirerCountry": text("840"), "merchantCountry": text("US")}
	maps.Copy(all, more)
	return all
}

func withStatus(status payment.AccountStatus) func(*payment.Account) {
	return func(a *payment.Account) { a.Status = status }
}

// transmitted is a time of transmission relative to now, as the authorizer writes it.
func transmitted(ago time.Duration) changes {
	return changes{"transmittedAt": text(time.Now().Add(-ago).UTC().Format(time.RFC3339))}
}

const (
	foundForeign    = "ForeignTransactionFound R-002"
	foundConversion = "CurrencyConversionTransactionFound R-003"
	feeFX           = "FeeApplied R-020 FX"
	warned          = "WarningMerchantTypeTransactionFound "
	day             = 24 * time.Hour
)

func ruleCases() []ruleCase {
	posted := []string{"D CUST GBP 19.81", "C SCHEME_PAYABLE.VISA.GBP GBP 19.81"}
	suspended := []string{"D SUSPENSE.CARD.GBP GBP 19.81", "C SCHEME_PAYABLE.VISA.GBP GBP 19.81"}
	withCashFee := []string{"D CUST GBP 19.81", "C SCHEME_PAYABLE.VISA.GBP GBP 19.81", "D CUST GBP 3.00", "C FEE_INCOME.CASH GBP 3.00"}
	bare := []string{"D CUST GBP 79.25", "C SCHEME_PAYABLE.VISA.GBP GBP 79.25"}
	charged := append(slices.Clone(bare), "D CUST GBP 2.37", "C FEE_INCOME.FX GBP 2.37", "D CUST GBP 0.47", "C TAX_PAYABLE.GB GBP 0.47")
	refunded := []string{"D SCHEME_PAYABLE.VISA.GBP GBP 19.81", "C CUST GBP 19.81"}
	return []ruleCase{
		{name: "R-005", outcome: "APPROVED by R-005", legs: posted},
		{name: "R-001", changes: changes{"issuerCountry": text("000")}, outcome: "FAILED_REVIEW ISSUER_COUNTRY_UNKNOWN by R-001"},
		{name: "R-002 R-003 R-020", changes: abroad(nil), findings: []string{foundConversion, feeFX, foundForeign}, outcome: "APPROVED by R-002, R-003, R-020, R-005", legs: charged},
		{name: "R-004 R-044", changes: changes{"mcc": text("AAFF")}, findings: []string{warned + "R-004 UNKNOWN_MCC", warned + "R-044 UNKNOWN_MCC"}, outcome: "APPROVED by R-004, R-044, R-005", legs: posted},
		{name: "R-015", changes: changes{"billingCurrency": text("EUR"), "transactionCurrency": text("EUR")}, outcome: "SUSPENSE ACCOUNT_NOT_FOUND by R-015",
			legs: []string{"D SUSPENSE.CARD.EUR EUR 19.81", "C SCHEME_PAYABLE.VISA.EUR EUR 19.81"}},
		{name: "R-016", account: withStatus(payment.AccountClosed), outcome: "SUSPENSE ACCOUNT_CLOSED by R-016", legs: suspended},
		{name: "R-017 blocked", account: withStatus(payment.AccountBlocked), outcome: "SUSPENSE ACCOUNT_BLOCKED by R-017", legs: suspended},
		{name: "R-017 legal hold", account: withStatus(payment.AccountLegalHold), outcome: "SUSPENSE ACCOUNT_BLOCKED by R-017", legs: suspended},
		{name: "R-017 deceased", account: withStatus(payment.AccountDeceased), outcome: "SUSPENSE ACCOUNT_BLOCKED by R-017", legs: suspended},
		{name: "R-017 a credit posts", account: withStatus(payment.AccountBlocked), changes: changes{"processingCode": text("200000")},
			findings: []string{"UnmatchedRefund R-062"}, outcome: "APPROVED by R-005", legs: refunded},
		{name: "R-018", account: withStatus(payment.AccountDormant), findings: []string{"DormantAccountActivity R-018"}, outcome: "APPROVED by R-018, R-005", legs: posted},
		{name: "R-019", account: func(a *payment.Account) { a.Currency = "USD" }, findings: []string{"CurrencyMismatchFound R-019"}, outcome: "SUSPENSE CURRENCY_MISMATCH by R-019", legs: suspended},
		{name: "R-020 waived", changes: abroad(changes{"transactionCurrency": text("EUR"), "acquirerCountry": text("250")}), findings: []string{foundConversion, foundForeign},
			outcome: "APPROVED by R-002, R-003, R-005", legs: bare},
		{name: "R-021", changes: changes{"acquirerCountry": text("831")}, findings: []string{"CrossBorderTransactionFound R-021"}, outcome: "APPROVED by R-021, R-005", legs: posted},
		{name: "R-021 R-024", changes: changes{"acquirerCountry": text("840")}, findings: []string{"CrossBorderTransactionFound R-021", "DccTransactionFound R-024"}, outcome: "APPROVED by R-021, R-024, R-005", legs: posted},
		{name: "R-022 flagged", changes: abroad(changes{"conversionRate": text("0.8")}), findings: []string{foundConversion, feeFX, foundForeign, "FxRateToleranceBreached R-022"},
			outcome: "APPROVED by R-002, R-003, R-020, R-022, R-005", legs: charged},
		{name: "R-022 to review", changes: abroad(changes{"conversionRate": text("1.2618")}), findings: []string{foundConversion, foundForeign, "FxRateToleranceBreached R-022"},
			outcome: "FAILED_REVIEW FX_RATE_OUT_OF_TOLERANCE by R-002, R-003, R-022"},
		{name: "R-023", changes: changes{"conversionRate": text("0.7925")}, findings: []string{foundConversion, "FxDataInconsistent R-023"}, outcome: "APPROVED by R-003, R-023, R-005", legs: posted},
		{name: "R-030", changes: transmitted(8 * day), findings: []string{"ExpiredAuthorizationPosted R-030"}, outcome: "APPROVED by R-030, R-005", legs: posted},
		{name: "R-030 not for a hotel", changes: merged(transmitted(8*day), changes{"mcc": text("7011")}), outcome: "APPROVED by R-005", legs: posted},
		{name: "R-032 old", changes: transmitted(200 * day), findings: []string{"TimestampAnomaly R-032"}, outcome: "FAILED_REVIEW TIMESTAMP_ANOMALY by R-032"},
		{name: "R-032 ahead", changes: transmitted(-30 * day), findings: []string{"TimestampAnomaly R-032"}, outcome: "FAILED_REVIEW TIMESTAMP_ANOMALY by R-032"},
		{name: "R-040", changes: changes{"mcc": text("7801")}, findings: []string{warned + "R-040 GAMBLING"}, outcome: "APPROVED by R-040, R-005", legs: posted},
		{name: "R-040 opted out", account: func(a *payment.Account) { a.GamblingBlocked = true }, changes: changes{"mcc": text("7801")}, findings: []string{warned + "R-040 GAMBLING"},
			outcome: "SUSPENSE MERCHANT_BLOCKED by R-040", legs: suspended},
		{name: "R-041", changes: changes{"mcc": text("6051")}, findings: []string{"FeeApplied R-041 CASH", warned + "R-041 QUASI_CASH"}, outcome: "APPROVED by R-041, R-005", legs: withCashFee},
		{name: "R-042", changes: changes{"mcc": text("6010")}, findings: []string{"FeeApplied R-042 CASH"}, outcome: "APPROVED by R-042, R-005", legs: withCashFee},
		{name: "R-042 R-045", changes: changes{"mcc": text("6011")}, findings: []string{"FeeApplied R-042 CASH", "MerchantTypeInconsistent R-045"}, outcome: "APPROVED by R-042, R-045, R-005", legs: withCashFee},
		{name: "R-043 is switched off", changes: changes{"mcc": text("5967")}, outcome: "APPROVED by R-005", legs: posted},
		{name: "R-044", changes: changes{"mcc": text("5999")}, findings: []string{warned + "R-044 UNKNOWN_MCC"}, outcome: "APPROVED by R-044, R-005", legs: posted},
		{name: "R-070", account: func(a *payment.Account) { a.Product = "DISCONTINUED" }, findings: []string{"EnrichmentFailed R-070"}, outcome: "FAILED_REVIEW ENRICHMENT_INCOMPLETE by R-070"},
		{name: "R-071", account: func(a *payment.Account) { a.IBAN = "GB28NWBK60161331926819" }, findings: []string{"EnrichmentInvalid R-071"}, outcome: "FAILED_REVIEW ENRICHMENT_INVALID by R-071"},
		{name: "R-010", changes: changes{"responseCode": text("05")}, outcome: "parked: NOT_APPROVED: response code 05 is no approval, only 00, 08, 10, 11, 85, 87 are"},
		{name: "R-011", changes: changes{"billingAmount": number("0")}, outcome: "parked: BAD_AMOUNT: billingAmount must be above zero and have at most 12 digits"},
		{name: "R-012", changes: changes{"processingCode": text("310000")}, outcome: "parked: NON_FINANCIAL: transaction type 31 is an inquiry: it moves no money"},
	}
}

func merged(all ...changes) changes {
	out := changes{}
	for _, c := range all {
		maps.Copy(out, c)
	}
	return out
}

// Every rule that intake or the state machine decides, through the whole system: the findings, the decision with the rules that
// fired, and what is posted.
func TestEveryRule(t *testing.T) {
	s := start(t)
	cases := ruleCases()
	rules := payment.DefaultRuleSettings()
	rules.Disabled = []string{"R-043"}
	// The clock of the test runs ahead of the machine's: what is two days old may be three by the time it is taken in.
	rules.Timestamp.AheadMinutes = 60 * 24 * 5
	data := directory.Data{Rules: &rules, Products: []directory.Product{{Name: "PLUS", Currency: "USD"}, {Name: "PLUS", Currency: "GBP", FXWaiver: payment.FXWaiver{Currencies: []payment.Currency{"EUR"}},
		Terms: payment.Terms{FXFeeRate: "0.0299", FXFeeTaxRate: "0.20", TaxJurisdiction: "GB", CashFeeRate: "0.03", CashFeeMinimum: payment.Money{Minor: 300, Currency: "GBP"}}}}}
	for _, mcc := range []string{"5411", "7011", "7801", "6051", "6010", "6011", "5967"} {
		data.Categories = append(data.Categories, directory.Category{MCC: mcc, Name: "category " + mcc})
	}
	var items []changes
	for n, c := range cases {
		account := payment.Account{ID: accountOf(n), Status: payment.AccountOpen, IBAN: "GB29NWBK60161331926819", Holder: "TEST HOLDER", SortCode: "601613",
			BranchID: "601613", Product: "PLUS", Currency: "GBP"}
		if c.account != nil {
			c.account(&account)
		}
		data.Accounts = append(data.Accounts, account)
		data.Cards = append(data.Cards, directory.Card{PANToken: tokenNumber(n), Currency: "GBP", AccountID: account.ID})
		items = append(items, item(t, n+1, aliceCard, merged(transmitted(0), changes{"panToken": text(tokenNumber(n))}, c.changes)))
	}
	s.load(t, data)
	for _, i := range items {
		s.put(t, i)
	}
	for n, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			happened := s.awaitEnd(t, fmt.Sprintf("auth-%06d", n+1), len(c.findings))
			findings, outcome, legs := told(happened)
			require.Equal(t, c.outcome, outcome)
			require.ElementsMatch(t, c.findings, findings)
			var want []string
			for _, leg := range c.legs {
				want = append(want, strings.Replace(leg, "CUST", accountOf(n), 1))
			}
			require.ElementsMatch(t, want, legs)
		})
	}
	s.requireSound(t)
}

func accountOf(n int) string { return fmt.Sprintf("acc-rule-%02d", n) }

// tokenNumber is a card's token, made of no card number.
func tokenNumber(n int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "card %d of the test of the rules", n))
	return "tok_v1_" + base32.StdEncoding.EncodeToString(sum[:])[:26]
}

// awaitEnd waits until a payment has come to its end and so many findings are told.
func (s *system) awaitEnd(t *testing.T, id string, findings int) (happened []timeline.Entry) {
	t.Helper()
	eventually(t, "the end of "+id, func() bool {
		var err error
		if happened, err = s.timeline.Trace(t.Context(), id); err != nil {
			require.ErrorIs(t, err, timeline.ErrNotFound)
			return false
		}
		told, _, legs := told(happened)
		ended := slices.ContainsFunc(happened, func(e timeline.Entry) bool {
			switch e.DetailType {
			case events.TransactionPosted:
				return len(legs) >= 2
			case events.TransactionPostingFailed, events.TransactionRejected:
				return true
			default:
				return false
			}
		})
		return ended && len(told) >= findings
	})
	return happened
}

// told is what a timeline tells: findings, the decision or the rejection, and the legs.
func told(happened []timeline.Entry) (findings []string, outcome string, legs []string) {
	for _, e := range happened {
		switch e.DetailType {
		case events.TransactionPostingApproved, events.TransactionRoutedToSuspense, events.TransactionPostingFailed, events.TransactionRejected:
			outcome = e.Summary
		case events.PostingLegCreated:
			_, leg, _ := strings.Cut(e.Summary, ": ")
			legs = append(legs, leg)
		case events.TransactionAuthorized, events.TransactionStandardized, events.TransactionEnriched, events.TransactionPosted:
		default:
			rule, _, _ := strings.Cut(e.Summary, ": ") // posting says in words what it found
			findings = append(findings, string(e.DetailType)+" "+rule)
		}
	}
	return findings, outcome, legs
}
