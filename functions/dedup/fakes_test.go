package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/internal/authorizationitem"
	"github.com/payrail/payrail/internal/parked"
)

// world is everything dedup works with, in memory: what survives when an invocation fails half-way.
type world struct {
	mu sync.Mutex
	// claims and items are the tables, by key; objects the buckets, by bucket/key.
	claims, items map[string]authorizationitem.Item
	objects       map[string]string
	published     []events.Event
	// calls are the effects in their order: "PutItem key", "PutObject bucket/key", …
	calls []string
	// fail, if set, is asked before (done false) and after (done true) the effect of every call.
	fail func(call string, done bool) error
	log  bytes.Buffer
	now  time.Time
}

func newWorld() *world {
	return &world{claims: map[string]authorizationitem.Item{}, items: map[string]authorizationitem.Item{}, objects: map[string]string{},
		now: time.Date(2026, 7, 9, 10, 15, 32, 0, time.UTC)}
}

func (w *world) handler() *Handler {
	return &Handler{
		Logger: slog.New(slog.NewJSONHandler(&lockedWriter{w: w}, nil)),
		Claims: Claims{Table: w, Name: "dedup"}, Quarantine: Quarantine{Objects: w, Bucket: "quarantine", Items: w, Table: "authorizations"},
		Parked: parked.NewStore(w, "parked"), Publisher: w, Now: func() time.Time { return w.now },
	}
}

type lockedWriter struct{ w *world }

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.w.mu.Lock()
	defer l.w.mu.Unlock()
	return l.w.log.Write(p)
}

// do runs one call: recorded, with its faults, one at a time.
func (w *world) do(call string, effect func() error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = append(w.calls, call)
	if w.fail != nil {
		if err := w.fail(call, false); err != nil {
			return err
		}
	}
	if err := effect(); err != nil {
		return err
	}
	if w.fail != nil {
		return w.fail(call, true)
	}
	return nil
}

func (w *world) PutItem(_ context.Context, in *dynamodb.PutItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	if *in.TableName != "dedup" || *in.ConditionExpression != "attribute_not_exists(businessKey)" || in.ReturnValuesOnConditionCheckFailure != types.ReturnValuesOnConditionCheckFailureAllOld {
		return nil, fmt.Errorf("unexpected put: %+v", in)
	}
	key := in.Item["businessKey"].(*types.AttributeValueMemberS).Value
	return &dynamodb.PutItemOutput{}, w.do("PutItem "+key, func() error {
		if held, ok := w.claims[key]; ok {
			return &types.ConditionalCheckFailedException{Item: held}
		}
		w.claims[key] = in.Item
		return nil
	})
}

func (w *world) UpdateItem(_ context.Context, in *dynamodb.UpdateItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	if *in.TableName != "authorizations" || *in.UpdateExpression != "SET #status = :quarantined REMOVE #field" || *in.ConditionExpression != "#field = :seen" {
		return nil, fmt.Errorf("unexpected update: %+v", in)
	}
	key, field := in.Key["authorizationId"].(*types.AttributeValueMemberS).Value, in.ExpressionAttributeNames["#field"]
	return &dynamodb.UpdateItemOutput{}, w.do("UpdateItem "+key, func() error {
		item, ok := w.items[key]
		if !ok || !reflect.DeepEqual(item[field], in.ExpressionAttributeValues[":seen"]) {
			return &types.ConditionalCheckFailedException{}
		}
		item[in.ExpressionAttributeNames["#status"]] = in.ExpressionAttributeValues[":quarantined"]
		delete(item, field)
		return nil
	})
}

func (w *world) DeleteItem(_ context.Context, in *dynamodb.DeleteItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error) {
	if *in.TableName != "authorizations" || *in.ConditionExpression != "#status = :approved" {
		return nil, fmt.Errorf("unexpected delete: %+v", in)
	}
	key := in.Key["authorizationId"].(*types.AttributeValueMemberS).Value
	return &dynamodb.DeleteItemOutput{}, w.do("DeleteItem", func() error {
		if item, ok := w.items[key]; !ok || !reflect.DeepEqual(item["status"], in.ExpressionAttributeValues[":approved"]) {
			return &types.ConditionalCheckFailedException{}
		}
		delete(w.items, key)
		return nil
	})
}

func (w *world) PutObject(_ context.Context, in *s3.PutObjectInput, _ ...func(*s3.Options)) (*s3.PutObjectOutput, error) {
	body, err := io.ReadAll(in.Body)
	if err != nil {
		return nil, err
	}
	key := *in.Bucket + "/" + *in.Key
	return &s3.PutObjectOutput{}, w.do("PutObject "+key, func() error { w.objects[key] = string(body); return nil })
}

func (w *world) Publish(_ context.Context, all []events.Event) events.Failures {
	err := w.do("Publish", func() error { w.published = append(w.published, all...); return nil })
	if err != nil {
		return events.Failures{0: err}
	}
	return nil
}

// Items and records of the tests.

const token = "tok_v1_ABCDEFGHIJKLMNOPQRSTUVWXYZ"

const baseItem = `{"authorizationId":{"S":"auth-1"},"status":{"S":"APPROVED"},"mti":{"S":"0100"},"panToken":{"S":"` + token + `"},
"panLast4":{"S":"1111"},"bin":{"S":"411111"},"processingCode":{"S":"000000"},"transactionAmount":{"N":"1981"},"transactionCurrency":{"S":"GBP"},
"billingAmount":{"N":"1981"},"billingCurrency":{"S":"GBP"},"stan":{"S":"123456"},"acquirerId":{"S":"400010"},
"transmittedAt":{"S":"2026-07-09T10:15:30Z"},"rrn":{"S":"519010123456"},"authCode":{"S":"A1B2C3"},"responseCode":{"S":"00"},"mcc":{"S":"5411"},
"merchantName":{"S":"ACME STORE"},"merchantCity":{"S":"LONDON"},"merchantCountry":{"S":"GB"},"merchantId":{"S":"MERCHANT0000001"},
"terminalId":{"S":"TERM0001"},"acquirerCountry":{"S":"826"},"issuerCountry":{"S":"826"}}`

// item is the base item with changes: attribute name and its value in DynamoDB's JSON; "" removes it.
func item(t testing.TB, changes ...string) authorizationitem.Item {
	t.Helper()
	var it authorizationitem.Item
	require.NoError(t, json.Unmarshal([]byte(baseItem), &it))
	for i := 0; i < len(changes); i += 2 {
		if changes[i+1] == "" {
			delete(it, changes[i])
			continue
		}
		var one authorizationitem.Item
		name, err := json.Marshal(changes[i])
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal([]byte(`{`+string(name)+`:`+changes[i+1]+`}`), &one))
		maps.Copy(it, one)
	}
	return it
}

// insert and modify are stream records; id is also the second of their creation.
func insert(t testing.TB, id int, image authorizationitem.Item) string {
	return modify(t, id, nil, image)
}

func modify(t testing.TB, id int, before, image authorizationitem.Item) string {
	t.Helper()
	old, name := "", "INSERT"
	if before != nil {
		text, err := json.Marshal(before)
		require.NoError(t, err)
		old, name = `"OldImage":`+string(text)+`,`, "MODIFY"
	}
	text, err := json.Marshal(image)
	require.NoError(t, err)
	return fmt.Sprintf(`{"eventID":"r%d","eventName":"%s","eventSource":"aws:dynamodb","dynamodb":{"ApproximateCreationDateTime":%d,%s"NewImage":%s,"SequenceNumber":"1"}}`,
		id, name, 1783592130+id, old, text)
}

func payload(records ...string) json.RawMessage {
	return json.RawMessage("[" + strings.Join(records, ",") + "]")
}

// run handles the records as one batch that succeeds.
func (w *world) run(t testing.TB, records ...string) []Authorized {
	t.Helper()
	details, err := w.handler().Handle(context.Background(), payload(records...))
	require.NoError(t, err)
	require.LessOrEqual(t, len(details), len(records))
	return details
}

// data reads the data of a published event.
func data[T any](t testing.TB, event events.Event) events.Detail[T] {
	t.Helper()
	var detail events.Detail[T]
	require.NoError(t, json.Unmarshal(event.Detail, &detail))
	return detail
}

// everywhere is everything dedup has written but the quarantine bucket and the upstream item.
func (w *world) everywhere(t testing.TB) string {
	t.Helper()
	var out strings.Builder
	for key, claim := range w.claims {
		text, err := json.Marshal(claim)
		require.NoError(t, err)
		out.WriteString(key + string(text))
	}
	for key, body := range w.objects {
		out.WriteString(key)
		if !strings.HasPrefix(key, "quarantine/") {
			out.WriteString(body)
		}
	}
	for _, event := range w.published {
		out.Write(event.Detail)
	}
	out.Write(w.log.Bytes())
	return out.String()
}

var errThrottled = errors.New("ProvisionedThroughputExceededException: slow down")
