// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

// Package bench measures promises that need the whole data plane: a broker, a worker and a handler over HTTP, started by
// package plant. It has nothing but benchmarks, each of which prints its figures and fails when its promise is broken.
//
// Every figure has what it is held against beside it, measured in the same run, because a machine shared with others is at
// times twice as slow. Latencies are counted from the instant at which a message was due to be published, whether or not the
// publisher was late: a system that stands still must not be asked fewer questions for it. Module peer has the nearest rival
// beside Convoy.
package bench
