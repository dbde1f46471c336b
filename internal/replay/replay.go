// Package replay sends the archived events of a window of time to one consumer once more, through its rule alone.
//
// EventBridge replays to the bus the archive was made of, and marks each event with the replay's name. Only the rule that is named
// sees them: other consumers, the archive and the audit log do not. What the consumer publishes because of them carries the
// replay's name in metadata.replay.
package replay

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
)

const (
	// pollInterval is how often EventBridge is asked how far a replay is.
	pollInterval = 500 * time.Millisecond
	// cancelTimeout bounds the cancelling of a replay by a command that is itself being ended.
	cancelTimeout = 10 * time.Second
	// ArchiveLag is how long EventBridge may take to archive an event; AWS advises to wait as long before a replay.
	ArchiveLag = 10 * time.Minute
)

// EventBridge models the EventBridge client. It is safe for concurrent use.
type EventBridge interface {
	StartReplay(context.Context, *eventbridge.StartReplayInput, ...func(*eventbridge.Options)) (*eventbridge.StartReplayOutput, error)
	DescribeReplay(context.Context, *eventbridge.DescribeReplayInput, ...func(*eventbridge.Options)) (*eventbridge.DescribeReplayOutput, error)
	CancelReplay(context.Context, *eventbridge.CancelReplayInput, ...func(*eventbridge.Options)) (*eventbridge.CancelReplayOutput, error)
}

// Request says what to replay.
type Request struct {
	// Name is what the events are marked with: 1 to 64 of letters, digits, '.', '-' and '_', never used before by anybody.
	Name string
	// ArchiveARN and BusARN belong together; RuleARN is a rule of that bus.
	ArchiveARN, BusARN, RuleARN string
	// From and To bound the time at which the events were put on the bus: From is included, To is not.
	From, To time.Time
	// Reason is one line of at most 512 characters, which EventBridge keeps with the replay.
	Reason string
}

// Replayer runs replays. All fields are needed. It is safe for concurrent use.
type Replayer struct {
	EventBridge EventBridge
	// Wait sleeps and returns early with ctx's error.
	Wait func(context.Context, time.Duration) error
}

// ErrCancelled says that a replay was ended before its time. What it had sent stays sent.
var ErrCancelled = errors.New("the replay was cancelled")

// Start starts a replay. EventBridge goes on with it whatever becomes of the caller.
func (r *Replayer) Start(ctx context.Context, request Request) error {
	_, err := r.EventBridge.StartReplay(ctx, &eventbridge.StartReplayInput{
		ReplayName: &request.Name, EventSourceArn: &request.ArchiveARN, EventStartTime: &request.From, EventEndTime: &request.To,
		Description: &request.Reason, Destination: &types.ReplayDestination{Arn: &request.BusARN, FilterArns: []string{request.RuleARN}},
	})
	// The name was never used before: where it exists, the SDK asked again after an answer that was lost.
	var exists *types.ResourceAlreadyExistsException
	if err != nil && !errors.As(err, &exists) {
		return fmt.Errorf("starting replay %s: %w", request.Name, err)
	}
	return nil
}

// Await waits until a replay has ended and tells progress, from 0 to 1, how far it is. A replay whose caller is being ended is
// cancelled. The error is ErrCancelled for one that was cancelled, by whomever.
func (r *Replayer) Await(ctx context.Context, request Request, progress func(done float64)) error {
	for {
		out, err := r.EventBridge.DescribeReplay(ctx, &eventbridge.DescribeReplayInput{ReplayName: &request.Name})
		if err != nil {
			return errors.Join(fmt.Errorf("asking how far replay %s is, which goes on unless it is cancelled: %w", request.Name, err), r.cancelIfEnded(ctx, request))
		}
		switch out.State {
		case types.ReplayStateCompleted:
			progress(1)
			return nil
		case types.ReplayStateCancelled:
			return ErrCancelled
		case types.ReplayStateFailed:
			return fmt.Errorf("replay %s failed: %s", request.Name, aws.ToString(out.StateReason))
		}
		progress(share(request, aws.ToTime(out.EventLastReplayedTime)))
		if err := r.Wait(ctx, pollInterval); err != nil {
			return errors.Join(err, r.cancelIfEnded(ctx, request))
		}
	}
}

// cancelIfEnded cancels the replay of a caller whose context has ended: a person who pressed Ctrl-C wants it to stop.
func (r *Replayer) cancelIfEnded(ctx context.Context, request Request) error {
	if ctx.Err() == nil {
		return nil
	}
	ending, stop := context.WithTimeout(context.WithoutCancel(ctx), cancelTimeout)
	defer stop()
	_, err := r.EventBridge.CancelReplay(ending, &eventbridge.CancelReplayInput{ReplayName: &request.Name})
	var ended *types.IllegalStatusException
	if errors.As(err, &ended) {
		return nil // It had come to its end.
	}
	if err != nil {
		return fmt.Errorf("cancelling replay %s, which goes on: %w", request.Name, err)
	}
	return ErrCancelled
}

func share(request Request, last time.Time) float64 {
	if last.Before(request.From) {
		return 0
	}
	return min(1, float64(last.Sub(request.From))/float64(request.To.Sub(request.From)))
}
