// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

// Package assets finds or makes the Kubernetes binaries that tests and the development cluster run.
//
// Contract: [Config.Resolve] returns one directory that holds every wanted component under its own name, as
// KUBEBUILDER_ASSETS wants it. Sources are asked in this order, and the first that holds all of them answers:
//
//	given       the directory named by KUBEBUILDER_ASSETS
//	cached      what an earlier run built
//	downloaded  the published envtest archive (etcd, kube-apiserver and kubectl alone)
//	built       compiled here from Go modules, into the cache
//
// The versions stand in kubernetes/go.mod and etcd/go.mod beside this package, and nowhere else; their go.sum
// files verify what is compiled. The two are apart so that neither program changes the other's dependencies.
//
// States: a component is in the cache complete or not at all, for it is compiled beside the cache directory and renamed
// into it. A lock file per version makes concurrent runs wait for one build instead of starting a second. The
// kernel drops the lock with its process, so a killed run blocks nobody; the next one removes what it left half-made.
//
// Failures: a given directory with a Kubernetes older than Convoy supports is refused, because a quiet fallback
// would test something else than what was asked for. A refused or slow download is no failure: the build follows at once.
// A failed build ends with the compiler's words.
package assets
