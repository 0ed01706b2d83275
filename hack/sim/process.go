// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package sim

import "time"

// process is one operating-system process: a controller, a worker, a handler. What it asked for happens only while
// it lives, and waits while it is frozen; what it has sent over a network is out of its hands.
type process struct {
	clock  *clock
	alive  bool
	frozen bool
	parked []func() // what became due while frozen, in order
	// thaws counts how often the process has been frozen, so that code can tell that it slept in between.
	freezes int
}

// after runs do in the process when d has passed.
func (p *process) after(d time.Duration, do func()) {
	p.clock.after(d, func() { p.enter(do) })
}

// enter runs do in the process now, or when it thaws.
func (p *process) enter(do func()) {
	switch {
	case !p.alive:
	case p.frozen:
		p.parked = append(p.parked, do)
	default:
		do()
	}
}

func (p *process) freeze() {
	if p.alive && !p.frozen {
		p.frozen = true
		p.freezes++
	}
}

// thaw runs what became due meanwhile, in order, each as an event of its own.
func (p *process) thaw() {
	if !p.frozen {
		return
	}
	p.frozen = false
	due := p.parked
	p.parked = nil
	for _, do := range due {
		p.after(0, do)
	}
}

func (p *process) kill() {
	p.alive, p.frozen, p.parked = false, false, nil
}
