// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Where the node finds the state directory and the programs. The names are the same for every cluster, and short enough
// for sockets.
const (
	innerState = "/run/devcluster/state"
	innerBin   = "/run/devcluster/bin"
)

// tunables are the machine-wide settings that a kubelet changes at its start. It gets copies to change.
var tunables = []string{
	"vm/overcommit_memory", "vm/panic_on_oom",
	"kernel/panic", "kernel/panic_on_oops", "kernel/keys/root_maxkeys", "kernel/keys/root_maxbytes",
}

// arrangeMounts gives the node its own view of the file system: what programs write to /run, /var and the machine's settings
// does not reach the machine. The caller is alone in new mount and process namespaces.
func arrangeMounts(stateDir, binDir string) error {
	// Nothing that is mounted here may be seen outside; volumes of pods may be seen in other pods.
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("making the mounts private: %w", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_SHARED, ""); err != nil {
		return fmt.Errorf("sharing the mounts among pods: %w", err)
	}
	if err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("mounting /proc: %w", err)
	}
	if err := arrangeRun(map[string]string{innerState: stateDir, innerBin: binDir}); err != nil {
		return err
	}
	if err := arrangeVar(); err != nil {
		return err
	}
	return maskTunables()
}

// arrangeRun empties /run and puts directories of the machine there. They are opened first, for they may lie in /run.
func arrangeRun(directories map[string]string) error {
	opened := map[string]int{}
	for inner, outer := range directories {
		fd, err := unix.Open(outer, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err != nil {
			return fmt.Errorf("opening %s: %w", outer, err)
		}
		opened[inner] = fd
	}
	if err := unix.Mount("tmpfs", "/run", "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=755"); err != nil {
		return fmt.Errorf("mounting /run: %w", err)
	}
	for inner, fd := range opened {
		if err := os.MkdirAll(inner, 0o755); err != nil {
			return fmt.Errorf("arranging /run: %w", err)
		}
		if err := bind("/proc/self/fd/"+strconv.Itoa(fd), inner); err != nil {
			return err
		}
		if err := unix.Close(fd); err != nil {
			return fmt.Errorf("arranging /run: %w", err)
		}
	}
	return nil
}

// arrangeVar keeps what kubelet, containerd and plugins write under /var in the state directory.
func arrangeVar() error {
	own := filepath.Join(innerState, "var")
	for _, dir := range []string{"lib", "log", "tmp"} {
		if err := os.MkdirAll(filepath.Join(own, dir), 0o755); err != nil {
			return fmt.Errorf("arranging /var: %w", err)
		}
	}
	if err := os.Symlink("/run", filepath.Join(own, "run")); err != nil {
		return fmt.Errorf("arranging /var: %w", err)
	}
	return bind(own, "/var")
}

func maskTunables() error {
	for _, name := range tunables {
		actual, copied := filepath.Join("/proc/sys", name), "/run/devcluster/"+strings.ReplaceAll(name, "/", ".")
		content, err := os.ReadFile(actual)
		if err != nil {
			return fmt.Errorf("copying a setting: %w", err)
		}
		if err := os.WriteFile(copied, content, 0o600); err != nil {
			return fmt.Errorf("copying a setting: %w", err)
		}
		if err := bind(copied, actual); err != nil {
			return err
		}
	}
	return nil
}

func bind(from, to string) error {
	if err := unix.Mount(from, to, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("mounting %s at %s: %w", from, to, err)
	}
	return nil
}
