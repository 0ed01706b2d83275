// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/go-logr/logr"
	ctrl "sigs.k8s.io/controller-runtime"

	"convoy.dev/convoy/controllers/testenv"
)

// What every test uses: the commands, in the directory that they were built in, and an API server.
var (
	built string
	env   *testenv.Env
)

func TestMain(m *testing.M) {
	ctrl.SetLogger(logr.Discard()) // The API server's client would complain of none.
	code, err := runTests(m)
	if err != nil {
		log.Fatal(err)
	}
	os.Exit(code)
}

func runTests(m *testing.M) (code int, err error) {
	if built, err = os.MkdirTemp("", "convoy-faults-"); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(built)) }()
	command := exec.CommandContext(context.Background(), "go", "build", "-o", built,
		"convoy.dev/convoy/worker/cmd/worker", "convoy.dev/convoy/hack/e2e/cmd/handler", "convoy.dev/convoy/hack/faults/cmd/broker")
	if out, err := command.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("building: %w\n%s", err, out)
	}
	if env, err = testenv.Start(); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, env.Stop()) }()
	return m.Run(), nil
}

// program is a command that runs, ends and runs again. It is killed when the test ends.
type program struct {
	t    *testing.T
	path string
	args []string
	env  []string
	out  *os.File
	cmd  *exec.Cmd // nil while it does not run
	// kills is how often it was killed.
	kills int
}

// newProgram makes one of the commands that were built. What it says is shown under the name if the test fails.
func (w *world) newProgram(name, command string, env []string, args ...string) *program {
	w.t.Helper()
	out, err := os.Create(filepath.Join(w.t.TempDir(), name+".log"))
	w.must(err)
	p := &program{t: w.t, path: filepath.Join(built, command), args: args, env: env, out: out}
	w.programs = append(w.programs, p)
	w.t.Cleanup(func() {
		if p.cmd != nil {
			p.kill()
		}
		p.show(name)
		_ = out.Close() // It was only written.
	})
	return p
}

// shown bounds what is shown of a log, in bytes.
const shown = 8 << 10

func (p *program) show(name string) {
	if !p.t.Failed() {
		return
	}
	content, err := os.ReadFile(p.out.Name())
	p.t.Logf("the end of what %s said (%v):\n%s", name, err, content[max(0, len(content)-shown):])
}

func (p *program) start() {
	p.t.Helper()
	// It is ended by name, never by a context: a program that was frozen has to be killed.
	p.cmd = exec.CommandContext(context.WithoutCancel(p.t.Context()), p.path, p.args...)
	p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr = p.env, p.out, p.out
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
}

func (p *program) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Errorf("signalling %s: %v", p.path, err)
	}
}

func (p *program) freeze() { p.signal(syscall.SIGSTOP) }
func (p *program) thaw()   { p.signal(syscall.SIGCONT) }

// kill ends it without a word, and returns when it is gone.
func (p *program) kill() {
	p.t.Helper()
	p.signal(syscall.SIGKILL)
	p.kills++
	if err := p.cmd.Wait(); err == nil {
		p.t.Errorf("%s was killed and ended in order", p.path)
	}
	p.cmd = nil
}

// stop ends it with SIGTERM, and expects it to end in order.
func (p *program) stop() {
	p.t.Helper()
	p.signal(syscall.SIGTERM)
	if err := p.cmd.Wait(); err != nil {
		p.t.Errorf("%s was told to stop: %v", p.path, err)
	}
	p.cmd = nil
}
