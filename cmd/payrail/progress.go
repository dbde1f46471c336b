package main

import (
	"fmt"
	"time"

	"github.com/schollz/progressbar/v3"
)

// spinnerInterval is how often a spinner moves.
const spinnerInterval = 100 * time.Millisecond

// step shows that something is going on, and how long it took: a spinner on a terminal, a line before and after elsewhere.
func (a *application) step(what string, do func() error) error {
	start := time.Now()
	stop := a.spin(what)
	err := do()
	stop()
	if err == nil {
		fmt.Fprintf(a.stderr, "%s: %.1fs\n", what, time.Since(start).Seconds())
	}
	return err
}

// spin shows a spinner until the function it returns is called.
func (a *application) spin(what string) (stop func()) {
	if !isTerminal(a.stderr) {
		fmt.Fprintln(a.stderr, what+" …")
		return func() {}
	}
	bar := progressbar.NewOptions(-1, progressbar.OptionSetWriter(a.stderr), progressbar.OptionSetDescription(what),
		progressbar.OptionSpinnerType(14), progressbar.OptionClearOnFinish(), progressbar.OptionSetElapsedTime(true))
	ticker := time.NewTicker(spinnerInterval)
	done, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-ticker.C:
				_ = bar.Add(1) // A spinner that cannot be drawn is no reason to stop.
			case <-done:
				ticker.Stop()
				_ = bar.Finish()
				return
			}
		}
	}()
	return func() { close(done); <-stopped }
}

// bar shows how much of a known amount of work is done; elsewhere than on a terminal it shows nothing.
func (a *application) bar(total int, what string) *progressbar.ProgressBar {
	if !isTerminal(a.stderr) {
		return progressbar.DefaultSilent(int64(total), what)
	}
	return progressbar.NewOptions(total, progressbar.OptionSetWriter(a.stderr), progressbar.OptionSetDescription(what),
		progressbar.OptionShowCount(), progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(spinnerInterval)) // Drawing takes longer than an event.
}
