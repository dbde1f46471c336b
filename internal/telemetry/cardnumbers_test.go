package telemetry

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/payrail/payrail/internal/panguard"
)

const card = "4111111111111111"

// resolved hides its card number until it is logged.
type resolved struct{ number string }

func (r resolved) LogValue() slog.Value { return slog.GroupValue(slog.String("number", r.number)) }

func TestCardNumbersDoNotReachTheLog(t *testing.T) {
	log := func(attributes ...any) func(*slog.Logger) {
		return func(l *slog.Logger) { l.Error("failed", attributes...) }
	}
	for name, write := range map[string]func(*slog.Logger){
		"message":          func(l *slog.Logger) { l.Info("posting " + card + " failed") },
		"text":             log("text", "of 4111-1111-1111-1111"),
		"encoded":          log("body", base64.StdEncoding.EncodeToString([]byte(`{"pan":"`+card+`"}`))),
		"name":             log(card, "x"),
		"number":           log("n", 4111111111111111),
		"unsigned":         log("n", uint64(4111111111111111)),
		"float":            log("n", 4111111111111111.0),
		"duration":         log("n", time.Duration(4111111111111111)),
		"error":            log("error", fmt.Errorf("decoding: %w", errors.New("bad value "+card))),
		"joined errors":    log("error", errors.Join(errors.New("one"), errors.New("4111 1111 1111 1111"))),
		"struct":           log("item", struct{ Name, Note string }{"ACME", card}),
		"map":              log("item", map[string]any{"a": []any{1, card}}),
		"slice":            log("fields", []string{"x", card}),
		"bytes":            log("body", []byte(card)),
		"unencodable":      log("f", struct{ F, G any }{func() {}, card}),
		"group":            log(slog.Group("request", "user", "x", slog.Group("card", "number", card))),
		"log valuer":       log("card", resolved{card}),
		"with":             func(l *slog.Logger) { l.With("card", card).Info("x") },
		"with group":       func(l *slog.Logger) { l.WithGroup("g").With("card", card).WithGroup(card).Info("x", "card", card) },
		"an id":            log("transactionId", card),
		"a token":          log("panToken", card),
		"a hash":           log("payloadHash", strings.Repeat("0", 48)+card),
		"security code":    log("cvv2", "123"),
		"in an error":      log("error", errors.New(`parsing {"cvv2":"123"}`)),
		"PIN block":        log("pinBlock", []byte{1, 0x23}),
		"not a string PIN": log("pin", 123),
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			write(NewLogger(&out, environment(nil)))
			require.False(t, panguard.Contains(out.String()), out.String())
			require.NotContains(t, out.String(), card)
			_, afterTheTime, _ := strings.Cut(out.String(), `"level"`) // its digits come as they please
			require.NotContains(t, afterTheTime, "123")
			require.Regexp(t, `card number|sensitive`, out.String())
			require.Len(t, lines(t, &out), 1, "it is still one line of JSON")
		})
	}
}

func TestOtherLinesAreWrittenAsTheyAre(t *testing.T) {
	plain := func(out *bytes.Buffer) *slog.Logger {
		return slog.New(slog.NewJSONHandler(out, &slog.HandlerOptions{AddSource: true, ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}}))
	}
	var want, got bytes.Buffer
	for _, l := range []*slog.Logger{plain(&want), slog.New(WithoutCardNumbers(plain(&got).Handler()))} {
		l.With("function", "dedup").WithGroup("g").Error("message failed",
			"transactionId", "tx_3Y375A7QOMLESZ64RE6ZRDZLFY", "eventId", "ps_3Y375A7QOMLESZ64RE6ZRDZLFY-00/PostingLegCreated/2",
			"correlationId", "9b2b7f4e-4111-4111-9111-111111111111", "requestId", "41111111-1111-4111-8111-111111111111",
			"traceparent", "00-41111111111111114111111111111111-4111111111111111-01", "payloadHash", strings.Repeat("41111111111111e1", 4),
			"lifecycleId", "378282246310005", "n", 12, "f", 0.5, "yes", true, "took", time.Second, "at", time.Unix(1783592131, 0).UTC(),
			"error", errors.New("throttled"), "fields", []string{"merchantName"}, "stack", "main.go:12 +0x1a5\n", slog.Group("m", "a", 1), "none", nil)
	}
	require.Equal(t, want.String(), got.String())
}

func TestTheHandlerKeepsTheLevel(t *testing.T) {
	var out bytes.Buffer
	l := NewLogger(&out, environment(map[string]string{"LOG_LEVEL": "ERROR"}))
	l.Info("not written")
	require.Empty(t, out.String())
}

func TestNoTextGetsACardNumberPastTheHandler(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		before, after := rapid.String().Draw(t, "before"), rapid.StringMatching(`\PN.*`).Draw(t, "after")
		var out bytes.Buffer
		NewLogger(&out, environment(nil)).Info("x", "text", before+" , 4111 1111 1111 1111"+after, "error", errors.New(before+"; 4111-1111-1111-1111"))
		require.NotContains(t, out.String(), "4111 1111 1111 1111")
		require.NotContains(t, out.String(), "4111-1111-1111-1111")
	})
}

func BenchmarkLine(b *testing.B) {
	l := NewLogger(discard{}, environment(nil))
	b.ReportAllocs()
	for b.Loop() {
		l.Warn("item parked", "transactionId", "tx_3Y375A7QOMLESZ64RE6ZRDZLFY", "authorizationId", "auth-e2", "kind", "CONFLICT", "reason", "CONFLICT",
			"object", "2026/07/09/CONFLICT/auth-e2-other-1f8e89f1237b7e30.json")
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
