package iso8583

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/payment"
)

func decoded(t *testing.T, name string) []Message {
	t.Helper()
	messages, err := newDecoder(t).DecodeFile(t.Context(), exampleFile(t, name))
	require.NoError(t, err)
	return messages
}

func keyOf(t *testing.T, m Message) string {
	t.Helper()
	a, err := payment.ParseAuthorization(m.Item.Attributes())
	require.NoError(t, err)
	return a.BusinessKey()
}

func TestRestampedMessagesKeepTogether(t *testing.T) {
	messages := decoded(t, "visa-1987.txt")
	before := map[string]bool{}
	for _, m := range messages {
		before[m.Item.ID()] = true
	}
	now := time.Date(2026, 12, 31, 23, 30, 0, 123_456_789, time.UTC)
	require.NoError(t, Restamp(messages, now))
	original, reversal := flat(messages[1].Item), flat(messages[5].Item)
	require.Equal(t, "2026-12-31T23:30:00.123Z", original["transmittedAt"])
	require.Equal(t, original["transmittedAt"], reversal["original.transmittedAt"])
	require.Equal(t, original["stan"], reversal["original.stan"])
	require.Equal(t, []string{"2027-01-01", "00:30:00"}, []string{original["localDate"], original["localTime"]}, "an hour east, as before")
	for _, m := range messages {
		require.NotContains(t, before, m.Item.ID())
		requireNoCard(t, m.Item)
	}
}

func TestASecondSendIsAPaymentOfItsOwn(t *testing.T) {
	first, second, asIs, asIsAgain := decoded(t, "aws-guidance.txt"), decoded(t, "aws-guidance.txt"), decoded(t, "aws-guidance.txt"), decoded(t, "aws-guidance.txt")
	require.NoError(t, Restamp(first, received))
	require.NoError(t, Restamp(second, received.Add(time.Millisecond)))
	require.NotEqual(t, keyOf(t, first[0]), keyOf(t, second[0]))
	require.NotEqual(t, first[0].Item.ID(), second[0].Item.ID())
	require.Equal(t, asIs, asIsAgain)
	require.Equal(t, "2026-11-21", flat(first[0].Item)["localDate"])
}

func TestRestampKeepsTheDistancesOfDates(t *testing.T) {
	messages := decoded(t, "visa-1987.txt")[:2]
	messages[0].Item["transmittedAt"] = text("2026-07-08T10:15:30Z")
	messages[0].Item["settlementDate"] = text("2026-07-10")
	delete(messages[0].Item, "localTime")
	require.NoError(t, Restamp(messages, time.Date(2028, 3, 1, 10, 15, 30, 0, time.UTC)))
	first := flat(messages[0].Item)
	require.Equal(t, []string{"2028-02-29T10:15:30Z", "2028-03-02", "2028-03-01"}, []string{first["transmittedAt"], first["settlementDate"], first["localDate"]})
}
