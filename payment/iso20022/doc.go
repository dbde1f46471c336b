// Package iso20022 writes payments as ISO 20022 messages: cain.003 (financial initiation, whose types are in package payment
// because they travel on the bus), cain.005 (reversal initiation) and camt.054 (debit and credit notification).
//
// The structs hold only what Payrail emits, in the order of the schemas; field names are the XML short tags, so that JSON and
// XML names coincide. All amounts and rates are strings. JSON is the form on the bus, XML an export; one converts to the
// other without loss.
package iso20022
