// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package assets

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/modfile"
)

// Kubernetes' libraries are released as v0.x.y beside Kubernetes v1.x.y. An upgrade that forgets one of them compiles and
// misbehaves.
func TestLibrariesArePinnedToKubernetesOwnRelease(t *testing.T) {
	root, err := FindCheckout(".")
	if err != nil {
		t.Fatal(err)
	}
	versions, err := ReadVersions(root)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(moduleDir(root, "kubernetes"), "go.mod")
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := modfile.Parse(path, content, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := "v0" + strings.TrimPrefix(versions.Kubernetes, "v1")
	if len(parsed.Replace) == 0 {
		t.Error("no library is pinned")
	}
	for _, replace := range parsed.Replace {
		if replace.New.Path != replace.Old.Path || replace.New.Version != want {
			t.Errorf("%s is replaced by %s, want version %s of itself", replace.Old.Path, replace.New, want)
		}
	}
}

func TestFindCheckout(t *testing.T) {
	f := newFixture(t, compile)
	deep := filepath.Join(f.Checkout, "hack", "devcluster", "etcd")
	if got, err := FindCheckout(deep); err != nil || got != f.Checkout {
		t.Errorf("got %q, %v; want %q", got, err, f.Checkout)
	}
	outside := t.TempDir()
	if _, err := FindCheckout(outside); err == nil || !strings.Contains(err.Error(), outside+" is not inside a checkout of Convoy") {
		t.Errorf("got %v, want words about %s", err, outside)
	}
}

func TestVersionsMustBeThere(t *testing.T) {
	f := newFixture(t, compile)
	write(t, filepath.Join(moduleDir(f.Checkout, "etcd"), "go.mod"), "module e\n", 0o644)
	if _, err := f.Resolve(t.Context(), Etcd); err == nil || !strings.Contains(err.Error(), "requires no version of go.etcd.io/etcd/server/v3") {
		t.Errorf("got %v, want the module's name", err)
	}
}
