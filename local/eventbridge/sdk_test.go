package eventbridge

import (
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/stretchr/testify/require"
)

// The AWS SDK must understand the answers, the errors and the timestamps.
func TestThroughTheSDK(t *testing.T) {
	f := newFixture(t)
	server := httptest.NewServer(f)
	defer server.Close()
	client := sdk.New(sdk.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(server.URL), Credentials: credentials.NewStaticCredentialsProvider("k", "s", ""),
	})
	bus := aws.String("payrail")
	_, err := client.PutRule(t.Context(), &sdk.PutRuleInput{Name: aws.String("r"), EventBusName: bus, EventPattern: aws.String(`{"source":["s"]}`)})
	require.NoError(t, err)
	_, err = client.PutTargets(t.Context(), &sdk.PutTargetsInput{Rule: aws.String("r"), EventBusName: bus, Targets: []types.Target{{Id: aws.String("1"), Arn: aws.String(queueA)}}})
	require.NoError(t, err)
	at := start.Add(-time.Hour)
	out, err := client.PutEvents(t.Context(), &sdk.PutEventsInput{Entries: []types.PutEventsRequestEntry{
		{EventBusName: bus, Source: aws.String("s"), DetailType: aws.String("T"), Detail: aws.String(`{"n":1.0}`), Time: &at},
		{EventBusName: bus, Source: aws.String("s"), DetailType: aws.String("T"), Detail: aws.String(`[]`)},
	}})
	require.NoError(t, err)
	require.EqualValues(t, 1, out.FailedEntryCount)
	require.Equal(t, "MalformedDetail", aws.ToString(out.Entries[1].ErrorCode))
	f.idle(t)
	require.Equal(t, []string{`{"version":"0","id":"` + aws.ToString(out.Entries[0].EventId) + `","detail-type":"T","source":"s","account":"000000000000",` +
		`"time":"2026-07-09T09:15:30Z","region":"us-east-1","resources":[],"detail":{"n":1.0}}`}, f.targets.delivered(queueA))

	_, err = client.PutRule(t.Context(), &sdk.PutRuleInput{Name: aws.String("r"), EventPattern: aws.String(`{"a":[{"regex":"x"}]}`)})
	var invalid *types.InvalidEventPatternException
	require.ErrorAs(t, err, &invalid)
	require.Equal(t, "Event pattern is not valid. Reason: Unrecognized match type regex (at a)", aws.ToString(invalid.Message))
	_, err = client.CreateArchive(t.Context(), &sdk.CreateArchiveInput{ArchiveName: aws.String("a"), EventSourceArn: aws.String("arn:aws:events:us-east-1:000000000000:event-bus/payrail")})
	require.NoError(t, err)
	described, err := client.DescribeArchive(t.Context(), &sdk.DescribeArchiveInput{ArchiveName: aws.String("a")})
	require.NoError(t, err)
	require.Equal(t, start, described.CreationTime.UTC())
}
