package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/payment"
)

const pan = "4111111111111111"

// Wherever a card number stands: it is reported by place, kept in the quarantine bucket, and gone from everywhere else.
func TestACardNumberIsQuarantinedAndScrubbed(t *testing.T) {
	for name, tc := range map[string]struct {
		changes []string
		fields  []string
		removed []string
	}{
		"in free text":                {[]string{"merchantName", `{"S":"ACME 4111-1111-1111-1111"}`}, []string{"merchantName"}, []string{"merchantName"}},
		"in the token's place":        {[]string{"panToken", `{"S":"4561908061867981"}`}, []string{"panToken"}, []string{"panToken"}},
		"anything but a token":        {[]string{"panToken", `{"N":"12"}`}, []string{"panToken"}, []string{"panToken"}},
		"in a field without its form": {[]string{"bin", `{"S":"` + pan + `"}`}, []string{"bin"}, []string{"bin"}},
		"in an amount":                {[]string{"transactionAmount", `{"N":"` + pan + `"}`}, []string{"transactionAmount"}, []string{"transactionAmount"}},
		"in an unknown text":          {[]string{"note", `{"S":"` + pan + `"}`}, []string{"note"}, []string{"note"}},
		"in an unknown number":        {[]string{"n", `{"N":"` + pan + `"}`}, []string{"n"}, []string{"n"}},
		"in bytes":                    {[]string{"b", `{"B":"eDQxMTExMTExMTExMTExMTF4"}`}, []string{"b"}, []string{"b"}},
		"in sets":                     {[]string{"s", `{"SS":["x","` + pan + `"]}`, "t", `{"NS":["` + pan + `"]}`, "u", `{"BS":["NDExMTExMTExMTExMTExMQ=="]}`}, []string{"s", "t", "u"}, []string{"s", "t", "u"}},
		"nested":                      {[]string{"raw", `{"M":{"a":{"L":[{"BOOL":true},{"M":{"pan":{"S":"` + pan + `"}}}]}}}`}, []string{"raw.a[1].pan"}, []string{"raw"}},
		"in a name":                   {[]string{pan, `{"S":"x"}`}, []string{"(name withheld)"}, []string{pan}},
		"in a nested name":            {[]string{"raw", `{"M":{"` + pan + `":{"NULL":true}}}`}, []string{"raw.(name withheld)"}, []string{"raw"}},
		"in a transmission time":      {[]string{"transmittedAt", `{"S":"` + pan + `"}`}, []string{"transmittedAt"}, []string{"transmittedAt"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			w.items["auth-1"] = item(t, tc.changes...)
			original := item(t, tc.changes...)
			require.Empty(t, w.run(t, insert(t, 1, original)))

			require.Len(t, w.published, 1)
			require.Equal(t, events.TransactionQuarantined, w.published[0].DetailType)
			detail := data[events.QuarantinedData](t, w.published[0])
			require.Equal(t, events.QuarantinedData{AuthorizationID: "auth-1", Reason: "CARD_NUMBER_FOUND", Rule: "R-014", Fields: tc.fields, Object: detail.Data.Object}, detail.Data)
			require.Equal(t, payment.UnkeyedTransactionID("auth-1"), detail.Metadata.TransactionID)
			require.Equal(t, detail.Metadata.TransactionID+"/TransactionQuarantined/r1", detail.Metadata.EventID)

			var kept quarantined
			require.NoError(t, json.Unmarshal([]byte(w.objects["quarantine/"+detail.Data.Object]), &kept))
			want, err := json.Marshal(original)
			require.NoError(t, err)
			require.JSONEq(t, string(want), string(kept.Item))

			scrubbed := item(t, append(tc.changes, "status", `{"S":"QUARANTINED"}`)...)
			for _, attribute := range tc.removed {
				delete(scrubbed, attribute)
			}
			require.Equal(t, scrubbed, w.items["auth-1"])
			require.Empty(t, w.claims)
			for _, secret := range []string{pan, "4111-1111-1111-1111", "4561908061867981"} {
				require.NotContains(t, w.everywhere(t), secret)
			}
		})
	}
}

func TestFieldsWithAFormAreNotSearched(t *testing.T) {
	// Fifteen digits that are an American Express test number, in a field that holds fifteen digits by its form.
	require.Empty(t, findOffences(item(t, "lifecycleId", `{"S":"378282246310005"}`)))
	require.Empty(t, findOffences(item(t)))
}

func TestAnItemWhoseKeyIsACardNumberIsDeleted(t *testing.T) {
	w := newWorld()
	original := item(t, "authorizationId", `{"S":"`+pan+`"}`)
	w.items[pan] = original
	require.Empty(t, w.run(t, insert(t, 1, original)))
	require.Empty(t, w.items)
	detail := data[events.QuarantinedData](t, w.published[0])
	require.Equal(t, "withheld-r1", detail.Data.AuthorizationID)
	require.Equal(t, []string{"authorizationId"}, detail.Data.Fields)
	require.Contains(t, w.objects["quarantine/"+detail.Data.Object], pan)
	require.NotContains(t, w.everywhere(t), pan)
	require.NotContains(t, w.everywhere(t), payment.UnkeyedTransactionID(pan), "an unkeyed hash of a card number leads to it")
	w.run(t, insert(t, 1, original))
	require.Len(t, w.objects, 1, "a retry finds everything done")
}

func TestScrubbingLeavesAloneWhatHasChangedSince(t *testing.T) {
	seen := item(t, "merchantName", `{"S":"`+pan+`"}`, "note", `{"S":"`+pan+`"}`)
	t.Run("corrected", func(t *testing.T) {
		w := newWorld()
		w.items["auth-1"] = item(t)
		w.run(t, insert(t, 1, seen))
		require.Equal(t, item(t), w.items["auth-1"])
	})
	t.Run("corrected in part, with another status", func(t *testing.T) {
		w := newWorld()
		w.items["auth-1"] = item(t, "status", `{"S":"DECLINED"}`, "note", `{"S":"`+pan+`"}`)
		w.run(t, insert(t, 1, seen))
		require.Equal(t, item(t, "status", `{"S":"QUARANTINED"}`), w.items["auth-1"])
	})
	t.Run("deleted", func(t *testing.T) {
		w := newWorld()
		w.run(t, insert(t, 1, seen))
		require.Empty(t, w.items)
		require.Len(t, w.published, 1)
	})
}

func TestAnOverlongIDIsShownShortened(t *testing.T) {
	w := newWorld()
	id := strings.Repeat("é", 500)
	w.run(t, insert(t, 1, item(t, "authorizationId", `{"S":"`+id+`"}`)))
	detail := data[events.ParkedData](t, w.published[0])
	require.Equal(t, "authorizationId must have at most 128 characters", detail.Data.Problem)
	require.Less(t, len(detail.Data.AuthorizationID), maxShownID)
	require.Equal(t, detail.Data.AuthorizationID, detail.Metadata.CorrelationID)
	require.Less(t, len(detail.Metadata.EventID), 1024, "the timeline's sort key")
	require.Less(t, len(detail.Data.Object), 1024, "S3's limit")
}
