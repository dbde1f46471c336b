package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/internal/auditlog"
	"github.com/payrail/payrail/internal/awsconfig"
	"github.com/payrail/payrail/internal/bulkread"
	"github.com/payrail/payrail/internal/ledger"
	"github.com/payrail/payrail/internal/rebuild"
)

// bucketScheme is how a bucket is told from a folder.
const bucketScheme = "s3://"

type rebuildOptions struct {
	audit, endpoint, region, until, reason string
	resume, incomplete, dryRun             bool
}

func (a *application) rebuildCommand() *cobra.Command {
	var o rebuildOptions
	command := &cobra.Command{
		Use:   "rebuild --audit s3://BUCKET|FOLDER",
		Short: "Post an audit log into this empty deployment: the same ledger, entry by entry",
		Long: `rebuild reads the posting legs and orders of an audit log and sends them to this deployment's posting queue. It waits until every
entry that the audit log tells of is in the ledger, and compares the hashes. The ledger must be empty; --resume goes on with a
rebuild that was interrupted.

The audit log is that of another deployment: its bucket (s3://NAME, in --audit-region or behind --audit-endpoint if that is not where this
one is), or a copy of the bucket in a folder. Reference data, dispute cases and what is under way are not rebuilt. Messages about one
purchase are posted in the order in which they were posted before.

Status 1 if an entry is missing or has another hash.`,
		Example: "  payrail rebuild --audit s3://payrail-auditbucket-1abc --reason \"drill\"\n  payrail rebuild --audit copy-of-audit --until 2026-07-09T12:00:00Z --reason \"books as of noon\"",
		Args:    atMost(0),
		RunE:    func(command *cobra.Command, _ []string) error { return a.rebuild(command.Context(), o) },
	}
	flags := command.Flags()
	flags.StringVar(&o.audit, "audit", "", "where the audit log is: s3://BUCKET or a folder")
	flags.StringVar(&o.endpoint, "audit-endpoint", "", "endpoint of the bucket, if it is another than this deployment's")
	flags.StringVar(&o.region, "audit-region", "", "region of the bucket, if it is another than this deployment's")
	flags.StringVar(&o.until, "until", "", "leave out what was published at this time or later (RFC 3339)")
	flags.StringVar(&o.reason, "reason", "", "why, for those who read the audit log")
	flags.BoolVar(&o.resume, "resume", false, "go on with an interrupted rebuild: the ledger need not be empty")
	flags.BoolVar(&o.incomplete, "incomplete", false, "go on although the audit log lacks legs of entries that it tells of")
	flags.BoolVar(&o.dryRun, "dry-run", false, "read the audit log and show what would be posted, but send nothing")
	command.ValidArgsFunction = noFiles
	return command
}

// rebuilt is what the command shows.
type rebuilt struct {
	Name string `json:"rebuild"`
	rebuild.Report
	// Lacking is how many entries cannot come, because the audit log has not all of their legs.
	Lacking int     `json:"lacking"`
	From    string  `json:"from,omitempty"`
	To      string  `json:"to,omitempty"`
	By      string  `json:"by"`
	Reason  string  `json:"reason"`
	DryRun  bool    `json:"dryRun,omitempty"`
	Seconds float64 `json:"seconds"`
}

func (a *application) rebuild(ctx context.Context, o rebuildOptions) error {
	until, err := o.check()
	if err != nil {
		return err
	}
	deployed, err := a.connect(ctx)
	if err != nil {
		return err
	}
	source, err := deployed.auditSource(o)
	if err != nil {
		return err
	}
	result := rebuilt{Name: actionID("rb", time.Now()), Reason: o.reason, DryRun: o.dryRun}
	if result.By, err = deployed.caller(ctx); err != nil {
		return err
	}
	if !o.resume && !o.dryRun {
		if err := deployed.requireEmptyLedger(ctx); err != nil {
			return err
		}
	}
	start := time.Now()
	bar := a.bar(-1, "reading the audit log") // nobody knows how many events it has
	plan, err := rebuild.Read(ctx, source, until, func(read int) { _ = bar.Set(read) })
	_ = bar.Finish()
	if err != nil {
		return err
	}
	if plan.Events == 0 {
		return failed("the audit log at "+o.audit+" has no postings", "check --audit; "+nextFlush)
	}
	result.Report = rebuild.Report{Events: plan.Events, Units: plan.Units, Entries: plan.Entries()}
	result.From, result.To = events.FormatTime(plan.From), events.FormatTime(plan.To)
	lacking, sequence := plan.Lacking()
	result.Lacking = lacking
	if o.dryRun {
		return a.showRebuilt(result)
	}
	if lacking > 0 && !o.incomplete {
		return failed(fmt.Sprintf("the audit log lacks legs of %d of %d entries that it tells of, as of sequence %s; nothing was sent", lacking, result.Entries, sequence),
			"Firehose holds events back for up to 90 s: try again, or leave the end out with --until; where they are lost for good, go on with --incomplete")
	}
	action := operatorAction{deployment: deployed, started: start, data: events.OperatorActionData{ActionID: result.Name, Action: events.ActionRebuild, By: result.By, Reason: o.reason,
		From: o.audit, To: deployed.outputs["LedgerTable"], WindowFrom: result.From, WindowTo: result.To, Count: plan.Events}}
	if err := action.record(ctx, events.OperatorStarted); err != nil {
		return err
	}
	// From here on postings are made: that it was begun is on record, and its end must be too, whatever it is.
	result.Report, err = a.runRebuild(ctx, deployed, result.Name, plan, source)
	action.data.Count, action.data.Failed = result.Same, result.Entries-result.Same
	err = errors.Join(err, action.record(context.WithoutCancel(ctx), events.OperatorEnded))
	if errors.Is(err, rebuild.ErrStuck) {
		return failed(err.Error(), "see what is in posting's dead-letter queue with `payrail redrive`, then rebuild with --resume")
	}
	if err != nil {
		return err
	}
	result.Seconds = time.Since(start).Seconds()
	if err := a.showRebuilt(result); err != nil {
		return err
	}
	if result.Different > 0 {
		return failed(fmt.Sprintf("%d of %d entries are missing or have another hash than the audit log tells", result.Different, result.Entries), "see docs/how-to/rebuild-the-ledger.md")
	}
	return nil
}

func (o rebuildOptions) check() (until time.Time, err error) {
	if o.audit == "" || o.audit == bucketScheme {
		return until, misused("rebuild needs an audit log", "name its bucket or a copy of it: --audit s3://NAME or --audit FOLDER")
	}
	if !strings.HasPrefix(o.audit, bucketScheme) && (o.endpoint != "" || o.region != "") {
		return until, misused("--audit-endpoint and --audit-region are for a bucket", "write --audit s3://NAME, or leave them out")
	}
	if o.reason == "" && !o.dryRun {
		return until, misused("rebuild needs a reason", "say why with --reason, for those who read the audit log")
	}
	if err := checkReason(o.reason); err != nil {
		return until, err
	}
	return timeFlag("until", o.until)
}

// auditSource reads the audit log that a person names.
func (d *deployment) auditSource(o rebuildOptions) (rebuild.Source, error) {
	reader, err := d.auditReader(o)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, kinds []events.DetailType, visit func([]byte) error) error {
		for _, kind := range kinds {
			objects, err := reader.List(ctx, auditlog.Partition{DetailType: kind})
			if err != nil {
				return err
			}
			for _, object := range objects {
				if err := reader.Read(ctx, object.Key, auditlog.Of{}, func(e auditlog.Event) error { return visit(e.Line) }); err != nil {
					return err
				}
			}
		}
		return nil
	}, nil
}

func (d *deployment) auditReader(o rebuildOptions) (*auditlog.Reader, error) {
	bucket, isBucket := strings.CutPrefix(o.audit, bucketScheme)
	if !isBucket {
		folder, err := auditlog.NewFolder(o.audit)
		if err != nil {
			return nil, misused(err.Error(), "name a copy of an audit bucket, or s3://NAME")
		}
		return auditlog.NewReader(folder, o.audit), nil
	}
	cfg := d.aws.Copy()
	if o.endpoint != "" {
		cfg.BaseEndpoint = aws.String(o.endpoint)
	}
	if o.region != "" {
		cfg.Region = o.region
	}
	return auditlog.NewReader(awsconfig.S3(cfg), strings.TrimSuffix(bucket, "/")), nil
}

// requireEmptyLedger refuses a ledger with entries: what is rebuilt would be mixed with them.
func (d *deployment) requireEmptyLedger(ctx context.Context) error {
	reader, err := d.ledger()
	if err != nil {
		return err
	}
	errFound := errors.New("an entry")
	err = reader.EachJournal(ctx, func(ledger.Record) error { return errFound })
	if errors.Is(err, errFound) {
		return failed("the ledger of stack "+d.stack+" is not empty", "rebuild into a new deployment, or go on with an interrupted rebuild with --resume")
	}
	return err
}

func (a *application) runRebuild(ctx context.Context, deployed *deployment, name string, plan *rebuild.Plan, source rebuild.Source) (rebuild.Report, error) {
	queue, err := deployed.output("PostingQueueUrl")
	if err != nil {
		return rebuild.Report{}, err
	}
	table, err := deployed.output("LedgerTable")
	if err != nil {
		return rebuild.Report{}, err
	}
	reader, err := deployed.ledger()
	if err != nil {
		return rebuild.Report{}, err
	}
	bars := map[rebuild.Step]*progressbar.ProgressBar{}
	defer func() {
		for _, bar := range bars {
			_ = bar.Finish()
		}
	}()
	rebuilder := &rebuild.Rebuilder{
		Name: name, Queue: sqs.NewFromConfig(deployed.aws), QueueURL: queue, Purchases: reader, Quiet: deployed.quiet(), Wait: awsconfig.Sleep, Now: time.Now,
		Journals: ledger.NewBulkReader(bulkread.Reader{Client: deployed.dynamodb(), Wait: awsconfig.Sleep}, table),
		Progress: func(step rebuild.Step, done, total int) {
			if bars[step] == nil {
				bars[step] = a.bar(total, string(step))
			}
			_ = bars[step].Set(done)
		},
	}
	return rebuilder.Run(ctx, plan, source)
}

func (a *application) showRebuilt(r rebuilt) error {
	if a.json {
		return a.printJSON(r)
	}
	a.table([]string{"rebuild", "events", "messages", "entries", "first published", "last published"},
		[][]string{{r.Name, fmt.Sprint(r.Events), fmt.Sprint(r.Units), fmt.Sprint(r.Entries), r.From, r.To}}, 1, 2, 3)
	if r.Lacking > 0 {
		fmt.Fprintf(a.stdout, "the audit log lacks legs of %d entries, which therefore cannot come\n", r.Lacking)
	}
	if r.DryRun {
		fmt.Fprintln(a.stdout, "dry run: nothing was sent")
		return nil
	}
	for _, d := range r.Differences {
		fmt.Fprintf(a.stdout, "%s: %s should be %s\n", d.Sequence, cmp.Or(d.Got, "nothing"), d.Want)
	}
	fmt.Fprintf(a.stdout, "%d of %d entries are in the ledger under the same hash, after %.1f s\n", r.Same, r.Entries, r.Seconds)
	return nil
}
