// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// errHeld says that the state directory belongs to a cluster that lives, or starts.
var errHeld = errors.New("the state directory is held")

// instance is what has to be known of a cluster to end it and to clear up after it.
type instance struct {
	// Pid is the first process of the namespaces, as the machine numbers it. Began is its start time, in clock ticks
	// since the machine's: the two together name one process for ever.
	Pid   int
	Began uint64
	// Link is the machine's end of the link to the node.
	Link string
	// Cgroup is the name of the control groups under which all pods are.
	Cgroup string
}

// hold takes the state directory, making it if need be, or returns errHeld.
func hold(dir string) (*os.File, error) {
	for {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("making the state directory: %w", err)
		}
		file, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_CREATE|os.O_RDWR, 0o600)
		if errors.Is(err, fs.ErrNotExist) {
			continue // It was removed in between.
		}
		if err != nil {
			return nil, fmt.Errorf("holding the state directory: %w", err)
		}
		err = unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, errors.Join(errHeld, file.Close())
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("holding the state directory: %w", err), file.Close())
		}
		if stillNamed(file) {
			return file, nil
		}
		// Its holder removed it with the directory while we waited for the lock: a lock that nobody can see is none.
		if err := file.Close(); err != nil {
			return nil, fmt.Errorf("holding the state directory: %w", err)
		}
	}
}

func stillNamed(file *os.File) bool {
	opened, openErr := file.Stat()
	named, nameErr := os.Stat(file.Name())
	return openErr == nil && nameErr == nil && os.SameFile(opened, named)
}

// isHeld says whether somebody holds the directory now.
func isHeld(dir string) (bool, error) {
	file, err := os.Open(filepath.Join(dir, lockFile))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("looking who holds the state directory: %w", err)
	}
	err = unix.Flock(int(file.Fd()), unix.LOCK_SH|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return true, file.Close()
	}
	return false, errors.Join(err, file.Close())
}

// readInstance answers with fs.ErrNotExist if there is none, or none yet.
func readInstance(dir string) (instance, error) {
	content, err := os.ReadFile(filepath.Join(dir, instanceFile))
	if err != nil {
		return instance{}, fmt.Errorf("reading what runs: %w", err)
	}
	var i instance
	if err := json.Unmarshal(content, &i); err != nil {
		return instance{}, fmt.Errorf("reading what runs: %w", err)
	}
	return i, nil
}

func (i instance) write(dir string) error {
	content, err := json.Marshal(i)
	if err != nil {
		return fmt.Errorf("noting what runs: %w", err)
	}
	return writeWhole(filepath.Join(dir, instanceFile), content)
}

// writeWhole makes the file appear with all its content.
func writeWhole(path string, content []byte) error {
	if err := os.WriteFile(path+".new", content, 0o600); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}

// began reads when a process started. It is the 22nd field; the second one is a name in parentheses that may hold
// anything.
func began(pid int) (uint64, error) {
	const afterName = 22 - 3
	content, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0, fmt.Errorf("reading when process %d began: %w", pid, err)
	}
	fields := bytes.Fields(content[bytes.LastIndexByte(content, ')')+1:])
	if len(fields) <= afterName {
		return 0, fmt.Errorf("reading when process %d began: it says %q", pid, content)
	}
	return strconv.ParseUint(string(fields[afterName]), 10, 64)
}

// end kills the first process, and the kernel everything in its namespaces. It returns when all of it is gone.
func (i instance) end() error {
	process, err := unix.PidfdOpen(i.Pid, 0)
	if errors.Is(err, unix.ESRCH) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("ending process %d: %w", i.Pid, err)
	}
	// The descriptor is opened first: from here on the number cannot come to mean another process unseen.
	if now, err := began(i.Pid); err != nil || now != i.Began {
		return unix.Close(process)
	}
	err = unix.PidfdSendSignal(process, unix.SIGKILL, nil, 0)
	if errors.Is(err, unix.ESRCH) {
		return unix.Close(process)
	}
	if err == nil {
		err = waitGone(process)
	}
	if err := errors.Join(err, unix.Close(process)); err != nil {
		return fmt.Errorf("ending process %d: %w", i.Pid, err)
	}
	return nil
}

// waitGone waits until the process has ended. The first process of a namespace ends after all others in it.
func waitGone(process int) error {
	for {
		_, err := unix.Poll([]unix.PollFd{{Fd: int32(process), Events: unix.POLLIN}}, -1)
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
