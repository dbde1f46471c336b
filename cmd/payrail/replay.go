package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/spf13/cobra"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/internal/awsconfig"
	"github.com/payrail/payrail/internal/queuedepth"
	"github.com/payrail/payrail/internal/replay"
)

// stagePosting is the stage that a replay goes to unless another is named: it alone knows what is done already.
const stagePosting = "posting"

// replayStages are the consumers of the bus that events can be replayed to, in the order of the pipeline.
var replayStages = []string{"standardize", "enrich", "rules", "accountinterface", stagePosting, "disputes", "tracker"}

type replayOptions struct {
	from, to, stage, reason string
	yes, wait               bool
}

func (a *application) replayCommand() *cobra.Command {
	var o replayOptions
	command := &cobra.Command{
		Use:   "replay --from TIME --to TIME",
		Short: "Send archived events through the pipeline again: the posting legs, or those of another stage",
		Long: `replay has EventBridge send the archived events of a window once more. Posting legs go to posting alone, which knows what it has
posted: what is in the ledger stays as it is and is not told again, what never got there is posted now. Nothing else sees the
replayed events; they are not archived and not audited again.

--from-stage sends another stage's events to that stage, and so runs everything after it again: a repair, of which the ledger takes only
what it lacks, but other teams' consumers see the events again, under the same ids and marked with metadata.replay. It needs --yes.

Times are those at which events were published. The archive lags up to 10 minutes behind. Replays are unordered and may be interleaved
with live traffic. Ctrl-C cancels the replay. Who replayed what, when and why is kept in the audit log.`,
		Example: "  payrail replay --from 2026-07-09T00:00:00Z --to 2026-07-10T00:00:00Z --reason \"posting queue was purged by mistake\"\n" +
			"  payrail replay --from-stage enrich --from 2026-07-09T10:00:00Z --to 2026-07-09T10:30:00Z --reason \"reference data was wrong\" --yes",
		Args: atMost(0),
		RunE: func(command *cobra.Command, _ []string) error { return a.replay(command.Context(), o) },
	}
	flags := command.Flags()
	flags.StringVar(&o.from, "from", "", "begin of the window (RFC 3339), included")
	flags.StringVar(&o.to, "to", "", "end of the window (RFC 3339), not included; default now")
	flags.StringVar(&o.stage, "from-stage", stagePosting, "stage to replay to: "+strings.Join(replayStages, ", "))
	flags.StringVar(&o.reason, "reason", "", "why, for those who read the audit log")
	flags.BoolVar(&o.yes, "yes", false, "do run later stages again")
	flags.BoolVar(&o.wait, "wait", true, "wait until the replay has ended and the stage's queue is empty, or gets no shorter for 10 minutes")
	command.ValidArgsFunction = noFiles
	completeWith(command, "from-stage", cobra.FixedCompletions(replayStages, cobra.ShellCompDirectiveNoFileComp))
	return command
}

// replayed is what the command shows.
type replayed struct {
	Name   string    `json:"replay"`
	Stage  string    `json:"stage"`
	Rule   string    `json:"rule"`
	From   time.Time `json:"from"`
	To     time.Time `json:"to"`
	By     string    `json:"by"`
	Reason string    `json:"reason"`
	// State is STARTED for a replay that was not waited for, else COMPLETED.
	State string `json:"state"`
	// Left is about how many messages were in the stage's queue when waiting ended. Live traffic counts.
	Left    int     `json:"left"`
	Seconds float64 `json:"seconds"`
}

func (a *application) replay(ctx context.Context, o replayOptions) error {
	result, err := o.check(time.Now())
	if err != nil {
		return err
	}
	deployed, err := a.connect(ctx)
	if err != nil {
		return err
	}
	if result.By, err = deployed.caller(ctx); err != nil {
		return err
	}
	if late := time.Now().Add(-replay.ArchiveLag); result.To.After(late) && !deployed.isLocal() {
		fmt.Fprintf(a.stderr, "the window ends less than %s ago: the archive may not have its last events yet\n", replay.ArchiveLag)
	}
	request, queue, err := deployed.replayRequest(ctx, &result)
	if err != nil {
		return err
	}
	start := time.Now()
	replayer := &replay.Replayer{EventBridge: eventbridge.NewFromConfig(deployed.aws), Wait: awsconfig.Sleep}
	action := operatorAction{deployment: deployed, started: start, data: events.OperatorActionData{ActionID: result.Name, Action: events.ActionReplay, By: result.By, Reason: result.Reason,
		From: deployed.outputs["ArchiveName"], To: result.Stage, WindowFrom: events.FormatTime(result.From), WindowTo: events.FormatTime(result.To), Items: []string{result.Name}, Count: 1}}
	if err := action.record(ctx, events.OperatorStarted); err != nil {
		return err
	}
	// From here on events are under way: that it was begun is on record, and its end must be too, whatever it is.
	err = replayer.Start(ctx, request)
	result.State = "STARTED"
	if err == nil && o.wait {
		result.State = "COMPLETED"
		err = a.awaitReplay(ctx, replayer, request)
	}
	if err != nil {
		action.data.Count, action.data.Failed = 0, 1
	}
	if recordErr := action.record(context.WithoutCancel(ctx), events.OperatorEnded); recordErr != nil {
		err = errors.Join(err, recordErr)
	}
	if errors.Is(err, replay.ErrCancelled) {
		return failed("replay "+result.Name+" was cancelled", "what it had sent stays sent; replay the window again, which is harmless")
	}
	if err != nil {
		return err
	}
	if o.wait {
		if result.Left, err = a.awaitDrained(ctx, deployed, queue); err != nil {
			return err
		}
	}
	result.Seconds = time.Since(start).Seconds()
	return a.showReplayed(result)
}

// check reads the options: nothing may be asked of EventBridge that a person has not said clearly.
func (o replayOptions) check(now time.Time) (replayed, error) {
	if !slices.Contains(replayStages, o.stage) {
		return replayed{}, misused("there is no stage "+o.stage, "stages: "+strings.Join(replayStages, ", "))
	}
	if o.from == "" {
		return replayed{}, misused("replay needs --from", "write it like --from 2026-07-09T00:00:00Z")
	}
	from, err := timeFlag("from", o.from)
	if err != nil {
		return replayed{}, err
	}
	to, err := timeFlag("to", o.to)
	if err != nil {
		return replayed{}, err
	}
	if to.IsZero() {
		to = now.Truncate(time.Second) // What is not over yet is not asked for.
	}
	// EventBridge takes whole seconds.
	from, to = from.UTC().Truncate(time.Second), to.UTC().Add(time.Second-1).Truncate(time.Second)
	if !from.Before(to) {
		return replayed{}, misused("--from is not before --to", "give a window")
	}
	if o.reason == "" {
		return replayed{}, misused("replay needs a reason", "say why with --reason, for those who read the audit log")
	}
	if err := checkReason(o.reason); err != nil {
		return replayed{}, err
	}
	if o.stage != stagePosting && !o.yes {
		return replayed{}, misused("a replay from "+o.stage+" runs that stage and all later ones again, which other consumers of the bus see", "add --yes if that is what you want")
	}
	return replayed{Name: actionID("rp", now), Stage: o.stage, From: from, To: to, Reason: o.reason}, nil
}

// actionID names an operator's action by its kind, its time and random characters.
func actionID(kind string, now time.Time) string {
	return kind + "_" + now.UTC().Format("20060102T150405Z") + "-" + newRunID()
}

func (d *deployment) isLocal() bool {
	return d.aws.BaseEndpoint != nil && isLoopback(*d.aws.BaseEndpoint)
}

// replayRequest finds the archive, its bus, and rule and queue of the stage. A stage without a queue has the URL "".
func (d *deployment) replayRequest(ctx context.Context, result *replayed) (request replay.Request, queue string, err error) {
	names := map[string]string{}
	for _, output := range []string{"ArchiveName", "EventBus"} {
		if names[output], err = d.output(output); err != nil {
			return request, "", err
		}
	}
	client, bus := eventbridge.NewFromConfig(d.aws), names["EventBus"]
	archive, err := client.DescribeArchive(ctx, &eventbridge.DescribeArchiveInput{ArchiveName: aws.String(names["ArchiveName"])})
	if err != nil {
		return request, "", fmt.Errorf("describing the archive: %w", err)
	}
	rule, queue, err := d.stageResources(ctx, result.Stage)
	if err != nil {
		return request, "", err
	}
	described, err := client.DescribeRule(ctx, &eventbridge.DescribeRuleInput{Name: &rule, EventBusName: &bus})
	if err != nil {
		return request, "", fmt.Errorf("describing rule %s: %w", rule, err)
	}
	result.Rule = rule
	return replay.Request{Name: result.Name, ArchiveARN: aws.ToString(archive.ArchiveArn), BusARN: aws.ToString(archive.EventSourceArn), RuleARN: aws.ToString(described.Arn),
		From: result.From, To: result.To, Reason: result.Reason}, queue, nil
}

// stageResources are the physical names of a stage's rule and queue.
func (d *deployment) stageResources(ctx context.Context, stage string) (rule, queue string, err error) {
	construct := strings.ToUpper(stage[:1]) + stage[1:]
	pages := cloudformation.NewListStackResourcesPaginator(cloudformation.NewFromConfig(d.aws), &cloudformation.ListStackResourcesInput{StackName: &d.stack})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return "", "", fmt.Errorf("listing the stack's resources: %w", err)
		}
		for _, resource := range page.StackResourceSummaries {
			logical, physical := aws.ToString(resource.LogicalResourceId), aws.ToString(resource.PhysicalResourceId)
			switch {
			case aws.ToString(resource.ResourceType) == "AWS::Events::Rule" && isNamed(logical, construct+"Rule"):
				rule = physical[strings.LastIndexByte(physical, '|')+1:] // CloudFormation puts the bus in front.
			case aws.ToString(resource.ResourceType) == "AWS::SQS::Queue" && isNamed(logical, construct+"Queue"):
				queue = physical
			}
		}
	}
	if rule == "" {
		return "", "", missing("the stack has no rule for "+stage, "deploy this version of Payrail; the tracker is left out with timeline=off", nil)
	}
	return rule, queue, nil
}

// logicalHash is how many characters the CDK appends to a logical id.
const logicalHash = 8

// isNamed reports whether a logical id is that of a construct path, whose hash the CDK appends.
func isNamed(logical, path string) bool {
	return strings.HasPrefix(logical, path) && len(logical) == len(path)+logicalHash
}

// awaitReplay shows how far a replay is, and waits for its end.
func (a *application) awaitReplay(ctx context.Context, replayer *replay.Replayer, request replay.Request) error {
	const steps = 100 // per cent
	bar := a.bar(steps, "replaying")
	defer func() { _ = bar.Finish() }()
	return replayer.Await(ctx, request, func(done float64) { _ = bar.Set(int(done * steps)) })
}

const (
	// localQuiet is how long a queue of the local runtime must look empty, which counts exactly: what the bus is about to deliver is
	// in no queue.
	localQuiet = 600 * time.Millisecond
	// drainStall is how long a queue may be no shorter than before until it is taken for busy with live traffic. It is longer than a
	// message whose function died stays invisible.
	drainStall = 10 * time.Minute
	// drainInterval is how often a queue is looked at.
	drainInterval = 200 * time.Millisecond
)

// quiet is how long a queue must look empty until it is.
func (d *deployment) quiet() time.Duration {
	if d.isLocal() {
		return localQuiet
	}
	return queuedepth.Consistency
}

// awaitDrained waits until a stage has taken everything in, and returns how many messages it still has where it does not. Whoever
// interrupts it only stops waiting.
func (a *application) awaitDrained(ctx context.Context, deployed *deployment, queue string) (left int, err error) {
	if queue == "" {
		return 0, nil // the rules engine has no queue
	}
	stop := a.spin("waiting until the stage has taken everything in")
	defer stop()
	left, err = queuedepth.Drain{Queues: sqs.NewFromConfig(deployed.aws), URL: queue, Quiet: deployed.quiet(), Stall: drainStall, Interval: drainInterval,
		Now: time.Now, Wait: awsconfig.Sleep}.Await(ctx)
	if ctx.Err() != nil {
		return left, nil
	}
	return left, err
}

func (a *application) showReplayed(r replayed) error {
	if a.json {
		return a.printJSON(r)
	}
	a.table([]string{"replay", "to", "from", "until", "state"}, [][]string{{r.Name, r.Stage, r.From.Format(time.RFC3339), r.To.Format(time.RFC3339), r.State}})
	if r.State == "STARTED" {
		fmt.Fprintln(a.stdout, "EventBridge goes on with it: aws events describe-replay --replay-name "+r.Name)
		return nil
	}
	if r.Left > 0 {
		fmt.Fprintf(a.stdout, "the stage's queue still has about %d messages, live traffic among them\n", r.Left)
	}
	fmt.Fprintf(a.stdout, "done after %.1f s; what failed is in the dead-letter queues: payrail redrive\n", r.Seconds)
	return nil
}

// operatorAction keeps record of what an operator does, on the bus and so in the audit log.
type operatorAction struct {
	deployment *deployment
	started    time.Time
	data       events.OperatorActionData
}

func (o *operatorAction) record(ctx context.Context, phase events.OperatorPhase) error {
	bus, err := o.deployment.output("EventBus")
	if err != nil {
		return err
	}
	o.data.Phase = phase
	event, err := events.NewOperatorAction(o.data, o.started, time.Now())
	if err != nil {
		return err
	}
	for _, err := range awsconfig.Publisher(o.deployment.aws, bus).Publish(ctx, []events.Event{event}) {
		return fmt.Errorf("recording the %s in the audit log: %w", strings.ToLower(string(o.data.Action)), err)
	}
	return nil
}
