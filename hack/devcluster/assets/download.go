// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package assets

import (
	"context"
	"net/http"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/semver"
)

// envtestIndex is where setup-envtest looks its archives up.
const envtestIndex = "https://raw.githubusercontent.com/kubernetes-sigs/controller-tools/HEAD/envtest-releases.yaml"

const (
	// indexTimeout bounds the question whether there is a network to download from.
	indexTimeout = 3 * time.Second
	// downloadTimeout bounds the download of about 60 MB: past it, building is not much slower.
	downloadTimeout = 2 * time.Minute
)

// downloaded offers a published envtest archive of the same minor version. Whatever goes wrong here only means that
// the next source is asked, and is not worth a word: building always works.
func (s store) downloaded(ctx context.Context, wanted []Component) (string, error) {
	if s.IndexURL == "" || slices.ContainsFunc(wanted, unpublished) {
		return "", errElsewhere
	}
	if dir, found := s.earlierDownload(wanted); found {
		return dir, nil
	}
	if !s.indexAnswers(ctx) {
		return "", errElsewhere
	}
	return s.download(ctx, wanted)
}

func unpublished(component Component) bool { return !slices.Contains(ForTests(), component) }

func (s store) envtestDir() string { return filepath.Join(s.CacheDir, "envtest") }

func (s store) earlierDownload(wanted []Component) (string, bool) {
	minor := strings.TrimPrefix(semver.MajorMinor(s.versions.Kubernetes), "v")
	pattern := filepath.Join(s.envtestDir(), "k8s", minor+".*-"+runtime.GOOS+"-"+runtime.GOARCH)
	// The only error Glob knows is a malformed pattern, and it then matches nothing.
	dirs, _ := filepath.Glob(pattern)
	for _, dir := range slices.Backward(dirs) {
		if len(missing(dir, wanted)) == 0 {
			return dir, true
		}
	}
	return "", false
}

func (s store) indexAnswers(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, indexTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodHead, s.IndexURL, nil)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	return response.Body.Close() == nil && response.StatusCode == http.StatusOK
}

func (s store) download(ctx context.Context, wanted []Component) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, downloadTimeout)
	defer cancel()
	minor := strings.TrimPrefix(semver.MajorMinor(s.versions.Kubernetes), "v")
	s.say("downloading the published envtest binaries of Kubernetes %s (about 60 MB)", minor)
	tool := exec.CommandContext(ctx, s.GoCommand, "-C", filepath.Join(s.Checkout, "hack", "tools"), "tool", "setup-envtest",
		"use", minor+".x", "--index", s.IndexURL, "--bin-dir", s.envtestDir(), "--print", "path")
	endWithGroup(tool)
	out, err := tool.Output()
	dir := strings.TrimSpace(string(out))
	if err != nil || dir == "" || len(missing(dir, wanted)) > 0 {
		return "", errElsewhere
	}
	return dir, nil
}
