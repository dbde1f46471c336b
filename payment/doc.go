// Package payment is Payrail's domain: money, authorizations and their keys, the ISO 20022 message they become, the facts
// the rules decide on, the posting rules, and the journal. It imports nothing of AWS and does no input or output; every
// function is a computation over its arguments, so that a redelivered event gives the same result again.
package payment
