// Command reconcile compares authorizations, events and ledger, on a schedule and when it is invoked, and produces
// ReconciliationBreakFound, ReconciliationPatchApplied and ReconciliationCompleted; what it patches it tells again as
// TransactionAuthorized, a decision, or TransactionPosted.
package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	lambdaclient "github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/payrail/payrail/internal/auditlog"
	"github.com/payrail/payrail/internal/awsconfig"
	"github.com/payrail/payrail/internal/bulkread"
	"github.com/payrail/payrail/internal/config"
	"github.com/payrail/payrail/internal/directory"
	"github.com/payrail/payrail/internal/ledger"
	"github.com/payrail/payrail/internal/reconcile"
	"github.com/payrail/payrail/internal/telemetry"
	"github.com/payrail/payrail/internal/timeline"
)

// environment is what the function needs to be set.
type environment struct {
	EventBusName        string `env:"EVENT_BUS_NAME"`
	AuthorizationsTable string `env:"AUTHORIZATIONS_TABLE"`
	LedgerTable         string `env:"LEDGER_TABLE"`
	TimelineTable       string `env:"TIMELINE_TABLE"`
	AssemblyTable       string `env:"ASSEMBLY_TABLE"`
	AccountsTable       string `env:"ACCOUNTS_TABLE"`
	ReferenceTable      string `env:"REFERENCE_TABLE"`
	AuditBucket         string `env:"AUDIT_BUCKET"`
	DedupFunction       string `env:"DEDUP_FUNCTION"`
	// Timeline is all, outcomes or off: what the tracker records.
	Timeline string `env:"TIMELINE"`
	// Patching is on or off: off lets runs only look.
	Patching     string `env:"RECONCILE_PATCHING"`
	GraceSeconds string `env:"RECONCILE_GRACE_SECONDS"`
	// MaxPatches and MaxValue, in major units of each currency, bound one run.
	MaxPatches string `env:"RECONCILE_MAX_PATCHES"`
	MaxValue   string `env:"RECONCILE_MAX_VALUE"`
}

func main() {
	logger := telemetry.NewLogger(os.Stdout, os.LookupEnv)
	handler, err := wire(context.Background(), logger)
	if err != nil {
		logger.Error("starting failed", "error", err)
		os.Exit(1)
	}
	lambda.Start(handler.Handle)
}

func wire(ctx context.Context, logger *slog.Logger) (*Handler, error) {
	var settings environment
	if err := config.Load(&settings, os.LookupEnv); err != nil {
		return nil, err
	}
	limits, err := readLimits(settings)
	if err != nil {
		return nil, err
	}
	cfg, err := awsconfig.Load(ctx)
	if err != nil {
		return nil, err
	}
	tables, objects := dynamodb.NewFromConfig(cfg), awsconfig.S3(cfg)
	reader := bulkread.Reader{Client: tables, Wait: awsconfig.Sleep}
	authorizations := reconcile.AuthorizationsTable{Reader: reader, Table: settings.AuthorizationsTable}
	accounts := directory.New(directory.Options{Client: tables, AccountsTable: settings.AccountsTable, ReferenceTable: settings.ReferenceTable, Now: time.Now, Wait: awsconfig.Sleep})
	log := auditlog.NewReader(objects, settings.AuditBucket)
	options := reconcile.Options{
		Authorizations: authorizations,
		Journal:        ledger.NewBulkReader(reader, settings.LedgerTable),
		Assembly:       reconcile.AssemblyTable{Reader: reader, Table: settings.AssemblyTable},
		Locator:        reconcile.Purchases{Ledger: ledger.NewReader(tables, settings.LedgerTable)},
		Resender:       reconcile.DedupFunction{Client: lambdaclient.NewFromConfig(cfg), Function: settings.DedupFunction},
		Decisions:      reconcile.AuditDecisions{Log: log, Now: time.Now},
		Clearer:        reconcile.AccountClearer{Authorizations: authorizations, Accounts: accounts, Now: time.Now},
		Publisher:      awsconfig.Publisher(cfg, settings.EventBusName),
		Reports:        reconcile.ReportBucket{Objects: objects, Bucket: settings.AuditBucket},
		Logger:         logger, Now: time.Now, NewID: newID,
		Patching: limits.patching, Caps: limits.caps, Grace: limits.grace,
	}
	events := func(from, to time.Time) reconcile.Events {
		if settings.Timeline == timelineOff {
			return &reconcile.AuditEvents{Log: log, From: from, To: to}
		}
		return reconcile.TimelineEvents{Reader: reader, Table: settings.TimelineTable, Timeline: timeline.NewReader(tables, settings.TimelineTable),
			Outcomes: settings.Timeline == timelineOutcomes}
	}
	return &Handler{Options: options, Events: events, Bucket: settings.AuditBucket, Metrics: telemetry.NewMetrics(os.Stdout, os.LookupEnv, time.Now)}, nil
}

// newID is enough to tell runs of one second apart.
func newID() string {
	var random [4]byte
	_, _ = rand.Read(random[:]) // It never fails.
	return hex.EncodeToString(random[:])
}
