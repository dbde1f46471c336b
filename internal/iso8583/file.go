package iso8583

import (
	"bytes"
	"context"
	"fmt"

	"github.com/payrail/payrail/payment"
)

// MaxFile is the most bytes a file of messages may have: some thousand messages.
const MaxFile = 1 << 20

// LineError says at which line of a file a message is damaged.
type LineError struct {
	Line int
	Err  error
}

func (e *LineError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }

func (e *LineError) Unwrap() error { return e.Err }

// DecodeFile reads a file with one message per line. Empty lines, comments (#) and indented lines, which explain, are passed
// over. It overwrites the messages in file. The first damaged message ends it with a *LineError.
func (d *Decoder) DecodeFile(ctx context.Context, file []byte) ([]Message, error) {
	defer clear(file)
	if len(file) > MaxFile {
		return nil, payment.FieldErrors{{Field: "file", Problem: fmt.Sprintf("has %d bytes, more than %d", len(file), MaxFile)}}
	}
	var messages []Message
	number := 0
	for line := range bytes.Lines(file) {
		number++
		line = bytes.TrimRight(line, "\r\n") // blanks at the end may be a field's
		if len(bytes.TrimSpace(line)) == 0 || line[0] == '#' || line[0] == ' ' || line[0] == '\t' {
			continue
		}
		message, err := d.Decode(ctx, line)
		if err != nil {
			return nil, &LineError{Line: number, Err: err}
		}
		message.Line = number
		messages = append(messages, message)
	}
	if len(messages) == 0 {
		return nil, payment.FieldErrors{{Field: "file", Problem: "holds no message"}}
	}
	return messages, nil
}
