// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Name is the node's name in the cluster.
const Name = "devcluster"

// PauseReference is the image that holds a pod's namespaces. No registry has it.
const PauseReference = "convoy.dev/devcluster/pause:1"

// Config says where a cluster lives and what it is made of.
type Config struct {
	// StateDir holds all of the cluster's files. Stop removes it. It must not be on overlayfs.
	StateDir string
	// BinDir holds the programs of the control plane, kubelet and kube-proxy. Start alone needs it.
	BinDir string
	// PauseArchive is the image archive with PauseReference. Start alone needs it.
	PauseArchive string
	// Progress takes lines for people.
	Progress io.Writer
}

// DefaultStateDir is in the user's directory for state, by the XDG base directory specification.
func DefaultStateDir() (string, error) {
	base := os.Getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(base) {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("finding the state directory: %w", err)
		}
		base = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(base, "convoy", "cluster"), nil
}

// resolved checks c and makes its paths absolute: the cluster does not run in the working directory.
func (c Config) resolved() (Config, error) {
	if c.StateDir == "" || c.Progress == nil {
		return Config{}, errors.New("StateDir or Progress is empty: name a directory and a writer")
	}
	var errs [3]error
	c.StateDir, errs[0] = filepath.Abs(c.StateDir)
	c.BinDir, errs[1] = filepath.Abs(c.BinDir)
	c.PauseArchive, errs[2] = filepath.Abs(c.PauseArchive)
	return c, errors.Join(errs[:]...)
}

// say writes one line for people. The work goes on when nobody can read it.
func (c Config) say(format string, args ...any) {
	_, _ = fmt.Fprintf(c.Progress, "devcluster: "+format+"\n", args...)
}

// Kubeconfig is the path of the file that leads to the cluster. It exists while the cluster is ready.
func (c Config) Kubeconfig() string { return filepath.Join(c.StateDir, kubeconfigFile) }

// The files in the state directory that both sides of the namespaces know.
const (
	kubeconfigFile = "kubeconfig"
	lockFile       = "lock"
	instanceFile   = "instance.json"
	logFile        = "cluster.log"
	pauseFile      = "pause.tar"
	socketFile     = "containerd.sock"
)
