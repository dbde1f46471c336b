package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/payrail/payrail/internal/authorizationitem"
)

// record is one record of the authorizations table's stream.
type record struct {
	// id is the record's eventID: the same whenever the record is delivered again.
	id string
	// createdAt is when the item was written, as the stream says.
	createdAt time.Time
	// image is the item as it was written, and text the same as the stream has it; before is the item it replaced, nil where
	// the record is not about a change.
	image, before authorizationitem.Item
	text          json.RawMessage
}

// streamRecord is a stream record as it is sent.
type streamRecord struct {
	EventID  string `json:"eventID"`
	DynamoDB struct {
		// Epoch seconds, as a number; a json.Number also takes the exponent form "1.783592131E9".
		CreatedAt json.Number            `json:"ApproximateCreationDateTime"`
		NewImage  json.RawMessage        `json:"NewImage"`
		OldImage  authorizationitem.Item `json:"OldImage"`
	} `json:"dynamodb"`
}

// decodeRecords reads the pipe's payload: a bare array of stream records. An object in its place, such as the {"Records": …}
// of an event source mapping, is an error and not an empty batch.
func decodeRecords(payload []byte) ([]record, error) {
	var sent []streamRecord
	if err := json.Unmarshal(payload, &sent); err != nil {
		return nil, fmt.Errorf("decoding the pipe's payload, want an array of stream records: %w", err)
	}
	records := make([]record, len(sent))
	for i, form := range sent {
		var err error
		if records[i], err = readRecord(form); err != nil {
			return nil, fmt.Errorf("decoding stream record %d: %w", i, err)
		}
	}
	return records, nil
}

func readRecord(form streamRecord) (record, error) {
	r := record{id: form.EventID, before: form.DynamoDB.OldImage, text: form.DynamoDB.NewImage}
	if r.id == "" {
		return record{}, errors.New("it has no eventID")
	}
	if len(r.text) == 0 {
		return record{}, fmt.Errorf("record %s has no NewImage", r.id)
	}
	if err := json.Unmarshal(r.text, &r.image); err != nil {
		return record{}, fmt.Errorf("record %s: %w", r.id, err)
	}
	if r.image.ID() == "" {
		return record{}, fmt.Errorf("record %s: NewImage has no %s", r.id, authorizationitem.KeyAttribute)
	}
	// Milliseconds since 1970 need 41 bits: a float64 holds them exactly.
	seconds, err := form.DynamoDB.CreatedAt.Float64()
	if err != nil || seconds <= 0 || seconds > maxEpochSeconds {
		return record{}, fmt.Errorf("record %s: ApproximateCreationDateTime is not a time in epoch seconds", r.id)
	}
	r.createdAt = time.UnixMilli(int64(math.Round(seconds * 1000))).UTC()
	return r, nil
}

// maxEpochSeconds is the end of the year 9999, the last that RFC 3339 can write.
const maxEpochSeconds = 253402300799
