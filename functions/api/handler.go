package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"

	lambdaevents "github.com/aws/aws-lambda-go/events"

	"github.com/payrail/payrail/internal/ledger"
	"github.com/payrail/payrail/internal/timeline"
)

// The routes, as the gateway names them. The stack declares these and no others; the OpenAPI document describes them.
const (
	routeBalances    = "GET /accounts/{id}/balances"
	routeEntries     = "GET /accounts/{id}/entries"
	routeTransaction = "GET /transactions/{id}"
	routeOpenDispute = "POST /transactions/{id}/disputes"
	routeDispute     = "GET /disputes/{id}"
)

// ledgerReader models ledger.Reader. It is safe for concurrent use.
type ledgerReader interface {
	Balances(ctx context.Context, accountID string) ([]ledger.Balance, error)
	Entries(ctx context.Context, accountID string, page ledger.Page) (entries []ledger.Entry, next string, err error)
	Journal(ctx context.Context, sequence string) (record ledger.Record, found bool, err error)
}

// timelineReader models timeline.Reader. It is safe for concurrent use.
type timelineReader interface {
	Trace(ctx context.Context, id string) ([]timeline.Entry, error)
}

// endpoint answers one route: with what becomes the JSON body, or with an error, which is a *problem where the caller can do
// something about it.
type endpoint func(context.Context, lambdaevents.APIGatewayV2HTTPRequest) (any, error)

// created is an answer about something that the request made, which can be asked for at location from then on.
type created struct {
	location string
	body     any
}

// handler answers the requests that the gateway has authorized and routed.
type handler struct {
	ledger   ledgerReader
	timeline timelineReader
	disputes disputeDesk
	logger   *slog.Logger
	routes   map[string]endpoint
}

func newHandler(l ledgerReader, t timelineReader, d disputeDesk, logger *slog.Logger) *handler {
	h := &handler{ledger: l, timeline: t, disputes: d, logger: logger}
	h.routes = map[string]endpoint{routeBalances: h.balances, routeEntries: h.entries, routeTransaction: h.transaction,
		routeOpenDispute: h.openDispute, routeDispute: h.dispute}
	return h
}

// handle answers one request. It returns no error: to the gateway an error would be a 500 without an explanation.
func (h *handler) handle(ctx context.Context, request lambdaevents.APIGatewayV2HTTPRequest) (lambdaevents.APIGatewayV2HTTPResponse, error) {
	answer, known := h.routes[request.RouteKey]
	if !known {
		return h.refuse(ctx, request, &problem{Status: http.StatusNotFound, Type: typeNotFound, Title: "No such resource"}), nil
	}
	body, err := answer(ctx, request)
	if err != nil {
		return h.refuse(ctx, request, err), nil
	}
	made, isNew := body.(created)
	if isNew {
		body = made.body
	}
	text, err := json.Marshal(body)
	if err != nil {
		return h.refuse(ctx, request, err), nil
	}
	if !isNew {
		return respond(http.StatusOK, "application/json", text), nil
	}
	response := respond(http.StatusCreated, "application/json", text)
	response.Headers["Location"] = made.location
	return response, nil
}

// refuse turns an error into problem details. Only a failure on this side is logged, and its text stays here.
func (h *handler) refuse(ctx context.Context, request lambdaevents.APIGatewayV2HTTPRequest, err error) lambdaevents.APIGatewayV2HTTPResponse {
	var told *problem
	if !errors.As(err, &told) {
		h.logger.ErrorContext(ctx, "answering failed", "route", request.RouteKey, "gatewayRequestId", request.RequestContext.RequestID, "error", err)
		told = &problem{Status: http.StatusInternalServerError, Type: typeInternal, Title: "The request could not be answered",
			Detail: "Try again, with the same Idempotency-Key if there is one; if it stays, tell the operators the instance."}
	}
	body, err := told.body(request.RequestContext.RequestID)
	if err != nil {
		h.logger.ErrorContext(ctx, "encoding the problem failed", "error", err)
		return respond(http.StatusInternalServerError, problemType, []byte(`{"status":500}`))
	}
	return respond(told.Status, problemType, body)
}

// respond makes a response that nobody on the way may keep: it is about somebody's money.
func respond(status int, contentType string, body []byte) lambdaevents.APIGatewayV2HTTPResponse {
	return lambdaevents.APIGatewayV2HTTPResponse{StatusCode: status, Body: string(body), Headers: map[string]string{
		"Content-Type": contentType, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
	}}
}
