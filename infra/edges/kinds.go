package edges

// Kind is a kind of edge: what hands on, and what takes.
type Kind string

// The kinds, in the order of a payment's way.
const (
	StreamToPipe     Kind = "Table stream to pipe"
	PipeToFunction   Kind = "Pipe to its enrichment"
	PipeToBus        Kind = "Pipe to bus"
	FunctionToBus    Kind = "Function to bus"
	BusToRules       Kind = "Bus to its rules"
	RuleToQueue      Kind = "Rule to queue"
	QueueToFunction  Kind = "Queue to function"
	RuleToMachine    Kind = "Rule to state machine"
	MachineRuns      Kind = "State machine to decision"
	MachineToBus     Kind = "State machine to bus"
	MachineToQueue   Kind = "State machine to its dead-letter queue"
	RuleToStream     Kind = "Rule to audit stream"
	StreamToBucket   Kind = "Audit stream to bucket"
	BusToArchive     Kind = "Bus to archive"
	ScheduleToLambda Kind = "Schedule to function"
	AsyncRun         Kind = "Asynchronous run of a function"
	FunctionToFunc   Kind = "Function to function"
	APIToFunction    Kind = "API to function"
	RuleToTopic      Kind = "Rule to operator topic"
	AlarmToTopic     Kind = "Alarm to operator topic"
	TopicToPeople    Kind = "Operator topic to subscribers"
)

// kinds is the order of the page.
var kinds = []Kind{StreamToPipe, PipeToFunction, PipeToBus, FunctionToBus, BusToRules, RuleToQueue, QueueToFunction, RuleToMachine, MachineRuns, MachineToBus,
	MachineToQueue, RuleToStream, StreamToBucket, BusToArchive, ScheduleToLambda, AsyncRun, FunctionToFunc, APIToFunction, RuleToTopic, AlarmToTopic, TopicToPeople}

// fact is what is true of all edges of a kind.
type fact struct {
	// fails says what goes wrong, and what that means.
	fails string
	// retries and repair hold where the walk finds nothing of its own.
	retries string
	repair  []string
	// unwatched says why no alarm of this stack tells.
	unwatched string
}

// Numbers that the template does not have: the publisher's attempts are in events/publisher.go, the SDK's in internal/awsconfig, Firehose's
// day in https://docs.aws.amazon.com/firehose/latest/dev/troubleshooting.html, SNS's in
// https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html, Lambda's pauses in
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html.

// What puts things back.
const (
	redrive      = "`payrail redrive`"
	runReconcile = "`payrail reconcile`"
)

var facts = map[Kind]fact{
	StreamToPipe: {
		fails:  "The pipe does not read: a permission or the table's key is missing, it was stopped, or EventBridge stopped it after days of refusals. The stream keeps a record for 24 hours. A pipe that does not run has no metrics: reconciliation misses the payments and has dedup look at them, run after run, of which `ReconcilePatching` tells.",
		repair: []string{redrive, runReconcile},
	},
	PipeToFunction: {
		fails:  "The function fails, is throttled or runs out of time. It never fails on a single payment, which it parks: on DynamoDB, S3, the bus.",
		repair: []string{redrive},
	},
	PipeToBus: {
		fails:  "PutEvents refuses the batch or some entries of it. The batch goes through the enrichment again, which forwards the same payments under the same ids.",
		repair: []string{redrive},
	},
	FunctionToBus: {
		fails:   "PutEvents refuses some entries or all, and goes on refusing the failed ones.",
		retries: "the publisher, three times; then the function fails what it works on, and whoever called it tries again",
	},
	BusToRules: {
		fails:   "The bus took an event and cannot process it: it cannot encrypt or decrypt it with a key of ours. With AWS's own key, as now, this does not happen.",
		retries: "EventBridge, as long as it is not final",
		repair:  []string{redrive, runReconcile},
	},
	RuleToQueue: {
		fails:  "The queue refuses the event (its policy, an event that is too large), or SQS does not answer.",
		repair: []string{redrive},
	},
	QueueToFunction: {
		fails:  "The function fails on a message, runs out of time, is throttled or does not start.",
		repair: []string{redrive},
	},
	RuleToMachine: {
		fails:  "The execution cannot be started: a permission, throttling, an input of more than 256 KiB.",
		repair: []string{redrive},
	},
	MachineRuns: {
		fails:  "The execution ends without a decision after it started: out of time, a path that is missing, a service that refuses. Express keeps no execution, and no Catch sees this.",
		repair: []string{"nothing: reconciliation does it", runReconcile},
	},
	MachineToBus: {
		fails:  "PutEvents refuses a finding or the decision.",
		repair: []string{redrive},
	},
	MachineToQueue: {
		fails:  "SQS does not take what the machine caught. The execution fails.",
		repair: []string{"nothing: reconciliation does it", runReconcile},
	},
	RuleToStream: {
		fails:  "Firehose does not take the event: a permission, throttling, a record of more than 1,000 KiB.",
		repair: []string{redrive},
	},
	StreamToBucket: {
		fails:  "S3 does not take the object (a permission, its key), or a record has no detail-type to file it under, which no event comes without.",
		repair: []string{"nothing within 24 hours: Firehose goes on by itself once S3 takes it. After that the archive has the events"},
	},
	BusToArchive: {
		fails:     "EventBridge does not write an event to its archive. The archive is EventBridge's own: there is nothing to configure and no metric.",
		retries:   "EventBridge",
		repair:    []string{"`payrail rebuild`, which reads the audit log instead"},
		unwatched: "there is no metric; the audit log, which is watched, holds every event too",
	},
	ScheduleToLambda: {
		fails:  "Lambda does not take the event: a permission, throttling. Or the schedule was switched off: then nothing fails, and `…Silent` alone tells.",
		repair: []string{"nothing: the next run does the same work", redrive},
	},
	AsyncRun: {
		fails:  "The run fails or runs out of time.",
		repair: []string{"nothing: the next run does the same work", redrive},
	},
	FunctionToFunc: {
		fails:   "The other function fails or does not answer.",
		retries: "the SDK, four times; then what it was for is reported as failed, and the next run finds it again",
		repair:  []string{runReconcile},
	},
	APIToFunction: {
		fails:   "The function fails or takes too long: the caller gets a 5xx.",
		retries: "the caller. A GET is harmless; a POST has an `Idempotency-Key`, under which a case is opened once",
		repair:  []string{"nothing: nothing was taken on"},
	},
	RuleToTopic: {
		fails:  "SNS does not take the notice.",
		repair: []string{redrive},
	},
	AlarmToTopic: {
		fails:     "The topic does not let CloudWatch in: alarms fire, and nobody hears.",
		retries:   "nobody",
		repair:    []string{"`payrail alarms`, which asks CloudWatch and not the topic"},
		unwatched: "an alarm about alarms would go the same way; a test has the topic let CloudWatch in",
	},
	TopicToPeople: {
		fails:   "A subscriber's endpoint refuses or does not answer. Subscriptions are not of this stack: give each a dead-letter queue of its own.",
		retries: "SNS, by the kind of endpoint: to SQS and Lambda for 23 days, by mail for 6 hours",
		repair:  []string{"`payrail alarms`; what a notice told is in the audit log: `payrail audit cat`"},
	},
}
