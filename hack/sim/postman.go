// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"errors"
	"time"

	"convoy.dev/convoy/worker/drain"
)

// postman is a worker process's side of its mailbox: it reads the spec, first live, then by a watch that may go back
// in time, and writes the report by compare-and-swap, one write at a time.
type postman struct {
	wk      *worker
	client  *client
	box     *cache[mailbox]
	known   *version[mailbox] // the newest version read
	started bool
	raising *drain.Report // the report that raises the incarnation, until it is written
	highest int64         // the highest incarnation that this process has asked for
	dirty   bool          // the report is to be written
	newest  int64         // the newest revision seen, for one of the faults
	busy    bool          // a request is under way
}

func newPostman(wk *worker) *postman {
	p := &postman{wk: wk}
	p.client = wk.w.newClient(wk.process)
	p.client.link = wk.run.on.api
	name := wk.run.name
	p.box = wk.w.api.mailboxes.watchSome(p.client, func(n string, _ *mailbox) bool { return n == name }, func(string) {
		if v := p.box.get(name); v != nil {
			p.seen(v)
		}
	})
	p.read()
	return p
}

// seen takes a version that the watch has shown.
func (p *postman) seen(v *version[mailbox]) {
	if !p.started || v.obj.owner.UID != p.wk.run.uid {
		return
	}
	p.learn(v)
	p.wk.step(drain.Seen{Spec: p.wk.w.faults.seenSpec(p, v.obj.spec)})
}

// learn keeps the newest version and notices what others have made of the report.
func (p *postman) learn(v *version[mailbox]) {
	if p.known != nil && v.rv < p.known.rv {
		return
	}
	p.known = v
	if v.obj.report.Incarnation > p.highest && p.highest > 0 {
		p.wk.step(drain.Replaced{})
		return
	}
	if p.raising == nil && !p.busy && !sameReport(v.obj.report, p.wk.machine.Report()) {
		p.dirty = true
		p.wk.process.after(time.Millisecond, p.send)
	}
}

// read is a live read.
func (p *postman) read() {
	if p.busy {
		return
	}
	p.busy = true
	w := p.wk.w
	var v *version[mailbox]
	w.api.request(p.wk.process, p.wk.run.on.api, func() error {
		v = w.faults.firstRead(p, w.api.mailboxes.get(p.wk.run.name))
		if v == nil || v.obj.owner.UID != p.wk.run.uid {
			return errNotFound
		}
		return nil
	}, func(err error) {
		p.busy = false
		if errors.Is(err, errNotFound) {
			p.wk.step(drain.Missing{})
		}
		if err != nil {
			p.wk.process.after(w.dice.span(50*time.Millisecond, 300*time.Millisecond), p.read)
			return
		}
		p.taken(v)
	})
}

// taken takes what a live read has found.
func (p *postman) taken(v *version[mailbox]) {
	p.known = v
	if !p.started || p.raising != nil {
		p.started = true
		p.raising = nil
		p.wk.step(drain.Started{Spec: v.obj.spec, Report: v.obj.report})
		p.send()
		return
	}
	if v.obj.report.Incarnation > p.highest {
		p.wk.step(drain.Replaced{})
		return
	}
	p.wk.step(drain.Seen{Spec: v.obj.spec})
	if !p.wk.process.alive {
		return
	}
	report := p.wk.machine.Report()
	if same := sameReport(v.obj.report, report); same && p.dirty {
		p.dirty = false // the write whose answer was lost had been made
		p.wk.step(drain.Written{Report: report})
	} else {
		p.dirty = !same
	}
	p.send()
}

func (p *postman) raise(r drain.Report) {
	p.raising, p.highest = &r, max(p.highest, r.Incarnation)
	p.send()
}

func (p *postman) write() {
	p.dirty = true
	p.send()
}

// send writes what is to be written, unless a request is under way: then it follows.
func (p *postman) send() {
	if p.busy || !p.wk.process.alive || p.known == nil {
		return
	}
	switch {
	case p.raising != nil:
		p.busy = true
		report := *p.raising
		p.put(p.known, report, func(err error) { p.raised(report, err) })
	case p.dirty:
		p.busy, p.dirty = true, false
		report := p.wk.machine.Report()
		if report.Resigned {
			p.wk.run.resigned = true // the pod's own mark comes before the status
		}
		p.put(p.known, report, func(err error) { p.written(report, err) })
	}
}

// put is one compare-and-swap of the report.
func (p *postman) put(on *version[mailbox], r drain.Report, reply func(error)) {
	w, name := p.wk.w, p.wk.run.name
	var made *version[mailbox]
	w.api.request(p.wk.process, p.wk.run.on.api, func() error {
		if err := w.faults.casReport(w, on, r); err != nil {
			return err
		}
		made = w.api.mailboxes.get(name)
		w.api.writes++
		if w.story.on {
			w.tell(about{pod: name}, "report of %s written: %s", p.wk.run.uid, describeReport(r))
		}
		return nil
	}, func(err error) {
		p.busy = false
		if made != nil && err == nil {
			p.known = made // the API returns it with the answer
		}
		reply(err)
	})
}

func (p *postman) raised(r drain.Report, err error) {
	if err != nil {
		p.retry(err)
		return
	}
	if p.raising != nil && p.raising.Incarnation == r.Incarnation {
		p.raising = nil // otherwise a higher one has been asked for meanwhile
	}
	p.wk.step(drain.Raised{Incarnation: r.Incarnation})
	p.wk.step(drain.Written{Report: r})
	p.send()
}

func (p *postman) written(r drain.Report, err error) {
	if err != nil {
		p.dirty = true
		p.retry(err)
		return
	}
	p.wk.step(drain.Written{Report: r})
	p.send()
}

// retry reads again after a conflict or when nobody knows whether a write has been made.
func (p *postman) retry(err error) {
	wait := p.wk.w.dice.span(time.Millisecond, 20*time.Millisecond)
	if !errors.Is(err, errConflict) {
		wait = p.wk.w.dice.span(50*time.Millisecond, 300*time.Millisecond)
	}
	p.wk.process.after(wait, p.read)
}
