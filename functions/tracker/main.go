// Command tracker consumes the lifecycle events of transactions and produces their timelines: an item for each event in the
// timeline table.
package main

import (
	"context"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/payrail/payrail/internal/awsconfig"
	"github.com/payrail/payrail/internal/batch"
	"github.com/payrail/payrail/internal/config"
	"github.com/payrail/payrail/internal/telemetry"
	"github.com/payrail/payrail/internal/timeline"
)

// environment is what the function needs to be set.
type environment struct {
	TimelineTable string `env:"TIMELINE_TABLE"`
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
	t := tracker{timeline: timeline.NewWriter(dynamodb.NewFromConfig(cfg), settings.TimelineTable, awsconfig.Sleep)}
	return batch.NewProcessor(logger, t.handle), nil
}
