// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"convoy.dev/convoy/hack/e2e/checker"
)

const (
	orders = 1000
	// rate is how many events are published a second: what one worker on a small machine can do with ease.
	rate = 300
	// drainTime is how long the rest may take after the last event.
	drainTime = 2 * time.Minute
)

// act is something that is done to the pool while events flow.
type act struct {
	// at is when, as a part of the demo's length.
	at   float64
	name string
	do   func(context.Context, *stage) error
}

var acts = []act{
	{0, "start", func(context.Context, *stage) error { return nil }},
	{0.05, "the handler rejects three orders", func(_ context.Context, s *stage) error { s.collector.Reject(rejected...); return nil }},
	{0.10, "scale from 1 worker to 4", func(ctx context.Context, s *stage) error { return s.scale(ctx, 4) }},
	{0.35, "scale from 4 workers to 2", func(ctx context.Context, s *stage) error { return s.scale(ctx, 2) }},
	{0.55, "roll out", func(ctx context.Context, s *stage) error { return s.rollOut(ctx) }},
	{0.75, "mend the handler, release what is parked", func(ctx context.Context, s *stage) error { return s.release(ctx) }},
	{0.85, "kill -9 a worker", func(ctx context.Context, s *stage) error { return s.kill(ctx) }},
}

// rejected are orders that are neither the most popular ones nor so rare that nothing comes of them.
var rejected = []string{"order-0040", "order-0080", "order-0120"}

// story is what happens on the stage.
type story struct {
	*stage
	began time.Time
	// next is the first act that has not been.
	next int
	last checker.Report
}

func newStory(stage *stage) *story { return &story{stage: stage} }

// tell publishes, acts and prints until everything that was published is completed.
func (s *story) tell(ctx context.Context) error {
	fmt.Printf("demo: %d events a second of %d orders for %v, seed %d\n", rate, orders, s.length, s.seed)
	s.began = time.Now()
	publishing, stop := context.WithTimeout(ctx, s.length)
	defer stop()
	var published sync.WaitGroup
	published.Go(func() {
		if err := s.publisher.Run(publishing); err != nil {
			s.fail(err)
		}
	})
	defer published.Wait()
	if err := s.play(ctx, publishing.Done()); err != nil {
		return err
	}
	if err := s.sayReleased(ctx); err != nil {
		return err
	}
	return s.conclude()
}

// play acts and prints a line a second, until nothing more is published and the rest is done.
func (s *story) play(ctx context.Context, published <-chan struct{}) error {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	var tooLate <-chan time.Time
	for {
		if err := s.act(ctx); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tooLate:
			return fmt.Errorf("%d messages are left after %v: %w", s.collector.Report().Backlog(), drainTime, s.conclude())
		case <-published:
			published = nil
			tooLate = time.After(drainTime)
			fmt.Printf("%5.1f s  == nothing more is published\n", s.since())
		case <-ticker.C:
			if err := s.print(ctx); err != nil {
				return err
			}
			if published == nil && s.last.Backlog() == 0 {
				return nil
			}
		}
	}
}

func (s *story) since() float64 { return time.Since(s.began).Seconds() }

// act does what is due.
func (s *story) act(ctx context.Context) error {
	for ; s.next < len(acts); s.next++ {
		next := acts[s.next]
		if time.Since(s.began) < time.Duration(next.at*float64(s.length)) {
			return nil
		}
		fmt.Printf("%5.1f s  == %s\n", s.since(), next.name)
		s.collector.Phase(next.name)
		if err := next.do(ctx, s.stage); err != nil {
			return fmt.Errorf("acting (%s): %w", next.name, err)
		}
	}
	return nil
}

// print says how things stand.
func (s *story) print(ctx context.Context) error {
	v, err := s.view(ctx)
	if err != nil {
		return fmt.Errorf("looking at the pool: %w", err)
	}
	report := s.collector.Report()
	fmt.Printf("%5.1f s  workers %d of %d  lanes %2d owned %2d moving  backlog %4d  parked %3d  %4d messages/s  violations %d\n",
		s.since(), v.serving, v.pods, v.owned, v.moving, report.Backlog()-report.Parked, report.Parked, report.Completed-s.last.Completed, report.Violations)
	for _, v := range report.Words[len(s.last.Words):] {
		fmt.Printf("          !! %v\n", v)
	}
	s.last = report
	return nil
}

// conclude judges the whole, and says it.
func (s *story) conclude() error {
	report := s.collector.Finish()
	summarise(report, time.Since(s.began))
	if report.Violations > 0 {
		return fmt.Errorf("%d violations: %w", report.Violations, errBroken)
	}
	return nil
}

var errBroken = errors.New("the order was broken or messages were lost")
