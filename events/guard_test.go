package events

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/internal/panguard"
	"github.com/payrail/payrail/payment"
)

const testCard = "4111111111111111"

func TestAnEventWithACardNumberIsNotPublished(t *testing.T) {
	for name, data := range map[string]any{
		"description":  map[string]any{"description": "REFUND TO " + testCard},
		"nested":       map[string]any{"payment": map[string]any{"merchant": map[string]any{"name": "4111-1111-1111-1111"}}},
		"encoded":      map[string]any{"message": base64.StdEncoding.EncodeToString([]byte(testCard))},
		"a hash of it": map[string]any{"payloadHash": testCard},
		"a token":      map[string]any{"panToken": testCard},
		"an account":   map[string]any{"account": map[string]any{"iban": "GB00" + testCard, "accountId": "1"}},
		"an id":        map[string]any{"authorizationId": testCard},
		"a number":     map[string]any{"minor": 4111111111111111},
		"a name":       map[string]any{testCard: 1},
	} {
		t.Run(name, func(t *testing.T) {
			bad, err := New(TransactionEnriched, SourceEnrich, Metadata{EventID: "tx_1/TransactionEnriched"}, data)
			require.NoError(t, err)
			bus := &scriptedBus{}
			failures := NewPublisher(bus, "bus", noWait).Publish(context.Background(), append(numbered(2), bad))
			require.Len(t, failures, 1)
			require.Equal(t, payment.Invalid, payment.KindOf(failures[2]), "it fails again, however often it is tried")
			require.Equal(t, ReasonCardNumber, payment.ReasonOf(failures[2]))
			require.False(t, panguard.Contains(failures[2].Error()), failures[2].Error())
			require.Equal(t, [][]string{{"0", "1"}}, bus.calls, "the others are put")
		})
	}
}

func TestACardNumberInMetadataIsNotPublished(t *testing.T) {
	for name, metadata := range map[string]Metadata{
		"correlation": {CorrelationID: testCard}, "event": {EventID: "tx_1/TransactionRejected/" + testCard}, "group": {EventGroupID: testCard},
		"cause": {CausationID: "4111-1111-1111-1111"}, "replay": {Replay: testCard}, "trace": {Traceparent: "00-" + testCard + testCard + "-01"},
	} {
		bad, err := New(TransactionRejected, SourceDedup, metadata, struct{}{})
		require.NoError(t, err)
		require.ErrorContains(t, checkForCardNumbers(bad), "holds a card number", name)
	}
}

func TestEveryExampleIsPublished(t *testing.T) {
	files, err := filepath.Glob("examples/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		require.NoError(t, checkForCardNumbers(Event{Detail: raw}), file)
	}
}

func TestForms(t *testing.T) {
	hash, id := strings.Repeat("0123456789abcdef", 4), "3Y375A7QOMLESZ64RE6ZRDZLFY"
	for _, tc := range []struct {
		name, value string
		want        bool
	}{
		{"payloadHash", hash, true}, {"contentHash", hash, true}, {"checksum", hash, true}, {"payloadHash", hash[:63], false},
		{"payloadHash", strings.Repeat("34", 32), false}, {"name", hash, false},
		{"transactionId", "tx_" + id, true}, {"postingSequence", "ps_" + id + "-00", true}, {"transactionId", testCard, false},
		{"items", "9b103ddf-b1ab-4a38-b4a9-66ad0b0c4380", true}, {"items", "2026/07/09/MALFORMED/auth-1-0123456789abcdef.json", true}, {"items", testCard, false},
		{"businessKey", id + id, true}, {"panToken", "tok_v1_" + id, true}, {"panToken", "tok_v4111111111111111_" + id, false},
		{"traceparent", "00-b47ce70b6738e6c809f4a73b51a81862-2b08fc47a9d8466c-01", true}, {"traceparent", "4111111111111111", false},
		{"correlationId", "01JZQ4V9X3N8W5T2R7Y6P1M0KD", true}, {"correlationId", "00000000004111111111111111", false},
		{"correlationId", "9b2b7f4e-4111-4111-9111-111111111111", true}, {"correlationId", "41111111-1111-1111-1111-111111111111", false},
		{"requestId", "9b2b7f4e-4111-4111-9111-111111111111", true}, {"correlationId", "withheld-c4ca4238a0b923820dcc509a6f75849b", true},
		{"iban", "GB29NWBK60161331926819", true}, {"iban", "DE89370400440532013000", true}, {"iban", "GB28NWBK60161331926819", false},
		{"Id", "GB29NWBK60161331926819", true}, {"lifecycleId", "378282246310005", true}, {"LifeCyclId", "378282246310005", true}, {"lifecycleId", testCard, false},
		{"eventId", "tx_" + id + "/DuplicateConflictDetected/9b2b7f4e-4111-4111-9111-111111111111/4111111111111111", true},
		{"eventId", "tx_" + id + "/DuplicateConflictDetected/4111111111111111/1f8e89f1237b7e30", false},
		{"object", "2026/07/09/CONFLICT/auth-e2-4111111111111111.json", true}, {"object", "2026/07/09/CONFLICT/4111111111111111-1f8e89f1237b7e30.json", false},
	} {
		require.Equal(t, tc.want, MemberHasForm(tc.name, tc.value), "%s %s", tc.name, tc.value)
	}
}

const crockford, base32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ", "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

// ids makes what machines make, from a seed.
type ids struct{ *rand.Rand }

func (r ids) from(alphabet string, n int) string {
	b := make([]byte, n)
	var bits uint64
	for i := range b {
		if i%8 == 0 {
			bits = r.Uint64() // eight bits for each of eight characters: even enough
		}
		b[i] = alphabet[int(bits&0xff)*len(alphabet)>>8]
		bits >>= 8
	}
	return string(b)
}

func (r ids) hex(n int) string { return r.from("0123456789abcdef", n) }

func (r ids) uuid() string {
	return r.hex(8) + "-" + r.hex(4) + "-4" + r.hex(3) + "-" + r.from("89ab", 1) + r.hex(3) + "-" + r.hex(12)
}

// A million of each, where it stands in an event or a log line: an alarm on one would stop a payment.
func TestAMillionRandomIdentifiersRaiseNoAlarm(t *testing.T) {
	const count, documents = 1_000_000, 20_000
	r := ids{rand.New(rand.NewPCG(20260709, 1))}
	for n := range count {
		key, authorization := r.from(base32, 52), r.uuid()
		if n%2 == 0 {
			authorization = r.from("01234567", 1) + r.from(crockford, 25) // a ULID
		}
		members := [...][2]string{
			{"eventId", "tx_" + key[:26] + "/TransactionRejected/" + authorization + "/" + r.hex(16)}, {"transactionId", "tx_" + key[:26]},
			{"correlationId", authorization}, {"causationId", r.hex(32)}, {"traceparent", "00-" + r.hex(32) + "-" + r.hex(16) + "-01"},
			{"eventGroupId", "tok_v1_" + key[26:]}, {"lifecycleId", r.from("0123456789", 15)}, {"rrn", r.from("0123456789", 12)},
			{"payloadHash", r.hex(64)}, {"businessKey", key}, {"postingSequence", "ps_" + key[:26] + "-00"},
			{"object", "2026/07/09/CONFLICT/" + authorization + "-" + r.hex(16) + ".json"},
		}
		for _, m := range members {
			if !MemberHasForm(m[0], m[1]) && panguard.Contains(m[1]) {
				t.Fatalf("%d: an alarm on %s %s", n, m[0], m[1])
			}
		}
		if n < documents {
			fields := map[string]string{}
			for _, m := range members {
				fields[m[0]] = m[1]
			}
			detail, err := json.Marshal(map[string]any{"metadata": fields})
			require.NoError(t, err)
			require.NoError(t, checkForCardNumbers(Event{Detail: detail}))
		}
	}
}

// The same values in free text would raise alarms: the forms are what keeps them quiet, not luck.
func TestTheSameIdentifiersInFreeTextWouldRaiseAlarms(t *testing.T) {
	r := ids{rand.New(rand.NewPCG(20260709, 2))}
	alarms := 0
	for range 10_000 {
		if panguard.Contains(r.from("0123456789", 15)) {
			alarms++
		}
	}
	require.InDelta(t, 175, alarms, 60, "1 to 2 in a hundred of 15 random digits")
}

func TestACardNumberBesideAnyIdentifierIsFound(t *testing.T) {
	detail, err := json.Marshal(map[string]string{"payloadHash": strings.Repeat("0123456789abcdef", 4), "note": hex.EncodeToString([]byte(testCard))})
	require.NoError(t, err)
	member, found := panguard.FindInJSON(detail, MemberHasForm)
	require.True(t, found)
	require.Equal(t, "note", member)
}

func BenchmarkCheckForCardNumbers(b *testing.B) {
	for _, name := range []string{"TransactionEnriched", "TransactionPosted"} {
		raw, err := os.ReadFile("examples/" + name + ".json")
		require.NoError(b, err)
		var envelope Envelope
		require.NoError(b, json.Unmarshal(raw, &envelope))
		var compact strings.Builder
		var detail any
		require.NoError(b, json.Unmarshal(envelope.Detail, &detail))
		require.NoError(b, json.NewEncoder(&compact).Encode(detail))
		event := Event{DetailType: envelope.DetailType, Detail: json.RawMessage(compact.String())}
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(event.Detail)))
			for b.Loop() {
				if err := checkForCardNumbers(event); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
