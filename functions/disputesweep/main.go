// Command disputesweep runs on a schedule and tells again, by DisputeOpened, of dispute cases that still wait for a posting that
// should have been made long ago.
package main

import (
	"context"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/payrail/payrail/internal/awsconfig"
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
	s, err := wire(context.Background(), logger)
	if err != nil {
		logger.Error("starting failed", "error", err)
		os.Exit(1)
	}
	lambda.Start(s.handle)
}

func wire(ctx context.Context, logger *slog.Logger) (*sweeper, error) {
	var settings environment
	if err := config.Load(&settings, os.LookupEnv); err != nil {
		return nil, err
	}
	cfg, err := awsconfig.Load(ctx)
	if err != nil {
		return nil, err
	}
	return &sweeper{desk: disputes.Connect(cfg, settings.LedgerTable, settings.EventBusName, payment.DisputePolicy{}, logger), logger: logger}, nil
}
