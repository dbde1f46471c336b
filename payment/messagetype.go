package payment

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Classes of messages, as MTIClass has them.
const (
	ClassAuthorization = "1"
	ClassFinancial     = "2"
	ClassReversal      = "4"
)

// messageTypes are the message types that are posted: authorizations, financial messages, reversals; of each the request and
// the advice with their repeats and answers. A repeat or an answer is the same message as what it repeats or answers. Network
// management (08xx), file actions (03xx) and the like move no money.
var messageTypes = []string{
	"0100", "0101", "0110", "0120", "0121", "0130",
	"0200", "0201", "0210", "0220", "0221", "0230",
	"0400", "0401", "0410", "0420", "0421", "0430",
}

// MTIClass is the second digit of a message type: 1 authorization, 2 financial, 4 reversal; "" for a malformed one.
func MTIClass(mti string) string {
	if len(mti) != 4 {
		return ""
	}
	return mti[1:2]
}

// IsReversal reports whether the message takes another one back.
func (a Authorization) IsReversal() bool { return MTIClass(a.MTI) == ClassReversal }

// isPresentment reports whether messages of this type present a payment, so that they can be reversed.
func isPresentment(mti string) bool {
	return slices.Contains(messageTypes, mti) && MTIClass(mti) != ClassReversal
}

// CheckMessageType says whether messages of a type are posted. The error's kind is Unsupported.
func CheckMessageType(mti string) error {
	if slices.Contains(messageTypes, mti) {
		return nil
	}
	last := len(messageTypes) - 1
	return &Error{Kind: Unsupported, Reason: "MESSAGE_TYPE_NOT_SUPPORTED",
		Err: fmt.Errorf("message type %s is not posted, only %s and %s are", mti, strings.Join(messageTypes[:last], ", "), messageTypes[last])}
}

// CheckSupported says whether a message is posted: one of the message types above with a transaction type that a posting rule
// takes, and for a reversal an original that is such a message itself. The error's kind is Unsupported.
func CheckSupported(a Authorization) error {
	if err := CheckMessageType(a.MTI); err != nil {
		return err
	}
	if a.IsReversal() && (a.Original == nil || !isPresentment(a.Original.MTI)) {
		return &Error{Kind: Unsupported, Reason: "ORIGINAL_NOT_SUPPORTED",
			Err: errors.New("a reversal takes back an authorization (01xx) or a financial message (02xx), and nothing else")}
	}
	t := a.TransactionType()
	if !slices.Contains(purchaseTypes, t) && !slices.Contains(cashTypes, t) && !slices.Contains(creditTypes, t) {
		return &Error{Kind: Unsupported, Reason: "TRANSACTION_TYPE_NOT_SUPPORTED",
			Err: fmt.Errorf("transaction type %s is not posted", t)}
	}
	return nil
}
