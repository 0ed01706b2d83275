// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"path/filepath"
	"strconv"
)

// etcdSocket is relative to the data directory, where the components run: an absolute path is soon too long, for a
// socket's may have 104 bytes on some systems.
const etcdSocket = "etcd.sock"

// arguments makes the components' command lines. Everything they share lies in dir.
type arguments struct {
	dir  string
	port int
}

func (a arguments) file(name string) string { return filepath.Join(a.dir, name) }

func (a arguments) etcd() []string {
	const client = "unix://" + etcdSocket
	// etcd insists on a peer address of a form that others could reach. Nobody is there and nothing listens on it.
	const peer = "http://localhost:1"
	return []string{
		"--name=devcluster",
		"--data-dir=" + a.file("etcd"),
		"--unsafe-no-fsync",
		"--listen-client-urls=" + client,
		"--advertise-client-urls=" + client,
		"--listen-peer-urls=unix://peer.sock",
		"--initial-advertise-peer-urls=" + peer,
		"--initial-cluster=devcluster=" + peer,
		"--log-level=warn",
	}
}

func (a arguments) apiServer() []string {
	return []string{
		"--etcd-servers=unix://" + etcdSocket,
		"--bind-address=127.0.0.1",
		"--advertise-address=127.0.0.1",
		// The API server would publish its address as the endpoint of the service "kubernetes", which must not be loopback.
		"--endpoint-reconciler-type=none",
		"--secure-port=" + strconv.Itoa(a.port),
		"--permit-port-sharing", // with our reservation of the port
		"--tls-cert-file=" + a.file(servingCertFile),
		"--tls-private-key-file=" + a.file(servingKeyFile),
		"--token-auth-file=" + a.file(tokensFile),
		"--authorization-mode=Node,RBAC",
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + a.file(serviceAccountKeyFile),
		"--service-account-signing-key-file=" + a.file(serviceAccountKeyFile),
		"--service-cluster-ip-range=10.96.0.0/16",
		"--allow-privileged",
		"--profiling=false",
	}
}

func (a arguments) controllerManager() []string {
	return append(a.client(controllerManager),
		"--use-service-account-credentials",
		// At its start it asks for an account and a token per controller; with the default of 20/s that alone takes 5 s.
		"--kube-api-qps=500",
		"--kube-api-burst=1000",
		"--service-account-private-key-file="+a.file(serviceAccountKeyFile),
		"--root-ca-file="+a.file(caFile),
	)
}

func (a arguments) scheduler() []string { return a.client(scheduler) }

// client is for a component that is alone of its kind and that nobody calls.
func (a arguments) client(u user) []string {
	return []string{
		"--kubeconfig=" + a.file(u.kubeconfigFile),
		"--authentication-kubeconfig=" + a.file(u.kubeconfigFile),
		"--authorization-kubeconfig=" + a.file(u.kubeconfigFile),
		"--leader-elect=false",
		"--secure-port=0",
		"--profiling=false",
	}
}
