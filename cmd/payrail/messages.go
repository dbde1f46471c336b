package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/payrail/payrail/internal/directory"
	"github.com/payrail/payrail/internal/iso8583"
	"github.com/payrail/payrail/payment"
)

// outgoing is an authorization to be sent. from is its file, with the line where the file has several.
type outgoing struct {
	from string
	item map[string]types.AttributeValue
}

// holdsMessages reports whether a file holds ISO 8583 messages: it starts with a digit or a comment. What is no such file is
// taken for an item, and reading it says what is wrong with it.
func holdsMessages(raw []byte) bool {
	head := bytes.TrimSpace(raw)
	return len(head) > 0 && (head[0] == '#' || (head[0] >= '0' && head[0] <= '9'))
}

// decodeMessages decodes a file of ISO 8583 messages, which it overwrites, and, unless it is sent as it is, moves its times to now.
func (a *application) decodeMessages(ctx context.Context, d *deployment, path string, raw []byte, asIs bool) ([]outgoing, error) {
	decoder, err := d.decoder()
	if err != nil {
		return nil, err
	}
	messages, err := decoder.DecodeFile(ctx, raw)
	if err != nil {
		return nil, damaged(path, err)
	}
	if !asIs {
		if err := iso8583.Restamp(messages, time.Now()); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	all := make([]outgoing, len(messages))
	for i, m := range messages {
		all[i] = outgoing{from: fmt.Sprintf("%s:%d", path, m.Line), item: m.Item}
		for _, note := range m.Notes {
			fmt.Fprintf(a.stderr, "payrail: %s: note: %s\n", all[i].from, note)
		}
	}
	return all, nil
}

// damaged says which message of a file is damaged and where; what comes from AWS stays as it is.
func damaged(path string, err error) error {
	var fields payment.FieldErrors
	if !errors.As(err, &fields) {
		return fmt.Errorf("%s: %w", path, err)
	}
	where := path
	var line *iso8583.LineError
	if errors.As(err, &line) {
		where = fmt.Sprintf("%s:%d", path, line.Line)
	}
	return misused(where+": "+fields.Error(), "correct the message and send again; nothing was sent")
}

// decoder decodes messages with the stack's token key and reference data.
func (d *deployment) decoder() (*iso8583.Decoder, error) {
	tokens, err := d.tokenizer()
	if err != nil {
		return nil, err
	}
	accounts, err := d.output("AccountsTable")
	if err != nil {
		return nil, err
	}
	reference, err := d.output("ReferenceTable")
	if err != nil {
		return nil, err
	}
	return &iso8583.Decoder{Tokens: tokens, Reference: directory.NewReader(d.dynamodb(), accounts, reference), Now: time.Now}, nil
}
