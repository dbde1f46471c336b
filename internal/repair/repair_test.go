package repair

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/internal/authorizationitem"
	"github.com/payrail/payrail/internal/timeline"
	"github.com/payrail/payrail/payment"
)

const (
	ingestedAt = "2026-07-09T10:15:31.123Z"
	token      = "tok_v1_ABCDEFGHIJKLMNOPQRSTUVWXYZ"
)

var present = time.Date(2026, 7, 9, 12, 0, 0, 0, time.UTC)

// world is what a repair reads and publishes to.
type world struct {
	authorization, claim map[string]types.AttributeValue
	attempts             map[string]map[string]types.AttributeValue
	happened             []timeline.Entry
	published            []events.Event
	refuse               error
}

func (w *world) Trace(_ context.Context, id string) ([]timeline.Entry, error) {
	if len(w.happened) == 0 {
		return nil, timeline.ErrNotFound
	}
	return w.happened, nil
}

func (w *world) GetItem(_ context.Context, in *dynamodb.GetItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	if in.ConsistentRead == nil || !*in.ConsistentRead {
		return nil, errors.New("the read is not consistent")
	}
	for table, item := range map[string]map[string]types.AttributeValue{"authorizations": w.authorization, "dedup": w.claim} {
		if *in.TableName != table {
			continue
		}
		for name, value := range in.Key {
			if held, ok := item[name].(*types.AttributeValueMemberS); ok && held.Value == value.(*types.AttributeValueMemberS).Value {
				return &dynamodb.GetItemOutput{Item: item}, nil
			}
		}
		return &dynamodb.GetItemOutput{}, nil
	}
	return nil, errors.New("no table " + *in.TableName)
}

// PutItem holds the only condition there is: nobody has the key, or the correction is the same.
func (w *world) PutItem(_ context.Context, in *dynamodb.PutItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	if *in.TableName != "dedup" || *in.ConditionExpression != "attribute_not_exists(businessKey) OR correction = :correction" {
		return nil, errors.New("another put to " + *in.TableName)
	}
	key := in.Item["businessKey"].(*types.AttributeValueMemberS).Value
	if held, ok := w.attempts[key]; ok && !reflect.DeepEqual(held["correction"], in.ExpressionAttributeValues[":correction"]) {
		return nil, &types.ConditionalCheckFailedException{Item: held}
	}
	w.attempts[key] = in.Item
	return &dynamodb.PutItemOutput{}, nil
}

func (w *world) Publish(_ context.Context, all []events.Event) events.Failures {
	if w.refuse != nil {
		return events.Failures{0: w.refuse}
	}
	w.published = append(w.published, all...)
	return nil
}

func text(v string) types.AttributeValue { return &types.AttributeValueMemberS{Value: v} }

// failedWorld has a payment that failed its review for want of an issuer country.
func failedWorld(t *testing.T) (*world, payment.Authorization) {
	t.Helper()
	item := authorizationitem.Item{
		"authorizationId": text("auth-1"), "status": text("APPROVED"), "mti": text("0100"), "panToken": text(token), "processingCode": text("000000"),
		"transactionAmount": &types.AttributeValueMemberN{Value: "1981"}, "transactionCurrency": text("GBP"),
		"billingAmount": &types.AttributeValueMemberN{Value: "1981"}, "billingCurrency": text("GBP"), "stan": text("123457"), "acquirerId": text("400010"),
		"transmittedAt": text("2026-07-09T10:15:30Z"), "authCode": text("A1B2C3"), "responseCode": text("00"), "mcc": text("5411"), "merchantName": text("ACME STORE"),
	}
	a, err := payment.ParseAuthorization(item.Attributes())
	require.NoError(t, err)
	tx := payment.TransactionID(a.BusinessKey())
	entry := func(detailType events.DetailType) timeline.Entry {
		return timeline.Entry{TransactionID: tx, EventID: tx + "/" + string(detailType), DetailType: detailType, AuthorizationID: "auth-1"}
	}
	return &world{
		authorization: item,
		claim: map[string]types.AttributeValue{"businessKey": text(a.BusinessKey()), "authorizationId": text("auth-1"),
			"payloadHash": text(a.PayloadHash()), "ingestedAt": text(ingestedAt), "expiresAt": &types.AttributeValueMemberN{Value: "1787048131"}},
		attempts: map[string]map[string]types.AttributeValue{},
		happened: []timeline.Entry{entry(events.TransactionAuthorized), entry(events.TransactionStandardized), entry(events.TransactionEnriched), entry(events.TransactionPostingFailed)},
	}, a
}

func (w *world) repairer() *Repairer {
	return &Repairer{Timeline: w, Tables: w, AuthorizationsTable: "authorizations", DedupTable: "dedup", Publisher: w, Now: func() time.Time { return present }}
}

func request(set map[string]string) Request {
	return Request{ID: "auth-1", Set: set, By: "ops", Reason: "the BIN table says so"}
}

// A payment that failed for what it is judged by (R-070, or a limit) is sent again as it is, once that is corrected.
func TestAPaymentIsJudgedOnceMoreAsItIs(t *testing.T) {
	w, _ := failedWorld(t)
	w.authorization["issuerCountry"] = text("826")
	a, err := payment.ParseAuthorization(authorizationitem.Item(w.authorization).Attributes())
	require.NoError(t, err)
	w.claim["payloadHash"] = text(a.PayloadHash())
	plan, err := w.repairer().Plan(t.Context(), Request{ID: "auth-1", By: "ops", Reason: "the account has its holder now"})
	require.NoError(t, err)
	require.Empty(t, plan.Changes)
	require.NoError(t, w.repairer().Publish(t.Context(), plan))
	var detail events.Detail[events.AuthorizedData]
	require.NoError(t, json.Unmarshal(w.published[0].Detail, &detail))
	require.Equal(t, a, detail.Data.Authorization)
	require.Equal(t, &events.Repair{Attempt: 2, Set: map[string]string{}, By: "ops", Reason: "the account has its holder now"}, detail.Data.Repair)
	require.Equal(t, 2, detail.Metadata.Attempt)
}

func TestARepairIsThePaymentThatWasTakenInCorrected(t *testing.T) {
	w, a := failedWorld(t)
	tx := payment.TransactionID(a.BusinessKey())
	plan, err := w.repairer().Plan(t.Context(), request(map[string]string{"issuerCountry": "826", "mcc": "5411"}))
	require.NoError(t, err)
	require.Empty(t, w.published, "a plan publishes nothing")
	require.Equal(t, []Change{{"issuerCountry", "", "826"}}, plan.Changes, "what stays as it was is no change")

	require.NoError(t, w.repairer().Publish(t.Context(), plan))
	require.Len(t, w.published, 1)
	require.Equal(t, events.TransactionAuthorized, w.published[0].DetailType)
	require.Equal(t, events.SourceRepair, w.published[0].Source)
	var detail events.Detail[events.AuthorizedData]
	require.NoError(t, json.Unmarshal(w.published[0].Detail, &detail))
	corrected := a
	corrected.IssuerCountry = "826"
	require.Equal(t, events.AuthorizedData{Authorization: corrected, BusinessKey: a.BusinessKey(), PayloadHash: a.PayloadHash(),
		Repair: &events.Repair{Attempt: 2, Set: map[string]string{"issuerCountry": "826"}, By: "ops", Reason: "the BIN table says so"}}, detail.Data)
	m := detail.Metadata
	require.Equal(t, tx+"/TransactionAuthorized/2", m.EventID)
	require.Equal(t, tx+"/TransactionPostingFailed", m.CausationID)
	require.Equal(t, []any{tx, "auth-1", ingestedAt, "2026-07-09T12:00:00.000Z", token, 2},
		[]any{m.TransactionID, m.CorrelationID, m.OccurredAt, m.PublishedAt, m.EventGroupID, m.Attempt})

	again, err := w.repairer().Plan(t.Context(), request(map[string]string{"issuerCountry": "826"}))
	require.NoError(t, err)
	require.NoError(t, w.repairer().Publish(t.Context(), again))
	require.Equal(t, w.published[0], w.published[1], "asking twice repeats the event")
}

func TestEveryAttemptCounts(t *testing.T) {
	w, a := failedWorld(t)
	tx := payment.TransactionID(a.BusinessKey())
	w.happened = append(w.happened,
		timeline.Entry{TransactionID: tx, EventID: tx + "/TransactionAuthorized/2", DetailType: events.TransactionAuthorized, AuthorizationID: "auth-1", Attempt: 2},
		timeline.Entry{TransactionID: tx, EventID: tx + "/TransactionPostingFailed/2", DetailType: events.TransactionPostingFailed, AuthorizationID: "auth-1", Attempt: 2})
	plan, err := w.repairer().Plan(t.Context(), Request{ID: tx, Set: map[string]string{"issuerCountry": "826"}})
	require.NoError(t, err)
	require.Equal(t, tx+"/TransactionAuthorized/3", plan.EventID)
	require.Equal(t, tx+"/TransactionPostingFailed/2", plan.Metadata.CausationID)
}

func TestOnlyAFailedReviewCanBeRepaired(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(w *world, last *timeline.Entry)
		want   error
	}{
		"unknown":       {func(w *world, _ *timeline.Entry) { w.happened = nil }, ErrNotTaken},
		"under way":     {func(w *world, _ *timeline.Entry) { w.happened = w.happened[:2] }, ErrUnderWay},
		"posted":        {func(_ *world, last *timeline.Entry) { last.DetailType = events.TransactionPosted }, ErrPosted},
		"rejected":      {func(_ *world, last *timeline.Entry) { last.DetailType = events.TransactionRejected }, ErrNotFailed},
		"quarantined":   {func(_ *world, last *timeline.Entry) { last.DetailType = events.TransactionQuarantined }, ErrNotFailed},
		"another one's": {func(w *world, last *timeline.Entry) { last.AuthorizationID, w.happened = "auth-0", w.happened[3:] }, ErrUnderWay},
		"repair posted": {func(w *world, last *timeline.Entry) {
			posted := *last
			posted.DetailType, posted.Attempt = events.TransactionPosted, 2
			w.happened = append(w.happened, posted)
		}, ErrPosted},
		"repair under way": {func(w *world, last *timeline.Entry) {
			next := *last
			next.DetailType, next.Attempt = events.TransactionAuthorized, 2
			w.happened = append(w.happened, next)
		}, ErrUnderWay},
		"several failed": {func(w *world, last *timeline.Entry) {
			other := *last
			other.TransactionID = "tx_B"
			w.happened = append(w.happened, other)
		}, ErrSeveral},
	} {
		t.Run(name, func(t *testing.T) {
			w, _ := failedWorld(t)
			tc.change(w, &w.happened[len(w.happened)-1])
			_, err := w.repairer().Plan(t.Context(), request(map[string]string{"issuerCountry": "826"}))
			require.ErrorIs(t, err, tc.want)
		})
	}
}

func TestTheAuthorizationMustBeTheOneThatWasTakenIn(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*world)
		want   error
	}{
		"it is gone":                   {func(w *world) { w.authorization = nil }, ErrNotTaken},
		"it was taken back":            {func(w *world) { w.authorization["status"] = text("VOIDED") }, ErrNotApproved},
		"its claim has no end":         {func(w *world) { delete(w.claim, "expiresAt") }, nil},
		"it has another key":           {func(w *world) { w.authorization["stan"] = text("9") }, ErrChanged},
		"it has another content":       {func(w *world) { w.authorization["mcc"] = text("7995") }, ErrChanged},
		"it is malformed":              {func(w *world) { delete(w.authorization, "mcc") }, ErrChanged},
		"another one was taken in":     {func(w *world) { w.claim["authorizationId"] = text("auth-0") }, ErrChanged},
		"its claim is gone":            {func(w *world) { w.claim = nil }, ErrForgotten},
		"its claim has no ingest time": {func(w *world) { delete(w.claim, "ingestedAt") }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			w, _ := failedWorld(t)
			tc.change(w)
			_, err := w.repairer().Plan(t.Context(), request(map[string]string{"issuerCountry": "826"}))
			require.Error(t, err)
			if tc.want != nil {
				require.ErrorIs(t, err, tc.want)
			}
		})
	}
}

func TestRequestsAreRefused(t *testing.T) {
	ok := map[string]string{"issuerCountry": "826"}
	var fields payment.FieldErrors
	for name, tc := range map[string]struct {
		request Request
		want    error
	}{
		"the reason stays":            {request(map[string]string{"mcc": "5812"}), ErrWouldFailAgain},
		"nothing is corrected":        {request(nil), ErrWouldFailAgain},
		"a card number as a name":     {request(map[string]string{"issuerCountry": "826", "merchantName": "4111 1111 1111 1111"}), ErrCardNumber},
		"a card number in the reason": {Request{ID: "auth-1", Set: ok, Reason: "card 4111111111111111"}, ErrCardNumber},
		"a reason of two lines":       {Request{ID: "auth-1", Set: ok, Reason: "one\ntwo"}, ErrReason},
		"a novel":                     {Request{ID: "auth-1", Set: ok, Reason: strings.Repeat("x", maxReason+1)}, ErrReason},
	} {
		t.Run(name, func(t *testing.T) {
			w, _ := failedWorld(t)
			_, err := w.repairer().Plan(t.Context(), tc.request)
			require.ErrorIs(t, err, tc.want)
			require.NotContains(t, err.Error(), "4111")
		})
	}
	w, _ := failedWorld(t)
	_, err := w.repairer().Plan(t.Context(), request(map[string]string{"billingAmount": "1"}))
	require.ErrorAs(t, err, &fields)
}

func TestAnEventThatCannotBePutIsAnError(t *testing.T) {
	w, _ := failedWorld(t)
	plan, err := w.repairer().Plan(t.Context(), request(map[string]string{"issuerCountry": "826"}))
	require.NoError(t, err)
	w.refuse = errors.New("ThrottlingException")
	require.EqualError(t, w.repairer().Publish(t.Context(), plan), "publishing the repair: ThrottlingException")
}

// Two people plan on the same timeline: their events would have one id.
func TestOneCorrectionTakesAnAttempt(t *testing.T) {
	w, a := failedWorld(t)
	first, err := w.repairer().Plan(t.Context(), request(map[string]string{"issuerCountry": "826"}))
	require.NoError(t, err)
	second, err := w.repairer().Plan(t.Context(), request(map[string]string{"issuerCountry": "840"}))
	require.NoError(t, err)
	require.Equal(t, first.EventID, second.EventID)
	require.Empty(t, w.attempts, "a plan takes nothing")

	w.refuse = errors.New("ThrottlingException")
	require.Error(t, w.repairer().Publish(t.Context(), first), "the attempt is taken, and its event is not on the bus")
	w.refuse = nil
	err = w.repairer().Publish(t.Context(), second)
	require.ErrorIs(t, err, ErrTaken)
	require.ErrorContains(t, err, `{"issuerCountry":"826"}`, "whoever comes later can finish it")
	require.Empty(t, w.published)
	require.NoError(t, w.repairer().Publish(t.Context(), first))
	require.Len(t, w.published, 1)
	require.Equal(t, w.claim["expiresAt"], w.attempts["REPAIR#"+payment.TransactionID(a.BusinessKey())+"/TransactionAuthorized/2"]["expiresAt"])
}
