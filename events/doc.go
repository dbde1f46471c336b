// Package events is the contract of the bus: every event's name, producer and shape, as Go types, JSON Schemas
// (schemas/) and examples (examples/), and the publisher that puts them. Changes are additive only: consumers ignore what
// they do not know.
package events
