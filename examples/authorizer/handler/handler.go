// Package handler takes ISO 8583 messages of approved authorizations and writes them to the authorizations table.
package handler

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/payrail/payrail/internal/ingest"
	"github.com/payrail/payrail/internal/iso8583"
	"github.com/payrail/payrail/payment"
)

// MaxMessages bounds a request: each message takes two or three calls, one after the other, within the function's time.
const MaxMessages = 100

// Decoder turns a message into an item, and overwrites the message.
type Decoder interface {
	Decode(ctx context.Context, message []byte) (iso8583.Message, error)
}

// Client models the DynamoDB client as far as it is used.
type Client interface {
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
}

// Handler is the function. It is safe for concurrent use.
type Handler struct {
	Decoder Decoder
	Client  Client
	Table   string
	Logger  *slog.Logger
	// Now is when a message comes in.
	Now func() time.Time
}

// Request holds messages: ISO 8583:1987 in ASCII or hexadecimal, or the layout of the AWS guidance.
type Request struct {
	Messages []string `json:"messages"`
}

// Response has an answer for each message, in their order.
type Response struct {
	Answers []Answer `json:"answers"`
}

// Answer is what became of a message: either its authorization's id or why it is refused. A reason names fields, never values.
type Answer struct {
	AuthorizationID string   `json:"authorizationId,omitempty"`
	Refused         string   `json:"refused,omitempty"`
	Notes           []string `json:"notes,omitempty"`
}

// Handle takes what can be taken: a damaged message is answered and does not hold up the others. An error means that a service
// failed; the whole request can be sent again then, for a message is the same authorization however often it is sent.
func (h *Handler) Handle(ctx context.Context, request Request) (Response, error) {
	if len(request.Messages) > MaxMessages {
		return Response{}, fmt.Errorf("a request has %d messages, more than %d", len(request.Messages), MaxMessages)
	}
	response := Response{Answers: make([]Answer, len(request.Messages))}
	accepted := 0
	for i, text := range request.Messages {
		request.Messages[i] = ""
		answer, err := h.take(ctx, []byte(text))
		if err != nil {
			h.Logger.ErrorContext(ctx, "request failed", "message", i+1, "error", err)
			return Response{}, fmt.Errorf("message %d: %w", i+1, err)
		}
		if response.Answers[i] = answer; answer.Refused == "" {
			accepted++
		}
	}
	h.Logger.InfoContext(ctx, "request done", "accepted", accepted, "refused", len(request.Messages)-accepted)
	return response, nil
}

func (h *Handler) take(ctx context.Context, text []byte) (Answer, error) {
	message, err := h.Decoder.Decode(ctx, text)
	var damage payment.FieldErrors
	if errors.As(err, &damage) {
		return Answer{Refused: damage.Error()}, nil
	}
	if err != nil {
		return Answer{}, err
	}
	answer := Answer{AuthorizationID: message.Item.ID(), Notes: message.Notes}
	// Overwriting is harmless: the id follows from the content, and an identical item makes no stream record.
	if _, err := ingest.Put(ctx, h.Client, h.Table, message.Item, h.Now()); err != nil {
		return Answer{}, err
	}
	return answer, nil
}
