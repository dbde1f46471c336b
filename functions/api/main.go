// Command api answers the customer API: balances and entries of an account, a transaction with its timeline, and
// disputes. It reads the ledger and the timeline; what it writes are the cases of disputes. api/openapi.yaml is its contract.
package main

import (
	"context"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/payrail/payrail/internal/awsconfig"
	"github.com/payrail/payrail/internal/config"
	"github.com/payrail/payrail/internal/disputes"
	"github.com/payrail/payrail/internal/ledger"
	"github.com/payrail/payrail/internal/telemetry"
	"github.com/payrail/payrail/internal/timeline"
)

// environment is what the function needs to be set.
type environment struct {
	LedgerTable   string `env:"LEDGER_TABLE"`
	TimelineTable string `env:"TIMELINE_TABLE"`
	EventBusName  string `env:"EVENT_BUS_NAME"`
	// DisputeWindowDays and ProvisionalCredit are the dispute policy: see disputes.ParsePolicy.
	DisputeWindowDays string `env:"DISPUTE_WINDOW_DAYS"`
	ProvisionalCredit string `env:"PROVISIONAL_CREDIT"`
}

func main() {
	logger := telemetry.NewLogger(os.Stdout, os.LookupEnv)
	h, err := wire(context.Background(), logger)
	if err != nil {
		logger.Error("starting failed", "error", err)
		os.Exit(1)
	}
	lambda.Start(h.handle)
}

func wire(ctx context.Context, logger *slog.Logger) (*handler, error) {
	var settings environment
	if err := config.Load(&settings, os.LookupEnv); err != nil {
		return nil, err
	}
	cfg, err := awsconfig.Load(ctx)
	if err != nil {
		return nil, err
	}
	policy, err := disputes.ParsePolicy(settings.DisputeWindowDays, settings.ProvisionalCredit)
	if err != nil {
		return nil, err
	}
	client := dynamodb.NewFromConfig(cfg)
	desk := disputes.Connect(cfg, settings.LedgerTable, settings.EventBusName, policy, logger)
	return newHandler(ledger.NewReader(client, settings.LedgerTable), timeline.NewReader(client, settings.TimelineTable), desk, logger), nil
}
