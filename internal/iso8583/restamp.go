package iso8583

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/payrail/payrail/internal/authorizationitem"
)

// Restamp moves the times of messages that belong together so that the latest was transmitted now; what is between them stays,
// and so a reversal still names its original. STANs and codes stay too. Times get milliseconds, which messages do not have: the
// same file sent twice is two times different payments. The network's id of a purchase is changed along, alike in all messages
// that have it, or a completion would be one of the payment that was sent before.
func Restamp(messages []Message, now time.Time) error {
	var latest time.Time
	for _, m := range messages {
		t, err := transmitted(m.Item)
		if err != nil {
			return err
		}
		if t.After(latest) {
			latest = t
		}
	}
	shift := now.UTC().Truncate(time.Millisecond).Sub(latest)
	for _, m := range messages {
		if err := restamp(m.Item, shift); err != nil {
			return err
		}
	}
	return nil
}

func transmitted(attributes map[string]types.AttributeValue) (time.Time, error) {
	t, err := time.Parse(time.RFC3339Nano, textOf(attributes, "transmittedAt"))
	if err != nil {
		return time.Time{}, fmt.Errorf("restamping a message: its time: %w", err)
	}
	return t, nil
}

func restamp(item authorizationitem.Item, shift time.Duration) error {
	before, err := transmitted(item)
	if err != nil {
		return err
	}
	after := before.Add(shift)
	item["transmittedAt"] = text(after.Format(time.RFC3339Nano))
	if lifecycle := textOf(item, "lifecycleId"); lifecycle != "" {
		item["lifecycleId"] = text(moveLifecycle(lifecycle, shift))
	}
	if err := restampLocal(item, before, after); err != nil {
		return err
	}
	for _, attribute := range []string{"settlementDate", "conversionDate"} {
		if err := moveDate(item, attribute, before, after); err != nil {
			return err
		}
	}
	if original, ok := item["original"].(*types.AttributeValueMemberM); ok {
		t, err := transmitted(original.Value)
		if err != nil {
			return err
		}
		original.Value["transmittedAt"] = text(t.Add(shift).Format(time.RFC3339Nano))
	}
	return identify(item)
}

// lifecycleCharacters is the length of the network's id of a purchase.
const lifecycleCharacters = 15

// moveLifecycle is the id that stands for another one in messages moved by shift.
func moveLifecycle(lifecycle string, shift time.Duration) string {
	sum := sha256.Sum256([]byte(lifecycle + "|" + shift.String()))
	return base32.StdEncoding.EncodeToString(sum[:])[:lifecycleCharacters]
}

// restampLocal keeps the local time's distance from the transmission: its time zone.
func restampLocal(item authorizationitem.Item, before, after time.Time) error {
	date, clock := textOf(item, "localDate"), textOf(item, "localTime")
	if date == "" || clock == "" {
		return moveDate(item, "localDate", before, after)
	}
	local, err := time.Parse(time.DateTime, date+" "+clock)
	if err != nil {
		return fmt.Errorf("restamping a message: its local time: %w", err)
	}
	local = local.Add(after.Sub(before))
	item["localDate"], item["localTime"] = text(local.Format(time.DateOnly)), text(local.Format(time.TimeOnly))
	return nil
}

// moveDate keeps a date as many days from the transmission's as it was.
func moveDate(item authorizationitem.Item, attribute string, before, after time.Time) error {
	value := textOf(item, attribute)
	if value == "" {
		return nil
	}
	date, err := time.Parse(time.DateOnly, value)
	if err != nil {
		return fmt.Errorf("restamping a message: its %s: %w", attribute, err)
	}
	day := func(t time.Time) time.Time { return t.Truncate(24 * time.Hour) }
	item[attribute] = text(date.Add(day(after).Sub(day(before))).Format(time.DateOnly))
	return nil
}

func textOf(attributes map[string]types.AttributeValue, name string) string {
	if value, ok := attributes[name].(*types.AttributeValueMemberS); ok {
		return value.Value
	}
	return ""
}
