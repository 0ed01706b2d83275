// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

// Package child says what a pool's children look like: Deployment, ServiceAccount, RoleBinding, PodDisruptionBudget.
//
// # Contract
//
// Every function is pure: pool in, desired object out, to be applied by server-side apply. Equal pools give equal
// objects, so that [Hash] tells whether an object has to be applied at all. The Deployment is made from the template as
// the API server returned it, unstructured: a field that this version of Convoy does not know goes through unchanged.
//
// # The pod
//
// The user's containers stay first and in their order; convoy-worker is appended, or, with delivery.type Embedded, the
// first container is made the worker. What the pod gets besides, and why:
//
//   - a preStop hook in each of the user's containers, which waits until the worker has drained: SIGTERM reaches a
//     handler only when no call is left. The hook asks the worker's own port, which answers at once unless the worker
//     itself is terminating;
//   - terminationGracePeriodSeconds = handoff.drainTimeoutSeconds + the template's own (default 30), so that both the
//     drain and the handler's own end have the time they ask for;
//   - the readiness gate convoy.dev/serving and the finalizer convoy.dev/drained, which are the controller's to set;
//   - RestartAllContainers when the worker's process ends otherwise than in order: a call that its predecessor made may
//     still run in the handler. Where the cluster does not know that rule the worker waits instead (Config.Barrier);
//   - with delivery.type Embedded the worker's probes on the first container, where it has none of its own; neither that rule
//     nor the wait: the handler dies with its process;
//   - a service account token and the source's Secrets, mounted into the worker's container alone.
//
// Probes never ask the broker or the API server: neither can be mended by a restart.
//
// # Failure handling
//
// The schema refuses what cannot be built. What is left is an error of [Deployment], and refused pods are the API
// server's to say.
package child
