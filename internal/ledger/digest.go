package ledger

import (
	"fmt"
	"time"

	"github.com/payrail/payrail/events"
)

// digestVersion is the version of a digest's content and of what its seal is computed from.
const digestVersion = 1

// Digest says what the journal held of one hour of posting. It is written once, some minutes after the hour, where nobody can
// change it: a journal that no longer agrees with its digests has been tampered with.
type Digest struct {
	Version int `json:"version"`
	// Hour is the start of the hour; it is of the times of posting.
	Hour           time.Time `json:"hour"`
	JournalEntries int64     `json:"journalEntries"`
	// Totals has a line for each currency, Accounts one for each system account, and one for all customers together.
	Totals   []Line `json:"totals"`
	Accounts []Line `json:"accounts"`
	// Seal covers the content of every journal entry of the hour and its time of posting, in no order.
	Seal string `json:"seal"`
	// Previous is the hex SHA-256 of the digest of the hour before, as it was written; empty in the first.
	Previous string `json:"previous"`
}

// End is when the digest's hour ends and the next one begins.
func (d Digest) End() time.Time { return d.Hour.Add(time.Hour) }

// HourSum is a digest in the making. The zero value is not usable: NewHourSum makes one. It is not safe for concurrent use.
type HourSum struct {
	fold *fold
	seal Seal
}

// NewHourSum returns the sum of no entries.
func NewHourSum() *HourSum { return &HourSum{fold: newFold(true)} }

// Add takes a journal record in.
func (h *HourSum) Add(record Record) error {
	if err := h.fold.add(record); err != nil {
		return err
	}
	h.seal.add(sealed(record))
	return nil
}

// merge takes in the sum of other records of the same hour.
func (h *HourSum) merge(other *HourSum) error {
	h.seal.merge(&other.seal)
	h.fold.entries += other.fold.entries
	return h.fold.addLines(sorted(other.fold.lines))
}

// Digest is the digest of an hour with what was added.
func (h *HourSum) Digest(hour time.Time, previous string) (Digest, error) {
	b, err := h.fold.result()
	if err != nil {
		return Digest{}, fmt.Errorf("summing the hour %s: %w", hourOf(hour), err)
	}
	return Digest{Version: digestVersion, Hour: hour.UTC(), JournalEntries: b.JournalEntries, Totals: b.Totals, Accounts: b.Lines, Seal: h.seal.String(), Previous: previous}, nil
}

// sealed is what a seal takes of a record: its content, by the hash that it has, the hash that it was given, and when it was posted.
func sealed(r Record) []byte {
	return fmt.Appendf(nil, "v%d|%q|%q|%q|%q", digestVersion, r.ID, r.Hash(), r.EntryHash, r.PostedAt)
}

// hourForm is how an hour is written in the names of buckets and in findings.
const hourForm = "2006-01-02T15"

func hourOf(t time.Time) string { return t.UTC().Format(hourForm) }

// postedHour is the hour of a record's time of posting, as hourOf writes it.
func postedHour(r Record) (string, error) {
	if at, err := time.Parse(time.RFC3339, r.PostedAt); err != nil || events.FormatTime(at) != r.PostedAt {
		return "", fmt.Errorf("sequence %s was posted at %q, which is no time", r.ID, r.PostedAt)
	}
	return r.PostedAt[:len(hourForm)], nil
}
