// Package tap listens to an event bus for a while. A tap is a rule and a queue of its own, made for one session and deleted at
// its end: nothing is left that costs, and nothing of the stack is changed. Both carry the time in their name until which they
// may be there, so that Clean finds those whose session could not delete them; messages expire within minutes in any case.
package tap

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

const (
	// prefix starts the name of every rule and queue that a tap makes; the time until which it may be there follows.
	prefix = "payrail-watch-until-"
	// timeFormat is RFC 3339 without the characters that names cannot have.
	timeFormat = "20060102T150405Z"
	// targetID names the only target of the rule.
	targetID = "queue"
	// retentionSeconds is how long the queue keeps what nobody takes.
	retentionSeconds = "300"
	// waitSeconds is how long one receive waits: the longest that SQS offers, for the fewest calls.
	waitSeconds = 20
	// batchSize is the most that SQS gives in one receive.
	batchSize = 10
)

// Rules models the EventBridge client.
type Rules interface {
	PutRule(context.Context, *eventbridge.PutRuleInput, ...func(*eventbridge.Options)) (*eventbridge.PutRuleOutput, error)
	PutTargets(context.Context, *eventbridge.PutTargetsInput, ...func(*eventbridge.Options)) (*eventbridge.PutTargetsOutput, error)
	RemoveTargets(context.Context, *eventbridge.RemoveTargetsInput, ...func(*eventbridge.Options)) (*eventbridge.RemoveTargetsOutput, error)
	DeleteRule(context.Context, *eventbridge.DeleteRuleInput, ...func(*eventbridge.Options)) (*eventbridge.DeleteRuleOutput, error)
	ListRules(context.Context, *eventbridge.ListRulesInput, ...func(*eventbridge.Options)) (*eventbridge.ListRulesOutput, error)
}

// Queues models the SQS client.
type Queues interface {
	CreateQueue(context.Context, *sqs.CreateQueueInput, ...func(*sqs.Options)) (*sqs.CreateQueueOutput, error)
	ReceiveMessage(context.Context, *sqs.ReceiveMessageInput, ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error)
	DeleteMessageBatch(context.Context, *sqs.DeleteMessageBatchInput, ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error)
	DeleteQueue(context.Context, *sqs.DeleteQueueInput, ...func(*sqs.Options)) (*sqs.DeleteQueueOutput, error)
	ListQueues(context.Context, *sqs.ListQueuesInput, ...func(*sqs.Options)) (*sqs.ListQueuesOutput, error)
}

// Options say what to listen to.
type Options struct {
	Rules  Rules
	Queues Queues
	// Bus is the bus's name.
	Bus string
	// Pattern is the event pattern, in JSON.
	Pattern string
	// Until is when the tap may be taken for leaked.
	Until time.Time
	// Suffix makes the name unique: letters and digits.
	Suffix string
}

// Tap is an open tap. It is for one goroutine.
type Tap struct {
	options  Options
	name     string
	queueURL string
}

// Open makes rule and queue. Where it fails it deletes what it has made.
func Open(ctx context.Context, o Options) (tap *Tap, err error) {
	t := &Tap{options: o, name: prefix + o.Until.UTC().Format(timeFormat) + "-" + o.Suffix}
	made, err := o.Rules.PutRule(ctx, &eventbridge.PutRuleInput{
		Name: &t.name, EventBusName: &o.Bus, EventPattern: &o.Pattern,
		Description: aws.String("Temporary, of a `payrail watch`; to be deleted after " + o.Until.UTC().Format(time.RFC3339)),
	})
	if err != nil {
		return nil, fmt.Errorf("making the temporary rule: %w", err)
	}
	if err := t.connect(ctx, aws.ToString(made.RuleArn)); err != nil {
		return nil, errors.Join(err, t.Close(context.WithoutCancel(ctx)))
	}
	return t, nil
}

// Name is that of the rule and the queue.
func (t *Tap) Name() string { return t.name }

// connect makes the queue, which lets this rule alone in, and has the rule deliver to it.
func (t *Tap) connect(ctx context.Context, ruleARN string) error {
	queueARN, err := queueOf(ruleARN, t.name)
	if err != nil {
		return err
	}
	policy, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": []any{map[string]any{
		"Effect": "Allow", "Principal": map[string]any{"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": queueARN,
		"Condition": map[string]any{"ArnEquals": map[string]any{"aws:SourceArn": ruleARN}},
	}}})
	if err != nil {
		return fmt.Errorf("writing the queue's policy: %w", err)
	}
	queue, err := t.options.Queues.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &t.name, Attributes: map[string]string{
		string(sqstypes.QueueAttributeNamePolicy): string(policy), string(sqstypes.QueueAttributeNameMessageRetentionPeriod): retentionSeconds,
	}})
	if err != nil {
		return fmt.Errorf("making the temporary queue: %w", err)
	}
	t.queueURL = aws.ToString(queue.QueueUrl)
	added, err := t.options.Rules.PutTargets(ctx, &eventbridge.PutTargetsInput{Rule: &t.name, EventBusName: &t.options.Bus,
		Targets: []ebtypes.Target{{Id: aws.String(targetID), Arn: &queueARN}}})
	if err != nil {
		return fmt.Errorf("connecting rule and queue: %w", err)
	}
	for _, refused := range added.FailedEntries {
		return fmt.Errorf("connecting rule and queue: %s: %s", aws.ToString(refused.ErrorCode), aws.ToString(refused.ErrorMessage))
	}
	return nil
}

// queueOf is the ARN of the queue called name in the partition, Region and account of a rule.
func queueOf(ruleARN, name string) (string, error) {
	parts := strings.SplitN(ruleARN, ":", 6)
	if len(parts) != 6 {
		return "", fmt.Errorf("reading the ARN of the temporary rule: %q is none", ruleARN)
	}
	return strings.Join([]string{parts[0], parts[1], "sqs", parts[3], parts[4], name}, ":"), nil
}

// Receive waits for events, up to as long as SQS does, and takes them off the queue. Delivery is at least once and in no order.
func (t *Tap) Receive(ctx context.Context) ([][]byte, error) {
	got, err := t.options.Queues.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &t.queueURL, MaxNumberOfMessages: batchSize, WaitTimeSeconds: waitSeconds})
	if err != nil {
		return nil, fmt.Errorf("receiving events: %w", err)
	}
	if len(got.Messages) == 0 {
		return nil, nil
	}
	bodies := make([][]byte, len(got.Messages))
	taken := make([]sqstypes.DeleteMessageBatchRequestEntry, len(got.Messages))
	for i, m := range got.Messages {
		bodies[i] = []byte(aws.ToString(m.Body))
		taken[i] = sqstypes.DeleteMessageBatchRequestEntry{Id: aws.String(fmt.Sprint(i)), ReceiptHandle: m.ReceiptHandle}
	}
	// What is not deleted comes again and is shown twice: no reason to keep from showing it now.
	if _, err := t.options.Queues.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: &t.queueURL, Entries: taken}); err != nil {
		return bodies, fmt.Errorf("taking events off the queue: %w", err)
	}
	return bodies, nil
}

// Close deletes rule and queue. It does everything it can even where a part fails.
func (t *Tap) Close(ctx context.Context) error {
	errs := []error{deleteRule(ctx, t.options.Rules, t.options.Bus, t.name)}
	if t.queueURL != "" {
		errs = append(errs, deleteQueue(ctx, t.options.Queues, t.queueURL))
	}
	return errors.Join(errs...)
}

func deleteRule(ctx context.Context, rules Rules, bus, name string) error {
	var none *ebtypes.ResourceNotFoundException
	removed, err := rules.RemoveTargets(ctx, &eventbridge.RemoveTargetsInput{Rule: &name, EventBusName: &bus, Ids: []string{targetID}})
	if err != nil && !errors.As(err, &none) {
		return fmt.Errorf("deleting the temporary rule %s: %w", name, err)
	}
	if err == nil && len(removed.FailedEntries) > 0 {
		return fmt.Errorf("deleting the temporary rule %s: %s", name, aws.ToString(removed.FailedEntries[0].ErrorMessage))
	}
	if _, err := rules.DeleteRule(ctx, &eventbridge.DeleteRuleInput{Name: &name, EventBusName: &bus}); err != nil && !errors.As(err, &none) {
		return fmt.Errorf("deleting the temporary rule %s: %w", name, err)
	}
	return nil
}

func deleteQueue(ctx context.Context, queues Queues, url string) error {
	var none *sqstypes.QueueDoesNotExist
	if _, err := queues.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: &url}); err != nil && !errors.As(err, &none) {
		return fmt.Errorf("deleting the temporary queue %s: %w", url, err)
	}
	return nil
}

// Clean deletes the rules and queues of taps whose time is over and returns their names: of a session that was killed.
func Clean(ctx context.Context, rules Rules, queues Queues, bus string, now time.Time) (deleted []string, err error) {
	var token *string
	for {
		page, err := rules.ListRules(ctx, &eventbridge.ListRulesInput{EventBusName: &bus, NamePrefix: aws.String(prefix), NextToken: token})
		if err != nil {
			return deleted, fmt.Errorf("listing temporary rules: %w", err)
		}
		for _, rule := range page.Rules {
			if name := aws.ToString(rule.Name); leaked(name, now) {
				if err := deleteRule(ctx, rules, bus, name); err != nil {
					return deleted, err
				}
				deleted = append(deleted, "rule "+name)
			}
		}
		if token = page.NextToken; token == nil {
			break
		}
	}
	// A page has up to a thousand queues, and what is deleted is not on the next one: more come with the next call.
	page, err := queues.ListQueues(ctx, &sqs.ListQueuesInput{QueueNamePrefix: aws.String(prefix)})
	if err != nil {
		return deleted, fmt.Errorf("listing temporary queues: %w", err)
	}
	for _, url := range page.QueueUrls {
		if name := url[strings.LastIndexByte(url, '/')+1:]; leaked(name, now) {
			if err := deleteQueue(ctx, queues, url); err != nil {
				return deleted, err
			}
			deleted = append(deleted, "queue "+name)
		}
	}
	return deleted, nil
}

// leaked reports whether the time in a tap's name is over.
func leaked(name string, now time.Time) bool {
	until, _, ok := strings.Cut(strings.TrimPrefix(name, prefix), "-")
	if !ok || !strings.HasPrefix(name, prefix) {
		return false
	}
	at, err := time.Parse(timeFormat, until)
	return err == nil && at.Before(now)
}
