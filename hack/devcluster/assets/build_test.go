// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package assets

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestOnlyWhatIsAskedForAndLackingIsBuilt(t *testing.T) {
	f := newFixture(t, compile)
	fill(t, f.bin(), "v1.40.1", Etcd)
	for range 2 {
		if _, err := f.Resolve(t.Context(), Scheduler, Etcd, APIServer); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"k8s.io/kubernetes/cmd/kube-apiserver", "k8s.io/kubernetes/cmd/kube-scheduler"}, builtPackages(f)); diff != "" {
		t.Errorf("built, over two runs (-want +got):\n%s", diff)
	}
	if lacking := missing(f.bin(), []Component{Etcd, APIServer, Scheduler}); len(lacking) > 0 {
		t.Errorf("the cache lacks %v", lacking)
	}
}

func TestTheCompilerIsToldVersionAndModule(t *testing.T) {
	f := newFixture(t, compile)
	if _, err := f.Resolve(t.Context(), Kubectl, Etcd); err != nil {
		t.Fatal(err)
	}
	calls := f.calls()
	if len(calls) != 2 {
		t.Fatalf("the compiler was called with %q, want two calls", calls)
	}
	for _, want := range []string{
		"-C " + moduleDir(f.Checkout, "kubernetes"), "-trimpath", "-s -w",
		"-X k8s.io/component-base/version.gitVersion=v1.40.1", "-X k8s.io/component-base/version.gitMajor=1",
		"-X k8s.io/component-base/version.gitMinor=40", "-X k8s.io/client-go/pkg/version.gitVersion=v1.40.1",
	} {
		if !strings.Contains(calls[1], want) {
			t.Errorf("kubectl was compiled with %q, want %q in it", calls[1], want)
		}
	}
	if want := "-C " + moduleDir(f.Checkout, "etcd"); !strings.Contains(calls[0], want) || strings.Contains(calls[0], "-X") {
		t.Errorf("etcd was compiled with %q, want %q in it and no -X", calls[0], want)
	}
}

func TestAnnouncementComesFirst(t *testing.T) {
	f := newFixture(t, compile)
	if _, err := f.Resolve(t.Context(), Etcd, APIServer); err != nil {
		t.Fatal(err)
	}
	first, rest, _ := strings.Cut(f.progress.String(), "\n")
	for _, want := range []string{"[etcd kube-apiserver]", "v1.40.1", "v3.9.0", " idle cores", "114 MB to download", "138 MB of disk in " + f.CacheDir} {
		if !strings.Contains(first, want) {
			t.Errorf("the first line is %q, want %q in it", first, want)
		}
	}
	duration := regexp.MustCompile(` in [0-9.]+m?s`)
	want := "etcd: building\netcd: built in a moment\nkube-apiserver: building\nkube-apiserver: built in a moment\n" +
		"built 2 components in a moment; they stay in " + f.bin() + "\n"
	got := strings.ReplaceAll(duration.ReplaceAllString(rest, " in a moment"), "devcluster: ", "")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("after the announcement it said (-want +got):\n%s", diff)
	}
}

func TestFailedBuildShowsTheCompilersWordsAndLeavesNothing(t *testing.T) {
	f := newFixture(t, compile+`
echo go: downloading example.com/m v1.0.0 >&2
echo example.com/m/pkg >&2
echo "pkg/a.go:1:1: syntax error" >&2
[ "$last" != k8s.io/kubernetes/cmd/kube-apiserver ]
`)
	_, err := f.Resolve(t.Context(), ForTests()...)
	if err == nil || !strings.Contains(err.Error(), "building kube-apiserver: exit status 1\npkg/a.go:1:1: syntax error") {
		t.Errorf("got %v, want the compiler's words", err)
	}
	if diff := cmp.Diff([]string{"bin/etcd", "lock"}, filesUnder(t, filepath.Dir(f.bin()))); diff != "" {
		t.Errorf("files in the cache (-want +got):\n%s", diff)
	}
}

func TestInterruptedBuildLeavesNothing(t *testing.T) {
	f := newFixture(t, "")
	alive := f.fifo("alive")
	// The compiler has written a binary when it is interrupted, and a child of it runs. Both hold the pipe open.
	f.setGoCommand(compile + "exec 3> " + alive + "\nsleep 1000 & wait\n")
	ctx, interrupt := context.WithCancel(t.Context())
	dead := make(chan error, 1)
	go func() {
		pipe, err := os.Open(alive) // waits until the compiler has opened it
		interrupt()
		if err == nil {
			_, err = io.Copy(io.Discard, pipe) // until nobody holds it
			err = errors.Join(err, pipe.Close())
		}
		dead <- err
	}()
	if _, err := f.Resolve(ctx, Etcd); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	if err := <-dead; err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"lock"}, filesUnder(t, filepath.Dir(f.bin()))); diff != "" {
		t.Errorf("files in the cache (-want +got):\n%s", diff)
	}
}

func TestKilledBuildIsClearedAwayByTheNext(t *testing.T) {
	f := newFixture(t, compile)
	write(t, filepath.Join(filepath.Dir(f.bin()), "build-123", "etcd"), "half", 0o755)
	write(t, filepath.Join(filepath.Dir(f.bin()), "lock"), "", 0o644)
	if _, err := f.Resolve(t.Context(), Etcd); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"bin/etcd", "lock"}, filesUnder(t, filepath.Dir(f.bin()))); diff != "" {
		t.Errorf("files in the cache (-want +got):\n%s", diff)
	}
}

func TestConcurrentRunsBuildOnce(t *testing.T) {
	f := newFixture(t, "")
	started, goOn := f.fifo("started"), f.fifo("go-on")
	f.setGoCommand(compile + "echo > " + started + "\ncat " + goOn + "\n")
	first := make(chan error, 1)
	go func() {
		_, err := f.Resolve(t.Context(), Etcd)
		first <- err
	}()
	if _, err := os.ReadFile(started); err != nil {
		t.Fatal(err)
	}

	second, other := make(chan error, 1), f.Config
	waiting := newTranscript()
	other.Progress = waiting
	go func() {
		_, err := other.Resolve(t.Context(), Etcd)
		second <- err
	}()
	waiting.waitFor("another run is building")
	write(t, goOn, "", 0o600)

	if err := errors.Join(<-first, <-second); err != nil {
		t.Fatal(err)
	}
	if got := len(f.calls()); got != 1 {
		t.Errorf("the compiler was called %d times with %q, want once", got, f.calls())
	}
	if said := waiting.String(); strings.Contains(said, "building [") {
		t.Errorf("the one that waited said %q, want no word of a build", said)
	}
}

func TestWaitingForTheLockCanBeInterrupted(t *testing.T) {
	f := newFixture(t, compile)
	holder := store{Config: f.Config, versions: Versions{Kubernetes: fixtureKubernetes, Etcd: fixtureEtcd}}
	unlock, err := holder.lock(t.Context(), f.say)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	ctx, interrupt := context.WithCancel(t.Context())
	go func() {
		f.progress.waitFor("another run is building")
		interrupt()
	}()
	if _, err := f.Resolve(ctx, Etcd); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}

func builtPackages(f *fixture) []string {
	var packages []string
	for _, call := range f.calls() {
		packages = append(packages, call[strings.LastIndex(call, " ")+1:])
	}
	return packages
}

func filesUnder(t *testing.T, dir string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() || strings.HasPrefix(entry.Name(), "build-") {
			relative, _ := filepath.Rel(dir, path)
			files = append(files, relative)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
