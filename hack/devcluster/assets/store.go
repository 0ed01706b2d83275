// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package assets

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// lockPoll is how often a waiting run looks whether the one before it is done. Builds take minutes.
const lockPoll = 200 * time.Millisecond

// store is the cache of one set of versions:
//
//	<CacheDir>/<versions>/lock    held while something is downloaded or built
//	<CacheDir>/<versions>/bin     complete binaries
//	<CacheDir>/<versions>/build-* what is being compiled, removed by the holder of the lock
//	<CacheDir>/envtest            the downloads, in setup-envtest's own layout
type store struct {
	Config
	versions Versions
}

func (s store) dir() string { return filepath.Join(s.CacheDir, s.versions.key()) }
func (s store) bin() string { return filepath.Join(s.dir(), "bin") }

func (s store) cached(_ context.Context, wanted []Component) (string, error) {
	if len(missing(s.bin(), wanted)) > 0 {
		return "", errElsewhere
	}
	return s.bin(), nil
}

// lock waits until no other run downloads or builds these versions. The kernel releases it when the process ends, in
// whatever way.
func (s store) lock(ctx context.Context, say func(string, ...any)) (unlock func(), err error) {
	if err := os.MkdirAll(s.bin(), 0o755); err != nil {
		return nil, fmt.Errorf("making the cache: %w", err)
	}
	file, err := os.OpenFile(filepath.Join(s.dir(), "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("locking the cache: %w", err)
	}
	if err := flock(ctx, file, say); err != nil {
		return nil, errors.Join(fmt.Errorf("locking the cache: %w", err), file.Close())
	}
	return func() { _ = file.Close() }, nil // It is empty: nothing can be lost.
}

func flock(ctx context.Context, file *os.File, say func(string, ...any)) error {
	ticker := time.NewTicker(lockPoll)
	defer ticker.Stop()
	for waited := false; ; waited = true {
		err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return err
		}
		if !waited {
			say("another run is building: waiting for it (lock %s)", file.Name())
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}
