// Package ledger is the ledger store: a DynamoDB table of journal items, which are the truth and are never changed, of entry
// items, which are the customer's view of them, and of balance items, which are a running fold of the entries.
//
// System accounts (scheme payable, suspense, fee income, tax) take part in every payment. They have no balance item, which
// would be one hot key for all traffic: their balances are folded from the journal when somebody asks.
package ledger
