package template

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

type queueProperties struct {
	QueueName         string
	VisibilityTimeout *int
	FifoQueue         bool
	RedrivePolicy     struct {
		DeadLetterTargetArn string `json:"deadLetterTargetArn"`
		MaxReceiveCount     int    `json:"maxReceiveCount"`
	}
	Tags        []struct{ Key, Value string }
	Environment map[string]string
	Ratio       float64
	Pattern     json.RawMessage
	Anything    any
}

func TestDecodeTakesStringsForNumbersAndBooleans(t *testing.T) {
	var q queueProperties
	err := Decode(map[string]any{
		"QueueName": json.Number("5"), "VisibilityTimeout": "30", "FifoQueue": "true", "Ratio": "1.5",
		"RedrivePolicy": map[string]any{"deadLetterTargetArn": "arn", "maxReceiveCount": "3"},
		"Tags":          []any{map[string]any{"Key": "a", "Value": true}},
		"Environment":   map[string]any{"N": json.Number("7")},
		"Pattern":       map[string]any{"source": []any{"payrail.dedup"}},
		"Anything":      []any{json.Number("1")},
	}, &q)
	require.NoError(t, err)
	require.Equal(t, "5", q.QueueName)
	require.Equal(t, 30, *q.VisibilityTimeout)
	require.True(t, q.FifoQueue)
	require.Equal(t, 3, q.RedrivePolicy.MaxReceiveCount)
	require.Equal(t, "true", q.Tags[0].Value)
	require.Equal(t, map[string]string{"N": "7"}, q.Environment)
	require.InDelta(t, 1.5, q.Ratio, 0)
	require.JSONEq(t, `{"source": ["payrail.dedup"]}`, string(q.Pattern))
}

func TestDecodeRefusesByName(t *testing.T) {
	for name, tc := range map[string]struct {
		properties map[string]any
		accepted   []string
		want       string
	}{
		"unknown":        {map[string]any{"KmsMasterKeyId": "x"}, nil, "the local runtime does not do property KmsMasterKeyId"},
		"accepted":       {map[string]any{"KmsMasterKeyId": "x"}, []string{"KmsMasterKeyId"}, ""},
		"nested":         {map[string]any{"RedrivePolicy": map[string]any{"color": 1}}, nil, "the local runtime does not do property RedrivePolicy.color"},
		"in a list":      {map[string]any{"Tags": []any{map[string]any{"Color": 1}}}, nil, "the local runtime does not do property Tags.Color"},
		"list accepted":  {map[string]any{"Tags": []any{map[string]any{"Color": 1}}}, []string{"Tags.Color"}, ""},
		"other case":     {map[string]any{"queuename": "x"}, nil, "the local runtime does not do property queuename"},
		"not an integer": {map[string]any{"VisibilityTimeout": "soon"}, nil, "property VisibilityTimeout: want an integer, got soon"},
		"fraction":       {map[string]any{"VisibilityTimeout": json.Number("1.5")}, nil, "property VisibilityTimeout: want an integer, got 1.5"},
		"not a boolean":  {map[string]any{"FifoQueue": "yes"}, nil, "property FifoQueue: want true or false, got yes"},
		"not an object":  {map[string]any{"RedrivePolicy": "{}"}, nil, "property RedrivePolicy: want an object, got {}"},
		"not a list":     {map[string]any{"Tags": "a"}, nil, "property Tags: want a list, got a"},
	} {
		t.Run(name, func(t *testing.T) {
			err := Decode(tc.properties, &queueProperties{}, tc.accepted...)
			if tc.want == "" {
				require.NoError(t, err)
				return
			}
			require.EqualError(t, err, "decoding properties: "+tc.want)
		})
	}
}
