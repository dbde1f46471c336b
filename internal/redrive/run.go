package redrive

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/payrail/payrail/events"
)

const (
	// group is how many items are taken in hand before the first of them is put back: as many as a record of it names.
	group = events.MaxOperatorItems
	// inFlight is how many items are put back at the same time.
	inFlight = 10
	// itemLimit bounds putting one item back once it was begun, which an interruption lets end.
	itemLimit = time.Minute
	// rateReserve is how much of PutBackHold the slowest rate may use for one group.
	rateReserve = PutBackHold / 3
	// maxResults bounds what a report says item by item.
	maxResults = 10_000
	// maxPlanned bounds a dry run, which holds what it has seen until its end.
	maxPlanned = 10_000
)

// MinRate is the slowest rate, in items a second: one item must be put back while it is in hand.
const MinRate = 0.01

// Outcome is what became of an item.
type Outcome string

// Outcomes of items.
const (
	PutBack Outcome = "PUT_BACK"
	// Planned is what a dry run would put back.
	Planned Outcome = "PLANNED"
	// Left stays where it is for a reason of its own.
	Left Outcome = "LEFT"
	// Failed stays where it is because something did not answer; or it was put back and could not be deleted.
	Failed Outcome = "FAILED"
)

// Request asks for a redrive.
type Request struct {
	Stores []Store
	Selection
	// Rate is items a second, MinRate at least.
	Rate   float64
	DryRun bool
	By     string
	Reason string
	// Progress is called after each item, by one goroutine at a time; it may be nil.
	Progress func()
}

// Result is what became of one item.
type Result struct {
	ID            string  `json:"id"`
	Store         string  `json:"store"`
	TransactionID string  `json:"transactionId,omitempty"`
	DetailType    string  `json:"detailType,omitempty"`
	Outcome       Outcome `json:"outcome"`
	To            string  `json:"to,omitempty"`
	Problem       string  `json:"problem,omitempty"`
}

// Tally counts outcomes.
type Tally struct {
	// PutBack are the items that were put back; in a dry run, that would be.
	PutBack int `json:"putBack"`
	Left    int `json:"left"`
	Failed  int `json:"failed"`
}

// StoreReport is what was done to one store.
type StoreReport struct {
	Store string `json:"store"`
	To    string `json:"to,omitempty"`
	Tally
	// Stopped says why not everything was tried.
	Stopped string `json:"stopped,omitempty"`
	// Remaining is how many items the store has afterwards.
	Remaining Count `json:"remaining"`
	// Notes are of what went wrong beside the items.
	Notes []string `json:"notes,omitempty"`
}

// Report is the result of a run.
type Report struct {
	ID     string `json:"id"`
	DryRun bool   `json:"dryRun"`
	By     string `json:"by"`
	Reason string `json:"reason"`
	Tally
	Stores []StoreReport `json:"stores"`
	// Items has the first maxResults results; ItemsOmitted counts the others.
	Items        []Result `json:"items"`
	ItemsOmitted int      `json:"itemsOmitted,omitempty"`
	// NotFound are ids that were asked for and are in none of the stores.
	NotFound    []string `json:"notFound,omitempty"`
	Interrupted bool     `json:"interrupted,omitempty"`
}

// Complete reports whether everything that was asked for was done.
func (r Report) Complete() bool {
	clean := r.Left == 0 && r.Failed == 0 && len(r.NotFound) == 0 && !r.Interrupted
	return clean && !slices.ContainsFunc(r.Stores, func(s StoreReport) bool { return s.Stopped != "" || len(s.Notes) > 0 })
}

// run is a run under way.
type run struct {
	*Redriver
	request Request
	report  *Report
	pace    pace

	found *idSet
	// sent are the ids under which targets would give back what this run sent. An item that comes back is not sent again: it
	// would go round for as long as the run lasts.
	sent *idSet

	mu sync.Mutex // guards report while items are put back
}

// Run puts back what a request asks for. An error says that nothing was put back, or that what was could not be recorded; what else
// went wrong is in the report, which is there in any case. It refuses stores whose items must not even be read.
func (r *Redriver) Run(ctx context.Context, request Request) (Report, error) {
	if slices.ContainsFunc(request.Stores, Store.OnlyCounted) {
		return Report{}, ErrOnlyCounted
	}
	if request.Rate < MinRate {
		return Report{}, fmt.Errorf("a rate of %v items a second is below %v", request.Rate, MinRate)
	}
	report := Report{ID: "rd_" + r.Now().UTC().Format("20060102T150405Z") + "-" + r.NewID(), DryRun: request.DryRun, By: request.By, Reason: request.Reason,
		Stores: []StoreReport{}, Items: []Result{}}
	current := &run{Redriver: r, request: request, report: &report, found: newIDSet(), sent: newIDSet(),
		pace: pace{interval: time.Duration(float64(time.Second) / request.Rate), now: r.Now, wait: r.Wait}}
	var errs []error
	for _, store := range request.Stores {
		if ctx.Err() != nil || current.satisfied() {
			break
		}
		errs = append(errs, current.redrive(ctx, store))
	}
	report.Interrupted = ctx.Err() != nil
	for _, id := range request.IDs {
		if !current.found.has(id) && !report.Interrupted {
			report.NotFound = append(report.NotFound, id)
		}
	}
	return report, errors.Join(errs...)
}

// redrive works through one store.
func (r *run) redrive(ctx context.Context, store Store) (err error) {
	s := r.open(store, PutBackHold)
	w := &work{run: r, store: store, shelf: s, report: StoreReport{Store: store.Name, To: store.To}, started: r.Now()}
	defer func() {
		if closeErr := s.close(ctx); closeErr != nil {
			w.report.Notes = append(w.report.Notes, closeErr.Error())
		}
		if w.report.Remaining, err = w.finish(ctx, err); w.tried() || w.report.Stopped != "" || len(w.report.Notes) > 0 {
			r.report.Stores = append(r.report.Stores, w.report)
		}
	}()
	if err := w.begin(ctx); err != nil || w.before.Items == 0 && len(r.request.Stores) > 1 {
		return nil // It is noted; or the store is empty, and nobody asked for it by name.
	}
	for n := 0; ; {
		if r.request.DryRun && n >= maxPlanned {
			w.report.Stopped = fmt.Sprintf("a dry run looks at %d items of a store: what is behind them was not looked at", maxPlanned)
			return nil
		}
		all, err := s.next(ctx, r.groupSize())
		if err != nil {
			w.stop(ctx, err)
		}
		if len(all) == 0 || ctx.Err() != nil {
			return nil
		}
		n += len(all)
		if err := w.putBackAll(ctx, all); err != nil || w.report.Stopped != "" || r.satisfied() {
			return err
		}
	}
}

// satisfied reports whether all items that were asked for by their own ids have been found. A transaction may have several items.
func (r *run) satisfied() bool {
	for _, id := range r.request.IDs {
		if !r.found.has(id) || isTransaction(id) {
			return false
		}
	}
	return len(r.request.IDs) > 0
}

// groupSize is how many items to take in hand: no more than can be put back while they are.
func (r *run) groupSize() int {
	return max(1, min(group, int(r.request.Rate*rateReserve.Seconds())))
}

// work is a store being worked through.
type work struct {
	*run
	store    Store
	shelf    shelf
	report   StoreReport
	before   Count
	started  time.Time
	recorded bool
	done     []string
	// failing is how many failed since anything was put back: one that fails alone does not stop the others.
	failing int
}

func (w *work) begin(ctx context.Context) (err error) {
	if w.before, err = w.shelf.count(ctx); err != nil {
		w.stop(ctx, err)
	}
	return err
}

// stop notes why the rest of a store is not tried.
func (w *work) stop(ctx context.Context, err error) {
	if ctx.Err() != nil {
		w.report.Stopped = "interrupted"
		return
	}
	w.report.Stopped = err.Error()
}

func (w *work) tried() bool { return w.report.Tally != Tally{} }

// putBackAll puts a group back, inFlight items at a time, until something stops it. Its error says that what is about to be done
// could not be recorded.
func (w *work) putBackAll(ctx context.Context, all []held) error {
	var going []outgoing
	failed := w.report.Failed
	for _, h := range all {
		if d, ok := w.choose(ctx, h); ok {
			going = append(going, outgoing{h, d})
		}
	}
	if len(going) == 0 && w.report.Failed > failed {
		w.report.Stopped = "it could not be found out where the last items go: the rest stays where it is"
		return nil
	}
	if w.request.DryRun {
		for _, o := range going {
			w.note(o.held, Planned, o.to, nil)
		}
		return nil
	}
	if len(going) > 0 && !w.recorded {
		// The point of no return: from here on something may be put back, and the record of it is there before.
		if err := w.record(ctx, w.run.report, w.store, events.OperatorStarted, w.started, ids(going), w.count(len(going)), 0); err != nil {
			w.stop(ctx, err)
			return err
		}
		w.recorded = true
	}
	for part := range slices.Chunk(going, inFlight) {
		before := w.report.Tally
		w.putBack(ctx, part)
		if ctx.Err() != nil {
			w.report.Stopped = "interrupted"
			return nil
		}
		if w.report.Failed-before.Failed < len(part) {
			w.failing = 0
			continue
		}
		if w.failing += len(part); w.failing >= inFlight {
			w.report.Stopped = fmt.Sprintf("nothing of the last %d could be put back: the rest stays where it is", w.failing)
			return nil
		}
	}
	return nil
}

// outgoing is an item with where it goes.
type outgoing struct {
	held
	delivery
}

func ids(all []outgoing) []string {
	list := make([]string, len(all))
	for i, o := range all {
		list[i] = o.ID
	}
	return list
}

// count is how many items a run is about to put back: all that the store has, where all are meant.
func (w *work) count(inHand int) int {
	if s := w.request.Selection; len(s.IDs) == 0 && s.Match == "" && s.Since.IsZero() && s.Until.IsZero() {
		return max(inHand, w.before.Items)
	}
	return inHand
}

// choose says where an item that is meant goes; what does not go is noted.
func (w *work) choose(ctx context.Context, h held) (delivery, bool) {
	if !w.request.takes(h.Item) {
		return delivery{}, false
	}
	w.found.add(w.request.named(h.Item))
	if h.cameAs != "" && w.sent.has(h.cameAs) {
		w.note(h, Left, "", errors.New("it was put back a moment ago, and failed again"))
		return delivery{}, false
	}
	d, err := w.route(ctx, w.store, h)
	refused := refusal{}
	switch {
	case errors.As(err, &refused):
		w.note(h, Left, "", refused)
	case err != nil:
		w.note(h, Failed, "", err)
	default:
		return d, true
	}
	return delivery{}, false
}

// putBack puts some items back at the same time. An interruption lets those end that were begun.
func (w *work) putBack(ctx context.Context, part []outgoing) {
	var group sync.WaitGroup
	defer group.Wait()
	for _, o := range part {
		if w.pace.await(ctx) != nil {
			return
		}
		group.Go(func() {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), itemLimit)
			defer cancel()
			w.putBackOne(ctx, o)
		})
	}
}

// putBackOne sends first and deletes second: a failure between the two repeats the item, and never loses it.
func (w *work) putBackOne(ctx context.Context, o outgoing) {
	comesBackAs, err := o.put(ctx)
	if refused := (refusal{}); errors.As(err, &refused) {
		w.note(o.held, Left, o.to, refused) // The target took a look at it, and it stays.
		return
	}
	if err != nil {
		w.note(o.held, Failed, o.to, err)
		return
	}
	if comesBackAs != "" {
		w.sent.add(comesBackAs)
	}
	if err := w.shelf.remove(ctx, o.held); err != nil {
		w.note(o.held, Failed, o.to, fmt.Errorf("it was put back, and is still here, so that it may be put back again, which does no harm: %w", err))
		return
	}
	w.note(o.held, PutBack, o.to, nil)
}

// note counts what became of an item.
func (w *work) note(h held, outcome Outcome, to string, err error) {
	result := Result{ID: h.ID, Store: w.store.Name, TransactionID: h.TransactionID, DetailType: h.DetailType, Outcome: outcome, To: to}
	if err != nil {
		result.Problem = err.Error()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, tally := range []*Tally{&w.report.Tally, &w.run.report.Tally} {
		switch outcome {
		case PutBack, Planned:
			tally.PutBack++
		case Left:
			tally.Left++
		default:
			tally.Failed++
		}
	}
	if outcome == PutBack && len(w.done) < events.MaxOperatorItems {
		w.done = append(w.done, h.ID)
	}
	if len(w.run.report.Items) < maxResults {
		w.run.report.Items = append(w.run.report.Items, result)
	} else {
		w.run.report.ItemsOmitted++
	}
	if w.request.Progress != nil {
		w.request.Progress()
	}
}

// finish records the result and counts what is left, also of a run that was interrupted.
func (w *work) finish(ctx context.Context, err error) (Count, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), giveBackLimit)
	defer cancel()
	if w.recorded {
		err = errors.Join(err, w.record(ctx, w.run.report, w.store, events.OperatorEnded, w.started, w.done, w.report.PutBack, w.report.Failed))
	}
	if !w.tried() {
		return w.before, err
	}
	remaining, countErr := w.shelf.count(ctx)
	if countErr != nil && w.report.Stopped == "" {
		w.report.Notes = append(w.report.Notes, countErr.Error())
	}
	return remaining, err
}
