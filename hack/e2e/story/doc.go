// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

// Package story is the end-to-end story, on a real cluster: `make e2e`. A pool consumes a JetStream stream through the
// orders' handler, by Routed lanes, while it is scaled, rolled out, and loses workers in every way that a test can bring about.
// Orders that the handler rejects are parked meanwhile, move with their lanes, and are released or discarded. At the end no
// rule of order was broken (package checker) and no message lost, and the pauses of the lanes that moved are printed. A short
// second story has Native lanes.
//
// Contract: the story needs the cluster that KUBECONFIG names, whose nodes have the images convoy-operator, convoy-worker,
// convoy-e2e-handler, convoy-e2e-conductor and nats-server with the tag E2E_TAG (default dev), and E2E_MANIFEST, a
// file with config/default rendered. It runs in namespaces of its own, which it removes with all that it applied,
// unless E2E_KEEP is set. It talks to what runs in the cluster through the API server alone.
//
// One spec does not run without those before it: they are one story. When one fails, the logs of the pods are printed.
//
// Its tests have the build tag e2e, so that they are not run with all others.
package story
