// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"path"
	"time"

	"convoy.dev/convoy/controllers/cmd/kubectl-convoy/explain"
)

// Write writes files as a compressed tar archive, below one directory.
func Write(to io.Writer, directory string, files []File, now time.Time) error {
	compressed := gzip.NewWriter(to)
	archive := tar.NewWriter(compressed)
	for _, file := range files {
		header := &tar.Header{Name: path.Join(directory, file.Name), Mode: 0o644, Size: int64(len(file.Text)), ModTime: now}
		if err := archive.WriteHeader(header); err != nil {
			return fmt.Errorf("writing %s: %w", file.Name, err)
		}
		if _, err := archive.Write(file.Text); err != nil {
			return fmt.Errorf("writing %s: %w", file.Name, err)
		}
	}
	return errors.Join(archive.Close(), compressed.Close())
}

// Explanation is what explain says of the pool, with its quoted texts redacted as those of objects are.
func Explanation(report *explain.Report, now time.Time) File {
	r := &redactor{names: map[string]bool{report.Pool: true, report.Namespace: true}}
	return File{"explain.txt", []byte(r.text(report.Text(now)))}
}
