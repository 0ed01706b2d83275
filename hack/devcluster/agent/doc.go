// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

// Package agent is a node for development: it takes the place of the kubelet and runs each container of its pods as a process
// of this machine. So pods run where there is no container runtime and no root. It isolates nothing: pods are
// this user's processes, see this machine's files and may connect to anything. It is for trying things out with programs
// that one trusts, and for nothing else. It needs Linux, where all of 127.0.0.0/8 is the machine itself.
//
// # Contract
//
// [Run] registers a Node, keeps it ready, and runs every pod that the scheduler binds to it, until its context ends. Then
// all processes are killed at once, as when a machine is switched off; the Node stays behind, and becomes not ready.
//
//	image      a name in a table; behind it is one program. A container's command replaces the program's name only
//	pod IP     a loopback address of the pod's own, so that pods do not fight over ports that they bind to it. Programs
//	           must listen on it: a program that listens on every address keeps that port from all pods
//	volumes    emptyDir, secret, configMap and projected (tokens too) are directories of the pod. There are no mounts:
//	           where a variable, an argument or a command names a mount path, it is replaced by the directory. Their files
//	           are written when the pod starts, and tokens again before they expire
//	token      a container with a service account token at the standard path gets a KUBECONFIG that uses it
//	variables  values, references, fields of the pod. None of Services
//	probes     httpGet and tcpSocket
//	preStop    httpGet
//	stop       preStop, SIGTERM, SIGKILL when the grace period is over; then the object is deleted, which finalizers may
//	           hold up; it says that every container has terminated by then
//	restarts   by the pod's and the container's policy and rules, RestartAllContainers included, with the kubelet's back-off
//
// A pod that needs anything else of this list (init containers, other volumes, exec hooks or probes, images that the table
// lacks) fails, and an event says why. What containers are to be limited by (resources, security contexts, users,
// read-only file systems) is not enforced. There are no logs, exec or port-forward by the API: what containers say is in
// files.
//
// # States of a pod
//
//	preparing    volumes and variables are made; what they refer to may not be there yet, and is tried again
//	running      containers run or wait for their restart
//	terminating  deleted, or gone from the API: processes are being stopped
//	ended        all processes have ended; the last status says so, and the object goes
//
// One goroutine owns each pod. Others (processes, probes, hooks, timers) tell it what happened by sending a function
// that it runs.
//
// # Failures
//
// An API server that is away is tried again for ever; pods run on meanwhile. When the agent dies (kill -9), the kernel kills
// its processes.
package agent
