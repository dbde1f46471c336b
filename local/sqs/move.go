package sqs

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/payrail/payrail/local/clock"
	"github.com/payrail/payrail/local/wire"
)

// Statuses of a move task. AWS has CANCELLING too, while a task that is cancelled ends its step; here it ends at once.
const (
	MoveRunning   = "RUNNING"
	MoveCompleted = "COMPLETED"
	MoveCancelled = "CANCELLED"
	MoveFailed    = "FAILED"
)

// Reasons for which a move task fails, from the developer guide's page on troubleshooting DLQ redrives.
const (
	reasonNoSource = "CouldNotDetermineMessageSource"
	reasonNoQueue  = "AWS.SimpleQueueService.NonExistentQueue"
)

const (
	// maxMoveRate is AWS's largest MaxNumberOfMessagesPerSecond, and the rate of tasks that name none: AWS chooses it then.
	maxMoveRate = 500
	// moveStepsPerSecond spreads the messages of a second.
	moveStepsPerSecond = 10
	// maxMoveTasks is how many tasks of a source ListMessageMoveTasks knows at most, and how many it lists by default.
	maxMoveTasks     = 10
	defaultMoveTasks = 1
	// maxMoveDuration is how long AWS lets a task run.
	maxMoveDuration = 36 * time.Hour
	// maxActiveMoves is how many tasks of an account may run at once.
	maxActiveMoves = 100
)

// MoveTask is the state of a message move task, as ListMessageMoveTasks shows it.
type MoveTask struct {
	// TaskHandle is there while the task runs.
	TaskHandle                        string `json:",omitempty"`
	Status                            string
	SourceArn                         string
	DestinationArn                    string `json:",omitempty"`
	MaxNumberOfMessagesPerSecond      int    `json:",omitempty"`
	ApproximateNumberOfMessagesMoved  int
	ApproximateNumberOfMessagesToMove int
	FailureReason                     string `json:",omitempty"`
	// StartedTimestamp is in Unix milliseconds.
	StartedTimestamp int64
}

// moveTask moves the messages that are visible in a dead-letter queue when it starts to the queue they came from, or to one
// destination. It receives, sends and deletes, as AWS does: a moved message is a new one with a new id, the time of the move
// and no receives, and keeps its body and its attributes. Its state is guarded by Service.movesMu.
type moveTask struct {
	service *Service
	id      string
	source  *queue
	state   MoveTask
	rate    int
	started time.Time
	timer   clock.Timer
}

// StartMove starts moving the messages of a dead-letter queue. Without a destination each goes back to the queue it came
// from; rate 0 lets the service choose.
func (s *Service) StartMove(sourceARN, destinationARN string, rate int) (taskHandle string, err error) {
	if rate < 0 || rate > maxMoveRate {
		return "", wire.Errorf("InvalidParameterValue", "Value %d for parameter MaxNumberOfMessagesPerSecond is invalid. Reason: Must be between 1 and %d, if provided.", rate, maxMoveRate)
	}
	source, err := s.moveSource(sourceARN)
	if err != nil {
		return "", err
	}
	if !s.isDeadLetterQueue(source) {
		return "", wire.Errorf("InvalidParameterValue", "Source queue must be configured as a Dead Letter Queue.")
	}
	if destinationARN == sourceARN {
		return "", wire.Errorf("InvalidParameterValue", "Source queue arn and destination queue arn cannot be the same.")
	}
	if destinationARN != "" {
		if _, err := s.byARN(destinationARN); err != nil {
			return "", errNoResource("DestinationArn")
		}
	}
	s.movesMu.Lock()
	defer s.movesMu.Unlock()
	if tasks := s.moves[source]; len(tasks) > 0 && tasks[0].state.Status == MoveRunning {
		return "", wire.Errorf("InvalidParameterValue", "There is already a task running. Only one active task is allowed for a source queue arn at a given time.")
	}
	if s.activeMoves() >= maxActiveMoves {
		return "", wire.Errorf("RequestThrottled", "The account has %d active message move tasks.", maxActiveMoves)
	}
	now := s.clock.Now()
	task := &moveTask{service: s, id: formatID(s.newID()), source: source, rate: rate, started: now}
	if rate == 0 {
		task.rate = maxMoveRate
	}
	task.state = MoveTask{
		TaskHandle: moveHandle(task.id, sourceARN), Status: MoveRunning, SourceArn: sourceARN, DestinationArn: destinationARN,
		MaxNumberOfMessagesPerSecond: rate, ApproximateNumberOfMessagesToMove: source.stats().Visible, StartedTimestamp: now.UnixMilli(),
	}
	if err := task.keep(); err != nil {
		return "", err
	}
	s.addMove(task)
	task.timer = s.clock.AfterFunc(0, task.step)
	return task.state.TaskHandle, nil
}

// Moves returns the most recent move tasks of a source, the latest first.
func (s *Service) Moves(sourceARN string, max int) ([]MoveTask, error) {
	if max < 1 || max > maxMoveTasks {
		return nil, wire.Errorf("InvalidParameterValue", "Value %d for parameter MaxResults is invalid. Reason: Must be between 1 and %d, if provided.", max, maxMoveTasks)
	}
	source, err := s.moveSource(sourceARN)
	if err != nil {
		return nil, err
	}
	s.movesMu.Lock()
	defer s.movesMu.Unlock()
	tasks := s.moves[source]
	out := make([]MoveTask, min(max, len(tasks)))
	for i := range out {
		out[i] = tasks[i].state
	}
	return out, nil
}

// CancelMove ends a running move task and returns how many messages it moved; they stay where they are.
func (s *Service) CancelMove(taskHandle string) (moved int, err error) {
	id, sourceARN, ok := parseMoveHandle(taskHandle)
	if !ok {
		return 0, wire.Errorf("InvalidParameterValue", "Value for parameter TaskHandle is invalid.")
	}
	source, err := s.moveSource(sourceARN)
	if err != nil {
		return 0, err
	}
	s.movesMu.Lock()
	defer s.movesMu.Unlock()
	i := slices.IndexFunc(s.moves[source], func(t *moveTask) bool { return t.id == id })
	if i < 0 {
		return 0, &wire.Error{Status: http.StatusNotFound, Code: "ResourceNotFoundException", Message: "Task does not exist."}
	}
	task := s.moves[source][i]
	if task.state.Status != MoveRunning {
		return 0, wire.Errorf("UnsupportedOperation", "Only active tasks can be cancelled.")
	}
	task.end(MoveCancelled, "")
	return task.state.ApproximateNumberOfMessagesMoved, task.keep()
}

func (s *Service) moveSource(arn string) (*queue, error) {
	if arn == "" {
		return nil, wire.Errorf("MissingParameter", "The request must contain the parameter SourceArn.")
	}
	q, err := s.byARN(arn)
	if err != nil {
		return nil, errNoResource("SourceArn")
	}
	return q, nil
}

func errNoResource(parameter string) error {
	return &wire.Error{Status: http.StatusNotFound, Code: "ResourceNotFoundException",
		Message: "The resource that you specified for the " + parameter + " parameter doesn't exist."}
}

func (s *Service) isDeadLetterQueue(q *queue) bool {
	return len(s.sortedNames(func(other *queue) bool { return other.currentSettings().redrive.DeadLetterTargetArn == q.arn })) > 0
}

// activeMoves counts the running tasks. The caller holds s.movesMu.
func (s *Service) activeMoves() int {
	n := 0
	for _, tasks := range s.moves {
		if tasks[0].state.Status == MoveRunning {
			n++
		}
	}
	return n
}

// forgetMoves ends the task of a queue that is no more.
func (s *Service) forgetMoves(source *queue) {
	s.movesMu.Lock()
	defer s.movesMu.Unlock()
	if tasks := s.moves[source]; len(tasks) > 0 && tasks[0].state.Status == MoveRunning {
		tasks[0].end(MoveFailed, reasonNoQueue)
	}
	s.dropMoves(s.moves[source])
	delete(s.moves, source)
}

// step moves the messages of one tick and arms the next.
func (t *moveTask) step() {
	t.service.movesMu.Lock()
	defer t.service.movesMu.Unlock()
	if t.state.Status != MoveRunning || isClosed(t.service.closed) {
		return
	}
	left := t.state.ApproximateNumberOfMessagesToMove - t.state.ApproximateNumberOfMessagesMoved
	perStep := max(1, t.rate/moveStepsPerSecond)
	held := t.source.hold(min(left, perStep))
	for i, m := range held {
		if reason := t.moveOne(m); reason != "" {
			t.source.unhold(held[i:])
			t.over(MoveFailed, reason)
			return
		}
	}
	switch {
	case len(held) == left || len(held) < perStep: // Done, or consumers of the dead-letter queue took the rest.
		t.over(MoveCompleted, "")
	case t.service.clock.Now().Sub(t.started) >= maxMoveDuration:
		t.over(MoveFailed, "Timeout")
	default:
		t.timer = t.service.clock.AfterFunc(time.Second*time.Duration(perStep)/time.Duration(t.rate), t.step)
	}
}

// moveOne sends a message to its destination and deletes it here; it returns the reason if it cannot.
func (t *moveTask) moveOne(m *message) (failureReason string) {
	s := t.service
	destinationARN := t.state.DestinationArn
	if destinationARN == "" {
		destinationARN = m.deadLetterSource
	}
	if destinationARN == "" {
		return reasonNoSource
	}
	destination, err := s.byARN(destinationARN)
	if err != nil {
		return reasonNoQueue
	}
	moved, err := s.prepare(destination, draft{body: m.body, attributes: m.attributes, traceHeader: m.traceHeader, delay: useQueueDelay})
	if err != nil { // The message is larger than the destination allows.
		return wire.AsError(err).Code
	}
	destination.number(moved)
	t.state.ApproximateNumberOfMessagesMoved++
	if err := t.source.kept.move([]*message{m}, destination.kept, []*message{moved}, t.keepIn); err != nil {
		t.state.ApproximateNumberOfMessagesMoved--
		return wire.AsError(err).Code
	}
	destination.admit(moved)
	t.source.release(m)
	return ""
}

// over ends a task of whose end no caller waits to hear.
func (t *moveTask) over(status, failureReason string) {
	t.end(status, failureReason)
	if err := t.keep(); err != nil { // It runs on after a restart, and finds nothing more to move.
		t.service.logger.Error("keeping the end of a move task", "source", t.state.SourceArn, "error", err)
	}
}

// end makes the status final. The caller holds Service.movesMu.
func (t *moveTask) end(status, failureReason string) {
	t.timer.Stop()
	t.state.Status, t.state.FailureReason, t.state.TaskHandle = status, failureReason, ""
}

// hold takes up to max visible messages, the oldest first, out of the reach of receives. It is not a receive: it counts none.
func (q *queue) hold(max int) []*message {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.clock.Now()
	q.settle(now)
	var held []*message
	for len(held) < max && q.visible > 0 {
		m := q.ready.pop()
		if m.state != visible {
			continue
		}
		q.visible--
		q.hide(m, now.Add(q.settings.visibility))
		held = append(held, m)
	}
	return held
}

// release deletes a held message that the store has forgotten.
func (q *queue) release(m *message) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.received[m.sequence] != m { // Purged or expired meanwhile.
		return
	}
	q.uncount(m)
	q.drop(m)
	q.counters.Deleted++
}

// unhold makes held messages visible again.
func (q *queue) unhold(held []*message) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, m := range held {
		if q.received[m.sequence] == m && m.state == inFlight {
			q.uncount(m)
			q.makeVisible(m)
		}
	}
	q.notify()
}

// moveHandleContent is what a task handle is on AWS too, in base64.
type moveHandleContent struct {
	TaskID    string `json:"taskId"`
	SourceARN string `json:"sourceArn"`
}

func moveHandle(id, sourceARN string) string {
	text := `{"taskId":` + strconv.Quote(id) + `,"sourceArn":` + strconv.Quote(sourceARN) + `}`
	return base64.StdEncoding.EncodeToString([]byte(text))
}

func parseMoveHandle(handle string) (id, sourceARN string, ok bool) {
	text, err := base64.StdEncoding.DecodeString(handle)
	if err != nil {
		return "", "", false
	}
	var content moveHandleContent
	if err := json.Unmarshal(text, &content); err != nil || content.TaskID == "" || !strings.HasPrefix(content.SourceARN, "arn:") {
		return "", "", false
	}
	return content.TaskID, content.SourceARN, true
}

type startMoveInput struct {
	SourceArn, DestinationArn    string
	MaxNumberOfMessagesPerSecond *int
}

type moveRef struct{ TaskHandle string }

func (s *Service) apiStartMessageMoveTask(_ context.Context, in *startMoveInput) (*moveRef, error) {
	rate := 0
	if in.MaxNumberOfMessagesPerSecond != nil {
		if rate = *in.MaxNumberOfMessagesPerSecond; rate < 1 {
			rate = -1 // Zero given is not "none given".
		}
	}
	handle, err := s.StartMove(in.SourceArn, in.DestinationArn, rate)
	if err != nil {
		return nil, err
	}
	return &moveRef{TaskHandle: handle}, nil
}

type listMovesInput struct {
	SourceArn  string
	MaxResults *int
}

type listMovesOutput struct{ Results []MoveTask }

func (s *Service) apiListMessageMoveTasks(_ context.Context, in *listMovesInput) (*listMovesOutput, error) {
	limit := defaultMoveTasks
	if in.MaxResults != nil {
		limit = *in.MaxResults
	}
	tasks, err := s.Moves(in.SourceArn, limit)
	return &listMovesOutput{Results: tasks}, err
}

type cancelMoveOutput struct{ ApproximateNumberOfMessagesMoved int }

func (s *Service) apiCancelMessageMoveTask(_ context.Context, in *moveRef) (*cancelMoveOutput, error) {
	if in.TaskHandle == "" {
		return nil, wire.Errorf("MissingParameter", "The request must contain the parameter TaskHandle.")
	}
	moved, err := s.CancelMove(in.TaskHandle)
	return &cancelMoveOutput{ApproximateNumberOfMessagesMoved: moved}, err
}
