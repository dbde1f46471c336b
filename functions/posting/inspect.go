package main

import (
	"context"
	"fmt"
	"sync"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/internal/batch"
	"github.com/payrail/payrail/internal/ledger"
	"github.com/payrail/payrail/payment"
)

// inspection is what was found out about a posted payment by what stands beside it.
type inspection struct {
	findings []finding
	err      error
}

// inspect looks at what stands beside each posted payment: rules need other payments, which only the ledger
// has; R-031 compares messages of one purchase. What is found keeps nothing from being posted.
func (p *poster) inspect(ctx context.Context, results []ledger.Result) []inspection {
	inspections := make([]inspection, len(results))
	var running sync.WaitGroup
	for i, result := range results {
		record := result.Record
		posted := result.Err == nil && (result.Disposition == ledger.Posted || result.Disposition == ledger.AlreadyPosted)
		if posted && record.Basis.Terms.OverAuthorization != "" && result.Authorized != (payment.Money{}) {
			inspections[i] = overAuthorization(record, result.Authorized)
		}
		if !posted || record.Root != "" || record.MerchantKey == "" {
			continue
		}
		running.Go(func() { inspections[i] = p.inspectOne(ctx, record) })
	}
	running.Wait()
	return inspections
}

func (p *poster) inspectOne(ctx context.Context, record ledger.Record) inspection {
	if record.RefundOf != (payment.Links{}) {
		known, err := p.ledger.RefundsKnownPurchase(ctx, record)
		if err != nil || known {
			return inspection{err: err}
		}
		return inspection{findings: []finding{{events.UnmatchedRefund, "R-062", "",
			"the refund names no purchase that is known, and none of the card at the merchant is"}}}
	}
	twin, err := p.ledger.Twin(ctx, record)
	if err != nil || twin == "" {
		return inspection{err: err}
	}
	return inspection{findings: []finding{{events.SuspectedDuplicateFound, "R-052", twin,
		"the same card paid the same merchant the same amount within 5 minutes; both are posted"}}}
}

// overAuthorization holds a completion against the authorization of its purchase.
func overAuthorization(record ledger.Record, authorized payment.Money) inspection {
	final := record.Basis.BillingAmount
	over, err := payment.OverAuthorized(authorized, final, record.Basis.Terms.OverAuthorization)
	if err != nil || !over {
		return inspection{err: err}
	}
	return inspection{findings: []finding{{events.OverAuthorizationFound, payment.RuleOverAuthorization, record.Root,
		fmt.Sprintf("%s is to be paid, %s was authorized; it is posted, and can be disputed", final, authorized)}}}
}

// tell tells of what an inspection found. A replay of the archive finds what was told long ago.
func (p *poster) tell(g *group, result ledger.Result, seen inspection, outbox *batch.Outbox) error {
	if g.onlyReplayed() && result.Disposition == ledger.AlreadyPosted {
		return nil
	}
	if seen.err != nil {
		return seen.err
	}
	for _, f := range seen.findings {
		if err := p.find(g, f, outbox); err != nil {
			return err
		}
	}
	return nil
}
