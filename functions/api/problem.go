package main

import (
	"encoding/json"
	"net/http"
)

// problemType is the media type of RFC 9457.
const problemType = "application/problem+json"

// The types of problem. They are names, not addresses.
const (
	typeInvalidParameter = "urn:payrail:problem:invalid-parameter"
	typeNotFound         = "urn:payrail:problem:not-found"
	typeAmbiguous        = "urn:payrail:problem:ambiguous-id"
	typeDisputeRefused   = "urn:payrail:problem:dispute-refused"
	typeKeyReused        = "urn:payrail:problem:idempotency-key-reused"
	typeBusy             = "urn:payrail:problem:busy"
	typeInternal         = "urn:payrail:problem:internal"
)

// fieldProblem says what is wrong with one parameter. It never repeats the value: that may be a card number.
type fieldProblem struct {
	Field   string `json:"field"`
	Problem string `json:"problem"`
}

// problem is an answer that is no success, in the form of RFC 9457.
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"`
	// Reason is the code of a refusal.
	Reason string `json:"reason,omitempty"`
	// Errors are the parameters at fault.
	Errors []fieldProblem `json:"errors,omitempty"`
	// TransactionIDs are what an ambiguous id could mean.
	TransactionIDs []string `json:"transactionIds,omitempty"`
}

func (p *problem) Error() string { return p.Title }

// body is the problem as JSON. Its instance names the request, by which the operators find it in the logs.
func (p *problem) body(requestID string) ([]byte, error) {
	instance := ""
	if requestID != "" {
		instance = "urn:payrail:request:" + requestID
	}
	return json.Marshal(struct {
		*problem
		Instance string `json:"instance,omitempty"`
	}{p, instance})
}

func invalid(fields ...fieldProblem) *problem {
	return &problem{Type: typeInvalidParameter, Title: "A parameter is not valid", Status: http.StatusBadRequest, Errors: fields}
}

func notFound(title, detail string) *problem {
	return &problem{Type: typeNotFound, Title: title, Status: http.StatusNotFound, Detail: detail}
}
