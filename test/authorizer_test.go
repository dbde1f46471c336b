package test

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/examples/authorizer/handler"
	"github.com/payrail/payrail/internal/directory"
	"github.com/payrail/payrail/internal/iso8583"
	"github.com/payrail/payrail/internal/token"
	"github.com/payrail/payrail/payment"
)

// seedRange lists the range of the test cards.
func (s *system) seedRange(t *testing.T) {
	t.Helper()
	writer := directory.NewWriter(directory.WriterOptions{Client: s.dynamodb, AccountsTable: s.outputs["AccountsTable"], ReferenceTable: s.outputs["ReferenceTable"],
		Wait: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }})
	require.NoError(t, writer.Write(t.Context(), directory.Data{Ranges: []directory.Range{{BIN: "411111", Scheme: "VISA", IssuerCountry: "826"}}}))
}

// The sample authorizer, as its function would run, with the runtime's KMS and tables.
func TestTheSampleAuthorizerFeedsThePipeline(t *testing.T) {
	s := start(t)
	s.seedRange(t)
	log := &functionLog{}
	authorizer := &handler.Handler{
		Decoder: &iso8583.Decoder{
			Tokens:    token.KMS{Client: kms.NewFromConfig(s.aws), KeyID: s.outputs["TokenKeyArn"]},
			Reference: directory.NewReader(s.dynamodb, s.outputs["AccountsTable"], s.outputs["ReferenceTable"]),
			Now:       time.Now,
		},
		Client: s.dynamodb, Table: s.outputs["AuthorizationsTable"], Now: time.Now, Logger: slog.New(slog.NewTextHandler(log, nil)),
	}
	raw, err := os.ReadFile(repository(t, "examples", "iso8583", "visa-1987.txt"))
	require.NoError(t, err)
	var messages []string
	for _, line := range strings.Split(string(raw), "\n") {
		if strings.HasPrefix(line, "0") {
			messages = append(messages, line)
		}
	}
	domestic, refund := messages[0], messages[2]
	request := func() handler.Request {
		return handler.Request{Messages: []string{domestic, domestic[:30], refund}}
	}
	first, err := authorizer.Handle(t.Context(), request())
	require.NoError(t, err)
	again, err := authorizer.Handle(t.Context(), request())
	require.NoError(t, err)
	require.Equal(t, first, again, "the same messages are the same authorizations")
	require.Equal(t, "DE2 (primary account number) is cut off: the message ends inside it", first.Answers[1].Refused)

	eventually(t, "both are posted, once", func() bool { return s.journalEntries(t, "acc-alice") == 2 })
	require.Equal(t, "GBP 5.19", s.balance(t, "acc-alice"))
	s.requireSound(t)

	out, err := s.dynamodb.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String(s.outputs["AuthorizationsTable"]),
		Key: map[string]types.AttributeValue{"authorizationId": text(first.Answers[0].AuthorizationID)}})
	require.NoError(t, err)
	require.True(t, payment.IsPANToken(out.Item["panToken"].(*types.AttributeValueMemberS).Value))
	everything, err := json.Marshal([]any{out.Item, first, log.tail()})
	require.NoError(t, err)
	require.NotContains(t, string(everything), aliceCard)
}
