// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// follow passes the words of the processes inside on until the cluster is ready, or ended.
func (c Config) follow(ctx context.Context, exited <-chan error) error {
	log, err := os.Open(filepath.Join(c.StateDir, logFile))
	if err != nil {
		return fmt.Errorf("following the start: %w", err)
	}
	return errors.Join(c.followLog(ctx, log, exited), log.Close())
}

func (c Config) followLog(ctx context.Context, log io.Reader, exited <-chan error) error {
	ticker := time.NewTicker(followPoll)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-exited:
			_, copyErr := io.Copy(c.Progress, log)
			return errors.Join(fmt.Errorf("the cluster ended while it started, as its log %s says: %w",
				filepath.Join(c.StateDir, logFile), errors.Join(err, errEnded)), copyErr)
		case <-ticker.C:
		}
		if _, err := io.Copy(c.Progress, log); err != nil {
			return fmt.Errorf("following the start: %w", err)
		}
		if _, err := os.Stat(c.Kubeconfig()); err == nil {
			return nil
		}
	}
}

// errEnded makes an end without an error one.
var errEnded = errors.New("it was to run on")
