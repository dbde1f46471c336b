package redrive

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stretchr/testify/require"
)

func undeliveredTo(target string) types.Message {
	return types.Message{MessageId: aws.String("m00"), Body: aws.String(eventBody("tx_m00")), MessageAttributes: map[string]types.MessageAttributeValue{
		"RULE_ARN": text(postingRule), "TARGET_ARN": text(target), "ERROR_CODE": text("NO_PERMISSIONS"), "ERROR_MESSAGE": text("not allowed"),
		"EXHAUSTED_RETRY_CONDITION": text("MaximumRetryAttempts"), "RETRY_ATTEMPTS": text("185")}}
}

func (w *world) rule(target string, change ...func(*ebtypes.Target)) {
	t := ebtypes.Target{Id: aws.String("Target"), Arn: &target, DeadLetterConfig: &ebtypes.DeadLetterConfig{Arn: aws.String(fmt.Sprintf(region, "sqs", "PostingUndelivered"))}}
	for _, c := range change {
		c(&t)
	}
	w.targets["bus/posting-rule"] = []ebtypes.Target{{Arn: aws.String("arn:aws:sqs:us-east-1:123456789012:other")}, t}
}

// What a rule could not deliver goes to the target that failed, as the target would have got it, and nowhere else.
func TestUndeliveredEventsGoToTheirTarget(t *testing.T) {
	body := eventBody("tx_m00")
	for target, want := range map[string]string{
		fmt.Sprintf(region, "sqs", "PostingQueue"):                  "SendMessage PostingQueue " + body + " ",
		fmt.Sprintf(region, "states", "stateMachine:rules"):         "StartExecution " + fmt.Sprintf(region, "states", "stateMachine:rules") + " " + body,
		fmt.Sprintf(region, "lambda", "function:digest"):            "InvokeEvent " + fmt.Sprintf(region, "lambda", "function:digest") + " " + body,
		fmt.Sprintf(region, "firehose", "deliverystream/audit-log"): "PutRecord audit-log " + body,
		fmt.Sprintf(region, "sns", "operators"):                     "Publish " + fmt.Sprintf(region, "sns", "operators") + " " + body,
	} {
		t.Run(target, func(t *testing.T) {
			w := newWorld()
			w.rule(target)
			w.add("PostingUndelivered", undeliveredTo(target))
			report := w.run(t, storeOf(Rule))
			require.Equal(t, Tally{PutBack: 1}, report.Tally, report.Items)
			require.Equal(t, want, w.said[1])
			require.Empty(t, w.queues[queueURL+"PostingUndelivered"])

			service, _, _ := strings.Cut(want, " ")
			failing := newWorld()
			failing.rule(target)
			failing.add("PostingUndelivered", undeliveredTo(target))
			failing.broken[service] = errBroken
			report = failing.run(t, storeOf(Rule))
			require.Equal(t, Tally{Failed: 1}, report.Tally)
			require.Equal(t, []string{"m00"}, failing.visible("PostingUndelivered"))
		})
	}
}

func TestUndeliveredEventsThatStay(t *testing.T) {
	queue := fmt.Sprintf(region, "sqs", "PostingQueue")
	for name, tc := range map[string]struct {
		message types.Message
		rule    func(*world)
		want    string
	}{
		"constant input": {undeliveredTo(queue), func(w *world) { w.rule(queue, func(t *ebtypes.Target) { t.Input = aws.String("{}") }) }, "constant Input"},
		"input path":     {undeliveredTo(queue), func(w *world) { w.rule(queue, func(t *ebtypes.Target) { t.InputPath = aws.String("$.detail") }) }, "the part $.detail of the event"},
		"transformer": {undeliveredTo(queue), func(w *world) {
			w.rule(queue, func(t *ebtypes.Target) { t.InputTransformer = &ebtypes.InputTransformer{} })
		}, "InputTransformer"},
		"message group": {undeliveredTo(queue), func(w *world) { w.rule(queue, func(t *ebtypes.Target) { t.SqsParameters = &ebtypes.SqsParameters{} }) }, "FIFO"},
		"no rule":       {undeliveredTo(queue), func(*world) {}, "does not exist any more"},
		"other target":  {undeliveredTo(queue), func(w *world) { w.rule(fmt.Sprintf(region, "sqs", "else")) }, "does not send to " + queue + " any more"},
		"other dead-letter queue": {undeliveredTo(queue), func(w *world) {
			w.rule(queue, func(t *ebtypes.Target) {
				t.DeadLetterConfig.Arn = aws.String(fmt.Sprintf(region, "sqs", "EnrichUndelivered"))
			})
		}, "any more"},
		"unknown service": {undeliveredTo(fmt.Sprintf(region, "kinesis", "stream/x")), func(w *world) { w.rule(fmt.Sprintf(region, "kinesis", "stream/x")) }, "is of kinesis"},
		"no attributes":   {deadLetter("m00"), func(*world) {}, "EventBridge did not set it aside"},
		"encrypted": {func() types.Message {
			m := undeliveredTo(queue)
			m.Body = aws.String(`{"detail-type":"Encrypted Events","source":"aws.events","detail":{"encrypted-payload":"AgR4"}}`)
			return m
		}(), func(w *world) { w.rule(queue) }, "encrypted with the bus's key"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			tc.rule(w)
			w.add("PostingUndelivered", tc.message)
			report := w.run(t, storeOf(Rule))
			require.Equal(t, Tally{Left: 1}, report.Tally)
			require.Contains(t, report.Items[0].Problem, tc.want)
			require.Empty(t, w.said, "nothing was sent or recorded")
			require.Equal(t, []string{"m00"}, w.visible("PostingUndelivered"))
		})
	}
}

// Where EventBridge does not say what the target is, nothing is guessed, and the rest is not tried.
func TestARuleThatDoesNotAnswer(t *testing.T) {
	w := newWorld()
	w.broken["ListTargetsByRule"] = errBroken
	w.add("PostingUndelivered", undeliveredTo(fmt.Sprintf(region, "sqs", "PostingQueue")))
	report := w.run(t, storeOf(Rule))
	require.Equal(t, Tally{Failed: 1}, report.Tally)
	require.NotEmpty(t, report.Stores[0].Stopped)
	require.Len(t, w.visible("PostingUndelivered"), 1)
}

func TestCaughtExecutionsStartAgainWithTheirInput(t *testing.T) {
	input := eventBody("tx_m00")
	body := `{"error":{"Error":"States.TaskFailed","Cause":"no bus"},"executionArn":"arn:aws:states:us-east-1:123456789012:express:rules:1:2","failedAt":"2026-07-09T10:15:30Z","input":` + input + `}`
	w := newWorld()
	w.add("RulesDeadLetters", types.Message{MessageId: aws.String("m00"), Body: &body})
	redriver := w.redriver()
	redriver.Layout.Stores = []Store{storeOf(Machine)}
	items, err := redriver.List(t.Context(), redriver.Layout.Stores, 10)
	require.NoError(t, err)
	require.Equal(t, "States.TaskFailed", items[0].Reason)
	require.Equal(t, "no bus", items[0].Problem)
	require.Equal(t, "tx_m00", items[0].TransactionID)
	require.Equal(t, "RulesStateMachine", items[0].To)

	require.Equal(t, 1, w.run(t, storeOf(Machine)).PutBack)
	require.Equal(t, "StartExecution "+fmt.Sprintf(region, "states", "stateMachine:rules")+" "+input, w.said[1])

	for name, body := range map[string]string{
		"no JSON": "x", "no input": `{"executionArn":"a"}`, "no event": `{"executionArn":"a","input":{"x":1}}`, "no event of ours": `{"executionArn":"a","input":{"detail-type":"t","source":"s","detail":{}}}`,
		"its own": `{"executionArn":"arn:execution-of-redrive","input":` + input + `}`,
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			w.add("RulesDeadLetters", types.Message{MessageId: aws.String("m00"), Body: aws.String(body)})
			report := w.run(t, storeOf(Machine))
			if name == "its own" {
				require.Equal(t, 1, report.PutBack, "of another run")
				return
			}
			require.Equal(t, Tally{Left: 1}, report.Tally)
			require.Empty(t, w.said)
		})
	}
}

func TestFailedInvocationsAreRepeated(t *testing.T) {
	const body = `{"version":"0","detail-type":"Scheduled Event","source":"aws.events","resources":["arn:aws:events:us-east-1:123456789012:rule/x"],"detail":{}}`
	attributes := map[string]types.MessageAttributeValue{"RequestID": text("11"), "ErrorCode": text("200"), "ErrorMessage": text(`{"errorMessage":"the table is throttled","errorType":"Throttled"}`)}
	w := newWorld()
	w.add("DigestDeadLetters", types.Message{MessageId: aws.String("m00"), Body: aws.String(body), MessageAttributes: attributes})
	redriver := w.redriver()
	items, err := redriver.List(t.Context(), []Store{storeOf(Function)}, 10)
	require.NoError(t, err)
	require.Equal(t, "Throttled", items[0].Reason)
	require.Equal(t, "the table is throttled", items[0].Problem)
	require.Equal(t, 1, w.run(t, storeOf(Function)).PutBack)
	require.Equal(t, "InvokeEvent digest "+body, w.said[1])

	w = newWorld()
	w.add("DigestDeadLetters", types.Message{MessageId: aws.String("m00"), Body: aws.String(body)})
	require.Contains(t, w.run(t, storeOf(Function)).Items[0].Problem, "Lambda did not set it aside")
}

// What the bus itself set aside is the one thing that goes to the bus: no rule has seen it.
func TestEventsThatTheBusSetAside(t *testing.T) {
	body := eventBody("tx_m00")
	w := newWorld()
	w.add("BusDeadLetters", types.Message{MessageId: aws.String("m00"), Body: &body})
	require.Equal(t, 1, w.run(t, storeOf(Bus)).PutBack)
	require.Equal(t, `PutEvents bus payrail.accountinterface PostingLegCreated {"metadata":{"eventId":"tx_m00/PostingLegCreated/1","transactionId":"tx_m00","correlationId":"auth-1"},"data":{"later": 1}}`, w.said[1])

	for name, err := range map[string]error{"call": errBroken, "entry": errEntry} {
		w := newWorld()
		w.add("BusDeadLetters", types.Message{MessageId: aws.String("m00"), Body: &body})
		w.broken["PutEvents"] = err
		require.Equal(t, Tally{Failed: 1}, w.run(t, storeOf(Bus)).Tally, name)
		require.Len(t, w.visible("BusDeadLetters"), 1)
	}
	for name, tc := range map[string]struct{ body, want string }{
		"encrypted": {`{"version":"0","id":"053afa53-cdd7-285b-e754-b0dfd0ac0bfb","source":"aws.events","detail-type":"Encrypted Events","detail":{"event-bus-arn":"a","encrypted-payload":"AgR4qi"}}`, "redrive does not decrypt"},
		"replayed":  {strings.Replace(body, `"version"`, `"replay-name":"r1","version"`, 1), `of the replay "r1"`},
		"foreign":   {`{"detail-type":"t","source":"s","detail":{}}`, "no event of Payrail"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			w.add("BusDeadLetters", types.Message{MessageId: aws.String("m00"), Body: aws.String(tc.body)})
			report := w.run(t, storeOf(Bus))
			require.Equal(t, Tally{Left: 1}, report.Tally)
			require.Contains(t, report.Items[0].Problem, tc.want)
		})
	}
}

// A processor's queue may have been replaced: a message goes back only to where it came from.
func TestAMessageOfAnotherQueueStays(t *testing.T) {
	w := newWorld()
	m := deadLetter("m00")
	m.Attributes = map[string]string{"DeadLetterQueueSourceArn": fmt.Sprintf(region, "sqs", "OldQueue")}
	w.add("PostingDeadLetters", m)
	require.Contains(t, w.run(t, storeOf(Processor)).Items[0].Problem, "it came from")

	w = newWorld()
	m.Attributes = map[string]string{"DeadLetterQueueSourceArn": fmt.Sprintf(region, "sqs", "PostingQueue")}
	m.MessageAttributes = map[string]types.MessageAttributeValue{"own": text("kept")}
	w.add("PostingDeadLetters", m)
	require.Equal(t, 1, w.run(t, storeOf(Processor)).PutBack)
	require.Equal(t, "SendMessage PostingQueue "+eventBody("tx_m00")+" own,payrail-redriven", w.said[1])
}

func TestAnUnknownQueueIsNotTouched(t *testing.T) {
	w := newWorld()
	w.fill(1)
	report := w.run(t, storeOf(Unknown))
	require.Contains(t, report.Items[0].Problem, "does not know what fills PostingDeadLetters")
}

// What the bus sets aside once more has another message id: the event's own id tells that it is the one that was just put there.
func TestAnEventThatTheBusSetsAsideAgainStays(t *testing.T) {
	w := newWorld()
	body := eventBody("tx_m00")
	w.add("BusDeadLetters", types.Message{MessageId: aws.String("m00"), Body: &body})
	again := 0
	w.before = func(call string) {
		if call != "DeleteMessage" || again == 3 { // Three rounds are enough to see that it goes round.
			return
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		again++
		repeated := strings.Replace(body, "6fea7756-0ea4-451a-a703-a558b933e274", "1", 1) // the id that PutEvents gave it
		w.add("BusDeadLetters", types.Message{MessageId: aws.String(fmt.Sprintf("again-%d", again)), Body: &repeated})
	}
	report := w.run(t, storeOf(Bus))
	require.Equal(t, Tally{PutBack: 1, Left: 1}, report.Tally)
	require.Contains(t, report.Items[1].Problem, "failed again")
	require.Equal(t, []string{"again-1"}, w.visible("BusDeadLetters"))
}
