package payment

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Reasons for which intake rejects a message, besides those of its form and its type.
const (
	ReasonNotApproved  = "NOT_APPROVED"
	ReasonBadAmount    = "BAD_AMOUNT"
	ReasonNonFinancial = "NON_FINANCIAL"
	reasonMessageType  = "MESSAGE_TYPE_NOT_SUPPORTED"
	reasonType         = "TRANSACTION_TYPE_NOT_SUPPORTED"
)

// approvedCodes are the response codes (DE39) of an approval: 00, with identification 08, in part 10, VIP 11, no reason to
// decline 85, purchase amount only 87. They are of ISO 8583 and not a setting.
var approvedCodes = []string{"00", "08", "10", "11", "85", "87"}

// CheckApproved says whether there is a liability at all: rejected is what nobody approved and what moves no money
// . A reversal's response code is no approval, in many networks it is the reason of the reversal: it is not looked at.
func CheckApproved(a Authorization) error {
	if !a.IsReversal() && a.ResponseCode != "" && !slices.Contains(approvedCodes, a.ResponseCode) {
		return &Error{Kind: Invalid, Reason: ReasonNotApproved, Err: fmt.Errorf("response code %s is no approval, only %s are", a.ResponseCode, strings.Join(approvedCodes, ", "))}
	}
	if t := a.TransactionType(); strings.HasPrefix(t, inquiries) {
		return &Error{Kind: Invalid, Reason: ReasonNonFinancial, Err: fmt.Errorf("transaction type %s is an inquiry: it moves no money", t)}
	}
	return nil
}

// inquiries is the first digit of the transaction types 30 to 39.
const inquiries = "3"

// amountFields are the fields of an item that make amounts.
var amountFields = []string{"transactionAmount", "transactionCurrency", "billingAmount", "billingCurrency", "settlementAmount", "settlementCurrency",
	"replacementAmount", "replacementBillingAmount"}

// RuleOf names the rule of the catalogue by which intake rejects a message for err, "" where none is it: a message that is
// malformed otherwise.
func RuleOf(err error) string {
	if onlyAmounts(err) {
		return RuleBadAmount
	}
	switch ReasonOf(err) {
	case ReasonNotApproved, reasonMessageType:
		return RuleNotApproved
	case ReasonBadAmount:
		return RuleBadAmount
	case ReasonNonFinancial, reasonType:
		return RuleNonFinancial
	default:
		return ""
	}
}

// onlyAmounts reports whether all that is wrong with a message are its amounts.
func onlyAmounts(err error) bool {
	fields, ok := errors.AsType[FieldErrors](err)
	return ok && !slices.ContainsFunc(fields, func(e FieldError) bool { return !slices.Contains(amountFields, e.Field) })
}
