package stepfunctions

import (
	"math"
	"time"
)

// Limits of Retry fields, from the Amazon States Language.
const (
	maxRetrySeconds  = 31622400
	maxRetryAttempts = 99999999
)

// retrier is one entry of Retry.
type retrier struct {
	errorEquals []string
	interval    time.Duration
	maxAttempts int64
	rate        float64
	maxDelay    time.Duration
	fullJitter  bool
}

// delay is the wait before retry number attempt, which counts from 1. With full jitter it lies anywhere up to the
// computed one, so that what failed together does not come back together.
func (r *retrier) delay(attempt int64, random func() float64) time.Duration {
	seconds := r.interval.Seconds() * math.Pow(r.rate, float64(attempt-1))
	limit := float64(maxRetrySeconds)
	if r.maxDelay > 0 {
		limit = r.maxDelay.Seconds()
	}
	seconds = min(seconds, limit)
	if r.fullJitter {
		seconds *= random()
	}
	return time.Duration(seconds * float64(time.Second))
}

// catcher is one entry of Catch.
type catcher struct {
	errorEquals []string
	result      resultPath
	assign      expression
	nextName    string
	next        *state
}

func compileRetry(f *fields) ([]*retrier, error) {
	list, err := f.list("Retry")
	if err != nil {
		return nil, err
	}
	retriers := make([]*retrier, len(list))
	for i, entry := range list {
		if retriers[i], err = compileRetrier(entry, i == len(list)-1); err != nil {
			return nil, err
		}
	}
	return retriers, nil
}

func compileErrorEquals(f *fields, last bool) ([]string, error) {
	names, err := f.strings("ErrorEquals")
	if err != nil {
		return nil, err
	}
	if err := checkErrorNames(names); err != nil {
		return nil, f.fieldErrorf("ErrorEquals", "%s", err)
	}
	if names[0] == errorAll && !last {
		return nil, f.fieldErrorf("ErrorEquals", "%s must be in the last entry", errorAll)
	}
	return names, nil
}

func compileRetrier(f *fields, last bool) (*retrier, error) {
	r := &retrier{rate: 2}
	err := f.comment()
	if err != nil {
		return nil, err
	}
	if r.errorEquals, err = compileErrorEquals(f, last); err != nil {
		return nil, err
	}
	interval, err := f.integer("IntervalSeconds", 1, 99999999, 1)
	if err != nil {
		return nil, err
	}
	if r.maxAttempts, err = f.integer("MaxAttempts", 0, maxRetryAttempts, 3); err != nil {
		return nil, err
	}
	maxDelay, err := f.integer("MaxDelaySeconds", interval+1, maxRetrySeconds, 0)
	if err != nil {
		return nil, err
	}
	if v := f.take("BackoffRate"); v != nil {
		if v.kind != kindNumber || v.number() < 1 {
			return nil, f.fieldErrorf("BackoffRate", "The value must be a number of 1 or more")
		}
		r.rate = v.number()
	}
	strategy, err := f.string("JitterStrategy")
	if err != nil {
		return nil, err
	}
	if strategy != "" && strategy != "FULL" && strategy != "NONE" {
		return nil, f.fieldErrorf("JitterStrategy", "The field 'JitterStrategy' should have one of these values: [FULL, NONE]")
	}
	r.interval, r.maxDelay = time.Duration(interval)*time.Second, time.Duration(maxDelay)*time.Second
	r.fullJitter = strategy == "FULL"
	return r, f.done()
}

func compileCatch(f *fields) ([]*catcher, error) {
	list, err := f.list("Catch")
	if err != nil {
		return nil, err
	}
	catchers := make([]*catcher, len(list))
	for i, entry := range list {
		if catchers[i], err = compileCatcher(entry, i == len(list)-1); err != nil {
			return nil, err
		}
	}
	return catchers, nil
}

func compileCatcher(f *fields, last bool) (*catcher, error) {
	c := &catcher{}
	err := f.comment()
	if err != nil {
		return nil, err
	}
	if c.errorEquals, err = compileErrorEquals(f, last); err != nil {
		return nil, err
	}
	if c.result, err = compileResultPath(f); err != nil {
		return nil, err
	}
	if c.assign, err = compileAssign(f); err != nil {
		return nil, err
	}
	if err := f.require("Next"); err != nil {
		return nil, err
	}
	if c.nextName, err = f.string("Next"); err != nil {
		return nil, err
	}
	return c, f.done()
}
