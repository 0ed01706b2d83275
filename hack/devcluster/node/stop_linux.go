// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Stop ends the cluster at once, pods included, and removes what is left of it: also of one that was killed, or whose
// start was. It is no error if there is none.
func Stop(ctx context.Context, config Config) error {
	config, err := config.resolved()
	if err != nil {
		return fmt.Errorf("stopping the cluster: %w", err)
	}
	if _, err := os.Stat(config.StateDir); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err := CheckUser(); err != nil {
		return fmt.Errorf("stopping the cluster: %w", err)
	}
	lock, err := config.endHolder(ctx)
	if err != nil {
		return fmt.Errorf("stopping the cluster: %w", err)
	}
	err = config.clear(ctx)
	if err == nil {
		err = os.RemoveAll(config.StateDir)
	}
	if err := errors.Join(err, lock.Close()); err != nil {
		return fmt.Errorf("stopping the cluster: %w", err)
	}
	return nil
}

// endHolder ends whatever holds the state directory and takes it. A start in progress notices, and lets go.
func (c Config) endHolder(ctx context.Context) (*os.File, error) {
	ticker := time.NewTicker(followPoll)
	defer ticker.Stop()
	for {
		lock, err := hold(c.StateDir)
		if !errors.Is(err, errHeld) {
			return lock, err
		}
		running, err := readInstance(c.StateDir)
		if err == nil {
			err = running.end()
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-ticker.C:
		}
	}
}

// clear removes what an earlier cluster left, so that the state directory holds nothing but its lock. The caller holds
// it, so nothing runs.
func (c Config) clear(ctx context.Context) error {
	made, err := readInstance(c.StateDir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err == nil {
		// A start that was killed may have left its first process waiting for an order.
		if err := errors.Join(made.end(), c.release(ctx, made)); err != nil {
			return err
		}
	}
	entries, err := os.ReadDir(c.StateDir)
	if err != nil {
		return fmt.Errorf("clearing the state directory: %w", err)
	}
	for _, entry := range entries {
		if entry.Name() == lockFile {
			continue
		}
		if err := os.RemoveAll(filepath.Join(c.StateDir, entry.Name())); err != nil {
			return fmt.Errorf("clearing the state directory: %w", err)
		}
	}
	return nil
}

// release removes what an ended cluster leaves outside of its state directory.
func (c Config) release(ctx context.Context, made instance) error {
	var errs [2]error
	if made.Link != "" {
		errs[0] = removeLink(ctx, made.Link)
	}
	errs[1] = removeCgroups(made.Cgroup)
	return errors.Join(errs[:]...)
}
