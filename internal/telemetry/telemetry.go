// Package telemetry makes the structured logger of a function. A failure is logged once, at the boundary where it is
// handled; everything below returns errors.
package telemetry

import (
	"context"
	"io"
	"log/slog"

	"github.com/aws/aws-lambda-go/lambdacontext"
)

// NewLogger returns a logger that writes JSON lines to w in the form of Lambda's own (timestamp, level, message), with the
// request id of the invocation in the context and without card numbers. lookup is os.LookupEnv; LOG_LEVEL is DEBUG, INFO (the default), WARN or ERROR.
func NewLogger(w io.Writer, lookup func(string) (string, bool)) *slog.Logger {
	level := slog.LevelInfo
	text, set := lookup("LOG_LEVEL")
	var invalid error
	if set && text != "" {
		invalid = level.UnmarshalText([]byte(text))
	}
	logger := slog.New(requestID{WithoutCardNumbers(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: lambdaNames}))})
	if name, ok := lookup("AWS_LAMBDA_FUNCTION_NAME"); ok {
		logger = logger.With("function", name)
	}
	if invalid != nil {
		logger.Warn("LOG_LEVEL is not a level, using INFO", "value", text)
	}
	return logger
}

// lambdaNames renames slog's top-level keys to those of Lambda's JSON log format, so that log level filters and queries
// treat the platform's lines and ours alike.
func lambdaNames(groups []string, a slog.Attr) slog.Attr {
	if len(groups) > 0 {
		return a
	}
	switch a.Key {
	case slog.TimeKey:
		a.Key = "timestamp"
	case slog.MessageKey:
		a.Key = "message"
	}
	return a
}

// requestID adds the invocation's request id to every line that is logged with its context.
type requestID struct{ slog.Handler }

func (h requestID) Handle(ctx context.Context, record slog.Record) error {
	if invocation, ok := lambdacontext.FromContext(ctx); ok {
		record.AddAttrs(slog.String("requestId", invocation.AwsRequestID))
	}
	return h.Handler.Handle(ctx, record)
}

func (h requestID) WithAttrs(attrs []slog.Attr) slog.Handler {
	return requestID{h.Handler.WithAttrs(attrs)}
}

func (h requestID) WithGroup(name string) slog.Handler { return requestID{h.Handler.WithGroup(name)} }
