// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

const (
	defaultSeconds = 60
	// minSeconds is the least in which every act has its place.
	minSeconds = 15
)

// settings are what the demo is started with.
type settings struct {
	length time.Duration
	seed   uint64
	// logs is where to keep logs; "" for nowhere.
	logs string
	// bin is the directory with the programs that the demo starts.
	bin string
	// checkout is the top of the repository.
	checkout string
}

// programs are what bin holds.
var programs = []string{"devcluster", "convoy-operator", "convoy-worker", "handler"}

// readSettings reads the environment, and the directory of the programs from the command line.
func readSettings(lookup func(string) string, args []string) (settings, error) {
	if len(args) != 1 {
		return settings{}, fmt.Errorf("name the directory with %v: `make demo` does", programs)
	}
	bin, err := filepath.Abs(args[0])
	if err != nil {
		return settings{}, fmt.Errorf("finding the programs: %w", err)
	}
	s := settings{seed: rand.Uint64N(1_000_000), bin: bin, logs: lookup("DEMO_LOGS")}
	seconds := defaultSeconds
	if text := lookup("DEMO_SECONDS"); text != "" {
		if seconds, err = strconv.Atoi(text); err != nil || seconds < minSeconds {
			return settings{}, fmt.Errorf("reading DEMO_SECONDS=%q: want a number from %d", text, minSeconds)
		}
	}
	s.length = time.Duration(seconds) * time.Second
	if text := lookup("DEMO_SEED"); text != "" {
		if s.seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			return settings{}, fmt.Errorf("reading DEMO_SEED=%q: want a number from 0", text)
		}
	}
	if s.checkout, err = os.Getwd(); err != nil {
		return settings{}, fmt.Errorf("finding the checkout: %w", err)
	}
	return s, nil
}

func (s settings) program(name string) string { return filepath.Join(s.bin, name) }
