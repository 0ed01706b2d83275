// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package assets

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/semver"
)

// oldestKubernetes is the oldest minor version whose API server accepts Convoy's CRDs.
const oldestKubernetes = "v1.33"

// Versions are the releases that are built, as the pinning modules require them, with their leading "v".
type Versions struct {
	Kubernetes string
	Etcd       string
}

// ReadVersions reads the pinned versions from the go.mod files under root, the top of a checkout.
func ReadVersions(root string) (Versions, error) {
	kubernetes, err := requiredVersion(moduleDir(root, "kubernetes"), "k8s.io/kubernetes")
	if err != nil {
		return Versions{}, err
	}
	etcd, err := requiredVersion(moduleDir(root, "etcd"), "go.etcd.io/etcd/server/v3")
	if err != nil {
		return Versions{}, err
	}
	return Versions{Kubernetes: kubernetes, Etcd: etcd}, nil
}

// key names the folder in the cache for one set of versions on this platform.
func (v Versions) key() string {
	return fmt.Sprintf("%s-%s-%s-%s", v.Kubernetes, v.Etcd, runtime.GOOS, runtime.GOARCH)
}

func requiredVersion(dir, module string) (string, error) {
	path := filepath.Join(dir, "go.mod")
	content, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("reading the pinned version of %s: %w", module, err)
	}
	parsed, err := modfile.Parse(path, content, nil)
	if err != nil {
		return "", fmt.Errorf("reading the pinned version of %s: %w", module, err)
	}
	for _, require := range parsed.Require {
		if require.Mod.Path == module && semver.IsValid(require.Mod.Version) {
			return require.Mod.Version, nil
		}
	}
	return "", fmt.Errorf("%s requires no version of %s", path, module)
}

func moduleDir(root, module string) string { return filepath.Join(root, "hack", "devcluster", module) }

// FindCheckout returns the top of the Convoy checkout that dir lies in.
func FindCheckout(dir string) (string, error) {
	start, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("finding the checkout: %w", err)
	}
	for at := start; ; at = filepath.Dir(at) {
		_, err := os.Stat(filepath.Join(moduleDir(at, "kubernetes"), "go.mod"))
		if err == nil {
			return at, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("finding the checkout: %w", err)
		}
		if at == filepath.Dir(at) {
			return "", fmt.Errorf("%s is not inside a checkout of Convoy: run this from there, it compiles what hack/devcluster pins", start)
		}
	}
}
