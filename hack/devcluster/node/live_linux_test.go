// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package node

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"convoy.dev/convoy/hack/devcluster/assets"
	"convoy.dev/convoy/hack/devcluster/image"
	"convoy.dev/convoy/hack/devcluster/process"
)

// patience bounds each wait on a busy machine, as kubectl reads it.
const patience = "120s"

func TestMain(m *testing.M) {
	if code, played := PlayRole(); played {
		os.Exit(code)
	}
	os.Exit(m.Run())
}

func TestPodsRunAndNothingIsLeft(t *testing.T) {
	before := lookAtMachine(t)
	c := startLive(t)
	if err := Load(t.Context(), c.Config, buildImage(t, "probe", "./node/testdata/probe")); err != nil {
		t.Fatal(err)
	}

	c.kubectl("run", "server", "--image=probe:test", "--restart=Never", "--port=8080", "--expose", "--", "serve")
	c.kubectl("wait", "pod/server", "--for=condition=Ready", "--timeout="+patience)
	c.expectLog("server", `"username":"system:serviceaccount:default:default"`)
	address := "http://" + c.kubectl("get", "service", "server", "-o", "jsonpath={.spec.clusterIP}") + ":8080"
	if got := c.kubectl("exec", "server", "--", "/probe", "call", address); !strings.HasSuffix(got, "200 served from server") {
		t.Errorf("the service answered %q", got)
	}
	c.runToEnd("client", "Succeeded", "call", address)
	c.expectLog("client", "200 served from server")
	c.expectLateServiceFound()
	c.runToEnd("failing", "Failed", "fail")
	if got := c.kubectl("get", "pod", "failing", "-o", "jsonpath={.status.containerStatuses[0].state.terminated.exitCode}"); got != "3" {
		t.Errorf("the exit code is %q, want 3", got)
	}

	c.kubectl("run", "stubborn", "--image=probe:test", "--restart=Never", "--", "stubborn")
	c.kubectl("wait", "pod/stubborn", "--for=condition=Ready", "--timeout="+patience)
	c.expectLog("stubborn", "I stay")
	c.kubectl("delete", "pod", "stubborn", "--force", "--grace-period=0", "--timeout="+patience)
	eventually(t, "the stubborn process has ended", func() bool {
		return len(programsOf(t, c.made()).named("/probe\x00stubborn\x00")) == 0
	})

	// The cluster ends while a pod runs.
	if len(programsOf(t, c.made()).named("/probe\x00serve\x00")) == 0 {
		t.Error("the server is not among the cluster's processes: that none is left would prove nothing")
	}
	c.stop()
	if diff := cmp.Diff(before, lookAtMachine(t)); diff != "" {
		t.Errorf("the machine has changed (-before +after):\n%s", diff)
	}
	if err := Stop(t.Context(), c.Config); err != nil {
		t.Errorf("stopping once more: %v", err)
	}
}

func TestStartIsRepeatable(t *testing.T) {
	c := startLive(t)
	first := c.made()
	if err := Start(t.Context(), c.Config); err != nil {
		t.Fatal(err)
	}
	if again := c.made(); again != first {
		t.Errorf("a second start made %+v, want it to leave %+v", again, first)
	}

	// Whoever kills the first process leaves control groups and files. The next start takes them away.
	if err := first.end(); err != nil {
		t.Fatal(err)
	}
	if err := Start(t.Context(), c.Config); err != nil {
		t.Fatal(err)
	}
	if second := c.made(); second.Pid == first.Pid || second.Cgroup == first.Cgroup {
		t.Errorf("there runs %+v, want a new one", second)
	}
	expectNoCgroup(t, first.Cgroup)
	c.kubectl("get", "--raw", "/readyz")
	c.stop()
}

func TestDeathOfProgramEndsCluster(t *testing.T) {
	c := startLive(t)
	for _, pid := range programsOf(t, c.made()).named(innerBin + "/kube-proxy\x00") {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "the cluster has ended", func() bool {
		held, err := isHeld(c.StateDir)
		return err == nil && !held
	})
	log, err := os.ReadFile(filepath.Join(c.StateDir, logFile))
	if err != nil || !strings.Contains(string(log), "kube-proxy ended unasked: signal: killed") {
		t.Errorf("the log says %q, %v; want the program's name and end", log, err)
	}
	if err := Load(t.Context(), c.Config); err == nil || !strings.Contains(err.Error(), "no cluster is ready") {
		t.Errorf("loading images into it: %v, want a refusal", err)
	}
	c.stop()
}

func TestInterruptedStartLeavesNoProcess(t *testing.T) {
	config := liveConfig(t)
	ctx, cancel := context.WithCancel(t.Context())
	config.Progress = callAt{"control plane ready", cancel}
	if err := Start(ctx, config); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	made, err := readInstance(config.StateDir)
	if err != nil {
		t.Fatal(err)
	}
	if err := Stop(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	expectNothingOf(t, config, made)
}

func TestStopEndsAStartInProgress(t *testing.T) {
	config, stopped := liveConfig(t), make(chan error, 1)
	config.Progress = callAt{"containerd ready", func() { stopped <- Stop(t.Context(), config) }}
	if err := Start(t.Context(), config); err == nil {
		t.Error("the start succeeded although it was stopped")
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(config.StateDir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the state directory: %v, want none", err)
	}
}

func TestTwoStartsAtOnceMakeOneCluster(t *testing.T) {
	config, second := liveConfig(t), make(chan error, 1)
	began := make(chan struct{})
	first := config
	first.Progress = callAt{"containerd ready", func() { close(began) }}
	go func() {
		<-began
		second <- Start(t.Context(), config)
	}()
	if err := errors.Join(Start(t.Context(), first), <-second); err != nil {
		t.Fatal(err)
	}
	c := live{config, t}
	c.kubectl("get", "--raw", "/readyz")
	c.stop()
}

// callAt calls something in a goroutine of its own when it reads certain words.
type callAt struct {
	words string
	call  func()
}

func (c callAt) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte(c.words)) {
		go c.call()
	}
	return len(p), nil
}

// live is a cluster that runs.
type live struct {
	Config
	t *testing.T
}

func liveConfig(t *testing.T) Config {
	t.Helper()
	binaries, err := assets.DefaultConfig(t.Output())
	if err != nil {
		t.Fatal(err)
	}
	bin, err := binaries.Lookup(t.Context(), assets.ForNode()...)
	if err != nil {
		t.Fatal(err)
	}
	config := Config{
		StateDir: filepath.Join(t.TempDir(), "cluster"), BinDir: bin,
		PauseArchive: buildImage(t, "pause", "./cmd/pause"), Progress: t.Output(),
	}
	t.Cleanup(func() {
		if err := Stop(context.WithoutCancel(t.Context()), config); err != nil {
			t.Error(err)
		}
	})
	return config
}

func startLive(t *testing.T) live {
	t.Helper()
	config := liveConfig(t)
	if err := Start(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	return live{config, t}
}

// buildImage returns the path of an archive.
func buildImage(t *testing.T, name, pkg string) string {
	t.Helper()
	dir := t.TempDir()
	built, err := image.Build(t.Context(), image.Program{Name: name, Version: "test", Dir: "..", Package: pkg}, dir,
		image.Platform{OS: "linux", Arch: runtime.GOARCH})
	if err != nil {
		t.Fatal(err)
	}
	if name == "pause" {
		built.Reference = PauseReference
	}
	path := filepath.Join(dir, name+".tar")
	if err := built.WriteFile(path); err != nil {
		t.Fatal(err)
	}
	return path
}

func (c live) kubectl(args ...string) string {
	c.t.Helper()
	cmd := exec.CommandContext(c.t.Context(), filepath.Join(c.BinDir, "kubectl"), append([]string{"--kubeconfig=" + c.Kubeconfig()}, args...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		c.t.Fatalf("kubectl %q: %v\n%s\nof the pods:\n%s", args, err, out, c.state())
	}
	return strings.TrimSpace(string(out))
}

// state is for the reader of a failure.
func (c live) state() []byte {
	cmd := exec.CommandContext(c.t.Context(), filepath.Join(c.BinDir, "kubectl"), "--kubeconfig="+c.Kubeconfig(), "describe", "pods")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return []byte(err.Error())
	}
	return out
}

// expectLateServiceFound calls a service before it exists: it is refused, and not left waiting, so that it calls again.
func (c live) expectLateServiceFound() {
	c.t.Helper()
	const address = "10.96.200.200"
	c.kubectl("run", "early", "--image=probe:test", "--restart=Never", "--", "call", "http://"+address+":8080")
	c.kubectl("wait", "pod/early", "--for=condition=Ready", "--timeout="+patience)
	c.expectLog("early", "connection refused")
	c.kubectl("expose", "pod", "server", "--name=late", "--port=8080", "--cluster-ip="+address)
	c.kubectl("wait", "pod/early", "--for=jsonpath={.status.phase}=Succeeded", "--timeout="+patience)
}

func (c live) runToEnd(name, phase string, args ...string) {
	c.t.Helper()
	c.kubectl(append([]string{"run", name, "--image=probe:test", "--restart=Never", "--"}, args...)...)
	c.kubectl("wait", "pod/"+name, "--for=jsonpath={.status.phase}="+phase, "--timeout="+patience)
}

func (c live) expectLog(pod, want string) {
	c.t.Helper()
	// A process that is Ready may not have written yet.
	eventually(c.t, pod+" logs "+want, func() bool { return strings.Contains(c.kubectl("logs", pod), want) })
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	err := process.NewGroup(t.TempDir()).AwaitAll(ctx, func(context.Context) error {
		if is() {
			return nil
		}
		return errors.New("not yet")
	})
	if err != nil {
		t.Fatalf("waiting until %s: %v", what, err)
	}
}

// programs are the processes of a cluster that have a command line, which ends each word with a zero byte.
type programs map[int]string

// programsOf finds the descendants of the cluster's first process.
func programsOf(t *testing.T, made instance) programs {
	t.Helper()
	parents, lines := map[int]int{}, map[int]string{}
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range stats {
		// A process may end while it is looked at; then it is none of those.
		stat, statErr := os.ReadFile(path)
		line, lineErr := os.ReadFile(filepath.Join(filepath.Dir(path), "cmdline"))
		if statErr != nil || lineErr != nil {
			continue
		}
		var pid, parent int
		var state string
		_, after, _ := strings.Cut(string(stat), ") ")
		_, pidErr := fmt.Sscan(string(stat), &pid)
		if _, err := fmt.Sscan(after, &state, &parent); err != nil || pidErr != nil {
			t.Fatalf("%s says %q: %v, %v", path, stat, pidErr, err)
		}
		parents[pid], lines[pid] = parent, string(line)
	}
	found := programs{}
	for pid := range parents {
		for at := pid; at != 0; at = parents[at] {
			if at == made.Pid {
				found[pid] = lines[pid]
			}
		}
	}
	return found
}

func (p programs) named(beginning string) []int {
	var found []int
	for pid, line := range p {
		if strings.HasPrefix(line, beginning) {
			found = append(found, pid)
		}
	}
	return found
}

// started tells processes apart for ever, for ids come again.
func (p programs) started() map[int]uint64 {
	times := map[int]uint64{}
	for pid := range p {
		if at, err := began(pid); err == nil {
			times[pid] = at
		}
	}
	return times
}

func (c live) made() instance {
	c.t.Helper()
	made, err := readInstance(c.StateDir)
	if err != nil {
		c.t.Fatal(err)
	}
	return made
}

// stop looks whether anything survives.
func (c live) stop() {
	c.t.Helper()
	made := c.made()
	running := programsOf(c.t, made)
	processes := running.started()
	if err := Stop(c.t.Context(), c.Config); err != nil {
		c.t.Fatal(err)
	}
	for pid, start := range processes {
		if now, err := began(pid); err == nil && now == start {
			c.t.Errorf("process %d is left: %q", pid, running[pid])
		}
	}
	expectNothingOf(c.t, c.Config, made)
}

// expectNothingOf looks for what the kernel does not take away.
func expectNothingOf(t *testing.T, config Config, made instance) {
	t.Helper()
	expectNoCgroup(t, made.Cgroup)
	if _, err := os.Stat("/sys/class/net/" + made.Link); made.Link == "" || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the link %q: %v, want a name and no such link", made.Link, err)
	}
	if _, err := os.Stat(config.StateDir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the state directory: %v, want none", err)
	}
}

func expectNoCgroup(t *testing.T, name string) {
	t.Helper()
	roots, err := hierarchies()
	if err != nil {
		t.Fatal(err)
	}
	for _, root := range roots {
		if _, err := os.Stat(filepath.Join(root, name)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the control group %s in %s: %v, want none", name, root, err)
		}
	}
}

// machine is what a cluster could change of it, beyond its own files.
type machine struct{ Mounts, Rules, Tunables []string }

func lookAtMachine(t *testing.T) machine {
	t.Helper()
	m := machine{
		Mounts: lines(t, "cat", "/proc/self/mounts"),
		Rules:  append(lines(t, "iptables", "--list-rules"), lines(t, "iptables", "--table=nat", "--list-rules")...),
	}
	for _, name := range append([]string{"net/ipv4/ip_forward", "net/netfilter/nf_conntrack_max"}, tunables...) {
		m.Tunables = append(m.Tunables, lines(t, "cat", "/proc/sys/"+name)...)
	}
	return m
}

func lines(t *testing.T, name string, args ...string) []string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), find(name), args...).Output()
	if err != nil {
		t.Fatalf("%s %q: %v", name, args, err)
	}
	all := strings.Split(strings.TrimSpace(string(out)), "\n")
	slices.Sort(all)
	return all
}
