// Command disputes has the postings of dispute cases made: it consumes DisputeOpened and DisputeAdvanced and produces
// PostingRequested for the posting that the case waits for; it consumes TransactionPosted of cases, records it with the case, and
// produces ProvisionalCreditPosted or DisputeResolved.
package main

import (
	"context"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/payrail/payrail/internal/awsconfig"
	"github.com/payrail/payrail/internal/batch"
	"github.com/payrail/payrail/internal/config"
	"github.com/payrail/payrail/internal/disputes"
	"github.com/payrail/payrail/internal/telemetry"
	"github.com/payrail/payrail/payment"
)

// environment is what the function needs to be set.
type environment struct {
	EventBusName string `env:"EVENT_BUS_NAME"`
	LedgerTable  string `env:"LEDGER_TABLE"`
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
	agent := &agent{
		desk:      disputes.Connect(cfg, settings.LedgerTable, settings.EventBusName, payment.DisputePolicy{}, logger),
		publisher: awsconfig.Publisher(cfg, settings.EventBusName), now: time.Now, logger: logger,
	}
	return batch.NewProcessor(logger, agent.handle), nil
}
