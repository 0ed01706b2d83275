// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

// kubectl convoy: a plugin of kubectl that shows and mends pools. Put on the PATH as kubectl-convoy it is found by kubectl;
// under the name kubectl_complete-convoy, which a link to it will do for, it completes its own arguments for kubectl's
// completion.
//
// # Contract
//
// It reads and writes objects in the cluster and asks no broker: what no object says it does not show, but for peek, which
// asks a worker (ask). See command for the commands, and explain for what is said of a pool.
package main
