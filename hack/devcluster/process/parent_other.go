// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package process

import "syscall"

// dieWithParent does nothing: this system has no such signal, and only Stop ends the components.
func dieWithParent(*syscall.SysProcAttr) {}
