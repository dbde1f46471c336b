package test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/internal/awsconfig"
	"github.com/payrail/payrail/internal/repair"
	"github.com/payrail/payrail/internal/timeline"
)

func (s *system) repairer() *repair.Repairer {
	return &repair.Repairer{Timeline: s.timeline, Tables: s.dynamodb, AuthorizationsTable: s.outputs["AuthorizationsTable"], DedupTable: s.outputs["DedupTable"],
		Publisher: awsconfig.Publisher(s.aws, s.outputs["EventBus"]), Now: time.Now}
}

// awaitEvent waits until a payment's timeline has an event.
func (s *system) awaitEvent(t *testing.T, id string, detailType events.DetailType, attempt int) (happened []timeline.Entry) {
	t.Helper()
	eventually(t, string(detailType)+" of "+id, func() bool {
		var err error
		if happened, err = s.timeline.Trace(t.Context(), id); err != nil {
			require.ErrorIs(t, err, timeline.ErrNotFound)
		}
		for _, e := range happened {
			if e.DetailType == detailType && e.Attempt == attempt {
				return true
			}
		}
		return false
	})
	return happened
}

// A payment whose review failed is posted by a repair, once, and its timeline tells both attempts.
func TestAFailedReviewIsRepaired(t *testing.T) {
	// In real time: the functions' clock is that of the machine, and the order of the story is that of all clocks.
	s := startAt(t, 1)
	s.put(t, item(t, 1, aliceCard, map[string]types.AttributeValue{"issuerCountry": text("")}))
	s.awaitEvent(t, "auth-000001", events.TransactionPostingFailed, 0)
	require.Zero(t, s.journalEntries(t, "acc-alice"))
	before := s.item(t, "auth-000001")

	repairer := s.repairer()
	request := repair.Request{ID: "auth-000001", Set: map[string]string{"issuerCountry": "826"}, By: "ops", Reason: "the BIN is British"}
	plan, err := repairer.Plan(t.Context(), request)
	require.NoError(t, err)
	begun := time.Now()
	require.NoError(t, repairer.Publish(t.Context(), plan))
	happened := s.awaitEvent(t, "auth-000001", events.TransactionPosted, 2)
	t.Logf("the repaired payment is posted %s after the command", time.Since(begun).Round(time.Millisecond))

	// The events of one payment may reach the timeline in any order: the last one may be there before those that caused it.
	want := []string{"TransactionAuthorized", "TransactionStandardized", "TransactionEnriched", "TransactionPostingFailed",
		"TransactionAuthorized/2", "TransactionStandardized/2", "TransactionEnriched/2", "TransactionPostingApproved/2",
		"PostingLegCreated/1/2", "PostingLegCreated/2/2", "TransactionPosted"}
	eventually(t, "both attempts in the timeline", func() bool {
		happened, err = s.timeline.Trace(t.Context(), "auth-000001")
		require.NoError(t, err)
		return len(happened) == len(want)
	})
	require.Equal(t, want, story(happened))
	require.Equal(t, events.SourceRepair, happened[4].Source)
	require.Equal(t, "repaired GBP 19.81: issuerCountry=826 by ops (the BIN is British)", happened[4].Summary)
	require.Equal(t, "GBP -19.81", s.balance(t, "acc-alice"))
	require.Equal(t, before, s.item(t, "auth-000001"), "the authorization is never edited")

	// The same event once more, as a redelivery or a second person would bring it, and the attempt of somebody who came too late.
	require.NoError(t, repairer.Publish(t.Context(), plan))
	late := plan
	late.Metadata = plan.Metadata.Retry(events.TransactionAuthorized, 3, plan.Failed.EventID, time.Now())
	require.NoError(t, repairer.Publish(t.Context(), late))
	// Both tell again that it is posted, under one id, in any order: the timeline keeps the one that came last.
	eventually(t, "both are dealt with", s.AtRest)
	happened, err = s.timeline.Trace(t.Context(), "auth-000001")
	require.NoError(t, err)
	require.Contains(t, story(happened), "PostingLegCreated/2/3")
	require.EqualValues(t, 1, s.journalEntries(t, "acc-alice"), "posted once")
	require.Equal(t, "GBP -19.81", s.balance(t, "acc-alice"))

	// A second person whose plan is as old as the first's, with another correction: one id must not stand for two contents.
	other := plan
	other.Repair.Set = map[string]string{"issuerCountry": "840"}
	require.ErrorIs(t, repairer.Publish(t.Context(), other), repair.ErrTaken)

	_, err = repairer.Plan(t.Context(), request)
	require.ErrorIs(t, err, repair.ErrPosted)
	s.requireSound(t)
}

func TestAPostedPaymentIsNotRepaired(t *testing.T) {
	s := start(t)
	s.put(t, item(t, 1, aliceCard, nil))
	s.awaitEvent(t, "auth-000001", events.TransactionPosted, 0)
	_, err := s.repairer().Plan(t.Context(), repair.Request{ID: "auth-000001", Set: map[string]string{"issuerCountry": "840"}})
	require.ErrorIs(t, err, repair.ErrPosted)
}

// story is the events of a payment without the ids of its transaction and sequence.
func story(happened []timeline.Entry) []string {
	short := make([]string, len(happened))
	for i, e := range happened {
		_, short[i], _ = strings.Cut(e.EventID, "/")
	}
	return short
}

// item reads an authorization as it is now.
func (s *system) item(t *testing.T, id string) map[string]types.AttributeValue {
	t.Helper()
	out, err := s.dynamodb.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String(s.outputs["AuthorizationsTable"]), ConsistentRead: aws.Bool(true),
		Key: map[string]types.AttributeValue{"authorizationId": text(id)}})
	require.NoError(t, err)
	return out.Item
}
