package test

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/local/faults"
	"github.com/payrail/payrail/payment"
)

// faultPayments is how many payments a test takes that is about many; `make fault` asks for more.
func faultPayments(t *testing.T) int {
	t.Helper()
	const usual = 1000
	asked := os.Getenv("PAYRAIL_FAULT_PAYMENTS")
	if asked == "" {
		return usual
	}
	n, err := strconv.Atoi(asked)
	require.NoError(t, err, "PAYRAIL_FAULT_PAYMENTS")
	return n
}

// batchWrite is DynamoDB's limit of items in one BatchWriteItem.
const batchWrite = 25

func (s *system) putAll(t testing.TB, items []map[string]types.AttributeValue) {
	t.Helper()
	for chunk := range slices.Chunk(items, batchWrite) {
		requests := make([]types.WriteRequest, len(chunk))
		for i, item := range chunk {
			requests[i].PutRequest = &types.PutRequest{Item: item}
		}
		out, err := s.dynamodb.BatchWriteItem(t.Context(), &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{s.outputs["AuthorizationsTable"]: requests}})
		require.NoError(t, err)
		require.Empty(t, out.UnprocessedItems)
	}
}

// mixed makes n payments: alice's domestic ones, and for every seventh a foreign one of bob's with fee and tax.
func mixed(t testing.TB, n int) (items []map[string]types.AttributeValue, alice, bob payment.Money) {
	t.Helper()
	alice, bob = payment.Money{Currency: "GBP"}, payment.Money{Currency: "GBP"}
	for i := range n {
		if i%7 == 0 {
			items = append(items, item(t, i, bobCard, map[string]types.AttributeValue{"transactionAmount": number("10000"), "transactionCurrency": text("USD"),
				"billingAmount": number("7925"), "conversionRate": text("0.7925"), "acquirerCountry": text("840")}))
			bob.Minor -= 7925 + 237 + 47
			continue
		}
		items = append(items, item(t, i, aliceCard, nil))
		alice.Minor -= 1981
	}
	return items, alice, bob
}

// legMessages makes the six leg events of a foreign purchase as the bus delivers them to the posting queue.
func legMessages(t *testing.T) (sequence payment.Sequence, bodies []string) {
	t.Helper()
	const key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	minimum := payment.Money{Minor: 300, Currency: "GBP"}
	legs, err := payment.Legs(payment.Decided{Outcome: payment.OutcomePosted, TransactionType: "00", MCC: "5411", Foreign: true, Charges: payment.Charges{FX: true}, BillingAmount: payment.Money{Minor: 7925, Currency: "GBP"},
		AccountID: "acc-alice", Scheme: "VISA", Terms: payment.Terms{FXFeeRate: "0.0299", FXFeeTaxRate: "0.20", TaxJurisdiction: "GB", CashFeeRate: "0.03", CashFeeMinimum: minimum},
		ValueDate: "2026-07-10"})
	require.NoError(t, err)
	sequence = payment.Sequence{ID: payment.SequenceID(key, 0), Of: len(legs), Checksum: payment.Checksum(legs), TransactionID: payment.TransactionID(key),
		AuthorizationID: "auth-1", BusinessKey: key, PayloadHash: "00", Outcome: payment.OutcomePosted, OccurredAt: "2026-07-09T10:15:31.000Z"}
	for _, leg := range legs {
		metadata := events.Metadata{SchemaVersion: events.SchemaVersion, EventID: fmt.Sprintf("%s/PostingLegCreated/%d", sequence.ID, leg.Number), TransactionID: sequence.TransactionID,
			PostingSequence: sequence.ID, CorrelationID: "auth-1", CausationID: "test", OccurredAt: sequence.OccurredAt}
		bodies = append(bodies, string(mustJSON(t, map[string]any{"version": "0", "id": "1", "detail-type": events.PostingLegCreated, "source": events.SourceAccountInterface,
			"detail": events.Detail[events.LegData]{Metadata: metadata, Data: events.LegData{Sequence: sequence, Leg: leg}}})))
	}
	return sequence, bodies
}

// The same legs twice and in reverse order, in deliveries of their own, post once; also when the answer of the table in which
// the first one waits is lost.
func TestFaultLegsTwiceAndInReverseOrderPostOnce(t *testing.T) {
	s := start(t)
	require.NoError(t, s.Faults.Arm(faults.Fault{Operation: "dynamodb:UpdateItem", When: faults.AfterEffect, Code: "InternalServerError"}))
	sequence, bodies := legMessages(t)
	slices.Reverse(bodies)
	s.sendLegs(t, bodies[:1]) // by itself, so that it must wait for its siblings
	s.sendLegs(t, bodies[1:])
	s.sendLegs(t, bodies)
	require.Equal(t, 1, s.Faults.Hits("dynamodb:UpdateItem"))
	require.Equal(t, int64(1), s.journalEntries(t, "acc-alice"))
	require.Equal(t, "GBP -82.09", s.balance(t, "acc-alice"))
	record, found, err := s.ledger.Journal(t.Context(), sequence.ID)
	require.NoError(t, err)
	require.True(t, found)
	require.Len(t, record.Legs, 6)
	s.requireSound(t)
}

// sendLegs puts legs into the posting queue one by one and waits until all are dealt with.
func (s *system) sendLegs(t *testing.T, bodies []string) {
	t.Helper()
	client := sqs.NewFromConfig(s.aws)
	queue := aws.String(s.outputs["PostingQueueUrl"])
	for _, body := range bodies {
		_, err := client.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: queue, MessageBody: aws.String(body)})
		require.NoError(t, err)
	}
	eventually(t, "the posting queue is empty", func() bool {
		out, err := client.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: queue, AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameAll}})
		require.NoError(t, err)
		return out.Attributes["ApproximateNumberOfMessages"] == "0" && out.Attributes["ApproximateNumberOfMessagesNotVisible"] == "0"
	})
}
