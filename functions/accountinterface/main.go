// Command accountinterface consumes TransactionPostingApproved, TransactionRoutedToSuspense and PostingRequested and produces
// PostingLegCreated, one for each leg of the posting sequence that the posting rules make of the payment or request, or, of a reversal,
// whose legs only the ledger can tell, one PostingOrderCreated.
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
	"github.com/payrail/payrail/internal/telemetry"
)

// environment is what the function needs to be set.
type environment struct {
	EventBusName string `env:"EVENT_BUS_NAME"`
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
	splitter := &splitter{publisher: awsconfig.Publisher(cfg, settings.EventBusName), now: time.Now}
	return batch.NewProcessor(logger, splitter.handle), nil
}
