// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// busyPoll is how often a control group is tried again whose last process is still leaving.
	busyPoll = 20 * time.Millisecond
	// busyPatience bounds that.
	busyPatience = 10 * time.Second
)

// hierarchies are the directories where this machine's control groups are mounted: one if they are of the second
// generation, and one for each controller in the first.
func hierarchies() ([]string, error) {
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("finding the control groups: %w", err)
	}
	found := parseHierarchies(string(mounts))
	if len(found) == 0 {
		return nil, errors.New("no control groups are mounted: mount -t cgroup2 none /sys/fs/cgroup, or run this on a machine whose init does")
	}
	return found, nil
}

// parseHierarchies reads lines as proc(5) has them: the mount point is the fifth field, the type follows a lone dash.
func parseHierarchies(mounts string) []string {
	var found []string
	for line := range strings.Lines(mounts) {
		fields := strings.Fields(line)
		dash := slices.Index(fields, "-")
		if dash < 5 || dash+1 >= len(fields) || !strings.HasPrefix(fields[dash+1], "cgroup") {
			continue
		}
		if !slices.Contains(found, fields[4]) {
			found = append(found, fields[4])
		}
	}
	return found
}

// makeCgroups makes the group under which the kubelet puts all pods, in every hierarchy.
func makeCgroups(name string) error {
	roots, err := hierarchies()
	if err != nil {
		return err
	}
	for _, root := range roots {
		if err := enableControllers(root); err != nil {
			return fmt.Errorf("making a control group: %w", err)
		}
		if err := os.Mkdir(filepath.Join(root, name), 0o755); err != nil {
			return fmt.Errorf("making a control group: %w", err)
		}
	}
	return nil
}

// kubeletControllers are those that a kubelet insists on, if the machine has them.
var kubeletControllers = []string{"cpu", "cpuset", "hugetlb", "memory", "pids"}

// enableControllers lets groups below the root have controllers, which the second generation leaves to whoever makes them.
// The first has no such file.
func enableControllers(root string) error {
	available, err := os.ReadFile(filepath.Join(root, "cgroup.controllers"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	control := filepath.Join(root, "cgroup.subtree_control")
	enabled, err := os.ReadFile(control)
	if err != nil {
		return err
	}
	for _, controller := range kubeletControllers {
		if !slices.Contains(strings.Fields(string(available)), controller) || slices.Contains(strings.Fields(string(enabled)), controller) {
			continue
		}
		if err := os.WriteFile(control, []byte("+"+controller), 0); err != nil {
			return fmt.Errorf("enabling the controller %s (not possible in a container: run this on the machine itself): %w", controller, err)
		}
	}
	return nil
}

// removeCgroups removes the group and all within it. Its processes are gone, or going.
func removeCgroups(name string) error {
	roots, err := hierarchies()
	if err != nil {
		return err
	}
	for _, root := range roots {
		if err := removeCgroup(filepath.Join(root, name)); err != nil {
			return fmt.Errorf("removing a control group: %w", err)
		}
	}
	return nil
}

// removeCgroup removes children first. A group's files need no removing, and allow none.
func removeCgroup(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if !entry.IsDir() {
			continue
		}
		if err := removeCgroup(filepath.Join(dir, entry.Name())); err != nil {
			return err
		}
	}
	return removeWhenIdle(dir)
}

func removeWhenIdle(dir string) error {
	for waited := time.Duration(0); ; waited += busyPoll {
		err := unix.Rmdir(dir)
		switch {
		case err == nil, errors.Is(err, unix.ENOENT):
			return nil
		case !errors.Is(err, unix.EBUSY) || waited >= busyPatience:
			return fmt.Errorf("%s: %w", dir, err)
		}
		time.Sleep(busyPoll)
	}
}
