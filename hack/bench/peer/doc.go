// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

// Package peer measures Convoy beside the nearest that there is for the same broker: static partitioned consumer groups of
// JetStream (github.com/synadia-io/orbit.go/pcgroups), which keep the order of a key, too. It is a module of its own, so that
// nobody who builds Convoy has to have its rivals.
package peer
