package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/spf13/cobra"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/internal/ledger"
	"github.com/payrail/payrail/internal/timeline"
	"github.com/payrail/payrail/payment"
)

// expectedFile says what each example must come to.
const expectedFile = "expected.json"

func (a *application) smokeCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "smoke [DIR]",
		Short: "Send the example authorizations and check what becomes of each; status 1 if anything is not as expected",
		Long: `smoke loads DIR/reference (DIR/../reference where DIR has none), sends DIR/authorizations and the messages of DIR/iso8583 one after the other and holds what became
of each against DIR/expected.json: outcome, events, legs, the scrubbing of card numbers. Then it verifies the whole ledger. It can
be run again on the same stack: the authorizations are the same payments, of which nothing is posted twice; the messages are
new payments every time, for their times are moved to now.`,
		Example: "  payrail smoke\n  payrail smoke examples --json\n  payrail smoke examples/reversals",
		Args:    atMost(1),
		RunE: func(command *cobra.Command, arguments []string) error {
			folder := examplesFolder
			if len(arguments) == 1 {
				folder = arguments[0]
			}
			deployed, err := a.connect(command.Context())
			if err != nil {
				return err
			}
			return a.smoke(command.Context(), deployed, folder)
		},
	}
}

// expectation is one example and what it must come to.
type expectation struct {
	File    string              `json:"file"`
	Title   string              `json:"title"`
	Outcome string              `json:"outcome"`
	Events  []events.DetailType `json:"events"`
	Legs    []string            `json:"legs"`
	// Scrubbed is an attribute that must not be in the upstream item any more.
	Scrubbed string `json:"scrubbed"`
	// Message says which message of a file in DIR/iso8583 this is, from 1; 0 is a file in DIR/authorizations.
	Message int `json:"message"`
}

// smokeResult is one example with what it came to.
type smokeResult struct {
	sent
	Title    string           `json:"title"`
	Events   []string         `json:"events"`
	Legs     []string         `json:"legs,omitempty"`
	Before   []ledger.Balance `json:"before,omitempty"`
	After    []ledger.Balance `json:"after,omitempty"`
	Problems []string         `json:"problems,omitempty"`
}

func (a *application) smoke(ctx context.Context, d *deployment, folder string) error {
	var expectations []expectation
	if ok, err := readFile(filepath.Join(folder, expectedFile), &expectations); err != nil {
		return err
	} else if !ok {
		return misused("there is no "+filepath.Join(folder, expectedFile), "name a folder like examples")
	}
	if _, err := a.seed(ctx, d, referenceOf(folder)); err != nil {
		return err
	}
	outgoing, err := a.readExamples(ctx, d, folder, expectations)
	if err != nil {
		return err
	}
	results := make([]smokeResult, len(expectations))
	progress := a.bar(len(expectations), "posting the examples")
	for i, expected := range expectations {
		result, err := d.tryExample(ctx, outgoing[i], expected)
		if err != nil {
			return fmt.Errorf("example %s: %w", expected.File, err)
		}
		results[i] = result
		_ = progress.Add(1) // A bar that cannot be drawn is no reason to stop.
	}
	_ = progress.Finish()
	reader, err := d.ledger()
	if err != nil {
		return err
	}
	verified, err := reader.Verify(ctx)
	if err != nil {
		return err
	}
	balance, err := reader.TrialBalance(ctx, time.Time{})
	if err != nil {
		return err
	}
	if err := a.showSmoke(results, verified, balance); err != nil {
		return err
	}
	return judge(results, verified, balance)
}

// referenceOf is the reference data of a folder of examples: its own, or that of the folder it is in.
func referenceOf(folder string) string {
	own := filepath.Join(folder, referenceFolder)
	if _, err := os.Stat(own); errors.Is(err, fs.ErrNotExist) {
		return filepath.Join(folder, "..", referenceFolder)
	}
	return own
}

// readExamples reads the item or message of every expectation. A file of messages is read once, so that they keep together.
func (a *application) readExamples(ctx context.Context, d *deployment, folder string, expectations []expectation) ([]outgoing, error) {
	examples := make([]outgoing, len(expectations))
	files := map[string][]outgoing{}
	for i, expected := range expectations {
		if expected.Message == 0 {
			item, err := readItem(filepath.Join(folder, "authorizations", expected.File))
			if err != nil {
				return nil, err
			}
			examples[i] = outgoing{from: expected.File, item: item}
			continue
		}
		messages, read := files[expected.File]
		if !read {
			path := filepath.Join(folder, "iso8583", expected.File)
			raw, err := readSendable(path)
			if err != nil {
				return nil, err
			}
			if messages, err = a.decodeMessages(ctx, d, path, raw, false); err != nil {
				return nil, err
			}
			files[expected.File] = messages
		}
		if expected.Message < 1 || expected.Message > len(messages) {
			return nil, misused(fmt.Sprintf("%s expects message %d of %s, which has %d", expectedFile, expected.Message, expected.File, len(messages)), "correct it")
		}
		examples[i] = outgoing{from: fmt.Sprintf("%s#%d", expected.File, expected.Message), item: messages[expected.Message-1].item}
	}
	return examples, nil
}

// tryExample sends one example and compares.
func (d *deployment) tryExample(ctx context.Context, example outgoing, expected expectation) (smokeResult, error) {
	result := smokeResult{Title: expected.Title}
	reader, err := d.ledger()
	if err != nil {
		return result, err
	}
	account := customerAccount(expected.Legs)
	if account != "" {
		if result.Before, err = reader.Balances(ctx, account); err != nil {
			return result, err
		}
	}
	if result.sent, err = d.sendOne(ctx, example.from, example.item, true); err != nil {
		return result, err
	}
	// The events of one payment reach the timeline in any order: the last one may be there before a finding is.
	happened, err := d.await(ctx, result.AuthorizationID, func(happened []timeline.Entry) bool {
		return len(missingEvents(expected.Events, happened)) == 0
	})
	if err != nil {
		return result, err
	}
	for _, e := range happened {
		if e.AuthorizationID == result.AuthorizationID {
			result.Events = append(result.Events, string(e.DetailType))
		}
	}
	result.Legs = legLines(result.legs)
	if account != "" {
		if result.After, err = reader.Balances(ctx, account); err != nil {
			return result, err
		}
	}
	if expected.Scrubbed != "" {
		if err := d.checkScrubbed(ctx, &result, expected.Scrubbed); err != nil {
			return result, err
		}
	}
	result.compare(expected, happened)
	return result, nil
}

func (r *smokeResult) compare(expected expectation, happened []timeline.Entry) {
	if r.Outcome != expected.Outcome {
		r.Problems = append(r.Problems, fmt.Sprintf("came to %q, want %s", r.Outcome, expected.Outcome))
	}
	for _, name := range missingEvents(expected.Events, happened) {
		r.Problems = append(r.Problems, "there is no "+string(name))
	}
	if !slices.Equal(r.Legs, expected.Legs) {
		r.Problems = append(r.Problems, fmt.Sprintf("has the legs %q, want %q", r.Legs, expected.Legs))
	}
}

func missingEvents(want []events.DetailType, happened []timeline.Entry) []events.DetailType {
	var absent []events.DetailType
	for _, name := range want {
		if !slices.ContainsFunc(happened, func(e timeline.Entry) bool { return e.DetailType == name }) {
			absent = append(absent, name)
		}
	}
	return absent
}

// checkScrubbed verifies that the upstream item no longer holds the attribute in which a card number was.
func (d *deployment) checkScrubbed(ctx context.Context, result *smokeResult, attribute string) error {
	table, err := d.output("AuthorizationsTable")
	if err != nil {
		return err
	}
	out, err := d.dynamodb().GetItem(ctx, &dynamodb.GetItemInput{TableName: &table, ConsistentRead: aws.Bool(true),
		Key: map[string]types.AttributeValue{"authorizationId": &types.AttributeValueMemberS{Value: result.AuthorizationID}}})
	if err != nil {
		return fmt.Errorf("reading the scrubbed authorization: %w", err)
	}
	if _, still := out.Item[attribute]; still {
		result.Problems = append(result.Problems, "the upstream item still has "+attribute)
	}
	if status, ok := out.Item["status"].(*types.AttributeValueMemberS); !ok || status.Value == payment.StatusApproved {
		result.Problems = append(result.Problems, "the upstream item is still "+payment.StatusApproved)
	}
	return nil
}

// customerAccount is the customer account that legs name; system accounts are upper case.
func customerAccount(legs []string) string {
	for _, leg := range legs {
		if fields := strings.Fields(leg); len(fields) > 1 && strings.ToUpper(fields[1]) != fields[1] {
			return fields[1]
		}
	}
	return ""
}

func legLines(legs []payment.Leg) []string {
	var lines []string
	for _, leg := range legs {
		lines = append(lines, fmt.Sprintf("%s %s %s", leg.Side, leg.Account, leg.Amount))
	}
	return lines
}

func judge(results []smokeResult, verified ledger.Verification, balance ledger.TrialBalance) error {
	var wrong []string
	for _, r := range results {
		for _, p := range r.Problems {
			wrong = append(wrong, r.File+" "+p)
		}
	}
	for _, f := range verified.Findings {
		wrong = append(wrong, f.Subject+" "+f.Problem)
	}
	if !balance.Balanced() {
		wrong = append(wrong, "debits and credits differ")
	}
	if len(wrong) > 0 {
		return failed(fmt.Sprintf("%d things are not as they should be: %s", len(wrong), strings.Join(wrong, "; ")), "see the log and `payrail trace`")
	}
	return nil
}

func (a *application) showSmoke(results []smokeResult, verified ledger.Verification, balance ledger.TrialBalance) error {
	if a.json {
		return a.printJSON(map[string]any{"examples": results, "verification": verified, "trialBalance": balance})
	}
	for _, r := range results {
		mark := a.paint(good, "✓")
		if len(r.Problems) > 0 {
			mark = a.paint(bad, "✗")
		}
		fmt.Fprintf(a.stdout, "\n%s %s  %s  %s\n", mark, a.paint(bold, r.Title), a.paintOutcome(r.Outcome), a.paint(quiet, fmt.Sprintf("%s, %.0f ms from write to outcome", r.AuthorizationID, r.Seconds*1000)))
		fmt.Fprintf(a.stdout, "    %s\n", r.Summary)
		for _, leg := range r.Legs {
			fields := strings.Fields(leg)
			fmt.Fprintf(a.stdout, "    %s %-30s %s %12s\n", map[string]string{"D": "debit ", "C": "credit"}[fields[0]], fields[1], fields[2], fields[3])
		}
		if len(r.After) > 0 {
			fmt.Fprintf(a.stdout, "    balance of %s: %s → %s\n", r.After[0].AccountID, balances(r.Before, r.After), balances(r.After, nil))
		}
		for _, p := range r.Problems {
			fmt.Fprintln(a.stdout, "    "+a.paint(bad, p))
		}
	}
	fmt.Fprintln(a.stdout)
	var rows [][]string
	for _, l := range slices.Concat(balance.Lines, balance.Totals) {
		account := l.Account
		if account == "" {
			account = "total"
		}
		rows = append(rows, []string{account, string(l.Debit.Currency), l.Debit.Decimal(), l.Credit.Decimal()})
	}
	a.table([]string{"account", "currency", "debit", "credit"}, rows, 2, 3)
	fmt.Fprintf(a.stdout, "\n%d journal entries, %d account entries, %d balances verified, %d findings\n", verified.JournalEntries, verified.Entries, verified.Balances, len(verified.Findings))
	return nil
}

// balances writes balances on one line; where there are none yet, zero in the currencies of like.
func balances(of, like []ledger.Balance) string {
	if len(of) == 0 {
		for _, b := range like {
			of = append(of, ledger.Balance{Amount: payment.Money{Currency: b.Amount.Currency}})
		}
	}
	texts := make([]string, len(of))
	for i, b := range of {
		texts[i] = b.Amount.String()
	}
	return strings.Join(texts, ", ")
}
