package timeline

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/payment"
)

// ledgerFinding is the line of something that the ledger found out.
func ledgerFinding(d events.LedgerFindingData) string { return d.Rule + ": " + d.Problem }

// decided is the part of the rules engine's events that a summary needs; the events carry the whole payment besides.
type decided struct {
	Decision events.Decision `json:"decision"`
}

// summaries makes the line of each kind of event.
var summaries = map[events.DetailType]func(json.RawMessage) (string, error){
	events.TransactionAuthorized: of(func(d events.AuthorizedData) string {
		line := "accepted " + d.Authorization.BillingAmount.String()
		if d.Authorization.TransactionAmount != d.Authorization.BillingAmount {
			line += " for " + d.Authorization.TransactionAmount.String()
		}
		if d.Repair != nil {
			line = "repaired " + strings.TrimPrefix(line, "accepted ") + ": " + repaired(*d.Repair)
		}
		return line
	}),
	events.DuplicateTransactionParked: of(func(d events.ParkedData) string {
		return fmt.Sprintf("parked %s: duplicate of %s", d.AuthorizationID, d.KnownAuthorizationID)
	}),
	events.DuplicateConflictDetected: of(func(d events.ParkedData) string {
		return fmt.Sprintf("parked %s: %s with %s", d.AuthorizationID, d.Reason, d.KnownAuthorizationID)
	}),
	events.TransactionRejected: of(func(d events.ParkedData) string {
		return "parked: " + withReason(d.Reason, d.Problem)
	}),
	events.TransactionQuarantined: of(func(d events.QuarantinedData) string {
		return fmt.Sprintf("quarantined: %s in %s", d.Reason, strings.Join(d.Fields, ", "))
	}),
	events.TransactionStandardized: of(func(d struct {
		MsgDefIdr string `json:"msgDefIdr"`
	}) string {
		return d.MsgDefIdr
	}),
	events.TransactionEnriched: of(func(d struct {
		Account payment.Account `json:"account"`
	}) string {
		return strings.TrimSuffix(fmt.Sprintf("account %s %s", d.Account.Status, d.Account.ID), " ")
	}),
	events.ForeignTransactionFound:            of(finding),
	events.CurrencyConversionTransactionFound: of(finding),
	events.WarningMerchantTypeFound:           of(finding),
	events.DormantAccountActivity:             of(finding),
	events.CurrencyMismatchFound:              of(finding),
	events.FeeApplied:                         of(finding),
	events.CrossBorderTransactionFound:        of(finding),
	events.FxRateToleranceBreached:            of(finding),
	events.FxDataInconsistent:                 of(finding),
	events.DccTransactionFound:                of(finding),
	events.ExpiredAuthorizationPosted:         of(finding),
	events.TimestampAnomaly:                   of(finding),
	events.MerchantTypeInconsistent:           of(finding),
	events.EnrichmentFailed:                   of(finding),
	events.EnrichmentInvalid:                  of(finding),
	events.TransactionPostingApproved:         of(decision),
	events.TransactionRoutedToSuspense:        of(decision),
	events.TransactionPostingFailed:           of(decision),
	events.PostingRequested: of(func(d events.PostingRequestedData) string {
		return "to post " + string(d.Request.Kind) + " of " + d.Request.CauseID
	}),
	events.PostingLegCreated: of(func(d events.LegData) string {
		return fmt.Sprintf("leg %d of %d: %s %s %s", d.Leg.Number, d.Sequence.Of, d.Leg.Side, d.Leg.Account, d.Leg.Amount)
	}),
	events.PostingOrderCreated: of(func(d events.OrderData) string {
		o := d.Order
		original := payment.SequenceID(o.PurchaseKey, 0)
		switch {
		case o.Kind == payment.OrderClearing:
			return "to clear " + original + " out of suspense"
		case o.Kind == payment.OrderOverdue:
			return "no original came: " + original
		case o.ReplacementAmount != nil && !o.ReplacementAmount.IsZero():
			return fmt.Sprintf("to reverse %s in part: %s of %s remain", original, o.ReplacementAmount, o.TransactionAmount)
		default:
			return "to reverse " + original + " in full"
		}
	}),
	events.OverAuthorizationFound:  of(ledgerFinding),
	events.SuspectedDuplicateFound: of(ledgerFinding),
	events.OrphanReversal:          of(ledgerFinding),
	events.ReversalExceedsOriginal: of(ledgerFinding),
	events.UnmatchedRefund:         of(ledgerFinding),
	events.TransactionPosted: of(func(d events.PostedData) string {
		return fmt.Sprintf("%s %s %d legs", d.Outcome, d.Sequence.ID, len(d.Legs))
	}),
	events.ReconciliationBreakFound: of(func(d events.ReconciliationBreakData) string {
		return fmt.Sprintf("%s: %s", d.Category, d.Problem)
	}),
	events.ReconciliationPatchApplied: of(func(d events.ReconciliationPatchData) string {
		return fmt.Sprintf("%s patched, attempt %d: %s", d.Category, d.Attempt, d.After)
	}),
	events.ReconciliationCompleted: of(func(d events.ReconciliationCompletedData) string {
		return fmt.Sprintf("%d authorizations: %d breaks, %d patched, %d open", d.Items, d.Breaks, d.Patched, d.Open)
	}),
	events.DisputeOpened:           of(dispute),
	events.DisputeAdvanced:         of(dispute),
	events.ProvisionalCreditPosted: of(dispute),
	events.OperatorActionTaken: of(func(d events.OperatorActionData) string {
		return fmt.Sprintf("%s %s by %s, %d items, %d failed: %s", d.Action, strings.ToLower(string(d.Phase)), d.By, d.Count, d.Failed, d.Reason)
	}),
	events.DisputeResolved: of(dispute),
	events.DisputeRejected: of(func(d events.DisputeRejectedData) string {
		return "dispute refused: " + withReason(d.Reason, d.Problem)
	}),
}

// of reads an event's data as T for its summary.
func of[T any](line func(T) string) func(json.RawMessage) (string, error) {
	return func(data json.RawMessage) (string, error) {
		var read T
		if err := json.Unmarshal(data, &read); err != nil {
			return "", err
		}
		return line(read), nil
	}
}

// summarize is empty for an event that came into the contract later than this.
func summarize(detailType events.DetailType, data json.RawMessage) (string, error) {
	if line, ok := summaries[detailType]; ok {
		return line(data)
	}
	return "", nil
}

// repaired says what was corrected: "issuerCountry=826 by ops (customer called)".
func repaired(r events.Repair) string {
	fields := make([]string, 0, len(r.Set))
	for _, name := range slices.Sorted(maps.Keys(r.Set)) {
		fields = append(fields, name+"="+r.Set[name])
	}
	if len(fields) == 0 {
		fields = append(fields, "nothing corrected")
	}
	line := strings.Join(fields, ", ") + " by " + r.By
	if r.Reason != "" {
		line += " (" + r.Reason + ")"
	}
	return line
}

// dispute says where a case stands, and of a decided one that waits for its posting, what was decided.
func dispute(d events.DisputeData) string {
	line := fmt.Sprintf("%s: %s of %s", d.CaseID, d.State, d.Amount)
	if d.Decision != nil && !d.State.Closed() {
		line += ", decided for " + string(d.Decision.Outcome)
	}
	return line
}

func finding(d struct {
	Rule    string                  `json:"rule"`
	Warning payment.MerchantWarning `json:"warning"`
	Kind    string                  `json:"kind"`
}) string {
	return strings.TrimSpace(d.Rule + " " + string(d.Warning) + d.Kind)
}

func decision(d decided) string {
	line := d.Decision.Outcome
	if d.Decision.Reason != "" && d.Decision.Reason != string(payment.SuspenseNone) {
		line += " " + d.Decision.Reason
	}
	if len(d.Decision.RulesFired) > 0 {
		line += " by " + strings.Join(d.Decision.RulesFired, ", ")
	}
	return line
}

// withReason puts the reason before the problem where it is not already there.
func withReason(reason, problem string) string {
	if strings.HasPrefix(problem, reason) {
		return problem
	}
	return reason + ": " + problem
}
