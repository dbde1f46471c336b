// Command authorizer is a sample of the producer's side, to copy: a Lambda function that takes ISO 8583 messages of authorizations
// that have been approved, tokenizes their card numbers with KMS and writes them to the authorizations table. It is no part of the
// stack.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/payrail/payrail/examples/authorizer/handler"
	"github.com/payrail/payrail/internal/awsconfig"
	"github.com/payrail/payrail/internal/directory"
	"github.com/payrail/payrail/internal/iso8583"
	"github.com/payrail/payrail/internal/telemetry"
	"github.com/payrail/payrail/internal/token"
)

func main() {
	logger := telemetry.NewLogger(os.Stdout, os.LookupEnv)
	h, err := wire(context.Background(), logger)
	if err != nil {
		logger.Error("starting failed", "error", err)
		os.Exit(1)
	}
	lambda.Start(h.Handle)
}

// The environment: names of the stack's outputs of the same meaning.
const (
	authorizationsTable = "AUTHORIZATIONS_TABLE"
	accountsTable       = "ACCOUNTS_TABLE"
	referenceTable      = "REFERENCE_TABLE"
	tokenKey            = "TOKEN_KEY_ARN"
)

func wire(ctx context.Context, logger *slog.Logger) (*handler.Handler, error) {
	var absent []string
	for _, name := range []string{authorizationsTable, accountsTable, referenceTable, tokenKey} {
		if os.Getenv(name) == "" {
			absent = append(absent, name)
		}
	}
	if len(absent) > 0 {
		return nil, fmt.Errorf("reading the environment: %s not set", strings.Join(absent, ", "))
	}
	cfg, err := awsconfig.Load(ctx)
	if err != nil {
		return nil, err
	}
	tables := dynamodb.NewFromConfig(cfg)
	return &handler.Handler{
		Decoder: &iso8583.Decoder{
			Tokens:    token.KMS{Client: kms.NewFromConfig(cfg), KeyID: os.Getenv(tokenKey)},
			Reference: directory.NewReader(tables, os.Getenv(accountsTable), os.Getenv(referenceTable)),
			Now:       time.Now,
		},
		Client: tables,
		Table:  os.Getenv(authorizationsTable),
		Logger: logger,
		Now:    time.Now,
	}, nil
}
