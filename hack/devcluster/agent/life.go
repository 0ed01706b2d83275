// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"
	"fmt"
	"syscall"
	"time"
)

// start starts a container's process, its probes, and whoever tells of its end.
func (r *podRun) start(c *container) {
	c.waits, c.started, c.ready, c.stopping = false, false, false, false
	p, err := start(c.command)
	if err != nil {
		c.refused = err.Error()
		r.ended(c, &process{since: time.Now(), end: exit{code: 128, at: time.Now()}})
		return
	}
	c.refused = ""
	c.process = p
	ctx, quiet := context.WithCancel(r.ctx)
	c.quiet = quiet
	r.helpers.Go(func() {
		<-p.gone // Also when the agent ends: it kills its processes.
		quiet()
		r.tell(func() { r.ended(c, p) })
	})
	r.probe(ctx, c, p)
}

// probe begins with the startup probe, if there is one; the others follow its success.
func (r *podRun) probe(ctx context.Context, c *container, p *process) {
	ask := newCaller(r.ip, c.spec)
	if c.spec.StartupProbe == nil {
		r.hasStarted(ctx, c, ask)
		return
	}
	first, done := context.WithCancel(ctx)
	r.helpers.Go(func() {
		defer done()
		ask.watch(first, c.spec.StartupProbe, func(err error) {
			r.tell(func() {
				switch {
				case c.process != p:
				case err == nil:
					done()
					r.hasStarted(ctx, c, ask)
				default:
					r.unhealthy(c, "startup", err)
				}
			})
		})
	})
}

func (r *podRun) hasStarted(ctx context.Context, c *container, ask *caller) {
	p := c.process
	c.started = true
	c.ready = c.spec.ReadinessProbe == nil
	if probe := c.spec.ReadinessProbe; probe != nil {
		r.helpers.Go(func() {
			ask.watch(ctx, probe, func(err error) {
				r.tell(func() { c.ready = c.process == p && err == nil })
			})
		})
	}
	if probe := c.spec.LivenessProbe; probe != nil {
		r.helpers.Go(func() {
			ask.watch(ctx, probe, func(err error) {
				r.tell(func() {
					if c.process == p && err != nil {
						r.unhealthy(c, "liveness", err)
					}
				})
			})
		})
	}
}

// unhealthy stops a container whose probe has failed; its policy says what then.
func (r *podRun) unhealthy(c *container, which string, err error) {
	if c.stopping {
		return
	}
	r.warn("Unhealthy", fmt.Sprintf("container %s: its %s probe fails, it is stopped: %v", c.spec.Name, which, err))
	p := c.process
	r.stop(c)
	r.after(grace(r.pod), func() { p.signal(syscall.SIGKILL) })
}

// stop lets a container end by itself: its hook first, then SIGTERM. Whoever calls it kills it when its time is over.
func (r *podRun) stop(c *container) {
	p := c.process
	if p == nil || c.stopping {
		return
	}
	c.stopping, c.ready = true, false
	if c.spec.Lifecycle == nil || c.spec.Lifecycle.PreStop == nil {
		p.signal(syscall.SIGTERM)
		return
	}
	ctx, cancel := context.WithCancel(r.ctx)
	r.helpers.Go(func() {
		defer cancel()
		select {
		case <-p.gone:
		case <-ctx.Done():
		}
	})
	r.helpers.Go(func() {
		defer cancel()
		if err := newCaller(r.ip, c.spec).get(ctx, c.spec.Lifecycle.PreStop.HTTPGet); err != nil && ctx.Err() == nil {
			r.tell(func() { r.warn("FailedPreStopHook", err.Error()) })
		}
		p.signal(syscall.SIGTERM)
	})
}

// ended takes the end of a container's process.
func (r *podRun) ended(c *container, p *process) {
	c.process, c.started, c.ready = nil, false, false
	c.last, c.lastSince, c.lastID = &p.end, p.since, idOf(p)
	switch {
	case r.state == terminating:
	case r.restartingAll:
		c.waits = true
		r.restartAll()
	default:
		r.goOn(c, p)
	}
	if r.state != running && r.idle() || r.state == running && r.finished() {
		r.state = over
	}
}

// goOn does what the policies say after the end of a container.
func (r *podRun) goOn(c *container, p *process) {
	what := c.afterwards(p.end.code, r.pod.Spec.RestartPolicy)
	if what == stays {
		return
	}
	wait := c.pause(p.end.at.Sub(p.since))
	c.waits = true
	if what == restarts {
		r.after(wait, func() {
			if c.waits {
				c.restarts++
				r.start(c)
			}
		})
		return
	}
	r.restartingAll, r.waited = true, false
	r.killAll()
	r.after(wait, func() {
		r.waited = true
		r.restartAll()
	})
}

// restartAll starts all containers again, when none runs any more and the back-off is over.
func (r *podRun) restartAll() {
	if r.state != running || !r.restartingAll || !r.waited || !r.idle() {
		return
	}
	r.restartingAll = false
	for _, c := range r.containers {
		c.restarts++
		r.start(c)
	}
}

// terminate stops the pod's containers, or gives less time to those that are being stopped.
func (r *podRun) terminate(grace time.Duration) {
	if r.state == over {
		return
	}
	r.state = terminating
	for _, c := range r.containers {
		c.waits = false
		r.stop(c)
	}
	if r.idle() {
		r.state = over
		return
	}
	if at := time.Now().Add(grace); r.killAt.IsZero() || at.Before(r.killAt) {
		r.killAt = at
		r.after(grace, r.killAll)
	}
}

func (r *podRun) killAll() {
	for _, c := range r.containers {
		if c.process != nil {
			c.process.signal(syscall.SIGKILL)
		}
	}
}

// idle reports whether no process runs.
func (r *podRun) idle() bool {
	for _, c := range r.containers {
		if c.process != nil {
			return false
		}
	}
	return true
}

// finished reports whether no process runs and none will.
func (r *podRun) finished() bool {
	for _, c := range r.containers {
		if c.process != nil || c.waits {
			return false
		}
	}
	return !r.restartingAll
}
