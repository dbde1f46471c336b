// Package directory is the accounts and reference data: who owns a card, what a product costs, what a merchant category
// means, whose range a card number is in, and which categories are watched. Two DynamoDB tables hold it; `payrail seed`
// writes them and enrichment reads them, a batch of payments at a time and through a cache.
package directory
