package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/internal/authorizationitem"
)

// The examples of the contract are what dedup says of the same items, to the last character.
func TestTheContractsExamplesAreWhatDedupEmits(t *testing.T) {
	const recordID = "c4ca4238a0b923820dcc509a6f75849b"
	e2 := func(changes ...string) authorizationitem.Item {
		return item(t, append([]string{
			"authorizationId", `{"S":"auth-e2"}`, "mti", `{"S":"0110"}`, "panToken", `{"S":"tok_v1_7Q2M7XKD4ZP5R6TB3W5YHC2NEF"}`,
			"transactionAmount", `{"N":"10000"}`, "transactionCurrency", `{"S":"USD"}`, "billingAmount", `{"N":"7925"}`, "conversionRate", `{"S":"0.7925"}`,
			"stan", `{"S":"123457"}`, "localDate", `{"S":"2026-07-09"}`, "settlementDate", `{"S":"2026-07-10"}`, "rrn", `{"S":"519010123457"}`,
			"mcc", `{"S":"7995"}`, "merchantName", `{"S":"BETCO"}`, "merchantCity", `{"S":"NEW YORK"}`, "merchantCountry", `{"S":"US"}`,
			"acquirerCountry", `{"S":"840"}`, "posEntryMode", `{"S":"051"}`,
		}, changes...)...)
	}
	for detailType, image := range map[events.DetailType]authorizationitem.Item{
		events.DuplicateTransactionParked: e2("authorizationId", `{"S":"auth-e2-again"}`),
		events.DuplicateConflictDetected:  e2("authorizationId", `{"S":"auth-e2-other"}`, "merchantName", `{"S":"BETCO 2"}`),
		events.TransactionRejected:        e2("authorizationId", `{"S":"auth-e2-inquiry"}`, "processingCode", `{"S":"310000"}`),
		events.TransactionQuarantined:     e2("merchantName", `{"S":"BETCO `+pan+`"}`),
	} {
		t.Run(string(detailType), func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join("..", "..", "events", "examples", string(detailType)+".json"))
			require.NoError(t, err)
			var want events.Envelope
			require.NoError(t, json.Unmarshal(text, &want))

			w := newWorld()
			w.run(t, insert(t, 0, e2()))
			w.now = time.Date(2026, 7, 9, 10, 15, 31, 163e6, time.UTC)
			w.run(t, strings.NewReplacer(`"r1"`, `"`+recordID+`"`, "1783592131", "1783592131.123").Replace(insert(t, 1, image)))
			require.Len(t, w.published, 1)
			require.Equal(t, want.DetailType, w.published[0].DetailType)
			require.Equal(t, want.Source, w.published[0].Source)
			require.JSONEq(t, string(want.Detail), string(w.published[0].Detail))
		})
	}
}
