// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package brokertest

import (
	"context"
	"testing"
	"time"

	"go.uber.org/goleak"

	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/key"
	"convoy.dev/convoy/worker/order"
)

// Harness is one broker of its own, empty, with a source of at least four lanes, and what the suite does to it beside the
// calls of an adapter.
type Harness struct {
	// Lanes is how many lanes the source has, Fresh the claim of the pool that reads it. Nobody has made it yet.
	Lanes int32
	Claim broker.Claim
	// Connect returns a connection, as a worker process that starts makes one. The suite closes it.
	Connect func(t *testing.T) broker.Connection
	// Publish appends messages to a lane and returns their positions once they are durable. Subject and Timestamp of a
	// message are the broker's to say; its key, too, where the broker has none.
	Publish func(t *testing.T, lane int32, messages ...key.Message) []order.Position
	// Trim removes every message up to the position, as the source's retention does.
	Trim func(t *testing.T, through order.Position)
	// Damage makes the epoch record of a lane one that cannot be read.
	Damage func(t *testing.T, lane int32)
	// Restart stops the broker and starts it again. What is durable is there afterwards.
	Restart func(t *testing.T)
	// Letters are the dead letters in the order in which they came. Key, Reason, Attempts, Data and Sequence are looked at.
	Letters func(t *testing.T) []broker.DeadLetter
}

// Maker makes a harness and cleans it up when t ends.
type Maker func(t *testing.T) Harness

// suite is one check of one broker.
type suite struct {
	Harness
	t *testing.T
}

// patience is how long a check waits for what has to come. It is long because it ends a test that fails; no check that
// passes waits for it.
const patience = 30 * time.Second

// promptly is how long a call may take to return once its context has ended.
const promptly = 2 * time.Second

// Run holds an adapter against the contract of package broker. Each check has a broker of its own, and leaves no goroutine
// behind.
func Run(t *testing.T, maker Maker) {
	t.Helper()
	for _, check := range []struct {
		name string
		run  func(*suite)
	}{
		{"messages come in lane order, whole, and can be fetched again", (*suite).readsInOrder},
		{"a reader begins behind any position", (*suite).readsFromAnywhere},
		{"what the caller's deliver returns ends a reader", (*suite).deliverEndsReader},
		{"a slow deliver slows the reader and loses nothing", (*suite).slowDeliver},
		{"calls end with their context", (*suite).endsWithContext},
		{"messages that retention took are gone", (*suite).retention},
		{"a lane that nobody opened begins clean", (*suite).firstOpen},
		{"a clean hand-over sees nothing twice", (*suite).cleanHandOver},
		{"a crash repeats what was not flushed and nothing else", (*suite).crash},
		{"a lane that was opened and not loaded did not crash", (*suite).openedOnly},
		{"everything in a progress record comes back", (*suite).wholeProgress},
		{"loading again says the same", (*suite).loadTwice},
		{"hand-overs in mid-flight lose nothing and repeat nothing that was flushed", (*suite).storm},
		{"an old epoch writes nothing that counts", (*suite).zombie},
		{"a zombie that connects and reads again writes nothing that counts", (*suite).zombieReturns},
		{"a grant below the record is refused", (*suite).refusals},
		{"confirming names exactly those who were superseded", (*suite).confirms},
		{"a record that is not there is not confirmed", (*suite).confirmsNothing},
		{"a record that cannot be read concerns its lane alone", (*suite).damaged},
		{"a claim stands for its pool alone", (*suite).claims},
		{"of several pools one gets the claim", (*suite).claimRace},
		{"a pool made again goes on above the floors of the old one", (*suite).adopted},
		{"a pool with anything left to do is not at rest", rests((*suite).notAtRest)},
		{"a claim with another fingerprint begins a new history in place of one at rest", rests((*suite).anotherHistory)},
		{"an owner of an earlier history comes too late", rests((*suite).lateOwner)},
		{"a lane that is loaded ends the rest", rests((*suite).loadedMeanwhile)},
		{"backlog is what is not completed", (*suite).backlog},
		{"a broker that restarts forgets nothing", (*suite).restart},
		{"dead letters are durable", (*suite).deadLetters},
		{"what is parked comes back whole", (*suite).parksWhole},
		{"to park or remove again changes nothing", (*suite).parksOnce},
		{"much is parked, removed and handed over", (*suite).parksMany},
		{"a zombie parks nothing that counts", (*suite).zombieParks},
	} {
		t.Run(check.name, func(t *testing.T) {
			harness := maker(t)
			// Clean-ups run last in, first out: this one after every connection of the check is closed.
			check.run(&suite{harness, t})
		})
	}
}

// Leaks fails the test if goroutines are left when it ends. A Maker calls it first. Servers that run in the same process may
// take a while to end, so it waits.
func Leaks(t *testing.T) {
	t.Helper()
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
		defer cancel()
		err := goleak.Find(before)
		for err != nil && pause(ctx, 100*time.Millisecond) {
			err = goleak.Find(before)
		}
		if err != nil {
			t.Error(err)
		}
	})
}

// connect returns a connection that has made the claim.
func (s *suite) connect() broker.Connection {
	connection := s.bare()
	if err := s.insist(func(ctx context.Context) error { return connection.Claim(ctx, s.Claim) }); err != nil {
		s.t.Fatalf("claiming: %v", err)
	}
	return connection
}

// bare returns a connection without claim.
func (s *suite) bare() broker.Connection {
	connection := s.Connect(s.t)
	s.t.Cleanup(func() {
		if err := connection.Close(); err != nil {
			s.t.Errorf("closing: %v", err)
		}
	})
	return connection
}

// insist makes a call again while its error is Retryable, as a runner does.
func (s *suite) insist(call func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	for {
		err := call(ctx)
		if err == nil || broker.KindOf(err) != broker.Retryable || ctx.Err() != nil {
			return err
		}
		s.t.Logf("again: %v", err)
		if !pause(ctx, 50*time.Millisecond) {
			return err
		}
	}
}

func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// must ends the check on an error.
func (s *suite) must(doing string, call func(context.Context) error) {
	s.t.Helper()
	if err := s.insist(call); err != nil {
		s.t.Fatalf("%s: %v", doing, err)
	}
}
