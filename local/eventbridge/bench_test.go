package eventbridge

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/payrail/payrail/local/clock"
	"github.com/payrail/payrail/local/storage"
)

type nullTargets struct{}

func (nullTargets) Deliver(context.Context, Target, []byte) error { return nil }

func (nullTargets) DeliverBatch(_ context.Context, _ Target, payloads [][]byte) []error {
	return make([]error, len(payloads))
}

// BenchmarkPutEvents puts ten events of 3 KB on a bus with ten rules, of which three match, and an archive.
func BenchmarkPutEvents(b *testing.B) {
	s, err := New(Options{Clock: clock.NewScaled(1), Store: storage.NewMemory(), Region: "us-east-1", Account: "000000000000", Targets: nullTargets{}})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	for i := range 10 {
		name := fmt.Sprintf("type%d", i)
		if i < 3 {
			name = "type0"
		}
		rule := fmt.Sprintf("rule%d", i)
		if _, err := s.PutRule(Rule{Name: rule, EventPattern: `{"source":[{"prefix":"payrail."}],"detail-type":["` + name + `"]}`}); err != nil {
			b.Fatal(err)
		}
		if err := s.PutTargets("", rule, []Target{{ID: "t", ARN: queueA}}); err != nil {
			b.Fatal(err)
		}
	}
	if _, err := s.CreateArchive(Archive{Name: "all"}); err != nil {
		b.Fatal(err)
	}
	entries := make([]Entry, 10)
	for i := range entries {
		entries[i] = Entry{Source: "payrail.enrich", DetailType: "type0", Detail: []byte(`{"data":[` + strings.Repeat(`{"amount":"79.25","currency":"GBP"},`, 83) + `{}]}`)}
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.PutEvents(context.Background(), entries); err != nil {
			b.Fatal(err)
		}
	}
	if err := s.Idle(context.Background()); err != nil {
		b.Fatal(err)
	}
}
