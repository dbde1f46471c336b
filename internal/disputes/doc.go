// Package disputes keeps dispute cases in the ledger table and moves them: for the customer API, which opens them, for the
// command, with which people decide them, and for the function that has their postings made.
//
// A case is one item, changed under the condition of its version. Opening one is a transaction with the purchase it is about,
// under the condition of the purchase's version: two openings, or an opening and a reversal, cannot both pass the guards.
// Nothing here posts. What a case waits for is computed from the case (payment.Dispute.DuePosting) and asked for by event, so
// that asking can be repeated at any time by anybody: a crash between a change and its event loses nothing.
package disputes
