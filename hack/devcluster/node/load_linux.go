// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Load gives images to the cluster's node, from archives as package image, kind and `docker save` make them. Pods that use them
// need an imagePullPolicy other than Always, which is the default for the tag "latest".
func Load(ctx context.Context, config Config, archives ...string) error {
	config, err := config.resolved()
	if err != nil {
		return fmt.Errorf("loading images: %w", err)
	}
	if ready, err := config.isReady(); err != nil || !ready {
		return errors.Join(err, fmt.Errorf("loading images: no cluster is ready in %s: start one with `make cluster-up`", config.StateDir))
	}
	for _, archive := range archives {
		start := time.Now()
		if err := importImage(ctx, filepath.Join(config.StateDir, socketFile), archive); err != nil {
			return err
		}
		config.say("loaded %s in %.1f s", archive, time.Since(start).Seconds())
	}
	return nil
}

func importImage(ctx context.Context, socket, archive string) error {
	// An early look: the program reports a missing file only after it has waited for the socket.
	if _, err := os.Stat(archive); err != nil {
		return fmt.Errorf("loading an image: %w", err)
	}
	if err := runQuietly(ctx, "ctr", "--address", socket, "--namespace", "k8s.io", "images", "import", archive); err != nil {
		return fmt.Errorf("loading an image: %w", err)
	}
	return nil
}
