// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

// Package command is the commands of kubectl convoy. They are thin: flags in, a snapshot read or an object written, and what
// other packages make of it printed.
//
// # Contract
//
// Flags that say which cluster, user and namespace are kubectl's own and mean the same. A command reads what the role that
// views a namespace may read, and nothing more; restart, release, discard and peek need what edits it, too: peek has a port of
// a pod forwarded. Where a pool is named, its name may have its resource before it, as kubectl prints it: orders, or
// convoypool.convoy.dev/orders.
//
// # Failure handling
//
// Errors read as kubectl's do (Describe), and the program's exit code is 1.
package command
