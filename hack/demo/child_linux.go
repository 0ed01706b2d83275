// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import "syscall"

// dieWithParent has the kernel kill the process when the thread that started it ends.
func dieWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGKILL }
