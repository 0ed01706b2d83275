// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

// Command model checks the ownership protocol's Promela models with spin.
//
// Purpose: the protocol has rules that look redundant until the one interleaving comes that needs them. Each model here is explored
// exhaustively within its bounds, and each rule can be taken out by a switch (MUT_...): the checker must then find what goes wrong.
// README.md says what the models cover, what they leave out, and which check finds which removal.
//
// Contract: every clean check must be exhaustive and without error, every removal must be found by the check that the table in checks.go
// names; otherwise the command says so and exits with 1. A search cut short by depth, memory or time counts as a failure.
//
// A check goes: spin writes a verifier for the model and its switches, gcc compiles it, the verifier runs, its report is parsed
// (report.go). Checks run side by side, each in a directory of its own, which is kept when the check fails.
//
// Failure handling: spin and gcc are installed from the distribution when they are missing and the command runs as root on a machine
// with apt-get; otherwise it says what to install. A check that fails is repeated by hand in the directory that is printed.
package main
