// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

// Package kube is a worker's mailbox on a Kubernetes API server: live reads, a watch and status writes of one ConvoyWorker.
// It is client-go's REST client and nothing above it: no informer, no cache, no queue, because a worker has one object, and
// has to know whether what it reads is live.
//
// Errors are the API server's, by the rules of apimachinery. Nothing is tried again here: worker/run decides that.
package kube
