// Package iso8583 turns card authorization messages into authorization items: ISO 8583:1987 in ASCII, and the fixed layout of
// the AWS guidance for event-driven payment systems. It is the only place where a card number is in the clear, and only until
// it is tokenized: nothing of a message is logged, kept or shown, errors name fields and never values. Messages with sensitive
// authentication data (track, PIN, chip data) are refused as a whole.
package iso8583
