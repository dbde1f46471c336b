package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/payrail/payrail/internal/ingest"
	"github.com/payrail/payrail/internal/telemetry"
)

// reconcileSchedule compares every payment eight times before it leaves the window of two hours. functions/reconcile makes a
// part of the full pass in the first run of each hour.
var reconcileSchedule = schedule{"rate(15 minutes)", 15 * minute}

const (
	// reconcileGraceSeconds is how old a payment must be to be missed: most take less than a second, a stage that was retried
	// once three minutes.
	reconcileGraceSeconds = "300"
	// reconcileMaxPatches and reconcileMaxValue, in major units of each currency, bound one run, besides one in a thousand. What
	// needs more is an incident, for people.
	reconcileMaxPatches = "500"
	reconcileMaxValue   = "100000"
	// reconcileMemoryMB buys processor time for reading a day's payments within the time of a run.
	reconcileMemoryMB = 1024
	// recordFolders are what reconciliation reads of the audit bucket, and reports what it writes.
	recordFolders = "events/*"
	reports       = "recon/*"
)

// newReconciliation compares what was authorized, told and posted. It may read all of it and change nothing: what it patches, it
// tells on the bus, or has dedup look at again.
func newReconciliation(stack constructs.Construct, bus awsevents.EventBus, tables tables, buckets buckets, dedup function, props stackProps) function {
	f := newScheduledFunction(stack, "reconcile", reconcileSchedule, props, publishes(bus),
		readsIndexed("AUTHORIZATIONS_TABLE", tables.authorizations), readsIndexed("LEDGER_TABLE", tables.ledger),
		uses("TIMELINE_TABLE", tables.timeline, "dynamodb:Query", "dynamodb:BatchGetItem"),
		uses("ASSEMBLY_TABLE", tables.assembly, "dynamodb:Query"),
		uses("ACCOUNTS_TABLE", tables.accounts, "dynamodb:BatchGetItem"), uses("REFERENCE_TABLE", tables.reference, "dynamodb:BatchGetItem"),
		keepsReports("AUDIT_BUCKET", buckets.audit), invokes("DEDUP_FUNCTION", dedup),
		knows("TIMELINE", props.Settings.Timeline), knows("RECONCILE_PATCHING", props.Settings.ReconcilePatching),
		knows("RECONCILE_GRACE_SECONDS", reconcileGraceSeconds), knows("RECONCILE_MAX_PATCHES", reconcileMaxPatches),
		knows("RECONCILE_MAX_VALUE", reconcileMaxValue))
	f.lambda.Node().DefaultChild().(awslambda.CfnFunction).SetMemorySize(jsii.Number(reconcileMemoryMB))
	props.alarms.add(f.scope, "Open", openBreaks(f))
	props.alarms.add(f.scope, "Patching", patchedBreaks(f))
	return f
}

// breaksRemembered is for how many hours the alarm stays after the last run that found something: a part of the tables is read once a day.
const breaksRemembered = 24

// openBreaks is the alarm of what reconciliation has found and cannot put right: the function counts it itself.
func openBreaks(f function) alarm {
	return alarm{
		name:      "ReconcileOpen",
		says:      "Reconciliation found payments that are lost, doubled or wrong, and has not put them right.",
		runbook:   "open-breaks",
		metrics:   []metric{{telemetry.MetricsNamespace, "OpenBreaks", "Maximum", map[string]*string{"FunctionName": f.lambda.FunctionName()}}},
		threshold: 1, period: 60 * minute, periods: 1, within: breaksRemembered,
		urgency: stuck,
	}
}

// patchedPeriods is how many half hours in a row must have had patches: one payment that got lost is put right and done with.
const patchedPeriods = 2

// patchedBreaks is the alarm of payments that get through by reconciliation alone. It is the one that tells of a pipe that was stopped:
// that has no metrics, nothing of it is in a queue, and what reconciliation puts right is no open break.
func patchedBreaks(f function) alarm {
	return alarm{
		name:      "ReconcilePatching",
		says:      "Reconciliation puts payments right in one run after the other: a stage loses them, and they come some 20 minutes late.",
		runbook:   "payments-put-right",
		metrics:   []metric{{telemetry.MetricsNamespace, "PatchedBreaks", "Sum", map[string]*string{"FunctionName": f.lambda.FunctionName()}}},
		threshold: 1, period: occurrence, periods: patchedPeriods,
		urgency: late,
	}
}

// readsIndexed lets a function read a table whole: by keys, through the index by ingest, and by scan.
func readsIndexed(variable string, table awsdynamodb.Table) access {
	return func(f function) {
		f.setEnvironment(variable, table.TableName())
		f.role.AddToPolicy(allow([]*string{table.TableArn()}, "dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Scan"))
		index := awscdk.Fn_Join(jsii.String("/"), &[]*string{table.TableArn(), jsii.String("index"), jsii.String(ingest.Index)})
		f.role.AddToPolicy(allow([]*string{index}, "dynamodb:Query"))
	}
}

// keepsReports lets a function read the audit log and write reports beside it. The bucket's lock keeps them: a report that is
// written again is another version.
func keepsReports(variable string, bucket awss3.Bucket) access {
	return func(f function) {
		f.setEnvironment(variable, bucket.BucketName())
		f.role.AddToPolicy(allow([]*string{bucket.BucketArn()}, "s3:ListBucket"))
		f.role.AddToPolicy(allow([]*string{bucket.ArnForObjects(jsii.String(recordFolders))}, "s3:GetObject"))
		f.role.AddToPolicy(allow([]*string{bucket.ArnForObjects(jsii.String(reports))}, "s3:PutObject"))
	}
}

// invokes lets a function invoke another.
func invokes(variable string, other function) access {
	return func(f function) {
		f.setEnvironment(variable, other.lambda.FunctionName())
		f.role.AddToPolicy(allow([]*string{other.lambda.FunctionArn()}, "lambda:InvokeFunction"))
	}
}
