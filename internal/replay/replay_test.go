package replay

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/stretchr/testify/require"
)

// bridge answers with one state after the other, and with the last one from then on.
type bridge struct {
	started   *eventbridge.StartReplayInput
	startErr  error
	states    []eventbridge.DescribeReplayOutput
	cancelled int
	cancelErr error
}

func (b *bridge) StartReplay(_ context.Context, in *eventbridge.StartReplayInput, _ ...func(*eventbridge.Options)) (*eventbridge.StartReplayOutput, error) {
	b.started = in
	return &eventbridge.StartReplayOutput{}, b.startErr
}

func (b *bridge) DescribeReplay(ctx context.Context, _ *eventbridge.DescribeReplayInput, _ ...func(*eventbridge.Options)) (*eventbridge.DescribeReplayOutput, error) {
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	out := b.states[0]
	if len(b.states) > 1 {
		b.states = b.states[1:]
	}
	return &out, nil
}

func (b *bridge) CancelReplay(ctx context.Context, _ *eventbridge.CancelReplayInput, _ ...func(*eventbridge.Options)) (*eventbridge.CancelReplayOutput, error) {
	b.cancelled++
	return &eventbridge.CancelReplayOutput{}, errors.Join(ctx.Err(), b.cancelErr)
}

var window = Request{Name: "rp_1", ArchiveARN: "archive", BusARN: "bus", RuleARN: "rule", From: time.Unix(1000, 0), To: time.Unix(2000, 0), Reason: "why"}

func noWait(ctx context.Context, _ time.Duration) error { return ctx.Err() }

func TestReplayGoesToOneRule(t *testing.T) {
	b := &bridge{}
	require.NoError(t, (&Replayer{EventBridge: b, Wait: noWait}).Start(t.Context(), window))
	require.Equal(t, &eventbridge.StartReplayInput{ReplayName: aws.String("rp_1"), EventSourceArn: aws.String("archive"), EventStartTime: &window.From, EventEndTime: &window.To,
		Description: aws.String("why"), Destination: &types.ReplayDestination{Arn: aws.String("bus"), FilterArns: []string{"rule"}}}, b.started)
}

// StartReplay knows no token: a call that took effect and whose answer was lost is answered so when the SDK repeats it.
func TestReplayThatStartedAtAnUnansweredCall(t *testing.T) {
	require.NoError(t, (&Replayer{EventBridge: &bridge{startErr: &types.ResourceAlreadyExistsException{}}, Wait: noWait}).Start(t.Context(), window))
	require.ErrorContains(t, (&Replayer{EventBridge: &bridge{startErr: &types.LimitExceededException{}}, Wait: noWait}).Start(t.Context(), window), "starting replay rp_1")
}

func TestReplayIsFollowedToItsEnd(t *testing.T) {
	at := func(seconds int64) *time.Time { return aws.Time(time.Unix(seconds, 0)) }
	for name, tc := range map[string]struct {
		states   []eventbridge.DescribeReplayOutput
		progress []float64
		problem  string
	}{
		"completed": {[]eventbridge.DescribeReplayOutput{{State: types.ReplayStateStarting}, {State: types.ReplayStateRunning, EventLastReplayedTime: at(1500)}, {State: types.ReplayStateCompleted}},
			[]float64{0, 0.5, 1}, ""},
		"failed":              {[]eventbridge.DescribeReplayOutput{{State: types.ReplayStateFailed, StateReason: aws.String("no such rule")}}, nil, "replay rp_1 failed: no such rule"},
		"cancelled elsewhere": {[]eventbridge.DescribeReplayOutput{{State: types.ReplayStateCancelling, EventLastReplayedTime: at(9000)}, {State: types.ReplayStateCancelled}}, []float64{1}, "was cancelled"},
	} {
		t.Run(name, func(t *testing.T) {
			var progress []float64
			err := (&Replayer{EventBridge: &bridge{states: tc.states}, Wait: noWait}).Await(t.Context(), window, func(done float64) { progress = append(progress, done) })
			require.Equal(t, tc.progress, progress)
			if tc.problem == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, tc.problem)
		})
	}
}

// Whoever presses Ctrl-C wants the replay to stop, not only the command.
func TestReplayIsCancelledWithItsCaller(t *testing.T) {
	for name, cancelErr := range map[string]error{"running": nil, "at its end": &types.IllegalStatusException{}} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			b := &bridge{states: []eventbridge.DescribeReplayOutput{{State: types.ReplayStateRunning}}, cancelErr: cancelErr}
			err := (&Replayer{EventBridge: b, Wait: noWait}).Await(ctx, window, func(float64) { cancel() })
			require.ErrorIs(t, err, context.Canceled)
			require.Equal(t, 1, b.cancelled)
			require.Equal(t, cancelErr == nil, errors.Is(err, ErrCancelled))
		})
	}
	b := &bridge{states: []eventbridge.DescribeReplayOutput{{State: types.ReplayStateRunning}}, cancelErr: errors.New("denied")}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorContains(t, (&Replayer{EventBridge: b, Wait: noWait}).Await(ctx, window, nil), "cancelling replay rp_1, which goes on: denied")
}
