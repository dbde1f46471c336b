package faults

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Kind is what goes wrong.
type Kind string

// Kinds of calls, of functions to services and of services to one another.
const (
	// Fail is an error answer, before the effect or after it.
	Fail Kind = "fail"
	// Throttle is the service's own refusal of too many calls.
	Throttle Kind = "throttle"
	// Timeout is no answer, with the effect or without it: the connection is held and then closed.
	Timeout Kind = "timeout"
	// Conflict is a competing DynamoDB transaction: transactions are cancelled with reason TransactionConflict, single writes fail
	// with TransactionConflictException.
	Conflict Kind = "conflict"
	// Partial fails some entries of a batch, and the call succeeds: PutEvents, BatchWriteItem.
	Partial Kind = "partial"
)

// Kinds of deliveries: of a queue to its consumer, the bus to a target, a stream to its pipe, an asynchronous event to its function,
// Firehose to S3.
const (
	Duplicate Kind = "duplicate"
	// Delay makes deliveries come late, all by the same time; Reorder by any time up to it, so that others overtake.
	Delay   Kind = "delay"
	Reorder Kind = "reorder"
	// Drop fails one attempt to deliver, which the service makes good as it does on AWS.
	Drop Kind = "drop"
	// Poison puts a message that nobody can read into a queue, beside one that is sent there.
	Poison Kind = "poison"
)

// Kinds of functions.
const (
	// Kill ends the process in the middle of an invocation, or with When after once it has done its work and before its answer counts.
	Kill Kind = "kill"
	// Hang lets an invocation take its whole time: without the work, or with When after without its answer.
	Hang Kind = "hang"
	// Crash ends the process while it starts.
	Crash Kind = "crash"
)

// Kinds of executions of a state machine.
const (
	Slow Kind = "slow"
	// Abort fails an execution as the service does where no Catch helps: before its first state, or with When after behind its last.
	Abort Kind = "abort"
	// Expire lets an execution take its whole time, and ends it.
	Expire Kind = "expire"
)

// Skew tells a wrong time: stream records say that their change was made earlier or later than it was.
const Skew Kind = "skew"

// property says of a kind what its faults need and may have.
type property struct {
	kind Kind
	// usual is the pattern of a fault that names none.
	usual string
	// after says that it can happen after the effect.
	after bool
	// lasts is For where a fault gives none; 0 for kinds that take no time.
	lasts time.Duration
	about string
}

// unansweredFor is more than the patience of the functions' clients, 5 s for an attempt.
const unansweredFor = 6 * time.Second

// properties has every kind, in the order in which they are shown.
var properties = []property{
	{Fail, "*", true, 0, "a call fails, before its effect or after it"},
	{Throttle, "*", false, 0, "a call is refused as one too many"},
	{Timeout, "*", true, unansweredFor, "a call gets no answer, without its effect or with it"},
	{Conflict, "dynamodb", false, 0, "another transaction is in the way"},
	{Partial, "*", false, 0, "some entries of a batch fail"},
	{Duplicate, "*", false, 0, "a delivery comes twice"},
	{Delay, "*", false, 30 * time.Second, "a delivery comes late"},
	{Reorder, "*", false, 10 * time.Second, "a delivery is overtaken by others"},
	{Drop, "*", false, 0, "an attempt to deliver fails and is made again"},
	{Poison, "sqs:SendMessage", false, 0, "a message that nobody can read is put into a queue"},
	{Kill, "lambda:Run", true, 20 * time.Millisecond, "a function dies in an invocation, or after its work"},
	{Hang, "lambda:Run", true, 0, "an invocation takes its whole time"},
	{Crash, "lambda:Init", false, 0, "a function dies while it starts"},
	{Slow, "states:Run", false, 30 * time.Second, "an execution takes long"},
	{Abort, "states:Run", true, 0, "an execution fails and no Catch sees it"},
	{Expire, "states:Run", false, 0, "an execution runs into its time limit"},
	{Skew, "dynamodb:Stream", false, time.Minute, "a stream record tells a wrong time"},
}

// bit is a kind's place in a set; 0 for what is no kind.
func (k Kind) bit() uint64 {
	for n := range properties {
		if properties[n].kind == k {
			return 1 << n
		}
	}
	return 0
}

func (k Kind) property() (property, bool) {
	n := slices.IndexFunc(properties, func(p property) bool { return p.kind == k })
	if n < 0 {
		return property{}, false
	}
	return properties[n], true
}

func kindNames() string {
	names := make([]string, len(properties))
	for n, p := range properties {
		names[n] = string(p.kind)
	}
	return strings.Join(names, ", ")
}

// complete checks a fault and fills in what it leaves to its kind.
func (f Fault) complete() (Fault, error) {
	if f.Kind == "" {
		f.Kind = Fail
	}
	p, ok := f.Kind.property()
	if !ok {
		return f, fmt.Errorf("the kind %q is none of %s", f.Kind, kindNames())
	}
	chance := f.Probability != 0 || f.Every != 0
	if f.Operation == "" && chance && f.When != Lost {
		f.Operation = p.usual
	}
	if f.Operation == "" || f.Kind == Fail && f.Code == "" && f.When != Lost && !chance {
		return f, fmt.Errorf("operation and code are needed, got %+v", f)
	}
	if f.When == "" {
		f.When = BeforeEffect
	}
	if err := f.check(p); err != nil {
		return f, err
	}
	if f.For == 0 {
		f.For = Duration(p.lasts)
	}
	if f.Times == 0 && !chance {
		f.Times = 1
	}
	return f, nil
}

func (f Fault) check(p property) error {
	switch {
	case f.When != BeforeEffect && f.When != AfterEffect && f.When != Lost:
		return fmt.Errorf("when is %q, want %q, %q or %q", f.When, BeforeEffect, AfterEffect, Lost)
	case f.When == AfterEffect && !p.after:
		return fmt.Errorf("%s does not happen after an effect", f.Kind)
	case f.When == Lost && f.Kind != Fail:
		return fmt.Errorf("%s cannot be lost", f.Kind)
	case f.For < 0:
		return fmt.Errorf("a time of %s is none", time.Duration(f.For))
	case f.For > 0 && p.lasts == 0:
		return fmt.Errorf("%s takes no time", f.Kind)
	case !(f.Probability >= 0 && f.Probability <= 1): // not a number, too
		return fmt.Errorf("the probability %v is not between 0 and 1", f.Probability)
	case f.Every < 0 || f.Skip < 0 || f.Times < 0:
		return errors.New("every, skip and times cannot be negative")
	case f.Every > 0 && f.Probability > 0:
		return errors.New("give a probability or every n-th, not both")
	}
	return nil
}

// identity tells faults of one plan apart in what they draw.
func (f Fault) identity() uint64 {
	return mix(hashText(string(f.Kind) + "\x00" + string(f.When) + "\x00" + f.Operation))
}

// codeOf is the code with which a service says that a call fails or is one too many, where the fault gives none.
func codeOf(kind Kind, operation string) string {
	service, _, _ := strings.Cut(operation, ":")
	switch kind {
	case Throttle:
		if code, ok := throttleCodes[service]; ok {
			return code
		}
		return "ThrottlingException"
	case Timeout:
		return "RequestTimeout"
	}
	if code, ok := failureCodes[service]; ok {
		return code
	}
	return "InternalException"
}

// throttleCodes and failureCodes are the services' own, of the errors in their API models and "Common errors"; where a service is
// not listed it is the code in codeOf.
var (
	throttleCodes = map[string]string{
		"lambda":   "TooManyRequestsException",    // https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
		"s3":       "SlowDown",                    // https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
		"sqs":      "RequestThrottled",            // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
		"sns":      "Throttled",                   // https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
		"firehose": "ServiceUnavailableException", // https://docs.aws.amazon.com/firehose/latest/APIReference/API_PutRecordBatch.html
	}
	failureCodes = map[string]string{
		"dynamodb": "InternalServerError",         // https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
		"lambda":   "ServiceException",            // https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
		"s3":       "InternalError",               // https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
		"sqs":      "InternalFailure",             // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/CommonErrors.html
		"sns":      "InternalError",               // https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
		"firehose": "ServiceUnavailableException", // https://docs.aws.amazon.com/firehose/latest/APIReference/API_PutRecordBatch.html
		"kms":      "KMSInternalException",        // https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateMac.html
	}
)
