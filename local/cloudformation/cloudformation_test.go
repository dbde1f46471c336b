package cloudformation

import (
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"
)

const stackID = "arn:aws:cloudformation:us-east-1:000000000000:stack/Payrail/local"

var created = time.Date(2026, 7, 9, 10, 15, 30, 0, time.UTC)

func serve(t *testing.T) *sdk.Client {
	t.Helper()
	s := New(Options{})
	s.Set(Stack{
		Name: "Payrail", ID: stackID, Created: created,
		Outputs:   []Output{{Key: "EventBus", Value: "payrail", Description: "the <bus>"}, {Key: "LedgerTable", Value: "ledger", ExportName: "x"}},
		Resources: []Resource{{"Bus", "payrail", "AWS::Events::EventBus"}, {"Ledger", "ledger", "AWS::DynamoDB::Table"}},
	})
	s.Set(Stack{Name: "Empty", ID: "arn:empty", Created: created})
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return sdk.New(sdk.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(server.URL), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
}

func TestDescribeStacks(t *testing.T) {
	client := serve(t)
	for _, name := range []string{"Payrail", stackID} {
		out, err := client.DescribeStacks(t.Context(), &sdk.DescribeStacksInput{StackName: aws.String(name)})
		require.NoError(t, err)
		require.Len(t, out.Stacks, 1)
		stack := out.Stacks[0]
		require.Equal(t, types.StackStatusCreateComplete, stack.StackStatus)
		require.Equal(t, created, *stack.CreationTime)
		require.Equal(t, []types.Output{
			{OutputKey: aws.String("EventBus"), OutputValue: aws.String("payrail"), Description: aws.String("the <bus>")},
			{OutputKey: aws.String("LedgerTable"), OutputValue: aws.String("ledger"), ExportName: aws.String("x")},
		}, stack.Outputs)
	}
	all, err := client.DescribeStacks(t.Context(), &sdk.DescribeStacksInput{})
	require.NoError(t, err)
	require.Equal(t, []string{"Empty", "Payrail"}, []string{*all.Stacks[0].StackName, *all.Stacks[1].StackName})
	require.Empty(t, all.Stacks[0].Outputs)

	_, err = client.DescribeStacks(t.Context(), &sdk.DescribeStacksInput{StackName: aws.String("Other")})
	requireError(t, err, "ValidationError", "Stack with id Other does not exist")
}

func requireError(t *testing.T, err error, code, message string) {
	t.Helper()
	var api smithy.APIError
	require.ErrorAs(t, err, &api)
	require.Equal(t, code, api.ErrorCode())
	require.Equal(t, message, api.ErrorMessage())
}

func TestResources(t *testing.T) {
	client := serve(t)
	for name, tc := range map[string]struct {
		in   sdk.DescribeStackResourcesInput
		want []string
		err  string
	}{
		"all":              {in: sdk.DescribeStackResourcesInput{StackName: aws.String("Payrail")}, want: []string{"Bus", "Ledger"}},
		"one":              {in: sdk.DescribeStackResourcesInput{StackName: aws.String("Payrail"), LogicalResourceId: aws.String("Bus")}, want: []string{"Bus"}},
		"by physical id":   {in: sdk.DescribeStackResourcesInput{PhysicalResourceId: aws.String("ledger")}, want: []string{"Bus", "Ledger"}},
		"unknown physical": {in: sdk.DescribeStackResourcesInput{PhysicalResourceId: aws.String("x")}, err: "Stack for x does not exist"},
		"unknown stack":    {in: sdk.DescribeStackResourcesInput{StackName: aws.String("x")}, err: "Stack with id x does not exist"},
		"nothing":          {in: sdk.DescribeStackResourcesInput{}, err: "StackName or PhysicalResourceId must be specified"},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := client.DescribeStackResources(t.Context(), &tc.in)
			if tc.err != "" {
				requireError(t, err, "ValidationError", tc.err)
				return
			}
			require.NoError(t, err)
			var ids []string
			for _, r := range out.StackResources {
				ids = append(ids, *r.LogicalResourceId)
				require.Equal(t, types.ResourceStatusCreateComplete, r.ResourceStatus)
			}
			require.Equal(t, tc.want, ids)
		})
	}
	listed, err := client.ListStackResources(t.Context(), &sdk.ListStackResourcesInput{StackName: aws.String("Payrail")})
	require.NoError(t, err)
	require.Equal(t, "AWS::DynamoDB::Table", *listed.StackResourceSummaries[1].ResourceType)
	one, err := client.DescribeStackResource(t.Context(), &sdk.DescribeStackResourceInput{StackName: aws.String("Payrail"), LogicalResourceId: aws.String("Bus")})
	require.NoError(t, err)
	require.Equal(t, "payrail", *one.StackResourceDetail.PhysicalResourceId)
	_, err = client.DescribeStackResource(t.Context(), &sdk.DescribeStackResourceInput{StackName: aws.String("Payrail"), LogicalResourceId: aws.String("X")})
	requireError(t, err, "ValidationError", "Resource X does not exist for stack Payrail")
}

func TestListStacks(t *testing.T) {
	client := serve(t)
	for name, tc := range map[string]struct {
		filter []types.StackStatus
		want   int
	}{
		"all":       {nil, 2},
		"matching":  {[]types.StackStatus{types.StackStatusDeleteComplete, types.StackStatusCreateComplete}, 2},
		"none left": {[]types.StackStatus{types.StackStatusDeleteComplete}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := client.ListStacks(t.Context(), &sdk.ListStacksInput{StackStatusFilter: tc.filter})
			require.NoError(t, err)
			require.Len(t, out.StackSummaries, tc.want)
		})
	}
}

func TestOtherOperationsAreRefused(t *testing.T) {
	_, err := serve(t).DeleteStack(t.Context(), &sdk.DeleteStackInput{StackName: aws.String("Payrail")})
	requireError(t, err, "NotImplemented", "the local runtime does not do cloudformation:DeleteStack")
}
