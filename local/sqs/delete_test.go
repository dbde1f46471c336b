package sqs

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stretchr/testify/require"
)

func TestADeletedQueueIsGone(t *testing.T) {
	s, _, _ := newService(t)
	arn := create(t, s, "q", nil)
	send(t, s, arn, "a")
	require.NoError(t, s.DeleteQueue(arn))
	require.Empty(t, s.Queues())
	require.EqualError(t, s.Send(t.Context(), arn, "b", nil), errNoQueue().Error())
	require.EqualError(t, s.DeleteQueue(arn), errNoQueue().Error())
}

func TestTheNameOfADeletedQueueIsFreeAfterAMinute(t *testing.T) {
	s, c, _ := newService(t)
	require.NoError(t, s.DeleteQueue(create(t, s, "q", nil)))
	c.Advance(59 * time.Second)
	_, _, err := s.CreateQueue(QueueSpec{Name: "q"})
	require.ErrorContains(t, err, "You must wait 60 seconds")
	create(t, s, "other", nil)
	c.Advance(time.Second)
	arn := create(t, s, "q", nil)
	require.Empty(t, receive(t, s, arn, 10), "a new queue")
	require.Empty(t, s.deletedAt)
}

func TestAReceiveThatWaitsEndsWithItsQueue(t *testing.T) {
	s, _, _ := newService(t)
	arn := create(t, s, "q", nil)
	ended := make(chan error, 1)
	go func() {
		_, err := s.Receive(context.Background(), arn, 1, time.Hour)
		ended <- err
	}()
	q, err := s.byARN(arn)
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		q.mu.Lock()
		defer q.mu.Unlock()
		return q.waiters.Len() == 1
	}, 10*time.Second, time.Millisecond)
	require.NoError(t, s.DeleteQueue(arn))
	require.EqualError(t, <-ended, errNoQueue().Error())
}

func TestDeadLettersStayWhereTheirQueueIsDeleted(t *testing.T) {
	s, c, _ := newService(t)
	dead := create(t, s, "dead", nil)
	arn := create(t, s, "q", map[string]string{"VisibilityTimeout": "1", "RedrivePolicy": `{"deadLetterTargetArn":"` + dead + `","maxReceiveCount":1}`})
	send(t, s, arn, "a")
	require.Len(t, receive(t, s, arn, 1), 1)
	require.NoError(t, s.DeleteQueue(dead))
	c.Advance(2 * time.Second)
	require.Len(t, receive(t, s, arn, 1), 1)
}

func TestDeleteQueueWithSDK(t *testing.T) {
	s, _, _ := newService(t)
	client := sdkClient(t, s)
	created, err := client.CreateQueue(t.Context(), &awssqs.CreateQueueInput{QueueName: aws.String("q")})
	require.NoError(t, err)
	_, err = client.DeleteQueue(t.Context(), &awssqs.DeleteQueueInput{QueueUrl: created.QueueUrl})
	require.NoError(t, err)
	_, err = client.CreateQueue(t.Context(), &awssqs.CreateQueueInput{QueueName: aws.String("q")})
	var recently *types.QueueDeletedRecently
	require.ErrorAs(t, err, &recently)
	_, err = client.DeleteQueue(t.Context(), &awssqs.DeleteQueueInput{QueueUrl: created.QueueUrl})
	var none *types.QueueDoesNotExist
	require.ErrorAs(t, err, &none)
}
