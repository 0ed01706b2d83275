// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package assets

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/semver"
)

// given offers the directory that KUBEBUILDER_ASSETS names. It is judged before it is used: an old API server
// would fail tests in ways that do not name the cause.
func (c Config) given(ctx context.Context, wanted []Component) (string, error) {
	if c.Given == "" {
		return "", errElsewhere
	}
	if lacking := missing(c.Given, wanted); len(lacking) > 0 {
		c.say("KUBEBUILDER_ASSETS=%s holds no %v: looking elsewhere", c.Given, lacking)
		return "", errElsewhere
	}
	if !slices.Contains(wanted, APIServer) {
		return c.Given, nil
	}
	version, err := kubernetesVersion(ctx, filepath.Join(c.Given, string(APIServer)))
	if err != nil {
		return "", fmt.Errorf("judging KUBEBUILDER_ASSETS=%s: %w", c.Given, err)
	}
	if semver.Compare(semver.MajorMinor(version), oldestKubernetes) < 0 {
		return "", fmt.Errorf("KUBEBUILDER_ASSETS=%s holds Kubernetes %s and Convoy needs %s or newer: unset it, or point it at newer binaries",
			c.Given, version, oldestKubernetes)
	}
	return c.Given, nil
}

// kubernetesVersion asks an API server binary; it answers "Kubernetes v1.37.2".
func kubernetesVersion(ctx context.Context, path string) (string, error) {
	out, err := exec.CommandContext(ctx, path, "--version").Output()
	if err != nil {
		return "", fmt.Errorf("asking %s for its version: %w", path, err)
	}
	version, named := strings.CutPrefix(strings.TrimSpace(string(out)), "Kubernetes ")
	if !named || !semver.IsValid(version) {
		return "", fmt.Errorf("%s --version says %q, which names no version of Kubernetes", path, out)
	}
	return version, nil
}
