// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package assets

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTheFirstSourceThatHoldsAllAnswers(t *testing.T) {
	const wholeGiven, partGiven, cached, downloads = "given", "part of it given", "cached", "downloaded"
	for _, c := range []struct {
		name string
		have []string
		want string
	}{
		{"given before cached", []string{wholeGiven, cached, downloads}, wholeGiven},
		{"a part is not enough", []string{partGiven, cached, downloads}, cached},
		{"cached before downloaded", []string{cached, downloads}, cached},
		{"downloaded before built", []string{downloads}, downloads},
		{"built at last", nil, "built"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t, compile)
			f.IndexURL = "http://127.0.0.1:0/never-asked"
			earlier := filepath.Join(f.CacheDir, "envtest", "k8s", "1.40.0-"+platform())
			dirs := map[string]string{wholeGiven: t.TempDir(), cached: f.bin(), downloads: earlier, "built": f.bin()}
			for _, source := range c.have {
				switch source {
				case partGiven:
					f.Given = fill(t, t.TempDir(), "v1.40.0", APIServer)
				case wholeGiven:
					f.Given = fill(t, dirs[source], "v1.40.0", ForTests()...)
				default:
					fill(t, dirs[source], "v1.40.0", ForTests()...)
				}
			}
			got, err := f.Resolve(t.Context(), ForTests()...)
			if err != nil || got != dirs[c.want] {
				t.Fatalf("got %q, %v; want %q", got, err, dirs[c.want])
			}
			if built := len(f.calls()) > 0; built != (c.want == "built") {
				t.Errorf("the compiler was called with %q", f.calls())
			}
		})
	}
}

func TestGivenBinariesAreJudged(t *testing.T) {
	for _, c := range []struct {
		name, version string
		want          string // empty: accepted
	}{
		{"older than supported", "v1.32.9", "holds Kubernetes v1.32.9 and Convoy needs v1.33 or newer: unset it"},
		{"the oldest supported", "v1.33.0", ""},
		{"a later one, by number and not by letter", "v1.100.0", ""},
		{"a pre-release of a supported one", "v1.33.0-rc.1", ""},
		{"not a version", "nonsense", "names no version of Kubernetes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t, compile)
			f.Given = fill(t, t.TempDir(), c.version, ForTests()...)
			got, err := f.Resolve(t.Context(), ForTests()...)
			if c.want == "" && (err != nil || got != f.Given) {
				t.Errorf("got %q, %v; want it accepted", got, err)
			}
			if c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("got %q, %v; want an error with %q", got, err, c.want)
			}
			if len(f.calls()) > 0 {
				t.Errorf("the refusal fell back to a build: %q", f.calls())
			}
		})
	}
}

func TestGivenBinariesThatLackSomethingAreMentioned(t *testing.T) {
	f := newFixture(t, compile)
	f.Given = fill(t, t.TempDir(), "v1.40.0", Etcd, APIServer)
	if _, err := f.Resolve(t.Context(), ForTests()...); err != nil {
		t.Fatal(err)
	}
	if want := "KUBEBUILDER_ASSETS=" + f.Given + " holds no [kubectl]"; !strings.Contains(f.progress.String(), want) {
		t.Errorf("said %q, want %q in it", f.progress, want)
	}
}

func TestLookupNamesTheCommandInsteadOfBuilding(t *testing.T) {
	f := newFixture(t, compile)
	fill(t, f.bin(), "v1.40.1", Etcd)
	_, err := f.Lookup(t.Context(), Etcd, Scheduler)
	const want = "holds no [kube-scheduler]: run `go run -C hack/devcluster ./cmd/devcluster assets --components etcd,kube-scheduler` first"
	if err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("got %v, want it to end with %q", err, want)
	}
	if got, err := f.Lookup(t.Context(), Etcd); err != nil || got != f.bin() {
		t.Errorf("got %q, %v; want %q", got, err, f.bin())
	}
	if len(f.calls()) > 0 {
		t.Errorf("the compiler was called with %q", f.calls())
	}
}

func TestOnlyExecutableFilesCount(t *testing.T) {
	dir := fill(t, t.TempDir(), "", Etcd)
	write(t, filepath.Join(dir, string(APIServer)), "half a download", 0o644)
	write(t, filepath.Join(dir, string(Kubectl), "file"), "", 0o755)
	if diff := cmp.Diff([]Component{APIServer, Kubectl}, missing(dir, ForTests())); diff != "" {
		t.Errorf("missing (-want +got):\n%s", diff)
	}
}

func TestParseComponents(t *testing.T) {
	got, err := ParseComponents("kubectl, etcd,kubectl")
	if diff := cmp.Diff([]Component{Kubectl, Etcd}, got); err != nil || diff != "" {
		t.Errorf("error %v, components (-want +got):\n%s", err, diff)
	}
	for _, list := range []string{"", "etcd,", "kube-apiservr"} {
		if got, err := ParseComponents(list); err == nil || !strings.Contains(err.Error(), "kube-apiserver kubectl") {
			t.Errorf("%q: got %v, %v; want an error that lists the names", list, got, err)
		}
	}
}
