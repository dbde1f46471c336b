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
		"another rule is allowed":     {`{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"arn:q","Condition":{"ArnEquals":{"aws:SourceArn":"arn:aws:events:us-east-1:000000000000:rule/bus/other"}}}`, "true", false},
		"another service is allowed":  {`{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"arn:q"}`, "true", false},
		"another action is allowed":   {`{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"sqs:ReceiveMessage","Resource":"arn:q"}`, "true", false},
		"another resource is allowed": {`{"Effect":"Allow","Principal":"*","Action":"*","Resource":"arn:z"}`, "true", false},
		"a pattern of rules":          {`{"Effect":"Allow","Principal":"*","Action":["sqs:SendMessage"],"Resource":"*","Condition":{"ArnLike":{"aws:SourceArn":["arn:aws:events:*:*:rule/x","arn:aws:events:*:*:rule/bus/*"]}}}`, "true", true},
		"a * reaches no colon":        {`{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*","Condition":{"ArnLike":{"aws:SourceArn":"arn:aws:*:000000000000:rule/bus/standardize:"}}}`, "true", false},
		"names in another case":       {denyPlain + `,{"Effect":"Allow","Principal":"*","Action":"SQS:sendmessage","Resource":"*","Condition":{"ArnEquals":{"AWS:sourceARN":"` + ruleARN + `"}}}`, "true", true},
		"a deny in another case":      {allowRule + `,{"Effect":"Deny","Principal":"*","Action":"SQS:*","Resource":"*"}`, "true", false},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := parsePolicy(json.RawMessage(`{"Statement":[` + tc.statements + `]}`))
			require.NoError(t, err)
			require.Equal(t, tc.want, p.allows(request{service: "events.amazonaws.com", action: "sqs:SendMessage", resource: "arn:q",
				keys: map[string]string{keySourceARN: ruleARN, keySecureTransport: tc.secure}}))
		})
	}
}

func TestPolicyRefusesWhatItCannotEvaluate(t *testing.T) {
	for name, tc := range map[string]struct{ statement, want string }{
		"an operator": {`{"Sid":"One","Effect":"Allow","Principal":"*","Action":"*","Resource":"*","Condition":{"DateLessThan":{"aws:CurrentTime":"2030-01-01"}}}`,
			`reading policy statement "One": the local runtime does not do condition operator DateLessThan`},
		"a key": {`{"Sid":"One","Effect":"Deny","Principal":"*","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-1"}}}`,
			`reading policy statement "One": the local runtime does not do condition key aws:PrincipalOrgID`},
		"a pattern that is no ARN": {`{"Sid":"One","Effect":"Allow","Principal":"*","Action":"*","Resource":"*","Condition":{"ArnLike":{"aws:SourceArn":"arn:aws:events:*"}}}`,
			`reading policy statement "One": ArnLike compares with "arn:aws:events:*", which is not an ARN`},
		"an effect": {`{"Sid":"One","Effect":"deny","Principal":"*","Action":"*","Resource":"*"}`,
			`reading policy statement "One": the effect is "deny", want Allow or Deny`},
		"an inversion": {`{"Effect":"Deny","Principal":"*","NotAction":"sqs:*","Resource":"*"}`, `reading policy: json: unknown field "NotAction"`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parsePolicy(json.RawMessage(`{"Statement":[` + tc.statement + `]}`))
			require.EqualError(t, err, tc.want)
		})
	}
}
