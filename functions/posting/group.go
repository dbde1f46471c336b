package main

import (
	"fmt"
	"time"

	"github.com/payrail/payrail/events"
	"github.com/payrail/payrail/internal/batch"
	"github.com/payrail/payrail/payment"
)

// reasonLeg is the reason of a leg that cannot be part of its own sequence.
const reasonLeg = "LEG_INVALID"

// group is the legs of one version of one sequence in a batch. Legs whose sequences differ in anything, their authorization
// for one, are of different groups even under one id and checksum: who they belong to is decided when they are posted.
type group struct {
	sequence payment.Sequence
	legs     []payment.Leg
	messages []int
	// cause is the metadata of the sequence as its first leg has it: see groupLegs.
	cause events.Metadata
	// redelivered says that one of the messages came before, or that the queue does not tell.
	redelivered bool
	// replayed says that all messages come from a replay of the archive.
	replayed bool
}

// onlyReplayed says that a replay brought what is not known to have been tried before: where it is known to the ledger, it was told
// long ago. A message that came before is another matter: the attempt before this one may have posted and died.
func (g *group) onlyReplayed() bool { return g.replayed && !g.redelivered }

// whole is all legs of the sequence where they follow from what its payment was decided by, else those at hand. What is parked of a
// sequence is then the same whichever of its legs came again.
func (g *group) whole() []payment.Leg {
	legs, err := payment.Legs(g.sequence.Basis)
	if err != nil || payment.Checksum(legs) != g.sequence.Checksum {
		return g.legs
	}
	return legs
}

// groupLegs reads the legs of a batch and puts the legs together by sequence, in the order in which the sequences appear. A leg that
// cannot be read or is no part of its sequence fails alone.
func groupLegs(messages []batch.Message, results batch.Results) []*group {
	var groups []*group
	bySequence := map[payment.Sequence]*group{}
	for i, message := range messages {
		if isOrder(message) {
			continue
		}
		detail, err := batch.Decode[events.LegData](message, events.PostingLegCreated)
		if err == nil {
			err = checkLeg(detail.Data)
		}
		if err != nil {
			results[i] = err
			continue
		}
		sequence := detail.Data.Sequence
		g, ok := bySequence[sequence]
		if !ok {
			g = &group{sequence: sequence, cause: causeOf(detail), replayed: true}
			bySequence[sequence] = g
			groups = append(groups, g)
		}
		g.legs, g.messages = append(g.legs, detail.Data.Leg), append(g.messages, i)
		g.redelivered = g.redelivered || message.Receives != 1
		g.replayed = g.replayed && detail.Metadata.Replay != ""
	}
	for _, g := range groups {
		if !g.replayed {
			g.cause.Replay = ""
		}
	}
	return groups
}

// causeOf is the metadata that causes a sequence's events: that of its first leg, whichever leg came last. The events are
// then the same however the legs arrived.
func causeOf(detail events.Detail[events.LegData]) events.Metadata {
	cause := detail.Metadata
	cause.PostingSequence = detail.Data.Sequence.ID
	cause.EventID = fmt.Sprintf("%s/%s/1", detail.Data.Sequence.ID, events.PostingLegCreated)
	return cause
}

// checkLeg verifies what must hold for a leg by itself. What must hold for all legs together is checked when they are.
func checkLeg(data events.LegData) error {
	s := data.Sequence
	problem := ""
	switch {
	case s.ID == "" || s.Checksum == "" || s.AuthorizationID == "" || s.PayloadHash == "":
		problem = "it lacks its id, checksum, authorization or payload hash"
	case data.Leg.Number < 1 || data.Leg.Number > s.Of:
		problem = fmt.Sprintf("it has no leg %d of %d", data.Leg.Number, s.Of)
	case !isTime(s.OccurredAt):
		problem = "its time is not RFC 3339"
	default:
		return nil
	}
	return &payment.Error{Kind: payment.Invalid, Reason: reasonLeg, Err: fmt.Errorf("sequence %q: %s", s.ID, problem)}
}

func isTime(text string) bool {
	_, err := time.Parse(time.RFC3339, text)
	return err == nil
}
