// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package assets

import (
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// fetch is a setup-envtest that puts the archive where the real one does, and compiles what else it is asked for.
const fetch = `
if [ "$3" = tool ]; then
	echo "$*" >> "$(dirname "$0")/downloads"
	while [ "$1" != --bin-dir ]; do shift; done
	dir=$2/k8s/1.40.3-PLATFORM
	mkdir -p "$dir"
	for name in etcd kube-apiserver kubectl; do printf '#!/bin/sh\n' > "$dir/$name"; chmod +x "$dir/$name"; done
	echo "$dir"
	exit
fi
` + compile

func platform() string { return runtime.GOOS + "-" + runtime.GOARCH }

func index(t *testing.T, status int) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
	t.Cleanup(server.Close)
	return server.URL
}

func TestPublishedArchiveIsTaken(t *testing.T) {
	f := newFixture(t, strings.ReplaceAll(fetch, "PLATFORM", platform()))
	f.IndexURL = index(t, http.StatusOK)
	want := filepath.Join(f.CacheDir, "envtest", "k8s", "1.40.3-"+platform())
	if got, err := f.Resolve(t.Context(), ForTests()...); err != nil || got != want {
		t.Fatalf("got %q, %v; want %q", got, err, want)
	}
	// The second time neither the network nor the tool is asked.
	f.IndexURL = "http://127.0.0.1:0/"
	f.setGoCommand("exit 1")
	if got, err := f.Resolve(t.Context(), ForTests()...); err != nil || got != want {
		t.Errorf("the second time got %q, %v; want %q", got, err, want)
	}
	if len(f.calls()) > 0 {
		t.Errorf("the compiler was called with %q", f.calls())
	}
}

func TestArchiveIsNotAskedForWhatItLacks(t *testing.T) {
	f := newFixture(t, strings.ReplaceAll(fetch, "PLATFORM", platform()))
	f.IndexURL = index(t, http.StatusOK)
	if got, err := f.Resolve(t.Context(), ForControlPlane()...); err != nil || got != f.bin() {
		t.Errorf("got %q, %v; want %q", got, err, f.bin())
	}
	if files := filesUnder(t, f.CacheDir); strings.Contains(strings.Join(files, " "), "envtest") {
		t.Errorf("the archive was downloaded: %q", files)
	}
}

func TestRefusedDownloadFallsBackToBuilding(t *testing.T) {
	for _, c := range []struct {
		name     string
		indexURL string
		tool     string
		silent   bool
	}{
		{"nobody listens", closedPort(t), fetch, true},
		{"no such index", index(t, http.StatusForbidden), fetch, true},
		{"the tool fails", index(t, http.StatusOK), `[ "$3" = tool ] && { echo no such version >&2; exit 2; }` + compile, false},
		{"the tool prints a lie", index(t, http.StatusOK), `[ "$3" = tool ] && { echo /nowhere; exit; }` + compile, false},
		{"the tool prints nothing", index(t, http.StatusOK), `[ "$3" = tool ] && exit` + compile, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t, c.tool)
			// An empty answer must not mean the working directory.
			t.Chdir(fill(t, t.TempDir(), "", ForTests()...))
			f.IndexURL = c.indexURL
			if got, err := f.Resolve(t.Context(), ForTests()...); err != nil || got != f.bin() {
				t.Fatalf("got %q, %v; want %q", got, err, f.bin())
			}
			if got := len(f.calls()); got != len(ForTests()) {
				t.Errorf("the compiler was called %d times, want %d", got, len(ForTests()))
			}
			if said := f.progress.String(); c.silent && !strings.HasPrefix(said, "devcluster: building ") {
				t.Errorf("said %q, want no word before the build's", said)
			}
		})
	}
}

func TestSilentIndexIsNotWaitedFor(t *testing.T) {
	givenUp := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done() // until the asker hangs up
		close(givenUp)
	}))
	defer server.Close()
	f := newFixture(t, compile)
	f.IndexURL = server.URL
	if got, err := f.Resolve(t.Context(), ForTests()...); err != nil || got != f.bin() {
		t.Fatalf("got %q, %v; want %q", got, err, f.bin())
	}
	<-givenUp
}

func closedPort(t *testing.T) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	return "http://" + listener.Addr().String()
}
