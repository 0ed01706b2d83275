// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package image

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var (
	amd64 = Platform{OS: "linux", Arch: "amd64"}
	arm64 = Platform{OS: "linux", Arch: "arm64"}
)

// sample is an image of programs that are a few letters.
func sample(t *testing.T, platforms ...Platform) Image {
	t.Helper()
	i := Image{
		Reference: "probe:v1", Program: "probe", Binaries: map[Platform]string{},
		Labels: map[string]string{"org.opencontainers.image.version": "v1"},
	}
	for _, platform := range platforms {
		path := filepath.Join(t.TempDir(), "binary")
		if err := os.WriteFile(path, []byte("program for "+platform.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		i.Binaries[platform] = path
	}
	return i
}

// written is an archive's files by name.
type written struct {
	t     *testing.T
	files map[string][]byte
}

func write(t *testing.T, i Image) (written, []byte) {
	t.Helper()
	var out bytes.Buffer
	if err := i.Write(&out); err != nil {
		t.Fatal(err)
	}
	w := written{t, map[string][]byte{}}
	for _, f := range untar(t, bytes.NewReader(out.Bytes())) {
		if _, twice := w.files[f.Name]; twice {
			t.Errorf("%s is in the archive twice", f.Name)
		}
		w.files[f.Name] = f.content
	}
	return w, out.Bytes()
}

type file struct {
	*tar.Header
	content []byte
}

func untar(t *testing.T, from io.Reader) []file {
	t.Helper()
	var files []file
	for r := tar.NewReader(from); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file{header, content})
	}
}

// blob reads what a descriptor names, and judges it.
func (w written) blob(d descriptor, into any) []byte {
	w.t.Helper()
	content := w.files["blobs/"+strings.Replace(d.Digest, ":", "/", 1)]
	sum := sha256.Sum256(content)
	if got := "sha256:" + hex.EncodeToString(sum[:]); got != d.Digest || len(content) != d.Size {
		w.t.Errorf("the blob %s of %d bytes has digest %s and %d bytes", d.Digest, d.Size, got, len(content))
	}
	if into != nil {
		if err := json.Unmarshal(content, into); err != nil {
			w.t.Error(err)
		}
	}
	return content
}

func (w written) top() descriptor {
	w.t.Helper()
	var entry index
	if err := json.Unmarshal(w.files["index.json"], &entry); err != nil || len(entry.Manifests) != 1 {
		w.t.Fatalf("index.json holds %+v, %v; want one image", entry, err)
	}
	return entry.Manifests[0]
}

func TestEachPlatformGetsItsProgram(t *testing.T) {
	w, _ := write(t, sample(t, arm64, amd64))
	if got := string(w.files["oci-layout"]); got != `{"imageLayoutVersion":"1.0.0"}` {
		t.Errorf("oci-layout holds %q", got)
	}
	want := map[string]string{"io.containerd.image.name": "docker.io/library/probe:v1", "org.opencontainers.image.ref.name": "v1"}
	if diff := cmp.Diff(want, w.top().Annotations); diff != "" {
		t.Errorf("the image is called (-want +got):\n%s", diff)
	}
	var all index
	w.blob(w.top(), &all)
	if len(all.Manifests) != 2 {
		t.Fatalf("the index holds %+v, want two platforms", all.Manifests)
	}
	for n, platform := range []Platform{amd64, arm64} {
		if got := all.Manifests[n].Platform; got == nil || *got != platform {
			t.Errorf("image %d is for %v, want %v", n, got, platform)
		}
		expectImage(w, all.Manifests[n], platform)
	}
}

func TestOnePlatformNeedsNoIndex(t *testing.T) {
	w, _ := write(t, sample(t, arm64))
	if got := w.top().MediaType; got != manifestType {
		t.Errorf("the archive's entry is a %s, want the image", got)
	}
	expectImage(w, w.top(), arm64)
}

func expectImage(w written, d descriptor, platform Platform) {
	w.t.Helper()
	var m manifest
	w.blob(d, &m)
	var c config
	w.blob(m.Config, &c)
	want := config{
		Platform: platform,
		Config: process{
			User: "65532:65532", Entrypoint: []string{"/probe"}, WorkingDir: "/",
			Labels: map[string]string{"org.opencontainers.image.version": "v1"},
		},
		RootFS:  c.RootFS,
		History: []creation{{"COPY probe /"}},
	}
	if diff := cmp.Diff(want, c); diff != "" {
		w.t.Errorf("the configuration (-want +got):\n%s", diff)
	}
	if len(m.Layers) != 1 || len(c.RootFS.DiffIDs) != 1 {
		w.t.Fatalf("there are layers %v of contents %v, want one of each", m.Layers, c.RootFS.DiffIDs)
	}
	layer := gunzip(w.t, w.blob(m.Layers[0], nil))
	if sum := sha256.Sum256(layer); "sha256:"+hex.EncodeToString(sum[:]) != c.RootFS.DiffIDs[0] {
		w.t.Errorf("the layer's content is not what the configuration calls %s", c.RootFS.DiffIDs[0])
	}
	files := untar(w.t, bytes.NewReader(layer))
	if len(files) != 1 {
		w.t.Fatalf("the layer holds %v, want the program alone", files)
	}
	if f := files[0]; f.Name != "probe" || f.Mode != 0o755 || f.Uid != 0 || string(f.content) != "program for "+platform.String() {
		w.t.Errorf("the layer holds %+v with %q", f.Header, f.content)
	}
}

func gunzip(t *testing.T, packed []byte) []byte {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return plain
}

func TestSameInputsMakeSameBytes(t *testing.T) {
	i := sample(t, amd64, arm64)
	_, first := write(t, i)
	for range 5 { // the order of a map differs from time to time
		if _, again := write(t, i); !bytes.Equal(first, again) {
			t.Fatal("two archives of one image differ")
		}
	}
}

func TestNamesAreWhatRuntimesMakeOfThem(t *testing.T) {
	for reference, want := range map[string]string{
		"convoy-worker:v1":                   "docker.io/library/convoy-worker:v1",
		"shop/orders:1.4":                    "docker.io/shop/orders:1.4",
		"registry.example.org/shop/orders:1": "registry.example.org/shop/orders:1",
		"localhost/orders:1":                 "localhost/orders:1",
		"host:5000/orders:1":                 "host:5000/orders:1",
	} {
		if got := qualified(reference); got != want {
			t.Errorf("%s is stored as %s, want %s", reference, got, want)
		}
	}
}

func TestFailedWriteLeavesNothing(t *testing.T) {
	whole, dir := sample(t, amd64), t.TempDir()
	for name, change := range map[string]func(*Image){
		"Reference is": func(i *Image) { i.Reference = "host:5000/probe" },
		"Program is":   func(i *Image) { i.Program = "bin/probe" },
		"no Binaries":  func(i *Image) { i.Binaries = nil },
		"no such file": func(i *Image) { i.Binaries = map[Platform]string{amd64: dir + "/none"} },
	} {
		i := whole
		change(&i)
		if err := i.WriteFile(filepath.Join(dir, "probe.tar")); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("got %v, want an error with %q", err, name)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left are %v, %v; want nothing", left, err)
	}
	if err := whole.WriteFile(filepath.Join(dir, "probe.tar")); err != nil {
		t.Error(err)
	}
}
