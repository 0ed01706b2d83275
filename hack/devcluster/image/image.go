// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package image

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// User is the "nonroot" of distroless images, in numbers: Kubernetes' runAsNonRoot cannot judge a name.
const User = "65532:65532"

// created is the time of every file: with the true one no two builds were alike.
var created = time.Unix(0, 0).UTC()

// Image is one program, compiled for one or more platforms.
type Image struct {
	// Reference is the name and tag, such as "convoy-worker:v0.1.0".
	Reference string
	// Program is the name of the executable, which lies in the root directory.
	Program string
	// Binaries are the paths of the compiled programs.
	Binaries map[Platform]string
	// Labels are the image's, such as org.opencontainers.image.version.
	Labels map[string]string
}

func (i Image) validate() error {
	switch {
	case i.Reference == "" || !strings.Contains(filepath.Base(i.Reference), ":"):
		return fmt.Errorf("the Reference is %q: give a name and a tag", i.Reference)
	case i.Program == "" || strings.ContainsRune(i.Program, '/'):
		return fmt.Errorf("the Program is %q: give the name of a file", i.Program)
	case len(i.Binaries) == 0:
		return errors.New("no Binaries are given: give at least one")
	}
	return nil
}

// WriteFile writes the archive to path.
func (i Image) WriteFile(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("writing image %s: %w", i.Reference, err)
	}
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-")
	if err != nil {
		return fmt.Errorf("writing image %s: %w", i.Reference, err)
	}
	err = errors.Join(i.Write(file), file.Chmod(0o644), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}

// Write writes the archive.
func (i Image) Write(out io.Writer) error {
	if err := i.validate(); err != nil {
		return fmt.Errorf("writing an image: %w", err)
	}
	a := archive{tar: tar.NewWriter(out), written: map[string]bool{}}
	if err := i.writeTo(&a); err != nil {
		return fmt.Errorf("writing image %s: %w", i.Reference, err)
	}
	return nil
}

func (i Image) writeTo(a *archive) error {
	all := index{SchemaVersion: 2, MediaType: indexType}
	for _, platform := range sorted(i.Binaries) {
		one, err := i.writePlatform(a, platform)
		if err != nil {
			return err
		}
		all.Manifests = append(all.Manifests, one)
	}
	top := all.Manifests[0]
	if len(all.Manifests) > 1 {
		var err error
		if top, err = a.blob(indexType, encode(all)); err != nil {
			return err
		}
	}
	name := qualified(i.Reference)
	top.Annotations = map[string]string{
		"io.containerd.image.name":          name,
		"org.opencontainers.image.ref.name": name[strings.LastIndex(name, ":")+1:],
	}
	entry := index{SchemaVersion: 2, MediaType: indexType, Manifests: []descriptor{top}}
	return errors.Join(
		a.file("index.json", encode(entry), 0o644),
		a.file("oci-layout", []byte(`{"imageLayoutVersion":"1.0.0"}`), 0o644),
		a.tar.Close(),
	)
}

// writePlatform writes the image for one platform and returns what an index says of it.
func (i Image) writePlatform(a *archive, platform Platform) (descriptor, error) {
	layer, diffID, err := i.layer(i.Binaries[platform])
	if err != nil {
		return descriptor{}, err
	}
	written, err := a.blob(layerType, layer)
	if err != nil {
		return descriptor{}, err
	}
	settings, err := a.blob(configType, encode(config{
		Platform: platform,
		Config:   process{User: User, Entrypoint: []string{"/" + i.Program}, WorkingDir: "/", Labels: i.Labels},
		RootFS:   rootFS{Type: "layers", DiffIDs: []string{diffID}},
		History:  []creation{{CreatedBy: "COPY " + i.Program + " /"}},
	}))
	if err != nil {
		return descriptor{}, err
	}
	d, err := a.blob(manifestType, encode(manifest{
		SchemaVersion: 2, MediaType: manifestType, Config: settings, Layers: []descriptor{written},
	}))
	d.Platform = &platform
	return d, err
}

// layer is the file system: the program alone, compressed. diffID is the digest of what is compressed.
func (i Image) layer(binary string) (compressed []byte, diffID string, err error) {
	content, err := os.ReadFile(binary)
	if err != nil {
		return nil, "", err
	}
	var out bytes.Buffer
	plain, packed := sha256.New(), gzip.NewWriter(&out)
	files := archive{tar: tar.NewWriter(io.MultiWriter(plain, packed))}
	err = errors.Join(files.file(i.Program, content, 0o755), files.tar.Close(), packed.Close())
	return out.Bytes(), "sha256:" + hex.EncodeToString(plain.Sum(nil)), err
}
