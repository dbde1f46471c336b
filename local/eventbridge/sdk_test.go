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

// Lists with pages, replays and their times through the SDK.
func TestArchivesAndReplaysThroughTheSDK(t *testing.T) {
	f := newFixture(t)
	server := httptest.NewServer(f)
	defer server.Close()
	client := sdk.New(sdk.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(server.URL), Credentials: credentials.NewStaticCredentialsProvider("k", "s", ""),
	})
	created, err := client.CreateEventBus(t.Context(), &sdk.CreateEventBusInput{Name: aws.String("single"), DeadLetterConfig: &types.DeadLetterConfig{Arn: aws.String(dlq)},
		Tags: []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}}})
	require.NoError(t, err)
	archived, err := client.CreateArchive(t.Context(), &sdk.CreateArchiveInput{ArchiveName: aws.String("kept"), EventSourceArn: created.EventBusArn, RetentionDays: aws.Int32(1)})
	require.NoError(t, err)
	_, err = client.PutEvents(t.Context(), &sdk.PutEventsInput{Entries: []types.PutEventsRequestEntry{
		{EventBusName: aws.String("single"), Source: aws.String("s"), DetailType: aws.String("T"), Detail: aws.String(`{}`)},
	}})
	require.NoError(t, err)
	for _, name := range []string{"one", "two", "three"} {
		_, err := client.StartReplay(t.Context(), &sdk.StartReplayInput{ReplayName: aws.String(name), EventSourceArn: archived.ArchiveArn,
			EventStartTime: aws.Time(start), EventEndTime: aws.Time(start.Add(time.Minute)), Destination: &types.ReplayDestination{Arn: created.EventBusArn}})
		require.NoError(t, err)
	}
	f.idle(t)
	var names []string
	var token *string
	for pages := 1; ; pages++ {
		page, err := client.ListReplays(t.Context(), &sdk.ListReplaysInput{Limit: aws.Int32(2), NextToken: token})
		require.NoError(t, err)
		for _, r := range page.Replays {
			require.Equal(t, types.ReplayStateCompleted, r.State)
			require.Equal(t, start, r.EventLastReplayedTime.UTC())
			names = append(names, aws.ToString(r.ReplayName))
		}
		if token = page.NextToken; token == nil {
			require.Equal(t, 2, pages)
			break
		}
	}
	require.Equal(t, []string{"one", "three", "two"}, names)
	_, err = client.CancelReplay(t.Context(), &sdk.CancelReplayInput{ReplayName: aws.String("one")})
	var illegal *types.IllegalStatusException
	require.ErrorAs(t, err, &illegal)
	_, err = client.DeleteRule(t.Context(), &sdk.DeleteRuleInput{Name: aws.String("Events-Archive-kept"), EventBusName: aws.String("single")})
	var managed *types.ManagedRuleException
	require.ErrorAs(t, err, &managed)
	_, err = client.DeleteArchive(t.Context(), &sdk.DeleteArchiveInput{ArchiveName: aws.String("kept")})
	require.NoError(t, err)
	_, err = client.DeleteEventBus(t.Context(), &sdk.DeleteEventBusInput{Name: aws.String("single")})
	require.NoError(t, err)
}
