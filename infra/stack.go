package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/payrail/payrail/events"
)

const stackName = "Payrail"

// stackProps is what the stack is made of besides itself.
type stackProps struct {
	Settings Settings
	// Code is the folder of each function's binary, by the function's name.
	Code map[string]string
	// RulesDefinition is the rules engine's state machine in the Amazon States Language.
	RulesDefinition string
	// alarms tell the operators; newStack sets them.
	alarms *alarms
}

// looksOn is for what no money waits for.
func (p stackProps) looksOn() stackProps {
	p.alarms = p.alarms.quiet()
	return p
}

// newStack builds the whole system. It reads like the pipeline: what is kept, how a payment comes in, what each step consumes
// and may touch, what watches.
func newStack(app constructs.Construct, props stackProps) awscdk.Stack {
	stack := awscdk.NewStack(app, jsii.String(stackName), &awscdk.StackProps{
		Description: jsii.String("Payrail: posts card authorizations into customer accounts in near real time"),
		Tags:        &map[string]*string{"application": jsii.String("payrail")},
	})
	tables := newTables(stack, props.Settings.Removal)
	buckets := newBuckets(stack, props.Settings.Removal)
	tokenKey := newTokenKey(stack, props.Settings.Removal)
	operators := newNotices(stack)
	props.alarms = newAlarms(operators.topic, props.Settings)
	bus := newBus(stack, props.alarms)

	// authorizations ─▶ stream ─▶ pipe, which asks dedup ─▶ TransactionAuthorized
	dedup := newFunction(constructs.NewConstruct(stack, jsii.String("Dedup")), "dedup", props, publishes(bus),
		uses("AUTHORIZATIONS_TABLE", tables.authorizations, "dynamodb:UpdateItem", "dynamodb:DeleteItem"), // to scrub card numbers
		uses("DEDUP_TABLE", tables.dedup, "dynamodb:PutItem"),
		writesObjects("PARKED_BUCKET", buckets.parked), writesObjects("QUARANTINE_BUCKET", buckets.quarantine))
	newPipe(stack, tables.authorizations, dedup, bus, props.alarms)

	// TransactionAuthorized ─▶ standardize ─▶ TransactionStandardized ─▶ enrich ─▶ TransactionEnriched
	newProcessor(stack, "standardize", bus, on(events.TransactionAuthorized), props, publishes(bus))
	newProcessor(stack, "enrich", bus, on(events.TransactionStandardized), props, publishes(bus),
		uses("ACCOUNTS_TABLE", tables.accounts, "dynamodb:BatchGetItem"),
		uses("REFERENCE_TABLE", tables.reference, "dynamodb:BatchGetItem"))

	// TransactionEnriched ─▶ rules ─▶ findings, and one of TransactionPostingApproved, …RoutedToSuspense, …PostingFailed
	rules := newRulesEngine(stack, bus, on(events.TransactionEnriched), props)

	// …Approved, …RoutedToSuspense, PostingRequested ─▶ accountinterface ─▶ PostingLegCreated × n, PostingOrderCreated ─▶ posting ─▶ TransactionPosted
	newProcessor(stack, "accountinterface", bus, on(events.TransactionPostingApproved, events.TransactionRoutedToSuspense, events.PostingRequested), props, publishes(bus))
	posting := newProcessor(stack, "posting", bus, on(events.PostingLegCreated, events.PostingOrderCreated), props, publishes(bus), keepsLedger(tables.ledger),
		uses("ASSEMBLY_TABLE", tables.assembly, "dynamodb:UpdateItem"),
		writesObjects("PARKED_BUCKET", buckets.parked))

	// DisputeOpened, DisputeAdvanced ─▶ disputes ─▶ PostingRequested; its TransactionPosted ─▶ disputes ─▶ ProvisionalCreditPosted, DisputeResolved
	newProcessor(stack, "disputes", bus, newsOfDisputes(), props, publishes(bus), keepsDisputes(tables.ledger))
	newScheduledFunction(stack, "disputesweep", schedule{"rate(15 minutes)", 15 * minute}, props, publishesAs(bus, events.SourceDisputes), seesDisputes(tables.ledger))

	// lifecycle events ─▶ tracker; everything ─▶ archive and audit log; what needs a person ─▶ operators
	if props.Settings.Timeline != timelineOff {
		newProcessor(stack, "tracker", bus, on(timelineEvents(props.Settings.Timeline)...), props.looksOn(),
			uses("TIMELINE_TABLE", tables.timeline, "dynamodb:BatchWriteItem"))
	}
	// authorizations ⇄ events ⇄ ledger ─▶ reconcile ─▶ reports, and what got lost told again
	reconcile := newReconciliation(stack, bus, tables, buckets, dedup, props)
	archive := newArchive(stack, bus)
	newAuditLog(stack, props.alarms.quiet(), bus, buckets.audit)
	operators.of(bus, on(events.TransactionPostingFailed, events.DuplicateConflictDetected,
		events.TransactionQuarantined, events.TransactionRejected), props.alarms.quiet())

	// every hour, the journal ─▶ digest ─▶ audit bucket
	newScheduledFunction(stack, "digest", digestSchedule, props, readsJournalByPosting(tables.ledger), keepsDigests(buckets.audit))

	// accounts, transactions and disputes, for those who may ask ─▶ HTTP API ─▶ api ─▶ DisputeOpened, DisputeRejected
	api := newCustomerAPI(stack, props, readsLedger(tables.ledger), uses("TIMELINE_TABLE", tables.timeline, "dynamodb:Query"),
		opensDisputes(tables.ledger, props.Settings), publishesAs(bus, events.SourceDisputes))

	// of all alarms, those that must wake somebody
	newPages(stack, props.alarms)

	newOutputs(stack,
		output{"AuthorizationsTable", "Where the authorizer writes", tables.authorizations.TableName()},
		output{"DedupTable", "Business keys seen", tables.dedup.TableName()},
		output{"AccountsTable", "Accounts by card token", tables.accounts.TableName()},
		output{"ReferenceTable", "Reference data", tables.reference.TableName()},
		output{"LedgerTable", "Journal, entries and balances", tables.ledger.TableName()},
		output{"TimelineTable", "What happened to each transaction", tables.timeline.TableName()},
		output{"EventBus", "The bus, for rules of other teams", bus.EventBusName()},
		output{"ArchiveName", "Every event, for replay", archive.Ref()},
		output{"AuditBucket", "Every event, locked", buckets.audit.BucketName()},
		output{"ParkedBucket", "Payments set aside, with the reason", buckets.parked.BucketName()},
		output{"QuarantineBucket", "Items that held a card number", buckets.quarantine.BucketName()},
		output{"PostingQueueUrl", "Legs that wait to be posted", posting.queue.QueueUrl()},
		output{"RulesStateMachineArn", "The rules engine", rules.StateMachineArn()},
		output{"OperatorTopicArn", "Subscribe here to be told", operators.topic.TopicArn()},
		output{"TokenKeyArn", "Derives card tokens", tokenKey.KeyArn()},
		output{"ReconcileFunction", "Compares authorizations, events and ledger", reconcile.lambda.FunctionName()},
		output{"ApiUrl", "The customer API", api.AttrApiEndpoint()},
	)
	return stack
}
