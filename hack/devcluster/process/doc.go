// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

// Package process runs the programs that a cluster consists of.
//
// Contract: a [Group] starts programs one after the other, each with a log file in the group's directory, waits until one
// is ready, and stops them in the opposite order. When [Group.Stop] returns, every process that was started is gone.
//
// States of a process: running, stopping, gone. Failures: a process that ends without being told to is the group's
// failure, with the end of its log; the others run on until Stop. If the process that started them dies without Stop
// (kill -9), the kernel kills them on Linux; elsewhere they live on.
package process
