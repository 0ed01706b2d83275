// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package assets

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// The versions that the fixture's checkout pins.
const (
	fixtureKubernetes = "v1.40.1"
	fixtureEtcd       = "v3.9.0"
)

// compile is a go command that builds at once: what it puts at -o names the package. It logs its command line.
const compile = `
echo "$*" >> "$(dirname "$0")/calls"
for last; do :; done
while [ "$1" != -o ]; do shift; done
printf '#!/bin/sh\necho %s\n' "$last" > "$2"
chmod +x "$2"
`

// fixture is a checkout and a cache of its own, with a script for a go command.
type fixture struct {
	Config
	t        *testing.T
	progress *transcript
}

func newFixture(t *testing.T, goCommand string) *fixture {
	t.Helper()
	root, progress := t.TempDir(), newTranscript()
	write(t, filepath.Join(moduleDir(root, "kubernetes"), "go.mod"), "module k\nrequire k8s.io/kubernetes "+fixtureKubernetes+"\n", 0o644)
	write(t, filepath.Join(moduleDir(root, "etcd"), "go.mod"), "module e\nrequire go.etcd.io/etcd/server/v3 "+fixtureEtcd+"\n", 0o644)
	f := &fixture{t: t, progress: progress, Config: Config{
		Checkout:  root,
		CacheDir:  filepath.Join(root, "cache"),
		GoCommand: filepath.Join(root, "go"),
		Progress:  progress,
	}}
	f.setGoCommand(goCommand)
	return f
}

func (f *fixture) setGoCommand(script string) {
	f.t.Helper()
	write(f.t, f.GoCommand, "#!/bin/sh\n"+script, 0o755)
}

// bin is where the cache keeps the fixture's versions.
func (f *fixture) bin() string {
	return filepath.Join(f.CacheDir, strings.Join([]string{fixtureKubernetes, fixtureEtcd, runtime.GOOS, runtime.GOARCH}, "-"), "bin")
}

// calls returns the command lines that the go command was called with.
func (f *fixture) calls() []string {
	f.t.Helper()
	content, err := os.ReadFile(filepath.Join(f.Checkout, "calls"))
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		f.t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(content)), "\n")
}

// fifo makes a named pipe beside the go command: opening it waits for the other end.
func (f *fixture) fifo(name string) string {
	f.t.Helper()
	path := filepath.Join(f.Checkout, name)
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		f.t.Fatal(err)
	}
	return path
}

// fill puts executables into dir; the API server among them calls itself the given version.
func fill(t *testing.T, dir, version string, components ...Component) string {
	t.Helper()
	for _, component := range components {
		write(t, filepath.Join(dir, string(component)), "#!/bin/sh\necho Kubernetes "+version+"\n", 0o755)
	}
	return dir
}

func write(t *testing.T, path, content string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
}

// transcript keeps what is said and lets a test wait for a word.
type transcript struct {
	mu   sync.Mutex
	said bytes.Buffer
	more *sync.Cond
}

func newTranscript() *transcript {
	s := &transcript{}
	s.more = sync.NewCond(&s.mu)
	return s
}

func (s *transcript) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.more.Broadcast()
	return s.said.Write(p)
}

func (s *transcript) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.said.String()
}

func (s *transcript) waitFor(words string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for !strings.Contains(s.said.String(), words) {
		s.more.Wait()
	}
}
