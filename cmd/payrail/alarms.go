package main

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/spf13/cobra"

	"github.com/payrail/payrail/internal/alarms"
)

type alarmsOptions struct{ all, watch bool }

func (a *application) alarmsCommand() *cobra.Command {
	var o alarmsOptions
	command := &cobra.Command{
		Use:   "alarms",
		Short: "List the alarms that are firing, why, and what to do; status 1 if any is",
		Long: `alarms reads the stack's CloudWatch alarms: what is firing, since when, the metric against its threshold, where to read on, and the
command that puts it right where there is one. Alarms whose names begin with the stack's and a hyphen count as the stack's.
Alarms that tell of missing data count as firing once their metric has gone silent. Status 0: nothing fires; 1: something does.
With --watch it asks every ten seconds until it is interrupted, with status 0 then. On a terminal it shows the list anew each time; in a
pipe or with --json it prints a line for what is firing (with --all: for every alarm), and one for each change of an alarm from then on.`,
		Example: "  payrail alarms\n  payrail alarms --all\n  payrail alarms --json\n  payrail alarms --watch",
		Args:    atMost(0),
		RunE: func(command *cobra.Command, _ []string) error {
			deployed, err := a.connect(command.Context())
			if err != nil {
				return err
			}
			reader := alarms.Reader{CloudWatch: cloudwatch.NewFromConfig(deployed.aws), Stack: cloudformation.NewFromConfig(deployed.aws), Name: a.stack, Now: time.Now}
			if !o.watch {
				return a.alarms(command.Context(), reader, o)
			}
			ticker := time.NewTicker(watchEvery)
			defer ticker.Stop()
			return a.watchAlarms(command.Context(), reader, ticker.C, o)
		},
	}
	command.Flags().BoolVar(&o.all, "all", false, "list every alarm with its state")
	command.Flags().BoolVar(&o.watch, "watch", false, "go on until interrupted, showing what changes")
	command.ValidArgsFunction = noFiles
	return command
}

// alarmReader models alarms.Reader.
type alarmReader interface {
	Read(context.Context) (alarms.Report, error)
}

func (a *application) alarms(ctx context.Context, reader alarmReader, o alarmsOptions) error {
	report, err := reader.Read(ctx)
	if err != nil {
		return err
	}
	if err := a.showAlarms(report, o); err != nil {
		return err
	}
	if firing := report.Firing(); len(firing) > 0 {
		return failed(counted(len(firing), "alarm")+" firing", firstStep(firing))
	}
	return nil
}

// showAlarms prints a report as it was asked for.
func (a *application) showAlarms(report alarms.Report, o alarmsOptions) error {
	firing := report.Firing()
	shown := report
	if !o.all {
		shown.Alarms = firing
	}
	switch {
	case a.json:
		return a.printJSON(shown)
	case len(report.Alarms) == 0:
		fmt.Fprintf(a.stdout, "stack %s has no alarms: it was deployed with them off (-c alarms=off), or by a version without\n", a.stack)
	case o.all:
		a.showAllAlarms(report)
	case len(firing) == 0:
		fmt.Fprintln(a.stdout, a.paint(good, fmt.Sprintf("nothing is firing: %s", counted(len(report.Alarms), "alarm"))))
	default:
		a.showFiring(firing, report.At)
	}
	return nil
}

// counted is a number with its noun.
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// firstStep is what to do about the alarm that has been firing for longest.
func firstStep(firing []alarms.Alarm) string {
	for _, alarm := range firing {
		if alarm.Composite() {
			continue
		}
		if alarm.Runbook != "" {
			return "see " + alarm.Runbook
		}
		if alarm.Command != "" {
			return "try `" + alarm.Command + "`"
		}
	}
	return "see docs/operating/README.md"
}

// showFiring prints what is firing, and below it what to do about each.
func (a *application) showFiring(firing []alarms.Alarm, at time.Time) {
	rows := make([][]string, len(firing))
	for i, alarm := range firing {
		rows[i] = []string{a.paint(bad, alarm.Name), ago(at, alarm.Since), cmp.Or(alarm.Why, alarm.Reason)}
	}
	a.table([]string{"alarm", "since", "why"}, rows)
	for _, alarm := range firing {
		fmt.Fprintf(a.stdout, "\n%s\n", a.paint(bold, alarm.Name))
		if alarm.Says != "" {
			fmt.Fprintln(a.stdout, "  "+alarm.Says)
		}
		if alarm.Runbook != "" {
			fmt.Fprintln(a.stdout, "  read  "+alarm.Runbook)
		}
		if alarm.Command != "" {
			fmt.Fprintln(a.stdout, "  run   "+alarm.Command)
		}
		if alarm.ActionsOff {
			fmt.Fprintln(a.stdout, a.paint(aside, "  its actions are off: nobody is told"))
		}
	}
}

func (a *application) showAllAlarms(report alarms.Report) {
	rows := make([][]string, len(report.Alarms))
	for i, alarm := range report.Alarms {
		rows[i] = []string{alarm.Name, a.paintAlarmState(alarm), ago(report.At, alarm.Since), cmp.Or(alarm.Why, alarm.Says)}
	}
	a.table([]string{"alarm", "state", "since", "what"}, rows)
}

func (a *application) paintAlarmState(alarm alarms.Alarm) string {
	switch {
	case alarm.Firing():
		return a.paint(bad, alarm.State)
	case alarm.State == "OK":
		return a.paint(good, alarm.State)
	default:
		return a.paint(quiet, alarm.State)
	}
}

// ago is how long something has lasted, in the two largest units.
func ago(now, since time.Time) string {
	const day = 24 * time.Hour
	d := max(now.Sub(since), 0)
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	case d < day:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	default:
		return fmt.Sprintf("%dd%02dh", int(d/day), int(d.Hours())%24)
	}
}
