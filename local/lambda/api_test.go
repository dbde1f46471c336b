package lambda

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"
)

func sdkClient(t *testing.T, f *fixture) (*awslambda.Client, string) {
	t.Helper()
	server := httptest.NewServer(f.Handler())
	t.Cleanup(server.Close)
	return awslambda.New(awslambda.Options{
		Region: region, BaseEndpoint: aws.String(server.URL), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	}), server.URL
}

func TestAPIInvokeWithSDK(t *testing.T) {
	f := newFixture(t, nil)
	arn := f.create(t, nil)
	none := 0
	_, err := f.CreateFunction(FunctionSpec{Name: "closed", Dir: probeDir, ReservedConcurrency: &none})
	require.NoError(t, err)
	client, _ := sdkClient(t, f)
	ctx := context.Background()

	for _, name := range []string{"probe", arn, arn + ":$LATEST", account + ":function:probe"} {
		out, err := client.Invoke(ctx, &awslambda.InvokeInput{FunctionName: &name, Payload: []byte(`{"Do":"echo"}`)})
		require.NoError(t, err, name)
		require.Equal(t, int32(200), out.StatusCode)
		require.Nil(t, out.FunctionError)
		require.JSONEq(t, `{"Do":"echo"}`, string(out.Payload))
		require.Equal(t, "$LATEST", *out.ExecutedVersion)
	}
	out, err := client.Invoke(ctx, &awslambda.InvokeInput{FunctionName: aws.String("probe"), Payload: []byte(`{"Do":"fail"}`)})
	require.NoError(t, err)
	require.Equal(t, int32(200), out.StatusCode)
	require.Equal(t, "Unhandled", *out.FunctionError)

	out, err = client.Invoke(ctx, &awslambda.InvokeInput{FunctionName: aws.String("probe"), InvocationType: types.InvocationTypeDryRun})
	require.NoError(t, err)
	require.Equal(t, int32(204), out.StatusCode)
	out, err = client.Invoke(ctx, &awslambda.InvokeInput{FunctionName: aws.String("probe"), InvocationType: types.InvocationTypeEvent, Payload: []byte(`{"Do":"print"}`)})
	require.NoError(t, err)
	require.Equal(t, int32(202), out.StatusCode)
	for line := <-f.output; line != "second line"; line = <-f.output {
	}

	var notFound *types.ResourceNotFoundException
	_, err = client.Invoke(ctx, &awslambda.InvokeInput{FunctionName: aws.String("none")})
	require.ErrorAs(t, err, &notFound)
	var throttled *types.TooManyRequestsException
	_, err = client.Invoke(ctx, &awslambda.InvokeInput{FunctionName: aws.String("closed")})
	require.ErrorAs(t, err, &throttled)
	var badContent *types.InvalidRequestContentException
	_, err = client.Invoke(ctx, &awslambda.InvokeInput{FunctionName: aws.String("probe"), Payload: []byte(`{`)})
	require.ErrorAs(t, err, &badContent)
	var tooLarge *types.RequestTooLargeException
	_, err = client.Invoke(ctx, &awslambda.InvokeInput{FunctionName: aws.String("probe"), Payload: []byte(`"` + strings.Repeat("x", 6<<20) + `"`)})
	require.ErrorAs(t, err, &tooLarge)
	_, err = client.Invoke(ctx, &awslambda.InvokeInput{FunctionName: aws.String("probe"), Qualifier: aws.String("7")})
	require.ErrorAs(t, err, &notFound)
}

func TestAPIDescriptionsWithSDK(t *testing.T) {
	f := newFixture(t, nil)
	arn := f.create(t, func(s *FunctionSpec) { s.Environment = map[string]string{"TABLE": "t"} })
	queue := f.queue(t, "q", nil)
	id, err := f.CreateEventSourceMapping(MappingSpec{QueueARN: queue, FunctionARN: arn, ReportBatchItemFailures: true, MaximumConcurrency: 4, Disabled: true})
	require.NoError(t, err)
	client, url := sdkClient(t, f)
	ctx := context.Background()

	described, err := client.GetFunction(ctx, &awslambda.GetFunctionInput{FunctionName: aws.String("probe")})
	require.NoError(t, err)
	require.Equal(t, arn, *described.Configuration.FunctionArn)
	require.Equal(t, map[string]string{"TABLE": "t"}, described.Configuration.Environment.Variables)
	listed, err := client.ListFunctions(ctx, &awslambda.ListFunctionsInput{})
	require.NoError(t, err)
	require.Len(t, listed.Functions, 1)

	mapping, err := client.GetEventSourceMapping(ctx, &awslambda.GetEventSourceMappingInput{UUID: &id})
	require.NoError(t, err)
	require.Equal(t, queue, *mapping.EventSourceArn)
	require.Equal(t, "Disabled", *mapping.State)
	require.Equal(t, []types.FunctionResponseType{types.FunctionResponseTypeReportBatchItemFailures}, mapping.FunctionResponseTypes)
	require.Equal(t, int32(4), *mapping.ScalingConfig.MaximumConcurrency)
	require.Equal(t, f.clock.Now().Unix(), mapping.LastModified.Unix())
	for source, want := range map[string]int{queue: 1, queue + "x": 0} {
		mappings, err := client.ListEventSourceMappings(ctx, &awslambda.ListEventSourceMappingsInput{EventSourceArn: &source, FunctionName: aws.String("probe")})
		require.NoError(t, err)
		require.Len(t, mappings.EventSourceMappings, want)
	}

	_, err = client.DeleteFunction(ctx, &awslambda.DeleteFunctionInput{FunctionName: aws.String("probe")})
	var refused smithy.APIError
	require.True(t, errors.As(err, &refused))
	require.Equal(t, "NotImplemented", refused.ErrorCode())
	response, err := http.Get(url + "/2020-06-30/code-signing-configs/")
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusNotImplemented, response.StatusCode)
}
