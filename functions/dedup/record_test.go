package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestDecodeRecords(t *testing.T) {
	records, err := decodeRecords(payload(insert(t, 1, item(t)), modify(t, 2, item(t, "stan", `{"S":"1"}`), item(t))))
	require.NoError(t, err)
	require.Len(t, records, 2)
	require.Equal(t, "r1", records[0].id)
	require.Equal(t, time.Date(2026, 7, 9, 10, 15, 31, 0, time.UTC), records[0].createdAt)
	require.Nil(t, records[0].before)
	require.Equal(t, item(t), records[1].image)
	require.Equal(t, item(t, "stan", `{"S":"1"}`), records[1].before)
}

func TestCreationTimesInEveryNumberForm(t *testing.T) {
	for form, want := range map[string]time.Time{
		"1783592131":     time.Date(2026, 7, 9, 10, 15, 31, 0, time.UTC),
		"1783592131.123": time.Date(2026, 7, 9, 10, 15, 31, 123e6, time.UTC),
		"1.783592131E9":  time.Date(2026, 7, 9, 10, 15, 31, 0, time.UTC),
	} {
		records, err := decodeRecords([]byte(`[{"eventID":"r","dynamodb":{"ApproximateCreationDateTime":` + form + `,"NewImage":{"authorizationId":{"S":"a"}}}}]`))
		require.NoError(t, err)
		require.Equal(t, want, records[0].createdAt, form)
	}
}

func TestWhatIsNoStreamRecordIsAnError(t *testing.T) {
	const image = `"NewImage":{"authorizationId":{"S":"a"}}`
	for text, problem := range map[string]string{
		`{"Records":[]}`:                  "want an array of stream records",
		`[1]`:                             "want an array of stream records",
		`[{"dynamodb":{` + image + `}}]`:  "it has no eventID",
		`[{"eventID":"r","dynamodb":{}}]`: "record r has no NewImage",
		`[{"eventID":"r","dynamodb":{"NewImage":{"authorizationId":{"N":"1"}}}}]`:          "NewImage has no authorizationId",
		`[{"eventID":"r","dynamodb":{"NewImage":{"a":{}}}}]`:                               "an attribute has 0 types",
		`[{"eventID":"r","dynamodb":{` + image + `}}]`:                                     "ApproximateCreationDateTime is not a time",
		`[{"eventID":"r","dynamodb":{"ApproximateCreationDateTime":1e300,` + image + `}}]`: "ApproximateCreationDateTime is not a time",
	} {
		_, err := decodeRecords([]byte(text))
		require.ErrorContains(t, err, problem, text)
	}
}

func FuzzHandle(f *testing.F) {
	f.Add([]byte(`[]`))
	f.Add([]byte(`[{"eventID":"r","dynamodb":{"ApproximateCreationDateTime":1783592131,"NewImage":` + baseItem + `}}]`))
	f.Add([]byte(`[{"eventID":"r","dynamodb":{"ApproximateCreationDateTime":1,"NewImage":{"authorizationId":{"S":"a"},"status":{"S":"APPROVED"},"panToken":{"S":"4111111111111111"}}}}]`))
	f.Fuzz(func(t *testing.T, input []byte) {
		w := newWorld()
		details, err := w.handler().Handle(t.Context(), input)
		if err != nil {
			return
		}
		records, err := decodeRecords(input)
		require.NoError(t, err)
		ignored := 0
		for _, r := range records {
			if r.image.Status() != "APPROVED" {
				ignored++
			}
		}
		require.Len(t, records, len(details)+len(w.published)+ignored, "every record ends in exactly one way")
	})
}
