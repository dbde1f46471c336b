package local

// AtRest reports whether nothing is under way at this moment: every record of a stream with a pipe is dealt with, every event delivered
// or given up, no queue with a consumer holds a message, no execution runs and no asynchronous event waits for its function. What was
// asked for directly, and what lies in dead-letter queues and in Firehose's buffers, does not count. Work goes from one service to the
// next, and is counted by the next before the first lets go of it: two looks with nothing in between see all of it.
func (r *Runtime) AtRest() bool {
	for range 2 {
		if !r.pipes.AtRest() || r.sqs.Consumable() > 0 || r.lambda.Pending() > 0 || r.stepfunctions.Running() > 0 || r.eventbridge.Outstanding() > 0 {
			return false
		}
	}
	return true
}
