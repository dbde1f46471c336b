package main

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
)

const (
	// cursorVersion starts every cursor: a later form can tell its own from these.
	cursorVersion = 1
	// checkBytes is how much of the check is kept: enough that no cursor of another account fits by accident.
	checkBytes = 8
	// maxCursor is the longest cursor taken; a position is a time, a sequence id and a leg, about 70 bytes.
	maxCursor = 256
)

var errCursor = errors.New("the cursor was not made for this account")

// encodeCursor makes the opaque form of a place in an account's entries. What is in it is in the answer as well, the last
// entry's time, sequence and leg; it holds no key of a table. The check binds it to the account: it guards against mixed-up and
// mangled cursors. It is no secret and needs none, because a forged one leads only to another place in the same account.
func encodeCursor(accountID, position string) string {
	check := cursorCheck(accountID, position)
	raw := make([]byte, 0, 1+checkBytes+len(position))
	raw = append(raw, cursorVersion)
	raw = append(raw, check...)
	raw = append(raw, position...)
	return base64.RawURLEncoding.EncodeToString(raw)
}

func decodeCursor(accountID, cursor string) (position string, err error) {
	if len(cursor) > maxCursor {
		return "", errCursor
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil || len(raw) <= 1+checkBytes || raw[0] != cursorVersion {
		return "", errCursor
	}
	check, position := raw[1:1+checkBytes], string(raw[1+checkBytes:])
	if subtle.ConstantTimeCompare(check, cursorCheck(accountID, position)) != 1 {
		return "", errCursor
	}
	return position, nil
}

func cursorCheck(accountID, position string) []byte {
	sum := sha256.Sum256([]byte("entries, newest first\x00" + accountID + "\x00" + position))
	return sum[:checkBytes]
}
