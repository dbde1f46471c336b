package tap

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stretchr/testify/require"
)

const account = "arn:aws:events:eu-west-2:123456789012:rule/bus/"

var until = time.Date(2026, 7, 9, 12, 0, 0, 0, time.UTC)

// fake is EventBridge and SQS, as far as a tap uses them. Calls named in fail fail.
type fake struct {
	rules    map[string]string // name → target ARN
	queues   map[string]map[string]string
	messages []sqstypes.Message
	deleted  []string
	fail     map[string]bool
	calls    []string
}

func newFake() *fake {
	return &fake{rules: map[string]string{}, queues: map[string]map[string]string{}, fail: map[string]bool{}}
}

func (f *fake) call(ctx context.Context, name string) error {
	f.calls = append(f.calls, name)
	if f.fail[name] {
		return errors.New(name + " is denied")
	}
	return ctx.Err()
}

func (f *fake) PutRule(ctx context.Context, in *eventbridge.PutRuleInput, _ ...func(*eventbridge.Options)) (*eventbridge.PutRuleOutput, error) {
	if err := f.call(ctx, "PutRule"); err != nil {
		return nil, err
	}
	f.rules[*in.Name] = ""
	return &eventbridge.PutRuleOutput{RuleArn: aws.String(account + *in.Name)}, nil
}

func (f *fake) PutTargets(ctx context.Context, in *eventbridge.PutTargetsInput, _ ...func(*eventbridge.Options)) (*eventbridge.PutTargetsOutput, error) {
	if err := f.call(ctx, "PutTargets"); err != nil {
		return nil, err
	}
	f.rules[*in.Rule] = *in.Targets[0].Arn
	return &eventbridge.PutTargetsOutput{}, nil
}

func (f *fake) RemoveTargets(ctx context.Context, in *eventbridge.RemoveTargetsInput, _ ...func(*eventbridge.Options)) (*eventbridge.RemoveTargetsOutput, error) {
	if err := f.call(ctx, "RemoveTargets"); err != nil {
		return nil, err
	}
	if _, ok := f.rules[*in.Rule]; !ok {
		return nil, &ebtypes.ResourceNotFoundException{}
	}
	f.rules[*in.Rule] = ""
	return &eventbridge.RemoveTargetsOutput{}, nil
}

func (f *fake) DeleteRule(ctx context.Context, in *eventbridge.DeleteRuleInput, _ ...func(*eventbridge.Options)) (*eventbridge.DeleteRuleOutput, error) {
	if err := f.call(ctx, "DeleteRule"); err != nil {
		return nil, err
	}
	if f.rules[*in.Name] != "" {
		return nil, errors.New("rule can't be deleted since it has targets")
	}
	delete(f.rules, *in.Name)
	return &eventbridge.DeleteRuleOutput{}, nil
}

func (f *fake) ListRules(ctx context.Context, in *eventbridge.ListRulesInput, _ ...func(*eventbridge.Options)) (*eventbridge.ListRulesOutput, error) {
	out := &eventbridge.ListRulesOutput{}
	for name := range f.rules {
		out.Rules = append(out.Rules, ebtypes.Rule{Name: aws.String(name)})
	}
	return out, f.call(ctx, "ListRules")
}

func (f *fake) CreateQueue(ctx context.Context, in *sqs.CreateQueueInput, _ ...func(*sqs.Options)) (*sqs.CreateQueueOutput, error) {
	if err := f.call(ctx, "CreateQueue"); err != nil {
		return nil, err
	}
	url := "https://sqs.eu-west-2.amazonaws.com/123456789012/" + *in.QueueName
	f.queues[url] = in.Attributes
	return &sqs.CreateQueueOutput{QueueUrl: &url}, nil
}

func (f *fake) ReceiveMessage(ctx context.Context, _ *sqs.ReceiveMessageInput, _ ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error) {
	return &sqs.ReceiveMessageOutput{Messages: f.messages}, f.call(ctx, "ReceiveMessage")
}

func (f *fake) DeleteMessageBatch(ctx context.Context, in *sqs.DeleteMessageBatchInput, _ ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error) {
	for _, e := range in.Entries {
		f.deleted = append(f.deleted, *e.ReceiptHandle)
	}
	return &sqs.DeleteMessageBatchOutput{}, f.call(ctx, "DeleteMessageBatch")
}

func (f *fake) DeleteQueue(ctx context.Context, in *sqs.DeleteQueueInput, _ ...func(*sqs.Options)) (*sqs.DeleteQueueOutput, error) {
	if err := f.call(ctx, "DeleteQueue"); err != nil {
		return nil, err
	}
	delete(f.queues, *in.QueueUrl)
	return &sqs.DeleteQueueOutput{}, nil
}

func (f *fake) ListQueues(ctx context.Context, _ *sqs.ListQueuesInput, _ ...func(*sqs.Options)) (*sqs.ListQueuesOutput, error) {
	out := &sqs.ListQueuesOutput{}
	for url := range f.queues {
		out.QueueUrls = append(out.QueueUrls, url)
	}
	return out, f.call(ctx, "ListQueues")
}

func (f *fake) options() Options {
	return Options{Rules: f, Queues: f, Bus: "bus", Pattern: `{"source":["x"]}`, Until: until, Suffix: "1a2b"}
}

func TestATapLeavesNothingBehind(t *testing.T) {
	f := newFake()
	tap, err := Open(t.Context(), f.options())
	require.NoError(t, err)
	require.Equal(t, "payrail-watch-until-20260709T120000Z-1a2b", tap.Name())
	queueARN := "arn:aws:sqs:eu-west-2:123456789012:" + tap.Name()
	require.Equal(t, map[string]string{tap.Name(): queueARN}, f.rules)
	var policy struct {
		Statement []struct {
			Effect, Action, Resource string
			Condition                map[string]map[string]string
		}
	}
	require.NoError(t, json.Unmarshal([]byte(f.queues[tap.queueURL]["Policy"]), &policy))
	require.Len(t, policy.Statement, 1)
	require.Equal(t, queueARN, policy.Statement[0].Resource)
	require.Equal(t, map[string]map[string]string{"ArnEquals": {"aws:SourceArn": account + tap.Name()}}, policy.Statement[0].Condition, "this rule alone")
	require.Equal(t, "300", f.queues[tap.queueURL]["MessageRetentionPeriod"])

	f.messages = []sqstypes.Message{{Body: aws.String("one"), ReceiptHandle: aws.String("r1")}, {Body: aws.String("two"), ReceiptHandle: aws.String("r2")}}
	bodies, err := tap.Receive(t.Context())
	require.NoError(t, err)
	require.Equal(t, [][]byte{[]byte("one"), []byte("two")}, bodies)
	require.Equal(t, []string{"r1", "r2"}, f.deleted)
	f.messages = nil
	bodies, err = tap.Receive(t.Context())
	require.NoError(t, err)
	require.Empty(t, bodies)

	require.NoError(t, tap.Close(t.Context()))
	require.Empty(t, f.rules)
	require.Empty(t, f.queues)
	require.NoError(t, tap.Close(t.Context()), "closing twice is no error")
}

func TestATapThatCannotBeOpenedLeavesNothingBehind(t *testing.T) {
	for _, denied := range []string{"PutRule", "CreateQueue", "PutTargets"} {
		t.Run(denied, func(t *testing.T) {
			f := newFake()
			f.fail[denied] = true
			_, err := Open(t.Context(), f.options())
			require.ErrorContains(t, err, denied+" is denied")
			require.Empty(t, f.rules)
			require.Empty(t, f.queues)
		})
	}
}

func TestWhatCannotBeDeletedIsNamed(t *testing.T) {
	f := newFake()
	tap, err := Open(t.Context(), f.options())
	require.NoError(t, err)
	f.fail["RemoveTargets"], f.fail["DeleteQueue"] = true, true
	err = tap.Close(t.Context())
	require.ErrorContains(t, err, "deleting the temporary rule "+tap.Name())
	require.ErrorContains(t, err, "deleting the temporary queue "+tap.queueURL)
}

func TestCleanDeletesWhatIsOverAndNothingElse(t *testing.T) {
	f := newFake()
	old, err := Open(t.Context(), f.options())
	require.NoError(t, err)
	o := f.options()
	o.Until, o.Suffix = until.Add(time.Hour), "3c4d"
	current, err := Open(t.Context(), o)
	require.NoError(t, err)
	f.rules["payrail-watch-until-never-1"], f.rules["other"] = "", ""

	deleted, err := Clean(t.Context(), f, f, "bus", until.Add(time.Minute))
	require.NoError(t, err)
	require.Equal(t, []string{"rule " + old.Name(), "queue " + old.Name()}, deleted)
	require.Len(t, f.rules, 3)
	require.Contains(t, f.rules, current.Name())
	require.Len(t, f.queues, 1)

	for _, denied := range []string{"ListRules", "ListQueues"} {
		f.fail = map[string]bool{denied: true}
		_, err := Clean(t.Context(), f, f, "bus", until)
		require.ErrorContains(t, err, fmt.Sprintf("%s is denied", denied))
	}
}
