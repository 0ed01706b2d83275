// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package assets

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Config says where binaries may come from and where they are kept.
type Config struct {
	// Checkout is the top of a Convoy checkout: its modules pin what is compiled.
	Checkout string
	// CacheDir keeps what was built or downloaded, one folder per set of versions.
	CacheDir string
	// Given is a directory of binaries that is taken first; empty means none.
	Given string
	// IndexURL is the list of published envtest archives. It is asked before the downloading tool is compiled,
	// so that a machine without that network loses no time; empty means no download.
	IndexURL string
	// GoCommand is the go command to compile with.
	GoCommand string
	// Progress takes lines for people: what is built, how long it takes.
	Progress io.Writer
}

// DefaultConfig is the configuration that the environment asks for: the checkout around the working directory, the user's
// cache directory, and KUBEBUILDER_ASSETS.
func DefaultConfig(progress io.Writer) (Config, error) {
	checkout, err := FindCheckout(".")
	if err != nil {
		return Config{}, err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return Config{}, fmt.Errorf("finding the cache directory: %w", err)
	}
	return Config{
		Checkout:  checkout,
		CacheDir:  filepath.Join(cache, "convoy", "devcluster"),
		Given:     os.Getenv("KUBEBUILDER_ASSETS"),
		IndexURL:  envtestIndex,
		GoCommand: "go",
		Progress:  progress,
	}, nil
}

// errElsewhere is a source's answer when it does not hold all that is wanted and the next one is to be asked.
var errElsewhere = errors.New("not all components are here")

// source answers with a directory that holds all wanted components, or with errElsewhere.
type source func(ctx context.Context, wanted []Component) (string, error)

// Resolve returns a directory that holds all wanted components, building them if no other source has them. Cancelling
// ctx ends a download or build and leaves nothing half-made.
func (c Config) Resolve(ctx context.Context, wanted ...Component) (string, error) {
	store, err := c.openStore()
	if err != nil {
		return "", err
	}
	if dir, err := firstOf(ctx, wanted, c.given, store.cached); !errors.Is(err, errElsewhere) {
		return dir, err
	}
	unlock, err := store.lock(ctx, c.say)
	if err != nil {
		return "", err
	}
	defer unlock()
	// The cache is asked again: whoever held the lock before may have built what is wanted.
	return firstOf(ctx, wanted, store.cached, store.downloaded, store.built)
}

// Lookup is [Config.Resolve] without download and build: missing components are an error that names the command
// which makes them.
func (c Config) Lookup(ctx context.Context, wanted ...Component) (string, error) {
	store, err := c.openStore()
	if err != nil {
		return "", err
	}
	dir, err := firstOf(ctx, wanted, c.given, store.cached)
	if errors.Is(err, errElsewhere) {
		return "", fmt.Errorf("%s holds no %v: run `%s` first", store.bin(), missing(store.bin(), wanted), command(wanted))
	}
	return dir, err
}

func (c Config) openStore() (store, error) {
	versions, err := ReadVersions(c.Checkout)
	if err != nil {
		return store{}, err
	}
	return store{Config: c, versions: versions}, nil
}

func firstOf(ctx context.Context, wanted []Component, sources ...source) (string, error) {
	for _, find := range sources {
		dir, err := find(ctx, wanted)
		if !errors.Is(err, errElsewhere) {
			return dir, err
		}
	}
	return "", errElsewhere
}

// say writes one line for people. The work goes on when nobody can read it.
func (c Config) say(format string, args ...any) {
	_, _ = fmt.Fprintf(c.Progress, "devcluster: "+format+"\n", args...)
}
