// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestHierarchiesOfBothGenerations(t *testing.T) {
	for name, c := range map[string]struct {
		mounts string
		want   []string
	}{
		"one for all": {`
26 1 0:23 / / rw - ext4 /dev/vda rw
31 26 0:27 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 none rw
`, []string{"/sys/fs/cgroup"}},
		"one for each controller": {`
31 26 0:27 / /sys/fs/cgroup rw - tmpfs none rw
32 31 0:28 / /sys/fs/cgroup/cpu rw,relatime - cgroup none rw,cpu
33 31 0:29 / /sys/fs/cgroup/memory rw,relatime master:2 shared:9 - cgroup none rw,memory
34 31 0:30 / /sys/fs/cgroup/unified rw,relatime - cgroup2 none rw
`, []string{"/sys/fs/cgroup/cpu", "/sys/fs/cgroup/memory", "/sys/fs/cgroup/unified"}},
		"mounted twice": {`
31 26 0:27 / /sys/fs/cgroup rw - cgroup2 none rw
32 26 0:27 / /sys/fs/cgroup rw - cgroup2 none rw
`, []string{"/sys/fs/cgroup"}},
		"none": {"26 1 0:23 / /cgroup rw - ext4 /dev/cgroup rw\n", nil},
	} {
		if diff := cmp.Diff(c.want, parseHierarchies(c.mounts)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestControllersAreEnabledWhereThatIsNeeded(t *testing.T) {
	for name, c := range map[string]struct{ available, enabled, want string }{
		"one is lacking":     {"cpuset cpu io memory hugetlb pids rdma\n", "cpu hugetlb memory pids\n", "+cpuset"},
		"all are enabled":    {"cpuset cpu io memory pids\n", "cpuset cpu io memory pids\n", "cpuset cpu io memory pids\n"},
		"none are available": {"\n", "\n", "\n"},
	} {
		root := t.TempDir()
		control := filepath.Join(root, "cgroup.subtree_control")
		for path, content := range map[string]string{filepath.Join(root, "cgroup.controllers"): c.available, control: c.enabled} {
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := enableControllers(root); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got, err := os.ReadFile(control); string(got) != c.want || err != nil {
			t.Errorf("%s: the file holds %q, %v; want %q", name, got, err, c.want)
		}
	}
	if err := enableControllers(t.TempDir()); err != nil {
		t.Errorf("in the first generation: %v", err)
	}
}

func TestGroupsAreRemovedFromTheInside(t *testing.T) {
	root := filepath.Join(t.TempDir(), "convoy")
	for _, dir := range []string{"kubepods/besteffort/pod1/a", "kubepods/besteffort/pod1/b", "kubepods/burstable"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := removeCgroup(root); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(root); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the group: %v, want none", err)
	}
	if err := removeCgroup(root); err != nil {
		t.Errorf("removing what is not there: %v", err)
	}
}
