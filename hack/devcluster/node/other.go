// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package node

import (
	"context"
	"errors"
)

var errLinux = errors.New("a node's containers need Linux: run this on a Linux machine, or use kind")

// PlayRole plays no role: there are no namespaces.
func PlayRole() (code int, played bool) { return 0, false }

// Missing returns nothing: what is missing is Linux.
func Missing() []string { return nil }

// Install is not possible.
func Install(context.Context, Config, []string) error { return errLinux }

// CheckUser refuses everybody.
func CheckUser() error { return errLinux }

// Start is not possible.
func Start(context.Context, Config) error { return errLinux }

// Load is not possible.
func Load(context.Context, Config, ...string) error { return errLinux }

// Stop is not possible.
func Stop(context.Context, Config) error { return errLinux }
