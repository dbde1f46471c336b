package payment

// clearings are the kinds of request that move something out of suspense.
var clearings = map[RequestKind]bool{RequestSuspenseClear: true, RequestSuspenseWriteOff: true}

// Clearing is the order to clear the suspense item that a request is about (PR-13); clears is false for a request of another
// kind, which makes its legs itself. What is cleared is what then stands in suspense: only the ledger knows whether a reversal
// came in between. Side and principal say what whoever asks takes it for.
func (r PostingRequest) Clearing() (order Order, clears bool, err error) {
	if !clearings[r.Kind] {
		return Order{}, false, nil
	}
	sequence, _, err := r.Posting()
	if err != nil {
		return Order{}, false, err
	}
	if r.Kind == RequestSuspenseWriteOff && r.AccountID != "" {
		return Order{}, false, refuseRequest("a %s has no account", r.Kind)
	}
	order = Order{
		Kind: OrderClearing, PurchaseKey: r.PurchaseKey, BusinessKey: sequence.BusinessKey, TransactionID: sequence.TransactionID,
		AuthorizationID: r.CauseID, PayloadHash: sequence.PayloadHash, OccurredAt: r.OccurredAt, ValueDate: r.ValueDate, Description: r.Description,
		AccountID: r.AccountID,
	}
	if r.AccountID != "" && r.CardCentre != "" && r.BranchID != r.CardCentre {
		order.BranchID = r.BranchID
	}
	return order, true, order.Check()
}
