// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

// Command worker is the process in the container convoy-worker of a pool's pods: it reads the lanes that the controller
// grants it and calls the handler in the pod's other container. Package run says what it does; this one gives it what it
// needs of the world.
//
// It takes no flags. The operator sets its environment:
//
//	CONVOY_SETTINGS         the pool's settings, as JSON (v1alpha1.WorkerSettings)
//	CONVOY_POD_NAMESPACE, CONVOY_POD_NAME, CONVOY_POD_UID, CONVOY_POD_IP
//	CONVOY_RESTART_BARRIER  timeout, where the API server does not restart the handler together with this container
//	CONVOY_HANDLER_HOST     127.0.0.1 if unset; CONVOY_STATE_DIR: /var/run/convoy if unset; KUBECONFIG: the pod's service
//	                        account if unset. For development.
//
// It listens at port 9440 of the pod's address: /healthz (this process's own loop turns), /readyz (configured, and the
// handler has accepted a connection once), /drained (waits for the drain once the worker is told to stop), /metrics.
//
// It logs JSON to standard error: what changes, never what messages carry. SIGTERM lets it drain, resign and end; a second
// signal gives up what runs. It ends with
//
//	0    it has resigned: it holds nothing and opens nothing again
//	254  it could not start; no call was made, a restart of this container alone is wanted
//	1    calls may be running: the handler is to be restarted with it, which the pod's restart rules see to
package main
