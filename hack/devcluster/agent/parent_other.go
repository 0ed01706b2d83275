// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package agent

import "syscall"

// dieWithParent does nothing: the agent does not start on this system.
func dieWithParent(*syscall.SysProcAttr) {}
