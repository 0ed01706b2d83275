// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package conduct

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// workerVariable tells the worker's process of a pod from all others: the operator gives it to that container alone.
const workerVariable = "CONVOY_POD_UID="

// Kill kills the worker of the pod with the UID with SIGKILL, and returns its process id. proc is where this node's
// processes are, usually /proc; other users' are only seen with the rights to do so.
func Kill(proc, uid string) (int, error) {
	paths, err := filepath.Glob(filepath.Join(proc, "[0-9]*", "environ"))
	if err != nil {
		return 0, fmt.Errorf("listing processes: %w", err)
	}
	for _, path := range paths {
		environ, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(append([]byte{0}, environ...), []byte("\x00"+workerVariable+uid+"\x00")) {
			continue // It has ended, or it is none of ours.
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err != nil {
			return 0, fmt.Errorf("reading %s: %w", path, err)
		}
		return pid, syscall.Kill(pid, syscall.SIGKILL)
	}
	return 0, fmt.Errorf("none of %d processes is the worker of pod %s", len(paths), uid)
}
