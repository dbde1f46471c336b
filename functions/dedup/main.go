// Command dedup consumes stream records of the authorizations table, as the enrichment of the pipe that reads them, and produces the details of
// TransactionAuthorized events, which the pipe puts. What it does not forward it sets aside with an event of its own:
// DuplicateTransactionParked, DuplicateConflictDetected, TransactionRejected or TransactionQuarantined.
package main

import (
	"context"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/payrail/payrail/internal/awsconfig"
	"github.com/payrail/payrail/internal/config"
	"github.com/payrail/payrail/internal/parked"
	"github.com/payrail/payrail/internal/telemetry"
)

// environment is what the function needs to be set.
type environment struct {
	EventBusName        string `env:"EVENT_BUS_NAME"`
	AuthorizationsTable string `env:"AUTHORIZATIONS_TABLE"`
	DedupTable          string `env:"DEDUP_TABLE"`
	ParkedBucket        string `env:"PARKED_BUCKET"`
	QuarantineBucket    string `env:"QUARANTINE_BUCKET"`
}

func main() {
	logger := telemetry.NewLogger(os.Stdout, os.LookupEnv)
	handler, err := wire(context.Background())
	if err != nil {
		logger.Error("starting failed", "error", err)
		os.Exit(1)
	}
	handler.Logger = logger
	lambda.Start(handler.Handle)
}

func wire(ctx context.Context) (*Handler, error) {
	var settings environment
	if err := config.Load(&settings, os.LookupEnv); err != nil {
		return nil, err
	}
	cfg, err := awsconfig.Load(ctx)
	if err != nil {
		return nil, err
	}
	tables, objects := dynamodb.NewFromConfig(cfg), awsconfig.S3(cfg)
	return &Handler{
		Claims:     Claims{Table: tables, Name: settings.DedupTable},
		Quarantine: Quarantine{Objects: objects, Bucket: settings.QuarantineBucket, Items: tables, Table: settings.AuthorizationsTable},
		Parked:     parked.NewStore(objects, settings.ParkedBucket),
		Publisher:  awsconfig.Publisher(cfg, settings.EventBusName),
		Now:        time.Now,
	}, nil
}
