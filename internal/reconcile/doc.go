// Package reconcile compares what was authorized (A, the authorizations table), what was said (B, the timeline, or the audit log
// where there is none) and what was posted (C, the ledger's journal), payment by payment, and puts right what it safely can.
//
// A run first compares the indexes by ingest bucket, which needs no item: what agrees there is done. Everything else is read again,
// strongly consistently and from both sides, before it is called a break. A full pass reads the tables themselves, in segments, and
// finds what bears no stamp. Memory is bounded by one bucket and by the breaks kept.
//
// A patch is an event through the normal path and never an edit of a table: dedup, and posting's journal, make it harmless where the
// break was none. Patches are few by caps, recorded as events, and end when something is found that no patch may paper over.
package reconcile
