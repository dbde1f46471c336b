package local

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/local/lambda"
	"github.com/payrail/payrail/local/sqs"
	"github.com/payrail/payrail/local/wire"
)

// The four kinds of destinations get what the Lambda developer guide says:
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
func TestFunctionDestinations(t *testing.T) {
	f := start(t)
	destinations := functionDestinations{f.Runtime}
	function := "arn:aws:lambda:us-east-1:000000000000:function:posting:$LATEST"
	attributes := map[string]sqs.Attribute{"ErrorCode": {DataType: "Number", StringValue: "200"}}

	require.NoError(t, destinations.Send(t.Context(), lambda.Delivery{TargetARN: queuePrefix + "open", Body: []byte(`{"a":1}`), Attributes: attributes}))
	received, err := f.sqs.Receive(t.Context(), queuePrefix+"open", 1, 0)
	require.NoError(t, err)
	require.Equal(t, `{"a":1}`, received[0].Body)
	require.Equal(t, attributes, received[0].Attributes)

	require.NoError(t, destinations.Send(t.Context(), lambda.Delivery{TargetARN: topicARN, Body: []byte("failed")}))
	require.Equal(t, "failed", <-f.notices)

	bus := "arn:aws:events:us-east-1:000000000000:event-bus/bus"
	require.NoError(t, destinations.Send(t.Context(), lambda.Delivery{TargetARN: bus, FunctionARN: function, Body: []byte(`{"version":"1.0"}`)}))
	require.NoError(t, destinations.Send(t.Context(), lambda.Delivery{TargetARN: bus, FunctionARN: function, Body: []byte(`{"version":"1.0"}`), Success: true}))
	var details []string
	require.NoError(t, f.ArchivedEvents("kept", func(envelope []byte) bool {
		var event struct {
			Source     string
			DetailType string `json:"detail-type"`
			Resources  []string
			Detail     map[string]string
		}
		require.NoError(t, json.Unmarshal(envelope, &event))
		require.Equal(t, "lambda", event.Source)
		require.Equal(t, []string{function, bus}, event.Resources)
		require.Equal(t, map[string]string{"version": "1.0"}, event.Detail)
		details = append(details, event.DetailType)
		return true
	}))
	require.ElementsMatch(t, []string{"Lambda Function Invocation Result - Failure", "Lambda Function Invocation Result - Success"}, details)

	err = destinations.Send(t.Context(), lambda.Delivery{TargetARN: "arn:aws:lambda:us-east-1:000000000000:function:none", Body: []byte(`{}`)})
	require.Equal(t, "ResourceNotFoundException", wire.AsError(err).Code, "functions are invoked")
}
