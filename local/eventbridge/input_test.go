package eventbridge

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestInputAndInputPath(t *testing.T) {
	f := newFixture(t)
	f.rule(t, "all", `{"source":["payrail.test"]}`, Target{ID: "1", ARN: "x:input", Input: `{"fixed":true}`},
		Target{ID: "2", ARN: "x:detail", InputPath: "$.detail.inner"}, Target{ID: "3", ARN: "x:type", InputPath: "$.detail-type"},
		Target{ID: "4", ARN: "x:missing", InputPath: "$.detail.nothing", DeadLetterARN: dlq})
	f.put(t, "T", `{"inner":{"n":1.0}}`)
	f.idle(t)
	require.Equal(t, []string{`{"fixed":true}`}, f.targets.delivered("x:input"))
	require.Equal(t, []string{`{"n":1.0}`}, f.targets.delivered("x:detail"))
	require.Equal(t, []string{`"T"`}, f.targets.delivered("x:type"))
	require.Equal(t, "INVALID_JSON", f.targets.letters[0].attributes["ERROR_CODE"])
}
