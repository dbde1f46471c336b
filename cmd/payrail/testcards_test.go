package main

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/internal/token"
)

func TestExamplesGetTheTokensOfTheDeployment(t *testing.T) {
	t.Setenv(tokenKeyVariable, "a key of this deployment")
	deployed := &deployment{}
	item := func(panToken string) map[string]types.AttributeValue {
		return map[string]types.AttributeValue{"panToken": &types.AttributeValueMemberS{Value: panToken}}
	}
	development, err := token.Static{Key: token.DevelopmentKey()}.Token(t.Context(), testCards[0])
	require.NoError(t, err)
	own, err := token.Static{Key: token.Key("a key of this deployment")}.Token(t.Context(), testCards[0])
	require.NoError(t, err)

	example := item(development)
	got, err := deployed.retoken(t.Context(), example)
	require.NoError(t, err)
	require.Equal(t, item(own), got)
	require.Equal(t, item(development), example, "the item read from the file stays as it is")

	for _, other := range []map[string]types.AttributeValue{item("tok_v1_AAAAAAAAAAAAAAAAAAAAAAAAAA"), {}} {
		got, err := deployed.retoken(t.Context(), other)
		require.NoError(t, err)
		require.Equal(t, other, got)
	}
}
