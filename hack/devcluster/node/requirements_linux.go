// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// requirement is a program of the machine, and the Debian package that has it.
type requirement struct{ program, pkg string }

var requirements = []requirement{
	{"containerd", "containerd"},
	{"containerd-shim-runc-v2", "containerd"},
	{"ctr", "containerd"},
	{"runc", "runc"},
	{"iptables", "iptables"},
	{"ip", "iproute2"},
	{"mount", "mount"},
}

// cniPackage has the network plugins, which are in no PATH.
const cniPackage = "containernetworking-plugins"

var (
	cniPlugins     = []string{"bridge", "host-local", "loopback", "portmap"}
	cniDirectories = []string{"/usr/lib/cni", "/opt/cni/bin", "/usr/libexec/cni"}
)

// Missing returns the Debian packages that this machine lacks.
func Missing() []string {
	var packages []string
	for _, r := range requirements {
		if find(r.program) == "" && !slices.Contains(packages, r.pkg) {
			packages = append(packages, r.pkg)
		}
	}
	if findCNI(cniDirectories) == "" {
		packages = append(packages, cniPackage)
	}
	return packages
}

// searchPath is where programs are looked for: PATH, and where an administrator's programs are if PATH lacks that, as it
// does after a plain su.
func searchPath() string {
	return os.Getenv("PATH") + ":/usr/local/sbin:/usr/sbin:/sbin"
}

// find returns the path of a program of the machine, or "".
func find(program string) string {
	for _, dir := range filepath.SplitList(searchPath()) {
		path := filepath.Join(dir, program)
		if unix.Access(path, unix.X_OK) == nil {
			return path
		}
	}
	return ""
}

// Install installs packages, if this is Debian or one of its kind.
func Install(ctx context.Context, config Config, packages []string) error {
	if find("apt-get") == "" {
		return missingError(packages)
	}
	config.say("installing %s: some 10 s, 40 MB to download and 160 MB of disk", strings.Join(packages, " "))
	for _, args := range [][]string{{"update", "-qq"}, append([]string{"install", "-y", "-qq", "--no-install-recommends"}, packages...)} {
		cmd := exec.CommandContext(ctx, "apt-get", args...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		if out, err := cmd.CombinedOutput(); err != nil {
			return errors.Join(missingError(packages), fmt.Errorf("installing: %w\n%s", err, out))
		}
	}
	return nil
}

func missingError(packages []string) error {
	return fmt.Errorf("this machine lacks programs: install what Debian has in %s", strings.Join(packages, ", "))
}

// CheckUser refuses who cannot run a node.
func CheckUser() error {
	if os.Geteuid() != 0 {
		return errors.New("a node's containers need root: run this as root (sudo make cluster-up), or use kind")
	}
	return nil
}

// check refuses what would fail later, in ways that do not name the cause.
func (c Config) check() error {
	if err := CheckUser(); err != nil {
		return err
	}
	if lacking := Missing(); len(lacking) > 0 {
		return missingError(lacking)
	}
	_, err := hierarchies()
	return err
}

// checkFileSystem needs the state directory to exist.
func (c Config) checkFileSystem() error {
	var stat unix.Statfs_t
	if err := unix.Statfs(c.StateDir, &stat); err != nil {
		return fmt.Errorf("looking at %s: %w", c.StateDir, err)
	}
	if stat.Type == unix.OVERLAYFS_SUPER_MAGIC {
		return fmt.Errorf("%s is on overlayfs, where containers cannot have theirs: name a directory on a volume with --state", c.StateDir)
	}
	return nil
}

// findCNI returns the first directory that has all plugins, or "".
func findCNI(directories []string) string {
	for _, dir := range directories {
		if !slices.ContainsFunc(cniPlugins, func(name string) bool {
			_, err := os.Stat(filepath.Join(dir, name))
			return err != nil
		}) {
			return dir
		}
	}
	return ""
}
