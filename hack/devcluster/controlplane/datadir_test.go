// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"os"
	"path/filepath"
	"testing"
)

func TestDirectoriesOfTheDeadAreRemovedAndOfTheLivingKept(t *testing.T) {
	parent := t.TempDir()
	living, err := makeDataDir(parent)
	if err != nil {
		t.Fatal(err)
	}
	dead, err := makeDataDir(parent)
	if err != nil {
		t.Fatal(err)
	}
	if err := dead.lock.Close(); err != nil { // as the kernel does when its process is killed
		t.Fatal(err)
	}
	beginning := filepath.Join(parent, dataDirPattern+"beginning")
	foreign := filepath.Join(parent, "foreign")
	for _, dir := range []string{beginning, foreign} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(foreign, lockName), nil, 0o600); err != nil {
		t.Fatal(err)
	}

	newest, err := makeDataDir(parent)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{living.path: true, newest.path: true, beginning: true, foreign: true, dead.path: false} {
		if _, err := os.Stat(path); (err == nil) != want {
			t.Errorf("%s: exists %t, want %t", path, err == nil, want)
		}
	}
	if err := newest.remove(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(newest.path); !os.IsNotExist(err) {
		t.Errorf("%s after its removal: %v, want none", newest.path, err)
	}
}
