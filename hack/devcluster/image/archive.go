// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package image

import (
	"archive/tar"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
)

// archive is a tar file that is being written.
type archive struct {
	tar *tar.Writer
	// written holds the digests of the blobs in it: two platforms may share one.
	written map[string]bool
}

func (a *archive) file(name string, content []byte, mode int64) error {
	err := a.tar.WriteHeader(&tar.Header{
		Typeflag: tar.TypeReg, Name: name, Size: int64(len(content)), Mode: mode, ModTime: created, Format: tar.FormatUSTAR,
	})
	if err != nil {
		return err
	}
	_, err = a.tar.Write(content)
	return err
}

// blob writes content under its digest, as an OCI image layout has it.
func (a *archive) blob(mediaType string, content []byte) (descriptor, error) {
	sum := sha256.Sum256(content)
	digest := hex.EncodeToString(sum[:])
	d := descriptor{MediaType: mediaType, Digest: "sha256:" + digest, Size: len(content)}
	if a.written[digest] {
		return d, nil
	}
	a.written[digest] = true
	return d, a.file("blobs/sha256/"+digest, content, 0o644)
}

func sorted(binaries map[Platform]string) []Platform {
	return slices.SortedFunc(maps.Keys(binaries), func(a, b Platform) int { return cmp.Compare(a.String(), b.String()) })
}
