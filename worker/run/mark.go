// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package run

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// Names of the marks, which are empty files.
const (
	markPredecessor = "predecessor"
	markResigned    = "resigned"
)

// Marks are what a worker process leaves for the next one of its pod, in a directory that lives as long as the pod. The
// ConvoyWorker is no such memory: deleted by hand it comes back empty.
type Marks struct {
	directory string
	lock      sync.Mutex // guards made
	made      map[string]bool
}

// ReadMarks reads the marks in a directory, which must exist.
func ReadMarks(directory string) (*Marks, error) {
	m := &Marks{directory: directory, made: map[string]bool{}}
	for _, name := range []string{markPredecessor, markResigned} {
		_, err := os.Stat(filepath.Join(directory, name))
		switch {
		case err == nil:
			m.made[name] = true
		case !errors.Is(err, fs.ErrNotExist):
			return nil, fmt.Errorf("reading the mark %s: %w", name, err)
		}
	}
	if _, err := os.Stat(directory); err != nil {
		return nil, fmt.Errorf("looking for the directory of marks: %w", err)
	}
	return m, nil
}

func (m *Marks) has(name string) bool {
	m.lock.Lock()
	defer m.lock.Unlock()
	return m.made[name]
}

// make makes a mark that outlasts the process. Made again it costs nothing.
func (m *Marks) make(name string) error {
	m.lock.Lock()
	defer m.lock.Unlock()
	if m.made[name] {
		return nil
	}
	if err := write(m.directory, name); err != nil {
		return fmt.Errorf("making the mark %s: %w", name, err)
	}
	m.made[name] = true
	return nil
}

// write makes an empty file and waits until it and its name are on the disk: the machine may be what ends the process.
func write(directory, name string) error {
	file, err := os.OpenFile(filepath.Join(directory, name), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if err := errors.Join(file.Sync(), file.Close()); err != nil {
		return err
	}
	parent, err := os.Open(directory)
	if err != nil {
		return err
	}
	return errors.Join(parent.Sync(), parent.Close())
}
