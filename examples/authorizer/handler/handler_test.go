package handler

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/internal/iso8583"
	"github.com/payrail/payrail/internal/token"
	"github.com/payrail/payrail/payment"
)

const (
	testPAN   = "4111111111111111"
	purchase  = "0110763864810EE0A000" + "16" + testPAN + "000000" + "000000001981" + "000000001981" + "0709101530" + "123456" + "111530" + "0709" + "5411" + "826" + "051" + "00" + "06400010" + "519010123456" + "A1B2C3" + "00" + "TERM0001" + "MERCHANT0000001" + "ACME STORE            LONDON         GB " + "826" + "826"
	withTrack = "0110200000002000000000000037" + testPAN + "=27121010000012345678"
)

type reference struct{}

func (reference) IssuerCountry(_ context.Context, bin string) (string, error) {
	return map[string]string{"411111": "826"}[bin], nil
}

func (reference) Currencies(context.Context, string) ([]payment.Currency, error) { return nil, nil }

// table keeps the items that are put.
type table struct {
	items map[string]map[string]types.AttributeValue
	err   error
}

func (f *table) PutItem(_ context.Context, in *dynamodb.PutItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	if f.err != nil {
		return nil, f.err
	}
	f.items[*in.TableName+"/"+in.Item["authorizationId"].(*types.AttributeValueMemberS).Value] = in.Item
	return &dynamodb.PutItemOutput{}, nil
}

func newHandler(client Client, log *bytes.Buffer) *Handler {
	return &Handler{
		Decoder: &iso8583.Decoder{Tokens: token.Static{Key: token.DevelopmentKey()}, Reference: reference{},
			Now: func() time.Time { return time.Date(2026, 7, 9, 10, 15, 31, 0, time.UTC) }},
		Client: client, Table: "authorizations", Logger: slog.New(slog.NewTextHandler(log, nil)),
		Now: func() time.Time { return time.Date(2026, 7, 9, 10, 15, 31, 0, time.UTC) },
	}
}

func TestEachMessageIsAnswered(t *testing.T) {
	written, log := &table{items: map[string]map[string]types.AttributeValue{}}, &bytes.Buffer{}
	response, err := newHandler(written, log).Handle(t.Context(), Request{Messages: []string{purchase, withTrack, purchase[:40], purchase}})
	require.NoError(t, err)
	require.Len(t, response.Answers, 4)
	require.Regexp(t, `^iso8583-[A-Z2-7]{26}$`, response.Answers[0].AuthorizationID)
	require.Equal(t, response.Answers[0], response.Answers[3], "the same message is the same authorization")
	require.Equal(t, "DE35 (track 2 data) must not be sent here; remove it before the message leaves the authorizer", response.Answers[1].Refused)
	require.Equal(t, "DE3 (processing code) is cut off: the message ends inside it", response.Answers[2].Refused)
	require.Len(t, written.items, 1)
	item := written.items["authorizations/"+response.Answers[0].AuthorizationID]
	require.Equal(t, &types.AttributeValueMemberN{Value: "1981"}, item["billingAmount"])

	everything, err := json.Marshal([]any{response, item, log.String()})
	require.NoError(t, err)
	require.NotContains(t, string(everything), testPAN)
	require.Contains(t, log.String(), "accepted=2 refused=2")
}

func TestAFailedServiceFailsTheRequest(t *testing.T) {
	log := &bytes.Buffer{}
	_, err := newHandler(&table{err: errors.New("throttled")}, log).Handle(t.Context(), Request{Messages: []string{purchase[:40], purchase}})
	require.ErrorContains(t, err, "message 2: writing authorization iso8583-")
	require.NotContains(t, err.Error()+log.String(), testPAN)
}

func TestARequestIsBounded(t *testing.T) {
	_, err := newHandler(&table{}, &bytes.Buffer{}).Handle(t.Context(), Request{Messages: make([]string, MaxMessages+1)})
	require.EqualError(t, err, "a request has 101 messages, more than 100")
}
