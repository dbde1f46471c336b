package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/payrail/payrail/local"
	"github.com/payrail/payrail/local/clock"
	"github.com/payrail/payrail/local/storage"
)

// data is what `up` keeps its state in, and the clock that goes with it.
type data struct {
	store storage.Store
	clock clock.Clock
	kept  *local.Timekeeper // nil in memory
}

func (d data) durable() bool { return d.kept != nil }

func (d data) close() error {
	if d.kept == nil {
		return d.store.Close()
	}
	return errors.Join(d.kept.Close(), d.store.Close())
}

// openData opens the folder of --data, or memory.
func (a *application) openData(o upOptions, log *lineLog) (data, error) {
	if o.data == "" {
		return data{store: storage.NewMemory(), clock: clock.NewScaled(o.timeScale)}, nil
	}
	store, err := storage.OpenDisk(o.data, storage.DiskOptions{Logger: newLogger(log), Fatal: func(message string) {
		fmt.Fprintf(a.stderr, "the data in %s cannot be written or read any more: %s\neverything acknowledged was written there before: start again once the cause is gone\n", o.data, message)
		os.Exit(1)
	}})
	switch {
	case errors.Is(err, storage.ErrInUse):
		return data{}, misused("the data in "+o.data+" is in use by another `payrail up`", "stop that one, or take another folder")
	case errors.Is(err, storage.ErrFormat):
		return data{}, misused(err.Error(), "take another folder")
	case err != nil:
		return data{}, missing("the folder "+o.data+" cannot be used", "name another with --data", err)
	}
	kept, err := local.KeepTime(store, o.timeScale)
	if err != nil {
		return data{}, errors.Join(err, store.Close())
	}
	return data{store: store, clock: kept, kept: kept}, nil
}

// showFound tells in a line or two what the folder of --data had.
func (a *application) showFound(o upOptions, found local.Found) {
	if o.data == "" || a.json {
		return
	}
	if !found.Before {
		fmt.Fprintf(a.stdout, "keeping everything in %s\n", o.data)
		return
	}
	under := []string{
		counted(found.Messages, "message"), counted(found.Deliveries, "undelivered event"), counted(found.Executions, "execution"),
	}
	fmt.Fprintf(a.stdout, "going on with what is in %s: %s under way\n", o.data, strings.Join(under, ", "))
	if found.TemplateChanged {
		fmt.Fprintln(a.stdout, "the template or the functions have changed since")
	}
	if found.Orphans > 0 {
		fmt.Fprintf(a.stdout, "%s dropped: the rule or target is no more (see %s)\n", counted(found.Orphans, "event"), o.log)
	}
	for _, resource := range found.Unmade {
		fmt.Fprintf(a.stdout, "not made again: %s (see %s)\n", resource, o.log)
	}
}
