package schedule

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	firstYear = 1970
	lastYear  = 2199
)

// field is one of the six fields of a cron expression.
type field struct {
	name      string
	low, high int
	names     []string // Of low, low+1 …; nil where a field takes numbers only.
	step      int      // The largest increment.
}

var (
	minuteField = field{name: "minutes", high: 59, step: 59}
	hourField   = field{name: "hours", high: 23, step: 23}
	dayField    = field{name: "day-of-month", low: 1, high: 31, step: 31}
	monthField  = field{name: "month", low: 1, high: 12, step: 12,
		names: []string{"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"}}
	weekdayField = field{name: "day-of-week", low: 1, high: 7, step: 7,
		names: []string{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"}}
	yearField = field{name: "year", low: firstYear, high: lastYear, step: lastYear - firstYear}
)

// cron is a parsed cron expression. days says whether a date is one of its days.
type cron struct {
	minutes, hours, months, years []int // Sorted.
	days                          func(date time.Time) bool
}

// parseCron reads the six fields.
func parseCron(text string) (*cron, error) {
	fields := strings.Fields(text)
	if len(fields) != 6 {
		return nil, fmt.Errorf("a cron expression has six fields, not %d", len(fields))
	}
	c := &cron{}
	for _, part := range []struct {
		values *[]int
		field  field
		text   string
	}{{&c.minutes, minuteField, fields[0]}, {&c.hours, hourField, fields[1]}, {&c.months, monthField, fields[3]}, {&c.years, yearField, fields[5]}} {
		values, err := part.field.parse(part.text)
		if err != nil {
			return nil, err
		}
		*part.values = values
	}
	// "If you specify a value or a * in one of the fields, you must use a ? in the other."
	day, weekday := fields[2], fields[4]
	if (day == "?") == (weekday == "?") {
		return nil, fmt.Errorf("exactly one of day-of-month and day-of-week must be ?")
	}
	var err error
	if weekday == "?" {
		c.days, err = parseDays(day)
	} else {
		c.days, err = parseWeekdays(weekday)
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}

// parse reads a list of values, ranges and increments.
func (f field) parse(text string) ([]int, error) {
	var values []int
	for part := range strings.SplitSeq(text, ",") {
		span, increment, stepped := strings.Cut(part, "/")
		step := 1
		if stepped {
			var err error
			if step, err = strconv.Atoi(increment); err != nil || step < 1 || step > f.step {
				return nil, f.invalid(text)
			}
		}
		low, high, err := f.span(span, stepped)
		if err != nil {
			return nil, err
		}
		for v := low; v <= high; v += step {
			values = append(values, v)
		}
	}
	slices.Sort(values)
	return slices.Compact(values), nil
}

// span is what stands before an increment: every value, a range, or one value, which with an increment is where it starts.
func (f field) span(text string, stepped bool) (low, high int, err error) {
	if text == "*" {
		return f.low, f.high, nil
	}
	first, last, ranged := strings.Cut(text, "-")
	if low, err = f.value(first); err != nil {
		return 0, 0, err
	}
	switch {
	case ranged:
		if high, err = f.value(last); err != nil {
			return 0, 0, err
		}
		if high < low {
			return 0, 0, fmt.Errorf("%w: a range that wraps around (%s in %s)", ErrNotDone, text, f.name)
		}
		return low, high, nil
	case stepped:
		return low, f.high, nil
	}
	return low, low, nil
}

func (f field) value(text string) (int, error) {
	if at := slices.Index(f.names, strings.ToUpper(text)); at >= 0 {
		return f.low + at, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < f.low || n > f.high || strings.HasPrefix(text, "+") {
		return 0, f.invalid(text)
	}
	return n, nil
}

func (f field) invalid(text string) error {
	return fmt.Errorf("%q is not valid in the field %s (%d to %d)", text, f.name, f.low, f.high)
}

// parseDays reads the day-of-month field: values, L for the last day, 3W for the weekday nearest to the 3rd.
func parseDays(text string) (func(time.Time) bool, error) {
	if text == "L" {
		return func(date time.Time) bool { return date.Day() == lastDay(date) }, nil
	}
	if strings.HasPrefix(text, "L") {
		return nil, fmt.Errorf("%w: %s in day-of-month", ErrNotDone, text)
	}
	if number, ok := strings.CutSuffix(text, "W"); ok {
		day, err := dayField.value(number)
		if err != nil {
			return nil, err
		}
		return func(date time.Time) bool { return date.Day() == nearestWeekday(date, day) }, nil
	}
	days, err := dayField.parse(text)
	if err != nil {
		return nil, err
	}
	return func(date time.Time) bool { return slices.Contains(days, date.Day()) }, nil
}

// lastDay is the number of days of a date's month.
func lastDay(date time.Time) int {
	return time.Date(date.Year(), date.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

// nearestWeekday is the day from Monday to Friday nearest to a day of the date's month, without leaving the month; 0 if the month
// has no such day.
func nearestWeekday(date time.Time, day int) int {
	last := lastDay(date)
	if day > last {
		return 0
	}
	switch time.Date(date.Year(), date.Month(), day, 0, 0, 0, 0, time.UTC).Weekday() {
	case time.Saturday:
		if day == 1 {
			return 3
		}
		return day - 1
	case time.Sunday:
		if day == last {
			return day - 2
		}
		return day + 1
	default:
		return day
	}
}

// parseWeekdays reads the day-of-week field: values, L for Saturday, 6L for the month's last Friday, 3#2 for its second Tuesday.
func parseWeekdays(text string) (func(time.Time) bool, error) {
	weekday := func(date time.Time) int { return int(date.Weekday()) + 1 }
	if text == "L" {
		return func(date time.Time) bool { return date.Weekday() == time.Saturday }, nil
	}
	if name, ordinal, ok := strings.Cut(text, "#"); ok {
		want, err := weekdayField.value(name)
		if err != nil {
			return nil, err
		}
		nth, err := strconv.Atoi(ordinal)
		if err != nil || nth < 1 || nth > 5 {
			return nil, weekdayField.invalid(text)
		}
		return func(date time.Time) bool { return weekday(date) == want && (date.Day()-1)/7+1 == nth }, nil
	}
	if name, ok := strings.CutSuffix(text, "L"); ok {
		want, err := weekdayField.value(name)
		if err != nil {
			return nil, err
		}
		return func(date time.Time) bool { return weekday(date) == want && date.Day() > lastDay(date)-7 }, nil
	}
	days, err := weekdayField.parse(text)
	if err != nil {
		return nil, err
	}
	return func(date time.Time) bool { return slices.Contains(days, weekday(date)) }, nil
}

// next looks for the first minute after a time that is due, day by day.
func (c *cron) next(after time.Time) (time.Time, bool) {
	from := after.UTC().Truncate(time.Minute).Add(time.Minute)
	date := time.Date(from.Year(), from.Month(), from.Day(), 0, 0, 0, 0, time.UTC)
	for ; date.Year() <= c.years[len(c.years)-1]; date = date.AddDate(0, 0, 1) {
		if !slices.Contains(c.years, date.Year()) || !slices.Contains(c.months, int(date.Month())) || !c.days(date) {
			continue
		}
		for _, hour := range c.hours {
			for _, minute := range c.minutes {
				due := date.Add(time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute)
				if !due.Before(from) {
					return due, true
				}
			}
		}
	}
	return time.Time{}, false
}
