// Package redrive puts back what was set aside: messages of dead-letter queues, and authorizations in the parked bucket. It finds a
// stack's stores through CloudFormation, looks into them without taking anything, and sends items to where they had been going.
//
// An item goes back to what failed on it, never to the bus, where every other consumer would see it again; only what did not get
// through the bus itself goes there. Its body is not changed, so that its ids are the same and posting, which is idempotent,
// gives it its effect once.
//
// One rule holds everywhere: send first, delete second. Whatever stops a redrive between the two leaves an item in both places,
// which costs a repetition; the other way round it would be in neither.
package redrive
