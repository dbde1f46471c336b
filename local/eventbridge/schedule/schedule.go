// Package schedule reads the schedule expressions of EventBridge rules, rate(…) and cron(…), and says when they are due.
// Both run in UTC and have a resolution of one minute.
package schedule

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// ErrNotDone marks expressions that this package does not do although AWS may: refused rather than guessed at.
var ErrNotDone = errors.New("not done here")

// Schedule is a parsed expression. It is immutable and safe for concurrent use.
type Schedule struct {
	rate time.Duration // 0 for a cron schedule.
	cron *cron
}

// maxExpression is AWS's limit of the parameter, in characters.
const maxExpression = 256

var (
	rateForm = regexp.MustCompile(`^rate\(([0-9]{1,9}) (minute|hour|day)(s?)\)$`)
	cronForm = regexp.MustCompile(`^cron\((.+)\)$`)
)

var units = map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}

// Parse reads an expression.
func Parse(text string) (*Schedule, error) {
	if len(text) > maxExpression {
		return nil, fmt.Errorf("the expression has %d characters, more than %d", len(text), maxExpression)
	}
	if match := cronForm.FindStringSubmatch(text); match != nil {
		c, err := parseCron(match[1])
		if err != nil {
			return nil, err
		}
		return &Schedule{cron: c}, nil
	}
	match := rateForm.FindStringSubmatch(text)
	if match == nil {
		return nil, fmt.Errorf("%q is neither rate(value unit) nor cron(fields)", text)
	}
	value, err := strconv.ParseInt(match[1], 10, 64)
	if err != nil {
		return nil, fmt.Errorf("reading the rate's value: %w", err)
	}
	// "If the value is equal to 1, then the unit must be singular. If the value is greater than 1, the unit must be plural."
	if plural := match[3] == "s"; value < 1 || plural != (value > 1) {
		return nil, fmt.Errorf("%q: the value must be positive, and the unit singular for 1 and plural for more", text)
	}
	if value > int64(maxRate/units[match[2]]) {
		return nil, fmt.Errorf("%w: rates of more than %d days", ErrNotDone, maxRate/(24*time.Hour))
	}
	return &Schedule{rate: time.Duration(value) * units[match[2]]}, nil
}

// maxRate keeps intervals within what a time.Duration holds; AWS gives no limit.
const maxRate = 100 * 365 * 24 * time.Hour

// Next is the first time after a given one at which the schedule is due; ok is false when there is none any more. A rate counts
// from the given time: EventBridge counts it from the rule's creation.
func (s *Schedule) Next(after time.Time) (due time.Time, ok bool) {
	if s.cron == nil {
		return after.Add(s.rate), true
	}
	return s.cron.next(after)
}
