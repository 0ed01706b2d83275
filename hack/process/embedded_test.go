// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package process

import (
	"syscall"
	"testing"
	"time"
)

// A program that is worker and handler in one does what convoy-worker does, and one that is started again waits for nothing:
// the handler has died with its process.
func TestAnEmbeddedHandlerAsAProcess(t *testing.T) {
	p := newPod(t, "./testdata/embedded")
	p.embedded = true
	p.publish(10)
	first := p.start()
	p.grant(1, 1)
	p.until("the worker is ready", func() bool { return p.status("/readyz") == 200 && p.status("/healthz") == 200 })
	p.allDone()

	p.kill(first)
	died := time.Now()
	p.publish(10)
	second := p.start()
	p.allDone()
	t.Logf("killed with -9: all completed %v later", time.Since(died).Round(time.Millisecond))

	p.publish(10)
	if err := second.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := second.Wait(); err != nil {
		t.Errorf("SIGTERM: %v, want exit code 0", err)
	}
	if r := p.report(); !r.Resigned || len(r.Held) > 0 {
		t.Errorf("report %+v", r)
	}
}
