// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

// Package node runs a Kubernetes cluster of one node on this machine: the control plane of package controlplane, and
// containerd, kubelet and kube-proxy. Its pods are real ones. It needs Linux and root, and no container engine.
//
// Contract: [Start] returns when the node is Ready; the cluster goes on in the background. [Stop] ends it and returns
// when nothing of it is left. [Load] gives it images. One state directory holds one cluster; several run side by side.
//
// The cluster lives in namespaces of its own, for mounts, processes, network, host name and IPC. So the machine's
// containerd, its /run, /var and /etc, its firewall and its sysctls are not touched, and the end of the first process in there
// is the end of everything: the kernel takes the processes, mounts, network namespaces, firewall chains and bridges along.
// What it does not take, Stop removes: the control groups and the state directory. One trace stays where control groups are of
// the second generation: controllers that had to be enabled below their root stay enabled.
//
//	machine ── convoy0 ═══ eth0 ── node: devcluster-init (reaps)
//	          10.213.0.1   10.213.0.2    └─ devcluster-node (supervises)
//	                                         ├─ etcd, kube-apiserver, kube-scheduler, kube-controller-manager
//	                                         ├─ containerd ── pods on 10.244.0.0/16, services on 10.96.0.0/16
//	                                         └─ kubelet, kube-proxy
//
// From the machine the API server is at the node's end of the link, and pods are reached by kubectl port-forward. Pods do
// not reach beyond the machine. There is no name server: services are reached by address, or by the variables that the
// kubelet gives to containers.
//
// States of the state directory: absent; held (its lock file is locked, by the first process or by a Start in
// progress); held and ready (it holds a kubeconfig, too); abandoned (not locked). Start and Stop clear what is
// abandoned, so both may be repeated and interrupted.
//
// Failures: what a machine lacks is named with its mend before anything is started. When a program ends, the cluster does;
// the state directory then keeps its log until the next Start or Stop.
package node
