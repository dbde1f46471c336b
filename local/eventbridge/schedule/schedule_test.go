package schedule

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func at(t *testing.T, text string) time.Time {
	t.Helper()
	parsed, err := time.Parse("2006-01-02 15:04:05", text)
	require.NoError(t, err)
	return parsed
}

// The expressions are those of the EventBridge User Guide, "Setting a schedule pattern for scheduled rules", with the meaning
// its tables give them; the dates are a calendar's.
func TestNext(t *testing.T) {
	for name, tc := range map[string]struct {
		expression, after string
		want              []string
	}{
		"rate of one minute":             {"rate(1 minute)", "2026-07-09 10:15:30", []string{"2026-07-09 10:16:30", "2026-07-09 10:17:30"}},
		"rate of five minutes":           {"rate(5 minutes)", "2026-07-09 10:15:30", []string{"2026-07-09 10:20:30"}},
		"rate of one hour":               {"rate(1 hour)", "2026-07-09 23:15:30", []string{"2026-07-10 00:15:30"}},
		"rate of seven days":             {"rate(7 days)", "2026-07-09 10:15:30", []string{"2026-07-16 10:15:30"}},
		"10:00 every day":                {"cron(0 10 * * ? *)", "2026-07-09 10:00:00", []string{"2026-07-10 10:00:00", "2026-07-11 10:00:00"}},
		"a second before it is due":      {"cron(0 10 * * ? *)", "2026-07-09 09:59:59", []string{"2026-07-09 10:00:00"}},
		"12:15 every day":                {"cron(15 12 * * ? *)", "2026-12-31 13:00:00", []string{"2027-01-01 12:15:00"}},
		"18:00 Monday to Friday":         {"cron(0 18 ? * MON-FRI *)", "2026-07-10 18:00:00", []string{"2026-07-13 18:00:00"}},
		"8:00 on the first of the month": {"cron(0 8 1 * ? *)", "2026-07-09 00:00:00", []string{"2026-08-01 08:00:00", "2026-09-01 08:00:00"}},
		"every 15 minutes":               {"cron(0/15 * * * ? *)", "2026-07-09 10:15:30", []string{"2026-07-09 10:30:00", "2026-07-09 10:45:00", "2026-07-09 11:00:00"}},
		"every 10 minutes on weekdays":   {"cron(0/10 * ? * MON-FRI *)", "2026-07-10 23:55:00", []string{"2026-07-13 00:00:00"}},
		"every 5 in office hours":        {"cron(0/5 8-17 ? * MON-FRI *)", "2026-07-09 17:54:00", []string{"2026-07-09 17:55:00", "2026-07-10 08:00:00"}},
		"every 30 in the night":          {"cron(0/30 20-23 ? * MON-FRI *)", "2026-07-10 23:31:00", []string{"2026-07-13 20:00:00"}},
		"from the first minute, by ten":  {"cron(1/10 * * * ? *)", "2026-07-09 10:15:30", []string{"2026-07-09 10:21:00", "2026-07-09 10:31:00"}},
		"a list of months":               {"cron(0 0 1 JAN,FEB,MAR ? *)", "2026-02-02 00:00:00", []string{"2026-03-01 00:00:00", "2027-01-01 00:00:00"}},
		"the 30th, not in February":      {"cron(0 0 30 * ? *)", "2026-01-30 00:00:00", []string{"2026-03-30 00:00:00"}},
		"the last day of the month":      {"cron(0 0 L * ? *)", "2028-02-01 00:00:00", []string{"2028-02-29 00:00:00", "2028-03-31 00:00:00"}},
		"weekday nearest to a Saturday":  {"cron(0 0 4W 7 ? *)", "2026-01-01 00:00:00", []string{"2026-07-03 00:00:00"}},
		"weekday nearest to a Sunday":    {"cron(0 0 5W 7 ? *)", "2026-01-01 00:00:00", []string{"2026-07-06 00:00:00"}},
		"nearest to Saturday the first":  {"cron(0 0 1W 8 ? *)", "2026-01-01 00:00:00", []string{"2026-08-03 00:00:00"}},
		"nearest to Sunday the last":     {"cron(0 0 31W 5 ? *)", "2026-01-01 00:00:00", []string{"2026-05-29 00:00:00"}},
		"the last day of the week":       {"cron(0 0 ? * L *)", "2026-07-09 00:00:00", []string{"2026-07-11 00:00:00"}},
		"the last Friday of the month":   {"cron(15 10 ? * 6L *)", "2026-07-09 00:00:00", []string{"2026-07-31 10:15:00", "2026-08-28 10:15:00"}},
		"the second Tuesday":             {"cron(0 0 ? * 3#2 *)", "2026-07-09 00:00:00", []string{"2026-07-14 00:00:00", "2026-08-11 00:00:00"}},
		"a leap day":                     {"cron(0 0 29 2 ? *)", "2026-07-09 00:00:00", []string{"2028-02-29 00:00:00"}},
		"a range with an increment":      {"cron(0-30/20 0 * * ? *)", "2026-07-09 00:00:00", []string{"2026-07-09 00:20:00", "2026-07-10 00:00:00"}},
		"years":                          {"cron(0 0 1 1 ? 2030-2031)", "2026-07-09 00:00:00", []string{"2030-01-01 00:00:00", "2031-01-01 00:00:00"}},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := Parse(tc.expression)
			require.NoError(t, err)
			now := at(t, tc.after)
			for _, want := range tc.want {
				due, ok := s.Next(now)
				require.True(t, ok)
				require.Equal(t, want, due.Format("2006-01-02 15:04:05"))
				now = due
			}
		})
	}
}

func TestAScheduleMayEnd(t *testing.T) {
	s, err := Parse("cron(0 0 1 1 ? 2027)")
	require.NoError(t, err)
	_, ok := s.Next(at(t, "2027-01-01 00:00:00"))
	require.False(t, ok)
	never, err := Parse("cron(0 0 31 2 ? *)")
	require.NoError(t, err)
	_, ok = never.Next(at(t, "2026-07-09 00:00:00"))
	require.False(t, ok)
}

func TestNextIsInUTC(t *testing.T) {
	s, err := Parse("cron(0 10 * * ? *)")
	require.NoError(t, err)
	due, ok := s.Next(time.Date(2026, 7, 9, 11, 30, 0, 0, time.FixedZone("", 2*3600))) // 09:30 in UTC
	require.True(t, ok)
	require.Equal(t, at(t, "2026-07-09 10:00:00"), due)
}

func TestInvalidExpressions(t *testing.T) {
	for name, expression := range map[string]string{
		"nothing":                      "",
		"no kind":                      "5 minutes",
		"zero":                         "rate(0 minutes)",
		"one of a plural":              "rate(1 minutes)",
		"five of a singular":           "rate(5 minute)",
		"negative":                     "rate(-5 minutes)",
		"a fraction":                   "rate(1.5 hours)",
		"seconds":                      "rate(30 seconds)",
		"five fields":                  "cron(0 10 * * ?)",
		"seven fields":                 "cron(0 0 10 * * ? *)",
		"both days given":              "cron(0 10 * * * *)",
		"both days open":               "cron(0 10 ? * ? *)",
		"both, weekday a range":        "cron(7 20 * * 1-7 *)", // Refused by AWS as localstack/localstack#12156 quotes it.
		"an increment past the field":  "cron(*/60 * * * ? *)", // Refused by AWS as aws/aws-sdk-js#4212 quotes it.
		"increment of zero":            "cron(0/0 * * * ? *)",
		"minute 60":                    "cron(60 * * * ? *)",
		"hour 24":                      "cron(0 24 * * ? *)",
		"day 0":                        "cron(0 0 0 * ? *)",
		"month 13":                     "cron(0 0 1 13 ? *)",
		"weekday 8":                    "cron(0 0 ? * 8 *)",
		"weekday 0":                    "cron(0 0 ? * 0 *)",
		"year 2200":                    "cron(0 0 1 1 ? 2200)",
		"a ? elsewhere":                "cron(? 0 1 1 ? *)",
		"two ordinals":                 "cron(0 0 ? * 3#1,6#3 *)", // Named as invalid in the User Guide.
		"the sixth Tuesday":            "cron(0 0 ? * 3#6 *)",
		"an empty member of a list":    "cron(0,,5 0 1 1 ? *)",
		"commas between the fields":    "cron(0, 10, *, *, ?, *)",
		"a sign":                       "cron(+5 0 1 1 ? *)",
		"more than the allowed length": "cron(" + string(make([]byte, 300)) + ")",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse(expression)
			require.Error(t, err)
			require.NotErrorIs(t, err, ErrNotDone)
		})
	}
}

// What AWS may well take, in ways its documentation does not tell, is refused as not done.
func TestUndocumentedExpressionsAreNotGuessedAt(t *testing.T) {
	for name, expression := range map[string]string{
		"a range over midnight":   "cron(0 22-2 * * ? *)",
		"a range over the week":   "cron(0 0 ? * FRI-MON *)",
		"third to last day":       "cron(0 0 L-3 * ? *)",
		"last weekday":            "cron(0 0 LW * ? *)",
		"longer than a life time": "rate(999999999 days)",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse(expression)
			require.ErrorIs(t, err, ErrNotDone)
		})
	}
}
