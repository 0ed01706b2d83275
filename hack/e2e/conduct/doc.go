// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

// Package conduct is the part of the end-to-end story that runs in the cluster: it publishes the orders' events and
// collects what handlers report, and is told what to do over HTTP. A story reaches it through the API server, so that
// it needs no more of a cluster than a kubeconfig.
//
//	POST /publish?rate=&orders=&seed=   begin to publish; with lanes= to a stream that is partitioned into so many
//	POST /rest                          publish no more; answered when the stream has taken everything
//	POST /phase?name=                   name what comes, for the pauses in it
//	POST /reject?keys=                  from now on handlers reject these keys, and no others
//	POST /discard?keys=                 what is parked of these keys is about to be discarded
//	GET  /report                        the checker's report, as JSON
//	POST /finish                        judge what can only be judged at the end, and report
//
// A request that does not fit (publishing twice) is answered with 409, and a failure of the stream with 500 and words.
//
// [Kill] is apart from that: run in a pod that sees a node's processes, it kills the worker of one pod.
package conduct
