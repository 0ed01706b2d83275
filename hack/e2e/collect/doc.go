// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

// Package collect brings what handlers report to one checker.
//
// Contract: a handler process has one connection, which is the process to the checker: what it tells arrives in the order
// in which it is told, and when it dies, however it dies, the kernel ends the connection. [Client.Start] and
// [Client.End] return when the checker has taken the news. [Server] asks a process whether it lives when another's call
// seems to overlap with one of its own (see package checker).
//
// On the wire there is one JSON object after another, in both directions.
//
// States of a client: connected, or not. While it is not, calls are refused with an error: a handler whose calls nobody
// would see must not work. A connection that breaks cancels the calls that run on it, because for the checker their
// process is gone; then the client connects again, as a new process.
//
// Failures: a server whose peer says nonsense ends that connection. Close of either side joins its goroutines.
package collect
