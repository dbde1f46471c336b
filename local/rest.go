package local

// AtRest reports whether nothing is under way at this moment: every record of a stream with a pipe is dealt with, every event delivered
// or given up, no queue with a consumer holds a message, no execution runs and no asynchronous event waits for its function. What was
// asked for directly, and what lies in dead-letter queues and in Firehose's buffers, does not count.
//
// The services are looked at one after the other while work goes on from one to the next, each counting it before the one before lets
// go of it. All of it goes on through the bus: where the bus took on nothing since the first look, nothing slipped by.
func (r *Runtime) AtRest() bool {
	deliveries, before := r.eventbridge.Outstanding()
	if deliveries > 0 || !r.pipes.AtRest() || r.sqs.Consumable() > 0 || r.lambda.Pending() > 0 || r.stepfunctions.Running() > 0 {
		return false
	}
	_, after := r.eventbridge.Outstanding()
	return before == after
}
