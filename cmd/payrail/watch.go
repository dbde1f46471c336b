package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/spf13/cobra"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/internal/tap"
	"github.com/payrail/payrail/internal/timeline"
)

const (
	// maxWatch is the longest watch: its rule and queue may be deleted by others afterwards.
	maxWatch = 12 * time.Hour
	// closeLimit is how long deleting rule and queue may take after the watch has ended.
	closeLimit = 15 * time.Second
)

type watchOptions struct {
	detailTypes []string
	duration    time.Duration
	count       int
	clean       bool
}

func (a *application) watchCommand() *cobra.Command {
	var o watchOptions
	command := &cobra.Command{
		Use:   "watch",
		Short: "Show the events of all payments as they happen",
		Long: `watch prints one line for each event on the bus until it is interrupted, for --for, or for --count events. It makes a rule and
a queue for itself, payrail-watch-until-<time>-<id>, and deletes both at the end. A new rule on AWS may take a minute to work.
Events come at least once and nearly in order; for what happened before there is ` + "`payrail trace`" + `.
With both --for and --count, status 1 if the time was over first. With --json, one line of JSON for each event.`,
		Example: "  payrail watch\n  payrail watch --detail-type TransactionPosted --detail-type TransactionPostingFailed\n" +
			"  payrail watch --for 30s --count 1 --json\n  payrail watch --clean   # deletes what watches that were killed have left",
		Args: atMost(0),
		RunE: func(command *cobra.Command, _ []string) error {
			return a.watch(command.Context(), o)
		},
	}
	flags := command.Flags()
	flags.StringArrayVar(&o.detailTypes, "detail-type", nil, "show events of this type only; may be given several times")
	flags.DurationVar(&o.duration, "for", 0, "stop after this long, such as 30s")
	flags.IntVar(&o.count, "count", 0, "stop after this many events")
	flags.BoolVar(&o.clean, "clean", false, "delete rules and queues that watches have left behind, and watch nothing")
	completeWith(command, "detail-type", cobra.FixedCompletions(detailTypeNames(), cobra.ShellCompDirectiveNoFileComp))
	return command
}

func detailTypeNames() []string {
	var names []string
	for _, contract := range events.Contracts() {
		names = append(names, string(contract.DetailType))
	}
	return names
}

func (o watchOptions) check() error {
	for _, name := range o.detailTypes {
		if !slices.Contains(detailTypeNames(), name) {
			return misused("there is no event "+name, "events: "+strings.Join(detailTypeNames(), ", "))
		}
	}
	switch {
	case o.duration < 0 || o.duration > maxWatch:
		return misused("--for "+o.duration.String()+" is not possible", "give a time of up to "+maxWatch.String()+" such as 30s or 5m")
	case o.count < 0:
		return misused("--count must not be below zero", "leave it out to watch without an end")
	case o.clean && (o.duration != 0 || o.count != 0 || len(o.detailTypes) > 0):
		return misused("--clean goes alone", "leave the other flags out")
	}
	return nil
}

// pattern is the event pattern of what is watched: what Payrail's producers put, and no other.
func (o watchOptions) pattern() (string, error) {
	pattern := map[string]any{"source": []any{map[string]any{"prefix": "payrail."}}}
	if len(o.detailTypes) > 0 {
		pattern["detail-type"] = o.detailTypes
	}
	text, err := json.Marshal(pattern)
	if err != nil {
		return "", fmt.Errorf("writing the event pattern: %w", err)
	}
	return string(text), nil
}

func (a *application) watch(ctx context.Context, o watchOptions) (err error) {
	if err := o.check(); err != nil {
		return err
	}
	deployed, err := a.connect(ctx)
	if err != nil {
		return err
	}
	bus, err := deployed.output("EventBus")
	if err != nil {
		return err
	}
	rules, queues := eventbridge.NewFromConfig(deployed.aws), sqs.NewFromConfig(deployed.aws)
	if o.clean {
		deleted, err := tap.Clean(ctx, rules, queues, bus, time.Now())
		return errors.Join(err, a.showCleaned(deleted))
	}
	pattern, err := o.pattern()
	if err != nil {
		return err
	}
	limit := cmp.Or(o.duration, maxWatch)
	open, err := tap.Open(ctx, tap.Options{Rules: rules, Queues: queues, Bus: bus, Pattern: pattern, Until: time.Now().Add(limit), Suffix: randomSuffix()})
	if err != nil {
		return err
	}
	defer func() {
		// The watch ends by its context; what it made is deleted all the same.
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeLimit)
		defer cancel()
		if closeErr := open.Close(closing); closeErr != nil {
			err = errors.Join(err, failed(closeErr.Error(), "run `payrail watch --clean` after "+time.Now().Add(limit).Format(time.TimeOnly)))
		}
	}()
	fmt.Fprintf(a.stderr, "watching bus %s through %s, Ctrl-C ends it\n", bus, open.Name())
	watching, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return a.follow(watching, open, o)
}

// source is where a watch takes its events from.
type source interface {
	Receive(context.Context) ([][]byte, error)
}

// follow prints what comes until ctx is done or enough has come.
func (a *application) follow(ctx context.Context, from source, o watchOptions) error {
	seen := 0
	for o.count == 0 || seen < o.count {
		bodies, err := from.Receive(ctx)
		for _, entry := range a.readable(bodies) {
			if o.count > 0 && seen == o.count {
				return nil
			}
			if err := a.showEvent(entry); err != nil {
				return err
			}
			seen++
		}
		if ctx.Err() != nil {
			break // An end that was asked for, not an error.
		}
		if err != nil {
			return err
		}
	}
	if o.count > 0 && seen < o.count && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return failed(fmt.Sprintf("%d of %d events came within %s", seen, o.count, o.duration), "see `payrail trace ID`, or watch longer with --for")
	}
	return nil
}

// readable are the events of a batch in their order; what is no event of Payrail's is named and passed over.
func (a *application) readable(bodies [][]byte) []timeline.Entry {
	entries := make([]timeline.Entry, 0, len(bodies))
	for _, body := range bodies {
		entry, err := timeline.Read(body)
		if err != nil {
			fmt.Fprintln(a.stderr, "passed over:", err)
			continue
		}
		entries = append(entries, entry)
	}
	timeline.Sort(entries)
	return entries
}

// eventWidth is that of the longest name that is common; longer ones push their line to the right.
const eventWidth = 27

func (a *application) showEvent(e timeline.Entry) error {
	if a.json {
		return a.printLine(e)
	}
	name := fmt.Sprintf("%-*s", eventWidth, e.DetailType)
	_, err := fmt.Fprintf(a.stdout, "%s  %s  %s  %s  %s\n", e.PublishedAt, e.TransactionID, a.paintEvent(e.DetailType, name), e.AuthorizationID, e.Summary)
	return err
}

// paintEvent colours an event by what it asks of people; a step on the way is quiet.
func (a *application) paintEvent(detailType events.DetailType, text string) string {
	switch detailType {
	case events.TransactionPosted:
		return a.paint(good, text)
	case events.TransactionRoutedToSuspense, events.DuplicateTransactionParked:
		return a.paint(aside, text)
	case events.TransactionPostingFailed, events.DuplicateConflictDetected, events.TransactionRejected, events.TransactionQuarantined:
		return a.paint(bad, text)
	default:
		return a.paint(quiet, text)
	}
}

func (a *application) showCleaned(deleted []string) error {
	if a.json {
		return a.printJSON(map[string]any{"deleted": append([]string{}, deleted...)})
	}
	for _, name := range deleted {
		fmt.Fprintln(a.stdout, "deleted", name)
	}
	if len(deleted) == 0 {
		fmt.Fprintln(a.stdout, "no watch has left anything whose time is over")
	}
	return nil
}

// randomSuffix tells watches apart that end in the same second.
func randomSuffix() string {
	var id [4]byte
	_, _ = rand.Read(id[:]) // crypto/rand.Read does not fail: it ends the program instead.
	return hex.EncodeToString(id[:])
}
