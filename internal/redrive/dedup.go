package redrive

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/internal/authorizationitem"
	"github.com/payrail/payrail/payment"
)

// dedupBatch is how many records the pipe gives dedup at once.
const dedupBatch = 10

// Publisher models events.Publisher. It is safe for concurrent use.
type Publisher interface {
	Publish(context.Context, []events.Event) events.Failures
}

// streamRecord is a record of the authorizations' stream as a pipe gives it to a function.
type streamRecord struct {
	EventID   string     `json:"eventID"`
	EventName string     `json:"eventName"`
	Data      recordData `json:"dynamodb"`
}

type recordData struct {
	CreatedAt json.Number    `json:"ApproximateCreationDateTime"`
	NewImage  map[string]any `json:"NewImage"`
	OldImage  map[string]any `json:"OldImage,omitempty"`
}

// forward does what the pipe does: asks dedup about records and puts on the bus what dedup forwards. Dedup claims business keys and
// knows its own claims again, so that records that got through before are forwarded again under the same ids.
func (r *Redriver) forward(ctx context.Context, records []streamRecord) (forwarded int, err error) {
	for chunk := range slices.Chunk(records, dedupBatch) {
		all, err := r.askDedup(ctx, chunk)
		if err != nil {
			return forwarded, err
		}
		if failures := r.Publisher.Publish(ctx, all); len(failures) > 0 {
			return forwarded, fmt.Errorf("publishing what dedup forwards: %w", errors.Join(slices.Collect(maps.Values(failures))...))
		}
		forwarded += len(all)
	}
	return forwarded, nil
}

func (r *Redriver) askDedup(ctx context.Context, records []streamRecord) ([]events.Event, error) {
	payload, err := json.Marshal(records)
	if err != nil {
		return nil, fmt.Errorf("encoding the records: %w", err)
	}
	out, err := r.Functions.Invoke(ctx, &lambda.InvokeInput{FunctionName: &r.Layout.DedupFunction, Payload: payload})
	if err != nil {
		return nil, fmt.Errorf("invoking dedup: %w", err)
	}
	if out.FunctionError != nil {
		var failure struct {
			Message string `json:"errorMessage"`
		}
		_ = json.Unmarshal(out.Payload, &failure) // Without a message the kind of failure must do.
		return nil, fmt.Errorf("dedup failed (%s): %s", aws.ToString(out.FunctionError), failure.Message)
	}
	var details []events.Detail[events.AuthorizedData]
	if err := json.Unmarshal(out.Payload, &details); err != nil {
		return nil, fmt.Errorf("decoding what dedup forwards: %w", err)
	}
	all := make([]events.Event, len(details))
	for i, detail := range details {
		// Under dedup's own name, as the pipe puts it.
		if all[i], err = events.New(events.TransactionAuthorized, events.SourceDedup, detail.Metadata, detail.Data); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// recordOf stands for the record of an authorization's stream that is not there any more.
func recordOf(item authorizationitem.Item, at time.Time) (streamRecord, error) {
	form, err := json.Marshal(item)
	if err != nil {
		return streamRecord{}, fmt.Errorf("encoding authorization %s: %w", item.ID(), err)
	}
	var image map[string]any
	if err := json.Unmarshal(form, &image); err != nil {
		return streamRecord{}, fmt.Errorf("encoding authorization %s: %w", item.ID(), err)
	}
	sum := sha256.Sum256([]byte("redrive|" + item.ID())) // The same whenever the item is sent again.
	return streamRecord{EventID: hex.EncodeToString(sum[:16]), EventName: "MODIFY", Data: recordData{CreatedAt: epochSeconds(at), NewImage: image}}, nil
}

// epochSeconds writes a time as stream records have it, with milliseconds.
func epochSeconds(t time.Time) json.Number {
	return json.Number(strconv.FormatInt(t.Unix(), 10) + fmt.Sprintf(".%03d", t.Nanosecond()/int(time.Millisecond)))
}

// isApproved reports whether an image is that of an approved authorization, which the pipe's filter asks for.
func isApproved(image map[string]any) bool {
	status, _ := image["status"].(map[string]any)
	return status["S"] == payment.StatusApproved
}
