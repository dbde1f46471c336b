package redrive

import (
	"strings"
	"time"
)

// Selection says which items of the stores are meant.
type Selection struct {
	// IDs are ids of items or transactions; none means all.
	IDs []string
	// Match is part of the reason or the problem, in capitals or not.
	Match string
	// Since and Until bound when an item was first seen, both included; zero does not bound.
	Since, Until time.Time
}

// takes reports whether an item is meant.
func (s Selection) takes(i Item) bool {
	switch {
	case len(s.IDs) > 0 && s.named(i) == "":
		return false
	case s.Match != "" && !strings.Contains(strings.ToLower(i.Reason+" "+i.Problem), strings.ToLower(s.Match)):
		return false
	case !s.Since.IsZero() && i.FirstSeen.Before(s.Since), !s.Until.IsZero() && i.FirstSeen.After(s.Until):
		return false
	}
	return true
}

// named is the id by which an item was asked for.
func (s Selection) named(i Item) string {
	for _, id := range s.IDs {
		if id == i.ID || id == i.TransactionID {
			return id
		}
	}
	return ""
}
