// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

const (
	dataDirPattern = "convoy-devcluster-"
	lockName       = "lock"
)

// dataDir is a directory of one control plane. The lock file in it is held for as long as its process lives.
type dataDir struct {
	path string
	lock *os.File
}

// makeDataDir makes a directory under parent and removes those of control planes whose process was killed.
func makeDataDir(parent string) (*dataDir, error) {
	if err := removeAbandoned(parent); err != nil {
		return nil, err
	}
	path, err := os.MkdirTemp(parent, dataDirPattern)
	if err != nil {
		return nil, fmt.Errorf("making the data directory: %w", err)
	}
	lock, err := holdLock(path)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(path))
	}
	return &dataDir{path: path, lock: lock}, nil
}

// holdLock makes the lock file under another name, locks it and only then gives it its name, so that a lock file that
// can be seen and taken has lost its holder.
func holdLock(dir string) (*os.File, error) {
	file, err := os.Create(filepath.Join(dir, lockName+".new"))
	if err != nil {
		return nil, fmt.Errorf("locking the data directory: %w", err)
	}
	err = unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err == nil {
		err = os.Rename(file.Name(), filepath.Join(dir, lockName))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("locking the data directory: %w", err), file.Close())
	}
	return file, nil
}

func (d *dataDir) remove() error {
	return errors.Join(os.RemoveAll(d.path), d.lock.Close())
}

func removeAbandoned(parent string) error {
	// The only error Glob knows is a malformed pattern, and a parent that looks like one has nothing to remove.
	locks, _ := filepath.Glob(filepath.Join(parent, dataDirPattern+"*", lockName))
	for _, path := range locks {
		if err := removeIfAbandoned(path); err != nil {
			return fmt.Errorf("removing an abandoned data directory: %w", err)
		}
	}
	return nil
}

func removeIfAbandoned(lock string) error {
	file, err := os.Open(lock)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return nil // Gone meanwhile, or another user's.
	}
	if err != nil {
		return err
	}
	err = unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	switch {
	case errors.Is(err, unix.EWOULDBLOCK):
		err = nil
	case err == nil:
		err = os.RemoveAll(filepath.Dir(lock))
	}
	return errors.Join(err, file.Close())
}
