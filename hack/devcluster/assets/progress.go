// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package assets

import (
	"bytes"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
)

// heartbeat is how often a running build says that it lives: CI systems cut what is silent for minutes.
const heartbeat = 15 * time.Second

// keptErrors bounds the compiler's words kept for an error, in lines.
const keptErrors = 40

// announcement is the first line of a build: what it will take.
func (s store) announcement(lacking []Component) string {
	var sum recipe
	for _, r := range recipes {
		if slices.Contains(lacking, r.component) {
			sum.cpuSeconds += r.cpuSeconds
			sum.download += r.download
			sum.goCaches += r.goCaches
			sum.binary += r.binary
		}
	}
	cores := runtime.GOMAXPROCS(0)
	took := time.Duration(sum.cpuSeconds) * time.Second / time.Duration(cores)
	return fmt.Sprintf("building %v once, from Go modules (Kubernetes %s, etcd %s), which takes about %s on %d idle cores, "+
		"%d MB to download, %d MB of disk in %s and %d MB in Go's caches, less what they hold already",
		lacking, s.versions.Kubernetes, s.versions.Etcd, took.Round(10*time.Second), cores,
		sum.download, sum.binary, s.CacheDir, sum.goCaches)
}

// compilerOutput reads `go build -v`: it counts the packages and keeps everything else for an error. A goroutine
// writes the heartbeat until close.
type compilerOutput struct {
	start time.Time
	stop  chan struct{}
	ended sync.WaitGroup

	// The rest is guarded by mu: the compiler writes, the heartbeat reads.
	mu       sync.Mutex
	partial  []byte
	packages int
	kept     []string
}

func watch(say func(string, ...any), name string) *compilerOutput {
	o := &compilerOutput{start: time.Now(), stop: make(chan struct{})}
	say("%s: building", name)
	o.ended.Go(func() {
		ticker := time.NewTicker(heartbeat)
		defer ticker.Stop()
		for {
			select {
			case <-o.stop:
				return
			case <-ticker.C:
				say("%s: building for %s, %d packages compiled", name, rounded(o.elapsed()), o.compiled())
			}
		}
	})
	return o
}

func (o *compilerOutput) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.partial = append(o.partial, p...)
	for {
		line, rest, complete := bytes.Cut(o.partial, []byte("\n"))
		if !complete {
			return len(p), nil
		}
		o.take(string(line))
		o.partial = rest
	}
}

// take sorts one line. With -v a compiled package is a line with its path alone; words mean trouble or a download.
func (o *compilerOutput) take(line string) {
	switch {
	case strings.HasPrefix(line, "go: downloading "):
	case line != "" && !strings.ContainsAny(line, " :"):
		o.packages++
	default:
		o.kept = append(o.kept, line)
		o.kept = o.kept[max(0, len(o.kept)-keptErrors):]
	}
}

func (o *compilerOutput) compiled() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.packages
}

func (o *compilerOutput) errors() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return strings.Join(append(o.kept, string(o.partial)), "\n")
}

func (o *compilerOutput) elapsed() time.Duration { return time.Since(o.start) }

// close ends the heartbeat.
func (o *compilerOutput) close() {
	close(o.stop)
	o.ended.Wait()
}

func rounded(d time.Duration) time.Duration {
	if d < 10*time.Second {
		return d.Round(100 * time.Millisecond)
	}
	return d.Round(time.Second)
}
