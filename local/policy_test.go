package local

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

const ruleARN = "arn:aws:events:us-east-1:000000000000:rule/bus/standardize"

func TestPolicyDecidesAsIAMDoes(t *testing.T) {
	const denyPlain = `{"Effect":"Deny","Principal":{"AWS":"*"},"Action":"sqs:*","Resource":"arn:q","Condition":{"Bool":{"aws:SecureTransport":"false"}}}`
	const allowRule = `{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"arn:q","Condition":{"ArnEquals":{"aws:SourceArn":"` + ruleARN + `"}}}`
	for name, tc := range map[string]struct {
		statements string
		secure     string
		want       bool
	}{
		"nothing allows":              {denyPlain, "true", false},
		"the rule is allowed":         {denyPlain + "," + allowRule, "true", true},
		"an explicit deny wins":       {denyPlain + "," + allowRule, "false", false},
		"another rule is allowed":     {`{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"arn:q","Condition":{"ArnEquals":{"aws:SourceArn":"arn:other"}}}`, "true", false},
		"another service is allowed":  {`{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"arn:q"}`, "true", false},
		"another action is allowed":   {`{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"sqs:ReceiveMessage","Resource":"arn:q"}`, "true", false},
		"another resource is allowed": {`{"Effect":"Allow","Principal":"*","Action":"*","Resource":"arn:z"}`, "true", false},
		"a pattern of rules":          {`{"Effect":"Allow","Principal":"*","Action":["sqs:SendMessage"],"Resource":"*","Condition":{"ArnLike":{"aws:SourceArn":["arn:x","arn:aws:events:*:rule/bus/*"]}}}`, "true", true},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := parsePolicy(json.RawMessage(`{"Statement":[` + tc.statements + `]}`))
			require.NoError(t, err)
			require.Equal(t, tc.want, p.allows(request{service: "events.amazonaws.com", action: "sqs:SendMessage", resource: "arn:q",
				keys: map[string]string{"aws:SourceArn": ruleARN, "aws:SecureTransport": tc.secure}}))
		})
	}
}

func TestPolicyRefusesWhatItCannotEvaluate(t *testing.T) {
	_, err := parsePolicy(json.RawMessage(`{"Statement":[{"Sid":"One","Effect":"Allow","Principal":"*","Action":"*","Resource":"*","Condition":{"DateLessThan":{"aws:CurrentTime":"2030-01-01"}}}]}`))
	require.EqualError(t, err, `reading policy statement "One": the local runtime does not do condition operator DateLessThan`)
}
