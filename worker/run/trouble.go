// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package run

import (
	"sync"
	"time"

	"convoy.dev/convoy/worker/broker"
)

// troubleInterval is how far apart two log lines about one kind of request are. With the broker away every lane of a
// worker fails several times a second, and says the same.
const troubleInterval = 10 * time.Second

// troubles are the requests that failed lately. It is safe for every goroutine.
type troubles struct {
	lock sync.Mutex
	by   map[string]*trouble
}

// trouble is one kind of request: when the log told of it last, and how many failures it has not told of.
type trouble struct {
	told   time.Time
	untold int
}

// note counts a failure. It returns true when the log is to tell of it, and how many before it were not told.
func (t *troubles) note(doing string, now time.Time) (untold int, tell bool) {
	t.lock.Lock()
	defer t.lock.Unlock()
	if t.by == nil {
		t.by = map[string]*trouble{}
	}
	of := t.by[doing]
	if of == nil {
		of = &trouble{}
		t.by[doing] = of
	}
	if !of.told.IsZero() && now.Sub(of.told) < troubleInterval {
		of.untold++
		return 0, false
	}
	untold = of.untold
	*of = trouble{told: now}
	return untold, true
}

// trouble tells of a request that will be made again, as long as the loop finds that it is made. It is for tasks.
func (w *Worker) trouble(r request, err error, made func() bool) {
	w.count(r, err)
	w.inbox.post(func() { w.fails(r, err, made) })
}

// count counts and logs a request that will be made again. It is safe for every goroutine.
func (w *Worker) count(r request, err error) {
	kind, cause := broker.KindOf(err).String(), broker.CauseOf(err).String()
	w.metrics.brokerErrors.WithLabelValues(kind, cause).Inc()
	if untold, tell := w.troubles.note(r.doing+kind, time.Now()); tell {
		w.config.Log.Warn("the broker does not do what it was asked for; it is asked again", "doing", r.doing, "lane", r.lane,
			"kind", kind, "cause", cause, "error", err, "untold", untold)
	}
}
