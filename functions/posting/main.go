// Command posting consumes PostingLegCreated and PostingOrderCreated and produces TransactionPosted, having posted each complete
// sequence of legs and each reversal once; what may not be posted becomes DuplicateTransactionParked,
// DuplicateConflictDetected or, of a reversal that the ledger refuses, TransactionRejected.
package main

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/payrail/payrail/internal/awsconfig"
	"github.com/payrail/payrail/internal/batch"
	"github.com/payrail/payrail/internal/config"
	"github.com/payrail/payrail/internal/ledger"
	"github.com/payrail/payrail/internal/parked"
	"github.com/payrail/payrail/internal/telemetry"
)

// environment is what the function needs to be set.
type environment struct {
	EventBusName  string `env:"EVENT_BUS_NAME"`
	LedgerTable   string `env:"LEDGER_TABLE"`
	AssemblyTable string `env:"ASSEMBLY_TABLE"`
	ParkedBucket  string `env:"PARKED_BUCKET"`
}

func main() {
	logger := telemetry.NewLogger(os.Stdout, os.LookupEnv)
	processor, err := wire(context.Background(), logger)
	if err != nil {
		logger.Error("starting failed", "error", err)
		os.Exit(1)
	}
	lambda.Start(processor.Process)
}

func wire(ctx context.Context, logger *slog.Logger) (*batch.Processor, error) {
	var settings environment
	if err := config.Load(&settings, os.LookupEnv); err != nil {
		return nil, err
	}
	cfg, err := awsconfig.Load(ctx)
	if err != nil {
		return nil, err
	}
	client := dynamodb.NewFromConfig(cfg)
	poster := &poster{
		assembly: &assemblyTable{client: client, table: settings.AssemblyTable, now: time.Now},
		ledger: ledger.New(ledger.Options{
			Client: client, Table: settings.LedgerTable, Now: time.Now, Wait: awsconfig.Sleep,
			Jitter: func(longest time.Duration) time.Duration { return rand.N(longest) },
		}),
		parked:    parked.NewStore(awsconfig.S3(cfg), settings.ParkedBucket),
		publisher: awsconfig.Publisher(cfg, settings.EventBusName),
		now:       time.Now,
	}
	return batch.NewProcessor(logger, poster.handle), nil
}
