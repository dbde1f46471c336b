package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/spf13/cobra"

	"github.com/payrail/payrail/internal/awsconfig"
	"github.com/payrail/payrail/internal/bulkread"
	"github.com/payrail/payrail/internal/panguard"
	"github.com/payrail/payrail/internal/reconcile"
	"github.com/payrail/payrail/internal/redrive"
)

const (
	// noReason stands in the audit record of a redrive without --reason.
	noReason = "no reason given"
	// maxReason is the longest reason taken, in bytes: a sentence, not a document.
	maxReason = 500
	// usualRate, in items a second, is a tenth of what a processor takes: what has just recovered is not to be pushed over again.
	usualRate = "50/s"
	// listLimit is how many items of a store are listed unless told otherwise.
	listLimit = 100
)

type redriveOptions struct {
	all, dryRun, yes    bool
	rate, reason, match string
	since, until        string
}

func (a *application) redriveCommand() *cobra.Command {
	var o redriveOptions
	command := &cobra.Command{
		Use:   "redrive [STORE|ID... | --all]",
		Short: "See what was set aside, and put it back: dead-letter queues and parked payments",
		Long: `redrive without arguments looks into every dead-letter queue and parked store of the stack: how many items, how old, why, and what
it would do with them. It takes nothing. With stores, ids of items or of transactions (tx_…), or --all it puts items back: to
the queue, state machine, function, topic or stream that failed on them, unchanged and under the same ids, so that each has its effect once.
Remove the cause first. What cannot be put back stays where it is, with the reason; --all does not touch parked payments, which
are named as ` + redrive.ParkedName + `. Who, when, what and why is recorded on the bus before the first item is put back. Ctrl-C stops between two items.

Status 0: everything that was asked for was put back; 1: something was not.`,
		Example: "  payrail redrive\n  payrail redrive PostingDeadLetters --dry-run\n" +
			"  payrail redrive --all --reason \"the ledger table answers again\"\n  payrail redrive EnrichUndelivered --rate 5/s --since 2026-07-09T00:00:00Z",
		Args: noEmptyWords,
		RunE: func(command *cobra.Command, words []string) error {
			if len(words) == 0 && !o.all {
				if command.Flags().NFlag() > 0 && onlyForPuttingBack(command) {
					return misused("redrive does not know what to put back", "name stores or ids, or say --all")
				}
				return a.surveyDeadLetters(command.Context())
			}
			return a.redrive(command.Context(), words, o)
		},
	}
	flags := command.Flags()
	flags.BoolVar(&o.all, "all", false, "put back everything of every dead-letter queue")
	flags.BoolVar(&o.dryRun, "dry-run", false, "say what would be put back where, and touch nothing")
	flags.StringVar(&o.rate, "rate", usualRate, "how many items, a second (50/s) or a minute (10/m)")
	flags.StringVar(&o.reason, "reason", noReason, "why, for those who read the audit log")
	flags.StringVar(&o.match, "match", "", "only items whose reason has this text in it")
	flags.StringVar(&o.since, "since", "", "only items first seen at this time or later (RFC 3339)")
	flags.StringVar(&o.until, "until", "", "only items first seen at this time or before (RFC 3339)")
	flags.BoolVar(&o.yes, "yes", false, "do not ask before --all")
	for _, free := range []string{"rate", "reason", "match", "since", "until"} {
		completeWith(command, free, noFiles)
	}
	command.ValidArgsFunction = noFiles
	command.AddCommand(a.redriveListCommand(), a.redriveShowCommand())
	return command
}

// onlyForPuttingBack reports whether a flag was given that means nothing where redrive only looks.
func onlyForPuttingBack(command *cobra.Command) bool {
	for _, name := range []string{"dry-run", "rate", "reason", "match", "since", "until", "yes"} {
		if command.Flags().Changed(name) {
			return true
		}
	}
	return false
}

// noEmptyWords refuses an empty argument: it is an unset variable of a shell.
func noEmptyWords(command *cobra.Command, words []string) error {
	if len(words) == 0 {
		return nil
	}
	return atLeast("a store or an id")(command, words)
}

func (a *application) redriveListCommand() *cobra.Command {
	limit := listLimit
	command := &cobra.Command{
		Use:     "list [STORE]",
		Short:   "List what lies in dead-letter queues and parked stores, item by item",
		Example: "  payrail redrive list\n  payrail redrive list PostingDeadLetters --limit 1000",
		Args:    atMost(1),
		RunE: func(command *cobra.Command, words []string) error {
			if limit < 1 {
				return misused("--limit must be above zero", "leave it out for "+strconv.Itoa(listLimit))
			}
			return a.listDeadLetters(command.Context(), words, limit)
		},
	}
	command.Flags().IntVar(&limit, "limit", limit, "how many items of each store")
	command.ValidArgsFunction = noFiles
	return command
}

func (a *application) redriveShowCommand() *cobra.Command {
	command := &cobra.Command{
		Use:     "show ID",
		Short:   "Show one item that was set aside, whole",
		Example: "  payrail redrive show 5fea7756-0ea4-451a-a703-a558b933e274",
		Args:    exactly("ID"),
		RunE: func(command *cobra.Command, words []string) error {
			return a.showDeadLetter(command.Context(), words[0])
		},
	}
	command.ValidArgsFunction = noFiles
	return command
}

// request checks everything that needs no stack.
func (o redriveOptions) request(words []string) (request redrive.Request, err error) {
	if o.all && len(words) > 0 {
		return request, misused("--all goes without stores and ids", "leave one of them out")
	}
	request = redrive.Request{DryRun: o.dryRun, Reason: o.reason}
	if err := checkReason(o.reason); err != nil {
		return request, err
	}
	request.Match = o.match
	if request.Since, err = timeFlag("since", o.since); err != nil {
		return request, err
	}
	if request.Until, err = timeFlag("until", o.until); err != nil {
		return request, err
	}
	request.Rate, err = parseRate(o.rate)
	return request, err
}

// checkReason verifies what an operator wrote: it goes to the bus, the audit log and to EventBridge's descriptions.
func checkReason(reason string) error {
	if len(reason) > maxReason || strings.ContainsFunc(reason, unicode.IsControl) {
		return misused(fmt.Sprintf("the reason must be one line of at most %d bytes", maxReason), "write it shorter")
	}
	if panguard.Contains(reason) {
		return misused("the reason holds a card number", "write it without")
	}
	return nil
}

// parseRate reads items a second: 50/s, 50 or 10/m.
func parseRate(text string) (float64, error) {
	number, unit, _ := strings.Cut(text, "/")
	rate, err := strconv.ParseFloat(number, 64)
	switch unit {
	case "", "s":
	case "m":
		rate /= 60
	default:
		err = errors.New("unknown unit")
	}
	const most = 10_000 // more than any target takes
	if err != nil || !(rate >= redrive.MinRate && rate <= most) {
		return 0, misused("--rate "+text+" is not possible", "write it like 50/s or 10/m, from 1/m to 10000/s")
	}
	return rate, nil
}

// redriver finds the stores of the stack and makes the clients for everything that items come from and go to.
func (d *deployment) redriver(ctx context.Context, stack string) (*redrive.Redriver, error) {
	layout, err := redrive.Discover(ctx, cloudformation.NewFromConfig(d.aws), stack)
	if err != nil {
		return nil, err
	}
	bus := eventbridge.NewFromConfig(d.aws)
	return &redrive.Redriver{
		Layout: layout,
		Queues: sqs.NewFromConfig(d.aws), Objects: awsconfig.S3(d.aws), Rules: bus, EventBus: bus, Machines: sfn.NewFromConfig(d.aws),
		Functions: lambda.NewFromConfig(d.aws), Streams: firehose.NewFromConfig(d.aws), Topics: sns.NewFromConfig(d.aws),
		Publisher: awsconfig.Publisher(d.aws, layout.EventBus), Records: dynamodbstreams.NewFromConfig(d.aws),
		Authorizations: reconcile.AuthorizationsTable{Reader: bulkread.Reader{Client: d.dynamodb(), Wait: awsconfig.Sleep}, Table: layout.AuthorizationsTable},
		Now:            time.Now, Wait: awsconfig.Sleep, NewID: newRunID,
	}, nil
}

// newRunID is enough to tell runs of one second apart.
func newRunID() string {
	var random [4]byte
	_, _ = rand.Read(random[:]) // It never fails.
	return hex.EncodeToString(random[:])
}

// openRedriver finds the stack and its stores.
func (a *application) openRedriver(ctx context.Context) (*deployment, *redrive.Redriver, error) {
	deployed, err := a.connect(ctx)
	if err != nil {
		return nil, nil, err
	}
	redriver, err := deployed.redriver(ctx, a.stack)
	return deployed, redriver, err
}

func (a *application) redrive(ctx context.Context, words []string, o redriveOptions) error {
	request, err := o.request(words)
	if err != nil {
		return err
	}
	deployed, redriver, err := a.openRedriver(ctx)
	if err != nil {
		return err
	}
	if request.Stores, request.IDs, err = chooseStores(redriver.Layout, words); err != nil {
		return err
	}
	if request.By, err = deployed.caller(ctx); err != nil {
		return err
	}
	total, err := redriver.CountAll(ctx, request.Stores)
	if err != nil {
		return err
	}
	if o.all && !o.yes && !o.dryRun && isTerminal(os.Stdin) && !a.confirmed(os.Stdin, fmt.Sprintf("put back %d items?", total)) {
		return failed("nothing was put back", "say yes, or --yes")
	}
	bar := a.bar(total, "putting back")
	request.Progress = func() { _ = bar.Add(1) } // A bar that cannot be drawn is no reason to stop.
	report, err := redriver.Run(ctx, request)
	_ = bar.Finish()
	if shown := a.showRedriven(report); shown != nil {
		return shown
	}
	if err != nil {
		return err
	}
	return verdictOf(report)
}

// chooseStores reads what is to be put back: stores by their names, all else are ids, which may be anywhere. Without words it is
// everything in dead-letter queues.
func chooseStores(layout redrive.Layout, words []string) (stores []redrive.Store, ids []string, err error) {
	var names []string
	for _, word := range words {
		if _, err := layout.Find([]string{word}); err == nil {
			names = append(names, word)
			continue
		}
		if looksLikeStore(word) {
			return nil, nil, misused("there is no store "+word, "see `payrail redrive` for the stores")
		}
		ids = append(ids, word)
	}
	if len(names) > 0 {
		if stores, err = layout.Find(names); err == nil {
			err = refuseOnlyCounted(stores)
		}
		return stores, ids, err
	}
	for _, store := range layout.Stores {
		switch store.Kind {
		case redrive.Quarantine: // Nobody reads it here.
		case redrive.Parked:
			// Objects have paths for ids; parked payments are put back only by name.
			if hasPath(ids) {
				stores = append(stores, store)
			}
		default:
			stores = append(stores, store)
		}
	}
	return stores, ids, nil
}

// refuseOnlyCounted refuses a store of which nobody reads the items here, when it was named.
func refuseOnlyCounted(stores []redrive.Store) error {
	if slices.ContainsFunc(stores, redrive.Store.OnlyCounted) {
		return misused(redrive.ErrOnlyCounted.Error(), "see docs/operating/card-number-found.md#quarantined for who may read it")
	}
	return nil
}

// looksLikeStore tells a misspelt store from an id: message ids have dashes, objects slashes, transactions their prefix.
func looksLikeStore(word string) bool {
	return !strings.ContainsAny(word, "-/_")
}

func hasPath(ids []string) bool {
	for _, id := range ids {
		if strings.Contains(id, "/") {
			return true
		}
	}
	return false
}

// confirmed asks a person.
func (a *application) confirmed(in io.Reader, question string) bool {
	fmt.Fprint(a.stderr, question+" [y/N] ")
	answer, _ := bufio.NewReader(in).ReadString('\n') // No answer is a no.
	answer = strings.ToLower(strings.TrimSpace(answer))
	return answer == "y" || answer == "yes"
}

func (a *application) surveyDeadLetters(ctx context.Context) error {
	_, redriver, err := a.openRedriver(ctx)
	if err != nil {
		return err
	}
	stop := a.spin("looking into the stores")
	all, err := redriver.Survey(ctx)
	stop()
	return errors.Join(err, a.showSurvey(all)) // A store that does not answer is no reason to hide the others.
}

func (a *application) listDeadLetters(ctx context.Context, words []string, limit int) error {
	_, redriver, err := a.openRedriver(ctx)
	if err != nil {
		return err
	}
	stores := redriver.Layout.Stores
	if len(words) > 0 {
		if stores, err = redriver.Layout.Find(words); err != nil {
			return misused(err.Error(), "see `payrail redrive` for the stores")
		}
		if err := refuseOnlyCounted(stores); err != nil {
			return err
		}
	}
	items, err := redriver.List(ctx, stores, limit)
	if err != nil {
		return err
	}
	return a.showItems(items)
}

func (a *application) showDeadLetter(ctx context.Context, id string) error {
	_, redriver, err := a.openRedriver(ctx)
	if err != nil {
		return err
	}
	item, err := redriver.Show(ctx, id)
	if errors.Is(err, redrive.ErrNoItem) {
		return failed(err.Error()+": "+id, "see `payrail redrive list`; somebody else may have it in hand")
	}
	if err != nil {
		return err
	}
	return a.printJSON(item)
}
