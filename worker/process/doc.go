// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

// Package process is a worker as a process of a pool's pod: it reads the environment that the operator sets, gives package
// run what it needs of the world, answers probes, and ends with a code that the pod's restart rules understand. The command
// convoy-worker is this with a handler over HTTP, and package worker with a handler in the same process.
//
// The environment:
//
//	CONVOY_SETTINGS         the pool's settings, as JSON (v1alpha1.WorkerSettings)
//	CONVOY_POD_NAMESPACE, CONVOY_POD_NAME, CONVOY_POD_UID, CONVOY_POD_IP
//	CONVOY_RESTART_BARRIER  timeout, where the API server does not restart the handler together with this container; it has no
//	                        meaning for a handler in this process, which ends with it
//	CONVOY_HANDLER_HOST     the pod's loopback address, 127.0.0.1 if unset; CONVOY_STATE_DIR: /var/run/convoy if unset;
//	                        KUBECONFIG: the pod's service account if unset. For development.
//
// The standard variables of OpenTelemetry turn tracing on: see package tracing.
//
// It listens at port 9440 of the pod's address: /healthz (this process's own loop turns), /readyz (configured, and the
// handler can be called), /drained (waits for the drain once the worker is told to stop), /metrics. At the same port of
// loopback, which nobody reaches from outside the pod but by the API server's leave (pods/portforward), it says what it has
// of a key: /peek?key=KEY.
//
// It logs JSON to standard error: what changes, never what messages carry. SIGTERM lets it drain, resign and end; a second
// signal gives up what runs. It ends with
//
//	0    it has resigned: it holds nothing and opens nothing again
//	254  it could not start; no call was made, a restart of this container alone is wanted
//	1    calls may be running: the handler is to be restarted with it, which the pod's restart rules see to
package process
