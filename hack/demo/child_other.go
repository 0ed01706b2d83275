// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package main

import "syscall"

// dieWithParent does nothing: this system has no such signal, and the node agent refuses to start on it.
func dieWithParent(*syscall.SysProcAttr) {}
