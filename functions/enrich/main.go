// Command enrich consumes TransactionStandardized and produces TransactionEnriched: the payment with its account, its prices
// and the facts that the rules decide on.
package main

import (
	"context"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/payrail/payrail/internal/awsconfig"
	"github.com/payrail/payrail/internal/batch"
	"github.com/payrail/payrail/internal/config"
	"github.com/payrail/payrail/internal/directory"
	"github.com/payrail/payrail/internal/telemetry"
)

// environment is what the function needs to be set.
type environment struct {
	EventBusName   string `env:"EVENT_BUS_NAME"`
	AccountsTable  string `env:"ACCOUNTS_TABLE"`
	ReferenceTable string `env:"REFERENCE_TABLE"`
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
	lookup := directory.New(directory.Options{
		Client: dynamodb.NewFromConfig(cfg), AccountsTable: settings.AccountsTable, ReferenceTable: settings.ReferenceTable,
		Now: time.Now, Wait: awsconfig.Sleep,
	})
	enricher := &enricher{directory: lookup, publisher: awsconfig.Publisher(cfg, settings.EventBusName), now: time.Now}
	return batch.NewProcessor(logger, enricher.handle), nil
}
