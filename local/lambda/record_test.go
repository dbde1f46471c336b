package lambda

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/payrail/payrail/local/sqs"
)

func TestRecordShape(t *testing.T) {
	m := sqs.Message{
		ID: "5ba1c3a4-3c0f-4b4c-9c39-8c1d6a2f0a11", ReceiptHandle: "AQEB+/=", Body: "{\"a\":\"b\\c\"}\n", Sent: 1783592130000,
		FirstReceived: 1783592130500, ReceiveCount: 2, SenderID: account, DeadLetterSource: "arn:aws:sqs:us-east-1:000000000000:q",
		Attributes: map[string]sqs.Attribute{
			"RULE_ARN": {DataType: "String", StringValue: "arn:aws:events:us-east-1:000000000000:rule/r"},
			"raw":      {DataType: "Binary", BinaryValue: []byte{1, 2}},
		},
	}
	record := appendRecord(nil, &m, "arn:aws:sqs:us-east-1:000000000000:dlq", region)
	require.JSONEq(t, `{
		"messageId":"5ba1c3a4-3c0f-4b4c-9c39-8c1d6a2f0a11","receiptHandle":"AQEB+/=","body":"{\"a\":\"b\\c\"}\n",
		"attributes":{"ApproximateReceiveCount":"2","SentTimestamp":"1783592130000","SenderId":"000000000000",
			"ApproximateFirstReceiveTimestamp":"1783592130500","DeadLetterQueueSourceArn":"arn:aws:sqs:us-east-1:000000000000:q"},
		"messageAttributes":{
			"RULE_ARN":{"stringValue":"arn:aws:events:us-east-1:000000000000:rule/r","stringListValues":[],"binaryListValues":[],"dataType":"String"},
			"raw":{"binaryValue":"AQI=","stringListValues":[],"binaryListValues":[],"dataType":"Binary"}},
		"md5OfBody":"`+m.BodyMD5()+`","md5OfMessageAttributes":"`+m.AttributesMD5()+`",
		"eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:us-east-1:000000000000:dlq","awsRegion":"us-east-1"}`, string(record))

	var decoded events.SQSMessage
	require.NoError(t, json.Unmarshal(record, &decoded))
	require.Equal(t, m.Body, decoded.Body)
	require.Equal(t, []byte{1, 2}, decoded.MessageAttributes["raw"].BinaryValue)

	m.Attributes, m.DeadLetterSource, m.TraceHeader = nil, "", "Root=1-2-3"
	var plain map[string]any
	require.NoError(t, json.Unmarshal(appendRecord(nil, &m, "q", region), &plain))
	require.Equal(t, map[string]any{}, plain["messageAttributes"])
	require.NotContains(t, plain, "md5OfMessageAttributes")
	require.Equal(t, "Root=1-2-3", plain["attributes"].(map[string]any)["AWSTraceHeader"])
}

func TestAppendStringIsJSON(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := string(rapid.SliceOf(rapid.Byte()).Draw(rt, "s"))
		var decoded string
		if err := json.Unmarshal(appendString(nil, s), &decoded); err != nil {
			rt.Fatal(err)
		}
		want := s
		if !utf8.ValidString(s) {
			encoded, err := json.Marshal(s)
			require.NoError(rt, err)
			require.NoError(rt, json.Unmarshal(encoded, &want))
		}
		require.Equal(rt, want, decoded)
	})
}

func TestEncodeKeepsTheEventWithinTheLimit(t *testing.T) {
	m := &poller{service: &Service{Options: Options{Region: region}}, spec: MappingSpec{QueueARN: "q"}}
	batch := make([]sqs.Message, 10)
	for i := range batch {
		batch[i].Body = strings.Repeat("x", 1<<20)
	}
	payload, count := m.encode(batch)
	require.Equal(t, 5, count)
	require.LessOrEqual(t, len(payload), maxPayloadBytes)
	var event events.SQSEvent
	require.NoError(t, json.Unmarshal(payload, &event))
	require.Len(t, event.Records, 5)
	_, count = m.encode(batch[5:])
	require.Equal(t, 5, count)
}
