// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package process

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"convoy.dev/convoy/api/v1alpha1"
)

func TestTheWorkerAsAProcess(t *testing.T) { lives(t, v1alpha1.LanesNative) }

// TestRoutingAsAProcess has the worker route its messages, too.
func TestRoutingAsAProcess(t *testing.T) { lives(t, v1alpha1.LanesRouted) }

func lives(t *testing.T, lanes v1alpha1.LaneType) {
	t.Helper()
	p := newPod(t, "convoy.dev/convoy/worker/cmd/worker")
	p.lanes = lanes
	p.publish(10)
	first := p.start()
	p.grant(1, 1)
	p.until("the worker is ready", func() bool { return p.status("/readyz") == 200 && p.status("/healthz") == 200 })
	p.allDone()

	// Killed in mid-work, and started again at once: the handler may be at work on what the dead process had sent.
	p.publish(20)
	p.until("it works", func() bool {
		_, completed := p.handler.count()
		return completed > p.sent-20*24+48
	})
	p.until("it tells of a key in work, inside the pod", func() bool {
		status, text := p.get("127.0.0.1", v1alpha1.PeekPath+"?key=key-1")
		return status == 200 && strings.Contains(text, `"epoch":1`)
	})
	if got := p.status(v1alpha1.PeekPath + "?key=key-1"); got != 404 {
		t.Errorf("outside the pod a peek is answered by %d", got)
	}
	p.kill(first)
	died := time.Now()
	second := p.start()
	p.until("the next process is barred", func() bool { return p.report().Incarnation == 2 || time.Since(died) > timeout*time.Second })
	p.allDone()
	p.until("the next process runs its lanes", func() bool { return p.report().Incarnation == 2 })
	calls, completed := p.handler.count()
	t.Logf("killed with -9: %d calls for %d messages, all completed %v later", calls, completed, time.Since(died).Round(time.Millisecond))

	// The broker is restarted under it.
	p.publish(10)
	p.stopBroker()
	p.startBroker()
	p.allDone()

	// A lane moves to a new epoch and back, while messages come.
	p.publish(10)
	p.grant(2, 2)
	p.allDone()
	p.until("the report answers", func() bool { return p.report().Observed == 2 })

	// SIGTERM: it drains, resigns and ends in order; the hooks of other containers hear of it.
	p.publish(20)
	hook := make(chan int, 1) // the one answer
	go func() { hook <- p.status("/drained") }()
	if err := second.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := second.Wait(); err != nil {
		t.Errorf("SIGTERM: %v, want exit code 0", err)
	}
	if got := <-hook; got != 200 {
		t.Errorf("the hook heard %d", got)
	}
	if r := p.report(); !r.Resigned || len(r.Held) > 0 {
		t.Errorf("report %+v", r)
	}
	third := p.start()
	if err := third.Wait(); err != nil {
		t.Errorf("a process of a pod that has resigned: %v, want exit code 0", err)
	}
}
