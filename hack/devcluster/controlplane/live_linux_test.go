// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"convoy.dev/convoy/hack/devcluster/assets"
)

// patience bounds each step on a busy machine; an idle one needs a few seconds.
const patience = 2 * time.Minute

func TestControlPlaneRunsControllersAndLeavesNothing(t *testing.T) {
	cp, bin, temp := startLive(t)
	kubectl := kubectlOf(t, cp, bin)
	kubectl("create", "deployment", "web", "--image=example.com/web:1", "--replicas=2")
	// The controller manager makes the pods; the scheduler says why they wait.
	kubectl("wait", "deployment/web", "--for=jsonpath={.status.replicas}=2", "--timeout="+patience.String())
	kubectl("wait", "pod", "--selector=app=web", "--for=condition=PodScheduled=false", "--timeout="+patience.String())
	phases := strings.Fields(kubectl("get", "pods", "--selector=app=web", "-o", "jsonpath={.items[*].status.phase}"))
	if !slices.Equal(phases, []string{"Pending", "Pending"}) {
		t.Errorf("the pods are %q, want two, both Pending", phases)
	}
	// Deleting takes the pods along: garbage collection works.
	kubectl("delete", "deployment", "web", "--cascade=foreground", "--timeout="+patience.String())
	if got := kubectl("get", "pods", "--selector=app=web", "-o", "name"); got != "" {
		t.Errorf("pods left: %q", got)
	}

	running := processesOf(t, cp.DataDir)
	if len(running) != 4 {
		t.Errorf("running are %v, want etcd and three components", running)
	}
	if err := cp.Stop(); err != nil {
		t.Error(err)
	}
	if left := processesOf(t, cp.DataDir); len(left) > 0 {
		t.Errorf("processes left: %v", left)
	}
	expectEmpty(t, temp)
	_, port, _ := strings.Cut(strings.TrimPrefix(cp.URL, "https://"), ":")
	number, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := listen(t, number)
	if err != nil {
		t.Fatalf("the port is not free: %v", err)
	}
	if err := listener.Close(); err != nil {
		t.Error(err)
	}
	if err := cp.Stop(); err != nil {
		t.Errorf("stopping a second time: %v", err)
	}
}

func TestDeathOfComponentEndsWait(t *testing.T) {
	cp, _, temp := startLive(t)
	for pid, name := range processesOf(t, cp.DataDir) {
		if name == "kube-scheduler" {
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := cp.Wait(ctx); err == nil || !strings.Contains(err.Error(), "kube-scheduler ended unasked: signal: killed") {
		t.Errorf("got %v, want the component's name and end", err)
	}
	if err := cp.Stop(); err != nil {
		t.Error(err)
	}
	expectEmpty(t, temp)
}

func startLive(t *testing.T) (cp *ControlPlane, bin, temp string) {
	t.Helper()
	config, err := assets.DefaultConfig(t.Output())
	if err != nil {
		t.Fatal(err)
	}
	bin, err = config.Lookup(t.Context(), assets.ForControlPlane()...)
	if err != nil {
		t.Fatal(err)
	}
	temp = t.TempDir()
	cp, err = Start(t.Context(), Config{BinDir: bin, TempDir: temp})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cp.Stop(); err != nil {
			t.Error(err)
		}
	})
	return cp, bin, temp
}

func kubectlOf(t *testing.T, cp *ControlPlane, bin string) func(args ...string) string {
	t.Helper()
	return func(args ...string) string {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
		defer cancel()
		out, err := exec.CommandContext(ctx, filepath.Join(bin, "kubectl"), append(args, "--kubeconfig="+cp.Kubeconfig)...).CombinedOutput()
		if err != nil {
			t.Fatalf("kubectl %v: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
}

// processesOf finds the programs that were started with a path under dir, by process id.
func processesOf(t *testing.T, dir string) map[int]string {
	t.Helper()
	paths, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	found := map[int]string{}
	for _, path := range paths {
		// A process may end while it is looked at; then it is none of those.
		cmdline, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(cmdline, []byte(dir+"/")) {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err != nil {
			t.Fatal(err)
		}
		program, _, _ := bytes.Cut(cmdline, []byte{0})
		found[pid] = filepath.Base(string(program))
	}
	return found
}
