// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package brokertest_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/broker/brokertest"
	"convoy.dev/convoy/worker/drain"
	"convoy.dev/convoy/worker/key"
	"convoy.dev/convoy/worker/order"
)

var grant = broker.Grant{Lane: 1, Token: drain.Token{Epoch: 1, Incarnation: 1}, Worker: "a"}

func open(t *testing.T, m *brokertest.Memory) broker.Lane {
	t.Helper()
	lane, err := m.Connect().Open(t.Context(), grant)
	if err != nil {
		t.Fatal(err)
	}
	return lane
}

func TestMemoryFails(t *testing.T) {
	m := brokertest.NewMemory(2)
	lane := open(t, m)
	m.Fail(brokertest.Fault{Operation: brokertest.Flush, Times: 2})
	m.Fail(brokertest.Fault{Operation: brokertest.Flush, Err: broker.ErrFenced, Late: true})
	flush := func(low order.Position) error { return lane.Flush(t.Context(), &order.Progress{LowWater: low}, true) }
	for i, want := range []error{brokertest.ErrFault, brokertest.ErrFault, broker.ErrFenced, nil} {
		if err := flush(order.Position(i)); !errors.Is(err, want) {
			t.Errorf("flush %d: %v, want %v", i, err, want)
		}
		if got, want := m.Saved(1).Progress.LowWater, order.Position(i); i >= 2 && got != want || i < 2 && got != 0 {
			t.Errorf("after flush %d the low-water mark is %d", i, got)
		}
	}
	if m.Calls(brokertest.Flush) != 4 {
		t.Errorf("%d flushes counted", m.Calls(brokertest.Flush))
	}
}

// TestMemoryOpensAgain loses the answer to an open: its own next attempt gets the lane, another connection does not.
func TestMemoryOpensAgain(t *testing.T) {
	m := brokertest.NewMemory(2)
	m.Fail(brokertest.Fault{Operation: brokertest.Open, Late: true})
	b := m.Connect()
	if _, err := b.Open(t.Context(), grant); !errors.Is(err, brokertest.ErrFault) {
		t.Fatalf("opening without answer: %v", err)
	}
	for i, attempt := range []struct {
		by     broker.Broker
		opened bool
	}{{m.Connect(), false}, {b, true}, {b, false}, {b, false}} {
		_, err := attempt.by.Open(t.Context(), grant)
		var refused *broker.RefusedError
		if (err == nil) != attempt.opened || err != nil && (!errors.As(err, &refused) || !refused.Own) {
			t.Errorf("attempt %d: %v, want opened %v", i, err, attempt.opened)
		}
	}
}

func TestMemoryStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := brokertest.NewMemory(2)
		lane := open(t, m)
		read := make(chan error)
		go func() { read <- lane.Read(t.Context(), 0, func([]broker.Message) error { return nil }) }()
		synctest.Wait()
		m.Stop()
		if err := <-read; err == nil || broker.KindOf(err) != broker.Retryable {
			t.Errorf("reading from a stopped broker: %v", err)
		}
		m.Start()
		if _, err := m.Connect().Confirm(t.Context(), []broker.Grant{grant}); err != nil {
			t.Errorf("confirming after a start: %v", err)
		}
	})
}

func TestMemoryDelays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := brokertest.NewMemory(2)
		lane := open(t, m)
		m.Publish(1, key.Message{Data: []byte("x")})
		m.Delay(brokertest.Fetch, time.Minute)
		for within, want := range map[time.Duration]error{59 * time.Second: context.DeadlineExceeded, 61 * time.Second: nil} {
			ctx, cancel := context.WithTimeout(t.Context(), within)
			message, err := lane.Fetch(ctx, 1)
			cancel()
			if !errors.Is(err, want) || want == nil && string(message.Data) != "x" {
				t.Errorf("fetched %v within %v: %v", message, within, err)
			}
		}
	})
}

func TestMemoryForgets(t *testing.T) {
	m := brokertest.NewMemory(2)
	lane := open(t, m)
	m.Publish(1, key.Message{})
	m.Trim(1)
	if _, err := lane.Fetch(t.Context(), 1); !errors.Is(err, broker.ErrGone) {
		t.Errorf("fetching what retention took: %v", err)
	}
}

func TestMemory(t *testing.T) {
	brokertest.Run(t, func(t *testing.T) brokertest.Harness {
		t.Helper()
		brokertest.Leaks(t)
		m := brokertest.NewMemory(4)
		return brokertest.Harness{
			Lanes: 4, Claim: broker.Claim{Cluster: "c", Namespace: "shop", Name: "orders", UID: "1", Fingerprint: "f"},
			Connect: func(*testing.T) broker.Connection { return m.Connect() },
			Publish: func(_ *testing.T, lane int32, messages ...key.Message) (at []order.Position) {
				for _, message := range messages {
					at = append(at, m.Publish(lane, message))
				}
				return at
			},
			Damage: func(_ *testing.T, lane int32) {
				m.Damage(lane, &broker.PermanentError{Err: errors.New("the record is damaged"), Mend: "mend it"})
			},
			Trim: func(_ *testing.T, through order.Position) { m.Trim(through) },
			Restart: func(*testing.T) {
				m.Stop()
				m.Start()
			},
			Letters: func(*testing.T) []broker.DeadLetter { return m.DeadLetters() },
		}
	})
}

func TestMemoryRouting(t *testing.T) {
	brokertest.RunRouting(t, func(t *testing.T) brokertest.RoutingHarness {
		t.Helper()
		brokertest.Leaks(t)
		m := brokertest.NewMemory(4)
		return brokertest.RoutingHarness{
			Lanes: 4, Claim: broker.Claim{Cluster: "c", Namespace: "shop", Name: "orders", UID: "1", Fingerprint: "f"},
			Connect: func(*testing.T) broker.Connection { return m.Connect() },
			Send: func(_ *testing.T, messages ...key.Message) {
				for _, message := range messages {
					m.Send(message)
				}
			},
			Restart: func(*testing.T) {
				m.Stop()
				m.Start()
			},
		}
	})
}
