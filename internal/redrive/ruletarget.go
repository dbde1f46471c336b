package redrive

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	firehosetypes "github.com/aws/aws-sdk-go-v2/service/firehose/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// Rules models the EventBridge client's ListTargetsByRule. It is safe for concurrent use.
type Rules interface {
	ListTargetsByRule(context.Context, *eventbridge.ListTargetsByRuleInput, ...func(*eventbridge.Options)) (*eventbridge.ListTargetsByRuleOutput, error)
}

// DeliveryStreams models the Firehose client. It is safe for concurrent use.
type DeliveryStreams interface {
	PutRecord(context.Context, *firehose.PutRecordInput, ...func(*firehose.Options)) (*firehose.PutRecordOutput, error)
}

// Topics models the SNS client. It is safe for concurrent use.
type Topics interface {
	Publish(context.Context, *sns.PublishInput, ...func(*sns.Options)) (*sns.PublishOutput, error)
}

// toRuleTarget sends an event to the target that a rule could not deliver it to: to that one alone. Its attributes, which say what
// failed, stay behind: the target is to get what it would have got.
func (r *Redriver) toRuleTarget(ctx context.Context, store Store, h held) (delivery, error) {
	rule, target := h.attribute(attributeRule), h.attribute(attributeTarget)
	if rule == "" || target == "" {
		return delivery{}, refuse("it has no attributes %s and %s: EventBridge did not set it aside", attributeRule, attributeTarget)
	}
	if h.event.isEncrypted() {
		return delivery{}, refuseEncrypted()
	}
	if err := r.checkTarget(ctx, store, rule, target); err != nil {
		return delivery{}, err
	}
	parsed, err := arn.Parse(target)
	if err != nil {
		return delivery{}, refuse("its %s %q is no ARN", attributeTarget, target)
	}
	d := delivery{to: lastSegment(lastSegment(parsed.Resource, ":"), "/")}
	switch parsed.Service {
	case "sqs":
		d.put = func(ctx context.Context) (string, error) { return r.sendTo(ctx, parsed, h.body) }
	case "states":
		d.put = func(ctx context.Context) (string, error) { return r.startExecution(ctx, target, h.body) }
	case "lambda":
		d.put = func(ctx context.Context) (string, error) { return r.invoke(ctx, target, h.body) }
	case "firehose":
		d.put = func(ctx context.Context) (string, error) { return "", r.putRecord(ctx, d.to, h.body) }
	case "sns":
		d.put = func(ctx context.Context) (string, error) { return "", r.publish(ctx, target, h.body) }
	default:
		return delivery{}, refuse("its target %s is of %s, to which redrive does not send", target, parsed.Service)
	}
	return d, nil
}

// checkTarget verifies with EventBridge that the rule still has this target and gives its failures to this queue: an item's
// attributes alone must not decide where it goes. The target must get events as they are.
func (r *Redriver) checkTarget(ctx context.Context, store Store, rule, target string) error {
	targets, err := r.targetsOf(ctx, rule)
	if err != nil {
		return err
	}
	queue := lastSegment(store.Address, "/")
	for _, t := range targets {
		if aws.ToString(t.Arn) != target || t.DeadLetterConfig == nil || lastSegment(aws.ToString(t.DeadLetterConfig.Arn), ":") != queue {
			continue
		}
		switch {
		case t.Input != nil:
			return refuse("its target gets a constant Input instead of the event, which redrive does not make")
		case t.InputPath != nil:
			return refuse("its target gets the part %s of the event, which redrive does not cut out", *t.InputPath)
		case t.InputTransformer != nil:
			return refuse("its target gets what an InputTransformer makes of the event, which redrive does not do")
		case t.SqsParameters != nil:
			return refuse("its target is a FIFO queue with a message group, to which redrive does not send")
		}
		return nil
	}
	return refuse("rule %s does not send to %s any more with %s for failures", lastSegment(rule, "/"), target, store.Name)
}

// targetsOf asks for a rule's targets once.
func (r *Redriver) targetsOf(ctx context.Context, rule string) ([]ebtypes.Target, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if targets, known := r.targets[rule]; known {
		return targets, nil
	}
	parsed, err := arn.Parse(rule)
	path, isRule := strings.CutPrefix(parsed.Resource, "rule/")
	if err != nil || parsed.Service != "events" || !isRule {
		return nil, refuse("its %s %q is no rule's ARN", attributeRule, rule)
	}
	in := &eventbridge.ListTargetsByRuleInput{Rule: &path}
	if bus, name, ok := strings.Cut(path, "/"); ok { // rule/<bus>/<name>; on the default bus rule/<name>
		in.EventBusName, in.Rule = &bus, &name
	}
	var targets []ebtypes.Target
	for {
		out, err := r.Rules.ListTargetsByRule(ctx, in)
		if gone := (*ebtypes.ResourceNotFoundException)(nil); errors.As(err, &gone) {
			return nil, refuse("rule %s does not exist any more", path)
		}
		if err != nil {
			return nil, fmt.Errorf("listing the targets of rule %s: %w", path, err)
		}
		targets = append(targets, out.Targets...)
		if aws.ToString(out.NextToken) == "" {
			break
		}
		in.NextToken = out.NextToken
	}
	if r.targets == nil {
		r.targets = map[string][]ebtypes.Target{}
	}
	r.targets[rule] = targets
	return targets, nil
}

func (r *Redriver) sendTo(ctx context.Context, queue arn.ARN, body string) (string, error) {
	out, err := r.Queues.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &queue.Resource, QueueOwnerAWSAccountId: &queue.AccountID})
	if err != nil {
		return "", fmt.Errorf("finding queue %s: %w", queue.Resource, err)
	}
	return r.send(ctx, aws.ToString(out.QueueUrl), held{body: body})
}

// putRecord sends an event as the rule does: without a line end, which the delivery stream appends itself.
func (r *Redriver) putRecord(ctx context.Context, stream, body string) error {
	_, err := r.Streams.PutRecord(ctx, &firehose.PutRecordInput{DeliveryStreamName: &stream, Record: &firehosetypes.Record{Data: []byte(body)}})
	if err != nil {
		return fmt.Errorf("putting it on delivery stream %s: %w", stream, err)
	}
	return nil
}

func (r *Redriver) publish(ctx context.Context, topic, body string) error {
	if _, err := r.Topics.Publish(ctx, &sns.PublishInput{TopicArn: &topic, Message: &body}); err != nil {
		return fmt.Errorf("publishing it to %s: %w", lastSegment(topic, ":"), err)
	}
	return nil
}

// lastSegment is what follows the last separator of an ARN, a URL or a path.
func lastSegment(text, separator string) string { return text[strings.LastIndex(text, separator)+1:] }
