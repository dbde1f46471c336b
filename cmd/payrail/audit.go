package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/internal/auditlog"
	"github.com/payrail/payrail/internal/awsconfig"
)

const (
	// auditDelay is how long an event can wait in Firehose: the buffer's 60 s, or one and a half times as long, as AWS documents
	// for dynamic partitioning.
	auditDelay = 90 * time.Second
	// barAfter is how long work goes on before a bar shows it.
	barAfter = time.Second

	nextFlush = "Firehose writes events 60 to 90 s after they happened: try again then, or see `payrail trace`"
)

func (a *application) auditCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "audit",
		Short: "Read what was said on the bus: the audit log and the archive",
		Args:  commandWords,
		RunE: func(command *cobra.Command, _ []string) error {
			return misused("audit needs to know what to do", "say `payrail audit ls`, `payrail audit cat` or `payrail audit archive`")
		},
	}
	command.AddCommand(a.auditListCommand(), a.auditCatCommand(), a.auditArchiveCommand())
	return command
}

func (d *deployment) auditLog() (*auditlog.Reader, error) {
	bucket, err := d.output("AuditBucket")
	if err != nil {
		return nil, err
	}
	return auditlog.NewReader(awsconfig.S3(d.aws), bucket), nil
}

// partitionFlags adds the flags that pick partitions; check reads them.
func partitionFlags(command *cobra.Command) (check func() (auditlog.Partition, error)) {
	var date, detailType string
	command.Flags().StringVar(&date, "date", "", "only this day of arrival in Firehose, UTC (2026-07-09, or today)")
	command.Flags().StringVar(&detailType, "detail-type", "", "only events of this kind")
	completeWith(command, "detail-type", cobra.FixedCompletions(detailTypeNames(), cobra.ShellCompDirectiveNoFileComp))
	return func() (auditlog.Partition, error) {
		if date == "today" {
			date = time.Now().UTC().Format(auditlog.DateForm)
		}
		if _, err := time.Parse(auditlog.DateForm, date); date != "" && err != nil {
			return auditlog.Partition{}, misused("--date "+date+" is no date", "write it like 2026-07-09")
		}
		return auditlog.Partition{Date: date, DetailType: events.DetailType(detailType)}, nil
	}
}

func (a *application) auditListCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "ls",
		Short: "List the objects of the audit log",
		Long: `ls lists what Firehose wrote to the audit bucket: gzip-compressed objects with one event a line, by date and detail-type. How many
events an object has is known only by reading it. Firehose keeps events back for 60 to 90 s to write fewer objects.`,
		Example: "  payrail audit ls\n  payrail audit ls --date today --detail-type TransactionPosted",
		Args:    atMost(0),
	}
	partition := partitionFlags(command)
	command.RunE = func(command *cobra.Command, _ []string) error {
		p, err := partition()
		if err != nil {
			return err
		}
		deployed, err := a.connect(command.Context())
		if err != nil {
			return err
		}
		reader, err := deployed.auditLog()
		if err != nil {
			return err
		}
		stop := a.spin("listing the audit log")
		objects, err := reader.List(command.Context(), p)
		stop()
		if err != nil {
			return err
		}
		return a.showAuditObjects(objects, p)
	}
	return command
}

func (a *application) showAuditObjects(objects []auditlog.Object, p auditlog.Partition) error {
	if a.json {
		if objects == nil {
			objects = []auditlog.Object{}
		}
		return a.printJSON(objects)
	}
	if len(objects) == 0 {
		what := "the audit log is empty"
		if p != (auditlog.Partition{}) {
			what = "the audit log has nothing of this date and detail-type"
		}
		fmt.Fprintln(a.stdout, what+": "+nextFlush)
		return nil
	}
	rows := make([][]string, len(objects))
	total := int64(0)
	for i, o := range objects {
		rows[i] = []string{o.Written.Format(time.RFC3339), strconv.FormatInt(o.Size, 10), o.Key}
		total += o.Size
	}
	a.table([]string{"written", "bytes", "key"}, rows, 1)
	fmt.Fprintf(a.stdout, "objects: %d, bytes compressed: %d; what happened in the last 60 to 90 s may not be written yet\n", len(objects), total)
	return nil
}

func (a *application) auditCatCommand() *cobra.Command {
	var of auditlog.Of
	command := &cobra.Command{
		Use:   "cat [KEY...]",
		Short: "Print events of the audit log, one JSON document a line",
		Long: `cat prints events as they were on the bus: those of the objects named, or of a date and a detail-type, or of a payment. Objects come
by date, then by detail-type; within one the order is that of arrival. Firehose delivers at least once: an event can come twice,
with the same detail.metadata.eventId. A payment is looked for in every object, unless --date or --detail-type says which.`,
		Example: `  payrail audit cat --date today --detail-type TransactionPosted | jq .detail.data
  payrail audit cat --authorization auth-coffee --date today`,
		Args: func(_ *cobra.Command, keys []string) error {
			if slices.Contains(keys, "") {
				return misused("a key is empty", "take one from `payrail audit ls`")
			}
			return nil
		},
	}
	partition := partitionFlags(command)
	command.Flags().StringVar(&of.TransactionID, "transaction", "", "only events of this transaction (tx_…)")
	command.Flags().StringVar(&of.AuthorizationID, "authorization", "", "only events of this authorization")
	command.RunE = func(command *cobra.Command, keys []string) error {
		p, err := partition()
		if err != nil {
			return err
		}
		if len(keys) > 0 && p != (auditlog.Partition{}) {
			return misused("--date and --detail-type do not go with keys", "name keys or pick partitions")
		}
		if len(keys) == 0 && p == (auditlog.Partition{}) && of == (auditlog.Of{}) {
			return misused("audit cat needs to know what to print", "name keys of `payrail audit ls`, or give --date, --detail-type, --transaction or --authorization")
		}
		deployed, err := a.connect(command.Context())
		if err != nil {
			return err
		}
		reader, err := deployed.auditLog()
		if err != nil {
			return err
		}
		return a.auditCat(command.Context(), reader, keys, p, of)
	}
	return command
}

func (a *application) auditCat(ctx context.Context, reader *auditlog.Reader, keys []string, p auditlog.Partition, of auditlog.Of) (err error) {
	if len(keys) == 0 {
		stop := a.spin("listing the audit log")
		objects, err := reader.List(ctx, p)
		stop()
		if err != nil {
			return err
		}
		for _, o := range objects {
			keys = append(keys, o.Key)
		}
	}
	out := bufio.NewWriter(a.stdout)
	defer func() { err = errors.Join(err, out.Flush()) }()
	progress := &lateBar{application: a, total: len(keys), since: time.Now()}
	defer progress.finish()
	found, newest := 0, time.Time{}
	for _, key := range keys {
		err := reader.Read(ctx, key, of, func(e auditlog.Event) error {
			found++
			if at, err := time.Parse(time.RFC3339, e.Metadata.PublishedAt); err == nil && at.After(newest) {
				newest = at
			}
			progress.clear()
			if _, err := out.Write(e.Line); err != nil {
				return err
			}
			return out.WriteByte('\n')
		})
		if err != nil {
			return err
		}
		progress.add()
	}
	if found == 0 {
		return failed("the audit log has no such event", nextFlush)
	}
	if age := time.Since(newest); !newest.IsZero() && age < auditDelay {
		fmt.Fprintf(a.stderr, "the newest event is %d s old: later ones may still be in Firehose's buffer, for 60 to 90 s\n", max(0, int(age.Seconds())))
	}
	return nil
}

// lateBar is a bar that shows only once the work has gone on for a while.
type lateBar struct {
	application *application
	total, done int
	since       time.Time
	bar         *progressbar.ProgressBar
}

// add counts one object done. A bar that cannot be drawn is no reason to stop, here and below.
func (l *lateBar) add() {
	l.done++
	if l.bar == nil && time.Since(l.since) >= barAfter {
		l.bar = l.application.bar(l.total, "reading the audit log")
	}
	if l.bar != nil {
		_ = l.bar.Set(l.done)
	}
}

// clear makes room for a line of output on the same terminal.
func (l *lateBar) clear() {
	if l.bar != nil && isTerminal(l.application.stdout) {
		_ = l.bar.Clear()
	}
}

func (l *lateBar) finish() {
	if l.bar != nil {
		_ = l.bar.Finish()
	}
}

// archiveState is what there is to know of the bus's archive without replaying it.
type archiveState struct {
	Name          string `json:"name"`
	State         string `json:"state"`
	Events        int64  `json:"events"`
	Bytes         int64  `json:"bytes"`
	RetentionDays int32  `json:"retentionDays"` // 0 is for ever.
}

func (a *application) auditArchiveCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "archive",
		Short: "Show the bus's archive: how many events, how long kept",
		Long: `archive describes the archive that EventBridge keeps of the bus. It cannot be read, only replayed to the bus (payrail replay); to
read events use the audit log. On AWS the counts are up to 24 hours old.`,
		Example: "  payrail audit archive\n  payrail audit archive --json",
		Args:    atMost(0),
		RunE: func(command *cobra.Command, _ []string) error {
			deployed, err := a.connect(command.Context())
			if err != nil {
				return err
			}
			state, err := deployed.archive(command.Context())
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(state)
			}
			kept := fmt.Sprintf("%d days", state.RetentionDays)
			if state.RetentionDays == 0 {
				kept = "for ever"
			}
			a.table([]string{"archive", "state", "events", "bytes", "kept"},
				[][]string{{state.Name, state.State, strconv.FormatInt(state.Events, 10), strconv.FormatInt(state.Bytes, 10), kept}}, 2, 3)
			fmt.Fprintln(a.stdout, "EventBridge lets nobody read an archive, only replay it; `payrail audit cat` reads the same events. On AWS the counts are up to 24 hours old.")
			return nil
		},
	}
}

func (d *deployment) archive(ctx context.Context) (archiveState, error) {
	name, err := d.output("ArchiveName")
	if err != nil {
		return archiveState{}, err
	}
	out, err := eventbridge.NewFromConfig(d.aws).DescribeArchive(ctx, &eventbridge.DescribeArchiveInput{ArchiveName: &name})
	if err != nil {
		return archiveState{}, fmt.Errorf("describing the archive: %w", err)
	}
	return archiveState{Name: aws.ToString(out.ArchiveName), State: string(out.State), Events: out.EventCount, Bytes: out.SizeBytes,
		RetentionDays: aws.ToInt32(out.RetentionDays)}, nil
}
