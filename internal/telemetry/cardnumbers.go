package telemetry

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strconv"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/internal/panguard"
)

// WithoutCardNumbers returns a handler that masks card numbers in everything a line has, message, names, values, groups and errors,
// before next writes it. Nothing should log one in the first place: this is what keeps an error text of a library, or of code not
// written yet, from taking one to where it cannot be removed. Ids, hashes and trace contexts that have the form which their name
// announces stay as they are. Of sensitive authentication data only named values are recognized.
func WithoutCardNumbers(next slog.Handler) slog.Handler { return cardNumbers{next} }

type cardNumbers struct{ next slog.Handler }

func (h cardNumbers) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

func (h cardNumbers) Handle(ctx context.Context, record slog.Record) error {
	masked := slog.NewRecord(record.Time, record.Level, mask(record.Message), record.PC)
	record.Attrs(func(a slog.Attr) bool {
		masked.AddAttrs(withoutCard(a))
		return true
	})
	return h.next.Handle(ctx, masked)
}

func (h cardNumbers) WithAttrs(attrs []slog.Attr) slog.Handler {
	masked := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		masked[i] = withoutCard(a)
	}
	return cardNumbers{h.next.WithAttrs(masked)}
}

func (h cardNumbers) WithGroup(name string) slog.Handler {
	return cardNumbers{h.next.WithGroup(mask(name))}
}

// withheld stands where a text named sensitive authentication data.
const withheld = "[sensitive authentication data]"

func mask(text string) string {
	if panguard.NamesSensitiveData(text) {
		return withheld
	}
	return panguard.Mask(text)
}

func withoutCard(a slog.Attr) slog.Attr {
	name, value := a.Key, a.Value.Resolve()
	masked := slog.Attr{Key: mask(name), Value: value}
	switch value.Kind() {
	case slog.KindBool, slog.KindTime:
		return masked
	case slog.KindGroup:
		group := make([]slog.Attr, len(value.Group()))
		for i, member := range value.Group() {
			group[i] = withoutCard(member)
		}
		masked.Value = slog.GroupValue(group...)
		return masked
	}
	if panguard.SensitiveName(name) {
		masked.Value = slog.StringValue(withheld)
		return masked
	}
	switch value.Kind() {
	case slog.KindString:
		if text := value.String(); !events.MemberHasForm(name, text) {
			masked.Value = slog.StringValue(mask(text))
		}
	case slog.KindInt64, slog.KindUint64, slog.KindDuration:
		// A duration is written as its nanoseconds.
		text := value.String()
		if value.Kind() == slog.KindDuration {
			text = strconv.FormatInt(value.Duration().Nanoseconds(), 10)
		}
		if panguard.Contains(text) {
			masked.Value = slog.StringValue(panguard.Masked)
		}
	case slog.KindFloat64:
		if panguard.Contains(strconv.FormatFloat(value.Float64(), 'f', -1, 64)) {
			masked.Value = slog.StringValue(panguard.Masked)
		}
	default:
		masked.Value = maskedAny(value)
	}
	return masked
}

// maskedAny looks at a value as it will be written: an error by its text, anything else in JSON. A value without a card number is
// handed on as it is.
func maskedAny(value slog.Value) slog.Value {
	var text string
	switch v := value.Any().(type) {
	case error:
		text = v.Error()
		if masked := mask(text); masked != text {
			return slog.StringValue(masked)
		}
		return value
	default:
		encoded, err := json.Marshal(v)
		if err != nil {
			// The handler writes the value in Go's syntax then, as the message about the failure.
			encoded = fmt.Appendf(nil, "%+v", v)
		}
		text = string(encoded)
		if _, found := panguard.FindInJSON(encoded, events.MemberHasForm); !found && !panguard.NamesSensitiveData(text) && (err == nil || !panguard.Contains(text)) {
			return value
		}
		if masked := mask(text); masked != text {
			return slog.StringValue(masked)
		}
		return slog.StringValue(panguard.Masked) // seen by its member only, such as a number with an exponent
	}
}
