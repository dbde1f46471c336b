package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/spf13/cobra"

	"github.com/payrail/payrail/internal/awsconfig"
	"github.com/payrail/payrail/internal/reconcile"
)

// passSegments is how many parts the command makes of a full pass: each is a run of its own, so that none meets the time limit of
// the function, and a bar can show how far it is.
const passSegments = 8

type reconcileOptions struct {
	from, to     string
	full, dryRun bool
	grace        time.Duration
	stageTime    time.Duration
	segments     int
}

func (a *application) reconcileCommand() *cobra.Command {
	var o reconcileOptions
	command := &cobra.Command{
		Use:   "reconcile",
		Short: "Compare authorizations, events and ledger, and put right what got lost; status 1 if a break stays open",
		Long: `reconcile has the stack's reconciliation run now and shows what it found: payments that the ledger does not have, postings without
an authorization or without their event, sequences that wait for legs. What is safe to patch is told again on the bus, within caps;
no table is edited. The report is kept in the audit bucket under recon/, as JSON, CSV and a summary.

A run compares what came in within a window, by default the last two hours. --full reads the tables themselves and finds also what
an authorizer wrote without a stamp. Status 0: no break stays open; 1: some do, or the run could not read everything.`,
		Example: "  payrail reconcile\n  payrail reconcile --dry-run --from 2026-07-09T00:00:00Z --to 2026-07-10T00:00:00Z\n  payrail reconcile --full",
		Args:    atMost(0),
		RunE: func(command *cobra.Command, _ []string) error {
			requests, err := o.requests(command)
			if err != nil {
				return err
			}
			return a.reconcile(command.Context(), requests)
		},
	}
	flags := command.Flags()
	flags.StringVar(&o.from, "from", "", "begin of the window, by ingest time (RFC 3339); default two hours before --to")
	flags.StringVar(&o.to, "to", "", "end of the window (RFC 3339); default now")
	flags.BoolVar(&o.full, "full", false, "read every authorization and journal entry instead of a window")
	flags.IntVar(&o.segments, "segments", passSegments, "parts of a full pass")
	flags.BoolVar(&o.dryRun, "dry-run", false, "show what would be patched, but publish nothing about it")
	flags.DurationVar(&o.grace, "grace", 0, "how old a payment must be to be missed; default is the stack's five minutes")
	flags.DurationVar(&o.stageTime, "stage-time", 0, "how long any stage may take; default is each one's own")
	command.ValidArgsFunction = noFiles
	return command
}

// reconcileRequest is what functions/reconcile takes.
type reconcileRequest struct {
	From         time.Time `json:"from,omitzero"`
	To           time.Time `json:"to,omitzero"`
	Full         bool      `json:"full,omitempty"`
	Segment      int       `json:"segment,omitempty"`
	Segments     int       `json:"segments,omitempty"`
	DryRun       bool      `json:"dryRun,omitempty"`
	Actor        string    `json:"actor"`
	GraceSeconds *int64    `json:"graceSeconds,omitempty"`
	StageSeconds *int64    `json:"stageSeconds,omitempty"`
}

// requests makes the runs that the flags ask for.
func (o reconcileOptions) requests(command *cobra.Command) ([]reconcileRequest, error) {
	given := command.Flags().Changed
	if o.full && (o.from != "" || o.to != "") {
		return nil, misused("a full pass has no window", "leave out --from and --to, or --full")
	}
	if o.segments < 1 || given("segments") && !o.full {
		return nil, misused("--segments are the parts of a full pass, at least one", "add --full")
	}
	var request reconcileRequest
	var err error
	if request.From, err = timeFlag("from", o.from); err != nil {
		return nil, err
	}
	if request.To, err = timeFlag("to", o.to); err != nil {
		return nil, err
	}
	request.DryRun, request.Full = o.dryRun, o.full
	for flag, into := range map[string]**int64{"grace": &request.GraceSeconds, "stage-time": &request.StageSeconds} {
		if !given(flag) {
			continue
		}
		duration, err := command.Flags().GetDuration(flag)
		if err != nil || duration < 0 {
			return nil, misused("--"+flag+" is less than nothing", "write it like 5m")
		}
		*into = aws.Int64(int64(duration.Seconds()))
	}
	if !o.full {
		return []reconcileRequest{request}, nil
	}
	requests := make([]reconcileRequest, o.segments)
	for n := range requests {
		requests[n] = request
		requests[n].Segment, requests[n].Segments = n, o.segments
	}
	return requests, nil
}

func timeFlag(name, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, misused("--"+name+" "+text+" is no RFC 3339 time", "write it like 2026-07-09T12:00:00Z")
	}
	return at, nil
}

// reconciled is what the command shows.
type reconciled struct {
	Reports []string            `json:"reports"`
	Runs    []*reconcile.Report `json:"runs"`
	Summary reconcile.Summary   `json:"summary"`
}

func (a *application) reconcile(ctx context.Context, requests []reconcileRequest) error {
	deployed, err := a.connect(ctx)
	if err != nil {
		return err
	}
	function, err := deployed.output("ReconcileFunction")
	if err != nil {
		return err
	}
	by, err := deployed.caller(ctx)
	if err != nil {
		return err
	}
	result := reconciled{Summary: reconcile.Summary{ByCategory: map[reconcile.Category]int{}}}
	bar := a.bar(len(requests), "reconciling")
	for _, request := range requests {
		request.Actor = by
		key, report, err := deployed.runReconciliation(ctx, function, request)
		if err != nil {
			return err
		}
		result.add(key, report)
		_ = bar.Add(1) // A bar that cannot be drawn is no reason to stop.
	}
	_ = bar.Finish()
	if err := a.showReconciled(result); err != nil {
		return err
	}
	return result.verdict()
}

// runReconciliation invokes the function and reads the report it wrote.
func (d *deployment) runReconciliation(ctx context.Context, function string, request reconcileRequest) (key string, report *reconcile.Report, err error) {
	payload, err := json.Marshal(request)
	if err != nil {
		return "", nil, fmt.Errorf("writing the request: %w", err)
	}
	out, err := lambda.NewFromConfig(d.aws).Invoke(ctx, &lambda.InvokeInput{FunctionName: &function, Payload: payload})
	if err != nil {
		return "", nil, fmt.Errorf("invoking the reconciliation: %w", err)
	}
	if out.FunctionError != nil {
		var failure struct {
			Message string `json:"errorMessage"`
		}
		if json.Unmarshal(out.Payload, &failure) != nil || failure.Message == "" {
			failure.Message = aws.ToString(out.FunctionError)
		}
		return "", nil, failed("the reconciliation failed: "+failure.Message, "see the function's log")
	}
	var answer struct{ Bucket, Report string }
	if err := json.Unmarshal(out.Payload, &answer); err != nil {
		return "", nil, fmt.Errorf("reading the reconciliation's answer: %w", err)
	}
	object, err := awsconfig.S3(d.aws).GetObject(ctx, &s3.GetObjectInput{Bucket: &answer.Bucket, Key: &answer.Report})
	if err != nil {
		return "", nil, fmt.Errorf("reading the report: %w", err)
	}
	body, err := io.ReadAll(object.Body)
	if err = errors.Join(err, object.Body.Close()); err != nil {
		return "", nil, fmt.Errorf("reading the report: %w", err)
	}
	report = &reconcile.Report{}
	if err := json.Unmarshal(body, report); err != nil {
		return "", nil, fmt.Errorf("reading the report %s: %w", answer.Report, err)
	}
	return "s3://" + answer.Bucket + "/" + answer.Report, report, nil
}

func (r *reconciled) add(key string, report *reconcile.Report) {
	r.Reports, r.Runs = append(r.Reports, key), append(r.Runs, report)
	s := report.Summary
	r.Summary.Items += s.Items
	r.Summary.Matched += s.Matched
	r.Summary.AutoPatched += s.AutoPatched
	r.Summary.Open += s.Open
	r.Summary.OldestOpenSec = max(r.Summary.OldestOpenSec, s.OldestOpenSec)
	for category, n := range s.ByCategory {
		r.Summary.ByCategory[category] += n
	}
	r.Summary.MatchRatePct = reconcile.Percent(r.Summary.Matched, r.Summary.Items)
}

func (r reconciled) verdict() error {
	for _, report := range r.Runs {
		if !report.Complete {
			return failed("run "+report.RunID+" did not read everything: "+report.Stopped, "use a smaller window, or more --segments")
		}
	}
	if r.Summary.Open > 0 {
		return failed(fmt.Sprintf("%d breaks are open", r.Summary.Open), "see docs/operating/reconciliation.md")
	}
	return nil
}

func (a *application) showReconciled(r reconciled) error {
	if a.json {
		return a.printJSON(r)
	}
	var rows [][]string
	failedReviews, inFlight := 0, map[reconcile.Stage]int{}
	for _, report := range r.Runs {
		for _, b := range report.Breaks {
			amount := ""
			if b.Amount != nil {
				amount = b.Amount.String()
			}
			rows = append(rows, []string{string(b.Category), b.Name, a.paintStatus(b.Status), b.Key, amount, b.Problem})
		}
		failedReviews += len(report.WorkItems)
		for stage, n := range report.InFlight {
			inFlight[stage] += n
		}
		if report.Stopped != "" {
			fmt.Fprintln(a.stderr, a.paint(bad, "stopped: ")+report.Stopped)
		}
	}
	if len(rows) > 0 {
		a.table([]string{"break", "name", "status", "payment", "amount", "problem"}, rows, 4)
	}
	s := r.Summary
	fmt.Fprintf(a.stdout, "%d authorizations, %d matched (%s %%), %d breaks patched, %d open\n", s.Items, s.Matched, s.MatchRatePct, s.AutoPatched, s.Open)
	if failedReviews > 0 {
		fmt.Fprintf(a.stdout, "%d failed reviews wait for `payrail repair`\n", failedReviews)
	}
	if len(inFlight) > 0 {
		var stages []string
		for _, stage := range slices.Sorted(maps.Keys(inFlight)) {
			stages = append(stages, fmt.Sprintf("%s %d", stage, inFlight[stage]))
		}
		fmt.Fprintln(a.stdout, "in flight: "+strings.Join(stages, ", "))
	}
	fmt.Fprintln(a.stdout, a.paint(quiet, "report: "+strings.Join(r.Reports, " ")))
	return nil
}

func (a *application) paintStatus(status reconcile.Status) string {
	if status == reconcile.Patched {
		return a.paint(good, string(status))
	}
	return a.paint(bad, string(status))
}
