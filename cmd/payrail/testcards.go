package main

import (
	"context"
	"maps"
	"os"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/payrail/payrail/internal/token"
)

// testCards are the published test card numbers of the examples. Their tokens in examples/ are made with the development key.
var testCards = []string{"4111111111111111", "5555555555554444", "4012888888881881", "4242424242424242", "4561908061867981"}

// retoken gives an item of the examples the token that this deployment has for its test card, so that the examples can be
// sent to any deployment: only loopback endpoints use the development key. Every other item stays as it is.
func (d *deployment) retoken(ctx context.Context, item map[string]types.AttributeValue) (map[string]types.AttributeValue, error) {
	written, ok := item["panToken"].(*types.AttributeValueMemberS)
	_, hasKey := d.outputs["TokenKeyArn"]
	if !ok || (!hasKey && os.Getenv(tokenKeyVariable) == "") {
		return item, nil
	}
	for _, card := range testCards {
		development, err := token.Static{Key: token.DevelopmentKey()}.Token(ctx, card)
		if err != nil {
			return nil, err
		}
		if development != written.Value {
			continue
		}
		tokens, err := d.tokenizer()
		if err != nil {
			return nil, err
		}
		own, err := tokens.Token(ctx, card)
		if err != nil {
			return nil, err
		}
		item = maps.Clone(item)
		item["panToken"] = &types.AttributeValueMemberS{Value: own}
		return item, nil
	}
	return item, nil
}
