// Command digest runs every hour and writes down, where nobody can change it, what the journal held of the hours that are over: an
// object for each hour in the locked audit bucket. A journal that is tampered with afterwards no longer agrees with them.
package main

import (
	"context"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/payrail/payrail/internal/awsconfig"
	"github.com/payrail/payrail/internal/bulkread"
	"github.com/payrail/payrail/internal/config"
	"github.com/payrail/payrail/internal/digests"
	"github.com/payrail/payrail/internal/ledger"
	"github.com/payrail/payrail/internal/telemetry"
)

// environment is what the function needs to be set.
type environment struct {
	LedgerTable string `env:"LEDGER_TABLE"`
	AuditBucket string `env:"AUDIT_BUCKET"`
}

func main() {
	logger := telemetry.NewLogger(os.Stdout, os.LookupEnv)
	d, err := wire(context.Background(), logger)
	if err != nil {
		logger.Error("starting failed", "error", err)
		os.Exit(1)
	}
	lambda.Start(d.handle)
}

func wire(ctx context.Context, logger *slog.Logger) (*digester, error) {
	var settings environment
	if err := config.Load(&settings, os.LookupEnv); err != nil {
		return nil, err
	}
	cfg, err := awsconfig.Load(ctx)
	if err != nil {
		return nil, err
	}
	reader := bulkread.Reader{Client: dynamodb.NewFromConfig(cfg), Wait: awsconfig.Sleep}
	return &digester{
		journal: ledger.NewPostedReader(reader, settings.LedgerTable), store: digests.NewStore(awsconfig.S3(cfg), settings.AuditBucket),
		now: time.Now, logger: logger,
	}, nil
}
