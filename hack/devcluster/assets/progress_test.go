// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package assets

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestCompilerOutputIsCountedAndKept(t *testing.T) {
	o := watch(func(string, ...any) {}, "x")
	defer o.close()
	const text = "go: downloading example.com/m v1.0.0\nexample.com/m\nruntime\n# example.com/m\na.go:1:2: bad\nlast words"
	for _, piece := range strings.SplitAfter(text, "e") { // pieces end in mid-line
		if n, err := o.Write([]byte(piece)); n != len(piece) || err != nil {
			t.Fatalf("wrote %d, %v; want %d", n, err, len(piece))
		}
	}
	if got := o.compiled(); got != 2 {
		t.Errorf("counted %d packages, want 2", got)
	}
	if got, want := o.errors(), "# example.com/m\na.go:1:2: bad\nlast words"; got != want {
		t.Errorf("kept %q, want %q", got, want)
	}
}

func TestOnlyTheLastWordsAreKept(t *testing.T) {
	o := watch(func(string, ...any) {}, "x")
	defer o.close()
	for i := range 3 * keptErrors {
		if _, err := fmt.Fprintf(o, "error %d\n", i); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Split(strings.TrimSpace(o.errors()), "\n"); len(got) != keptErrors || got[len(got)-1] != "error 119" {
		t.Errorf("kept %d lines %q, want the last %d", len(got), got, keptErrors)
	}
}

func TestBuildShowsThatItLives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		said := newTranscript()
		o := watch(Config{Progress: said}.say, "etcd")
		if _, err := fmt.Fprintln(o, "runtime"); err != nil {
			t.Fatal(err)
		}
		inBuild, cancel := context.WithTimeout(t.Context(), 2*heartbeat+time.Second)
		defer cancel()
		<-inBuild.Done()
		o.close()
		const want = "devcluster: etcd: building\n" +
			"devcluster: etcd: building for 15s, 1 packages compiled\n" +
			"devcluster: etcd: building for 30s, 1 packages compiled\n"
		if got := said.String(); got != want {
			t.Errorf("said %q, want %q", got, want)
		}
	})
}
