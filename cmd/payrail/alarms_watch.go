package main

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/payrail/payrail/internal/alarms"
)

// watchEvery is how often a watch asks. CloudWatch evaluates once a minute; what has changed shall not wait long, and each time costs
// some ten calls of a few a second that an account has.
const watchEvery = 10 * time.Second

// clearScreen takes the cursor to the corner and wipes the screen.
const clearScreen = "\x1b[H\x1b[2J"

// watchAlarms shows the alarms at once and at each tick, until ctx is done. The first answer must come; later ones may fail, and are
// asked for again.
func (a *application) watchAlarms(ctx context.Context, reader alarmReader, ticks <-chan time.Time, o alarmsOptions) error {
	var states map[string]string // By name; nil before the first answer.
	for {
		report, err := reader.Read(ctx)
		switch {
		case ctx.Err() != nil:
			return nil // An end that was asked for.
		case err != nil && states == nil:
			return err
		case err != nil:
			fmt.Fprintln(a.stderr, "asking again in a moment:", err)
		default:
			if err := a.showWatched(report, states, o); err != nil {
				return err // Nobody reads any more.
			}
			states = map[string]string{}
			for _, alarm := range report.Alarms {
				states[alarm.Name] = alarm.State
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticks:
		}
	}
}

// showWatched shows a report to a person who looks on, or what has changed to who reads line by line.
func (a *application) showWatched(report alarms.Report, before map[string]string, o alarmsOptions) error {
	if !a.json && isTerminal(a.stdout) {
		return a.redrawAlarms(report, o)
	}
	return a.showChangedAlarms(report, before, o)
}

// redrawAlarms takes the screen for a report.
func (a *application) redrawAlarms(report alarms.Report, o alarmsOptions) error {
	fmt.Fprint(a.stdout, clearScreen)
	if err := a.showAlarms(report, o); err != nil {
		return err
	}
	_, err := fmt.Fprintf(a.stdout, "\n%s\n", a.paint(quiet, "as of "+report.At.Format(time.TimeOnly)+" UTC, again every "+watchEvery.String()+"; Ctrl-C ends it"))
	return err
}

// alarmLine is an alarm at a time, in a line for machines.
type alarmLine struct {
	At time.Time `json:"at"`
	alarms.Alarm
}

// showChangedAlarms prints a line for each alarm whose state is another than before. Before the first answer that is what fires, or,
// if all were asked for, each.
func (a *application) showChangedAlarms(report alarms.Report, before map[string]string, o alarmsOptions) error {
	for _, alarm := range report.Alarms {
		was, known := before[alarm.Name]
		if known && was == alarm.State || !known && !alarm.Firing() && (before != nil || !o.all) {
			continue
		}
		var err error
		if a.json {
			err = a.printLine(alarmLine{report.At, alarm})
		} else {
			_, err = fmt.Fprintf(a.stdout, "%s  %-17s  %s  %s\n", report.At.UTC().Format(time.RFC3339), alarm.State, alarm.Name, cmp.Or(alarm.Why, alarm.Says))
		}
		if err != nil {
			return err
		}
	}
	return nil
}
