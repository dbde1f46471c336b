package dynamodb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/local/wire"
)

func putAction(id, rest string) string {
	return `{"Put":{"TableName":"ProductCatalog","Item":{"Id":{"N":"` + id + `"}}` + rest + `}}`
}

func TestTransactionIsAllOrNothing(t *testing.T) {
	f := newFixture(t)
	f.putBicycle()
	err := f.refused("TransactWriteItems", `{"TransactItems":[`+putAction("1", "")+`,
		{"ConditionCheck":{`+bicycleKey+`,"ConditionExpression":"attribute_not_exists(Id)","ReturnValuesOnConditionCheckFailure":"ALL_OLD"}},
		{"Update":{"TableName":"ProductCatalog","Key":{"Id":{"N":"2"}},"UpdateExpression":"SET A = B"}},
		{"Delete":{"TableName":"ProductCatalog","Key":{"Id":{"S":"3"}}}}]}`, codeTransactionAborted,
		"Transaction cancelled, please refer cancellation reasons for specific reasons [None, None, None, ValidationError]")
	require.Len(t, err.Members["CancellationReasons"], 4)

	err = f.refused("TransactWriteItems", `{"TransactItems":[`+putAction("1", "")+`,
		{"ConditionCheck":{`+bicycleKey+`,"ConditionExpression":"attribute_not_exists(Id)","ReturnValuesOnConditionCheckFailure":"ALL_OLD"}},
		{"Update":{"TableName":"ProductCatalog","Key":{"Id":{"N":"2"}},"UpdateExpression":"SET A = B"}}]}`, codeTransactionAborted,
		"Transaction cancelled, please refer cancellation reasons for specific reasons [None, ConditionalCheckFailed, ValidationError]")
	reasons := err.Members["CancellationReasons"].([]cancellationReason)
	require.Equal(t, cancellationReason{Code: "None"}, reasons[0])
	require.Contains(t, string(reasons[1].Item), "20-Bicycle 205")
	require.Equal(t, "The provided expression refers to an attribute that does not exist in the item", reasons[2].Message)
	require.Equal(t, `{}`, f.must("GetItem", `{"TableName":"ProductCatalog","Key":{"Id":{"N":"1"}}}`))
}

func TestTransactionsRefused(t *testing.T) {
	f := newFixture(t)
	var many []string
	for i := range 101 {
		many = append(many, putAction(strconv.Itoa(i), ""))
	}
	for want, actions := range map[string]string{
		"Transaction request cannot include multiple operations on one item":                                                                                putAction("1", "") + "," + putAction("1.0", ""),
		"1 validation error detected: Value at 'transactItems' failed to satisfy constraint: Member must have length less than or equal to 100":             strings.Join(many, ","),
		"1 validation error detected: Value '[]' at 'transactItems' failed to satisfy constraint: Member must have length greater than or equal to 1":       "",
		"1 validation error detected: Value null at 'transactItems.2.member.update.updateExpression' failed to satisfy constraint: Member must not be null": putAction("1", "") + `,{"Update":{` + bicycleKey + `}}`,
		"TransactItems can only contain one of Check, Put, Update or Delete":                                                                                "{}",
		"Invalid ConditionExpression: Syntax error; token: \"<EOF>\", near: \"A\"":                                                                          putAction("1", `,"ConditionExpression":"A"`),
	} {
		f.refused("TransactWriteItems", `{"TransactItems":[`+actions+`]}`, codeValidation, want)
	}
}

func TestClientRequestTokenIsIdempotentForTenMinutes(t *testing.T) {
	f := newFixture(t)
	add := func(n string) string {
		return `{"ClientRequestToken":"token","TransactItems":[{"Update":{"TableName":"ProductCatalog","Key":{"Id":{"N":"1"}},"UpdateExpression":"ADD A :n, B :m",
			"ExpressionAttributeValues":{":n":{"N":"` + n + `"},":m":{"N":"1"}}}}]}`
	}
	reordered := `{"TransactItems":[{"Update":{"ExpressionAttributeValues":{":m":{"N":"1.0"},":n":{"N":"5"}},"UpdateExpression":"ADD A :n, B :m",
		"Key":{"Id":{"N":"1"}},"TableName":"ProductCatalog"}}],"ClientRequestToken":"token"}`
	value := func() string {
		return f.must("GetItem", `{"TableName":"ProductCatalog","Key":{"Id":{"N":"1"}},"ProjectionExpression":"A"}`)
	}
	f.must("TransactWriteItems", add("5"))
	f.must("TransactWriteItems", reordered)
	require.Equal(t, `{"Item":{"A":{"N":"5"}}}`, value())
	f.refused("TransactWriteItems", add("6"), codeTokenMismatch, "The request token used in the request is already used with different parameters")
	f.clock.Advance(tokenLife)
	f.must("TransactWriteItems", add("6"))
	require.Equal(t, `{"Item":{"A":{"N":"11"}}}`, value())
}

func TestTokenOfAFailedTransactionCanBeUsedAgain(t *testing.T) {
	f := newFixture(t)
	body := `{"ClientRequestToken":"token","TransactItems":[` + putAction("1", `,"ConditionExpression":"attribute_not_exists(Id)"`) + `]}`
	f.must("PutItem", `{"TableName":"ProductCatalog","Item":{"Id":{"N":"1"}}}`)
	f.refused("TransactWriteItems", body, codeTransactionAborted, "Transaction cancelled, please refer cancellation reasons for specific reasons [ConditionalCheckFailed]")
	f.must("DeleteItem", `{"TableName":"ProductCatalog","Key":{"Id":{"N":"1"}}}`)
	f.must("TransactWriteItems", body)
}

// TestConcurrentTransfers moves amounts between accounts from many goroutines, each transaction on its accounts in another
// order: nothing locks up, nothing is lost, and a transactional read never sees half a transfer.
func TestConcurrentTransfers(t *testing.T) {
	f := newFixture(t)
	const accounts, workers, transfers = 8, 8, 60
	for i := range accounts {
		f.must("PutItem", fmt.Sprintf(`{"TableName":"ProductCatalog","Item":{"Id":{"N":"%d"},"A":{"N":"1000"}}}`, i))
	}
	move := func(id, n int) string {
		return fmt.Sprintf(`{"Update":{"TableName":"ProductCatalog","Key":{"Id":{"N":"%d"}},"UpdateExpression":"ADD A :n","ExpressionAttributeValues":{":n":{"N":"%d"}}}}`, id, n)
	}
	var gets []string
	for i := range accounts {
		gets = append(gets, fmt.Sprintf(`{"Get":{"TableName":"ProductCatalog","Key":{"Id":{"N":"%d"}}}}`, i))
	}
	total := func() (int, error) {
		answer, err := f.persist("TransactGetItems", `{"TransactItems":[`+strings.Join(gets, ",")+`]}`)
		if err != nil {
			return 0, err
		}
		sum := 0
		for _, r := range answer.(*transactOutput).Responses {
			var item map[string]struct{ N string }
			if err := json.Unmarshal(r.Item, &item); err != nil {
				return 0, err
			}
			n, err := strconv.Atoi(item["A"].N)
			if err != nil {
				return 0, err
			}
			sum += n
		}
		return sum, nil
	}
	var group sync.WaitGroup
	failures := make(chan error, workers*transfers*2)
	for w := range workers {
		group.Go(func() {
			for i := range transfers {
				from := (w + i) % accounts
				to := (from + 1 + i%(accounts-1)) % accounts
				body := `{"TransactItems":[` + move(from, -i) + `,` + move(to, i) + `]}`
				if _, err := f.persist("TransactWriteItems", body); err != nil {
					failures <- err
				}
				if sum, err := total(); err != nil || sum != accounts*1000 {
					failures <- fmt.Errorf("total is %d: %w", sum, err)
				}
			}
		})
	}
	group.Wait()
	close(failures)
	require.NoError(t, <-failures)
}

// TestOneOfManyConditionalPutsWins lets goroutines claim one key.
func TestOneOfManyConditionalPutsWins(t *testing.T) {
	f := newFixture(t)
	const claimants = 16
	results := make(chan error, claimants)
	var group sync.WaitGroup
	for i := range claimants {
		group.Go(func() {
			_, err := f.Call(context.Background(), "PutItem", fmt.Appendf(nil,
				`{"TableName":"Thread","Item":{"ForumName":{"S":"f"},"Subject":{"S":"s"},"By":{"N":"%d"}},"ConditionExpression":"attribute_not_exists(ForumName)"}`, i))
			results <- err
		})
	}
	group.Wait()
	close(results)
	won := 0
	for err := range results {
		var e *wire.Error
		if err == nil {
			won++
		} else {
			require.True(t, errors.As(err, &e))
			require.Equal(t, codeConditionFailed, e.Code)
		}
	}
	require.Equal(t, 1, won)
	records, err := f.stream.Read("", 10)
	require.NoError(t, err)
	require.Len(t, records, 1)
}
