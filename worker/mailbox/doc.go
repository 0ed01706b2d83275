// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

// Package mailbox translates between the ConvoyWorker object, which controller and worker write to each other, and the
// values of package drain that both sides' pure cores reckon with. There is one translation, used by both, so that the
// two cannot come to read the same object differently.
//
// # Contract
//
// What is absent in the object is the zero value, but for the slot, which is drain's -1 while the worker is bound to
// none. Writing what was read gives the same object again, and reading what was written the same value, but for
// durations, which the object keeps in whole seconds: they are rounded up, because a quarantine may be longer than
// asked for and never shorter.
//
// Reading does not fail. Lists that somebody put out of order by hand are ordered, and of two entries of one unit the
// one with the higher epoch counts. A state of a newer version that this one does not know is read as Barred: the unit
// counts as held, and not as known to run.
//
// The package has no client, and no memory.
package mailbox
