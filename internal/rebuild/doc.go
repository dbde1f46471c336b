// Package rebuild posts what an audit log tells into an empty ledger, so that it comes to the same journal entries under the same
// hashes. An EventBridge archive can be replayed to its own bus only; the audit log can be read anywhere, by whoever keeps a copy.
//
// What posting consumed is sent to the new deployment's posting queue: legs and orders. Everything else was worked out of these, or
// is not the ledger's. Payments that have nothing to do with each other are sent at once, in any order. Messages about one purchase
// are sent one after the other, each when what came before it is in the ledger, because what a message posts depends on what stands
// of its purchase, and sequences are numbered as they are posted. The order is the one in which they were posted: events of posting
// tell it. At the end every entry that the audit log tells of must be in the ledger, under the hash that it tells.
package rebuild
