// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestConfigurationIsFilledIn(t *testing.T) {
	values := settings{
		State: "/state", Pause: PauseReference, CNIPlugins: "/plugins", Node: "10.213.7.2", Cgroup: "convoy-abc",
		CA: "/state/ca.crt", PodCIDR: podCIDR, ProxyKubeconfig: "/state/proxy",
	}
	for name, wants := range map[string][]string{
		"containerd.toml": {
			`root = "/state/containerd"`, `address = "/state/containerd.sock"`, `sandbox_image = "convoy.dev/devcluster/pause:1"`,
			`bin_dir = "/plugins"`, `conf_dir = "/state/config/cni"`,
		},
		"kubelet.yaml": {
			"address: 10.213.7.2\n", "clientCAFile: /state/ca.crt}", "unix:///state/containerd.sock\n", "cgroupRoot: /convoy-abc\n",
		},
		"kube-proxy.yaml":     {"kubeconfig: /state/proxy}", "clusterCIDR: 10.244.0.0/16\n"},
		"cni/convoy.conflist": {`"subnet": "10.244.0.0/16"`},
	} {
		content, err := values.fill(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range wants {
			if !strings.Contains(string(content), want) {
				t.Errorf("%s lacks %q:\n%s", name, want, content)
			}
		}
		if filepath.Ext(name) == ".conflist" && !json.Valid(content) {
			t.Errorf("%s is not JSON:\n%s", name, content)
		}
	}
}

func TestLinksDiffer(t *testing.T) {
	seen := map[string]bool{}
	for number := range maxLinks {
		l := linkOf(number)
		for _, one := range []string{l.Name, l.Machine.String(), l.Node.String()} {
			if seen[one] {
				t.Errorf("link %d shares %s with another", number, one)
			}
			seen[one] = true
		}
		if len(l.Name) > 15 {
			t.Errorf("%s is longer than the kernel allows", l.Name)
		}
	}
}

func TestPluginsAreFoundTogether(t *testing.T) {
	some, all := t.TempDir(), t.TempDir()
	for n, name := range cniPlugins {
		for _, dir := range []string{some, all} {
			if dir == some && n == 0 {
				continue
			}
			if err := os.WriteFile(filepath.Join(dir, name), nil, 0o700); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got := findCNI([]string{"/nowhere", some, all}); got != all {
		t.Errorf("found %q, want %q", got, all)
	}
	if got := findCNI([]string{some}); got != "" {
		t.Errorf("found %q, want none: a plugin is missing", got)
	}
}

func TestStateDirectoryFollowsTheStandard(t *testing.T) {
	t.Setenv("HOME", "/home/me")
	for set, want := range map[string]string{
		"":         "/home/me/.local/state/convoy/cluster",
		"relative": "/home/me/.local/state/convoy/cluster", // which the standard says to ignore
		"/state":   "/state/convoy/cluster",
	} {
		t.Setenv("XDG_STATE_HOME", set)
		if got, err := DefaultStateDir(); got != want || err != nil {
			t.Errorf("with XDG_STATE_HOME=%q it is %q, %v; want %q", set, got, err, want)
		}
	}
}

func TestFollowingEndsWithTheCluster(t *testing.T) {
	var words bytes.Buffer
	config := Config{StateDir: t.TempDir(), Progress: &words}
	exited := make(chan error, 1)
	exited <- nil
	err := config.followLog(t.Context(), strings.NewReader("no room on the disk\n"), exited)
	if !errors.Is(err, errEnded) || !strings.Contains(err.Error(), filepath.Join(config.StateDir, logFile)) {
		t.Errorf("got %v, want the end and the log's path", err)
	}
	if words.String() != "no room on the disk\n" {
		t.Errorf("the words were %q", &words)
	}
}

func TestFollowingEndsWhenTheClusterIsReady(t *testing.T) {
	config := Config{StateDir: t.TempDir(), Progress: new(bytes.Buffer)}
	if err := os.WriteFile(config.Kubeconfig(), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := config.followLog(t.Context(), strings.NewReader(""), nil); err != nil {
		t.Error(err)
	}
}

func TestFollowingCanBeInterrupted(t *testing.T) {
	config := Config{StateDir: t.TempDir(), Progress: new(bytes.Buffer)}
	ctx, interrupt := context.WithCancel(t.Context())
	interrupt()
	if err := config.followLog(ctx, strings.NewReader(""), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}

func TestStoppingNothingIsWell(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "none")
	if err := Stop(t.Context(), Config{StateDir: dir, Progress: new(bytes.Buffer)}); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the directory: %v, want none", err)
	}
}

func TestLoadingNeedsACluster(t *testing.T) {
	dir := t.TempDir()
	// A kubeconfig that nobody holds was left by a cluster that has ended.
	if err := os.WriteFile(filepath.Join(dir, kubeconfigFile), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	err := Load(t.Context(), Config{StateDir: dir, Progress: new(bytes.Buffer)}, "image.tar")
	if err == nil || !strings.Contains(err.Error(), "start one with `make cluster-up`") {
		t.Errorf("got %v, want the mend", err)
	}
}

func TestConfigIsChecked(t *testing.T) {
	if _, err := (Config{}).resolved(); err == nil || !strings.Contains(err.Error(), "StateDir or Progress is empty") {
		t.Errorf("got %v, want the fields' names", err)
	}
}
