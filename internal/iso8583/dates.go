package iso8583

import (
	"fmt"
	"time"
)

const (
	// clockSkew is how far ahead of this clock a message's time may be: clocks differ, and a year is to be told apart, not a second.
	clockSkew = 24 * time.Hour
	// localAhead is how far a local date, as midnight, is ahead of the transmission in UTC at most: 14 hours of time zone.
	localAhead = 24 * time.Hour
	// settlementAhead is how long after its transmission a payment is settled at most; holidays included that is days.
	settlementAhead = 31 * 24 * time.Hour
)

// inferYear completes a date without a year (layout without "2006"): the last such date that is not after latest. There is none
// where the date is not in the calendar of latest's year or the one before, such as 29 February in most years.
func inferYear(layout, text string, latest time.Time) (time.Time, bool) {
	for year := latest.Year(); year >= latest.Year()-1; year-- {
		t, err := time.Parse("2006"+layout, fmt.Sprintf("%04d%s", year, text))
		if err == nil && !t.After(latest) {
			return t, true
		}
	}
	return time.Time{}, false
}

func isDigits(text string) bool {
	for _, c := range []byte(text) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return text != ""
}
