// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

// Package controlplane runs a Kubernetes control plane on this machine: etcd, kube-apiserver, kube-controller-manager
// and kube-scheduler, for tests and demos that need controllers (Deployments, garbage collection, service accounts)
// and not only an API. It has no nodes of its own: pods stay Pending until a kubelet joins, which [Config.Address] allows.
//
// Contract: [Start] returns once the API server says it is ready and the controllers have begun to work; [ControlPlane.Stop]
// returns once no process, port or file is left. Everything listens on loopback, unless [Config.Address] says otherwise: the API server on a free TCP port,
// etcd on a unix socket in the data directory, which only this user may enter; the others on nothing.
//
// States: starting, running, stopped. A component that exits in the running state makes [ControlPlane.Wait] return its
// error; the others run on until Stop. Stop may be called more than once and from any goroutine.
//
// Failures: a start that fails or is cancelled stops what it started, and its error carries the last lines of the
// log of the component at fault. If the process that called Start dies without Stop (kill -9), the kernel kills
// the components with it on Linux; the data directory stays behind and the next Start removes it: it knows an
// abandoned directory by its lock file, which no living process holds.
package controlplane
