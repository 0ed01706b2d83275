// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"net/netip"
	"path/filepath"
	"strconv"
)

// etcdSocket is relative to the data directory, where the components run: an absolute path is soon too long, for a
// socket's may have 104 bytes on some systems.
const etcdSocket = "etcd.sock"

// ServiceCIDR is where the addresses of services come from.
const ServiceCIDR = "10.96.0.0/16"

// arguments makes the components' command lines. Everything they share lies in dir.
type arguments struct {
	dir string
	at  netip.AddrPort
	// nodes says that kubelets join, so that the API server publishes its address and calls them.
	nodes bool
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
	args := []string{
		"--etcd-servers=unix://" + etcdSocket,
		"--bind-address=" + a.at.Addr().String(),
		"--advertise-address=" + a.at.Addr().String(),
		"--secure-port=" + strconv.Itoa(int(a.at.Port())),
		"--permit-port-sharing", // with our reservation of the port
		"--tls-cert-file=" + a.file(servingCertFile),
		"--tls-private-key-file=" + a.file(servingKeyFile),
		"--token-auth-file=" + a.file(tokensFile),
		"--authorization-mode=Node,RBAC",
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + a.file(serviceAccountKeyFile),
		"--service-account-signing-key-file=" + a.file(serviceAccountKeyFile),
		"--service-cluster-ip-range=" + ServiceCIDR,
		"--allow-privileged",
		"--profiling=false",
	}
	if !a.nodes {
		// The API server would publish its address as the endpoint of the service "kubernetes", which must not be loopback.
		return append(args, "--endpoint-reconciler-type=none")
	}
	return append(args,
		// A node's name is in nobody's DNS.
		"--kubelet-preferred-address-types=InternalIP",
		"--kubelet-client-certificate="+a.file(kubeletClientCertFile),
		"--kubelet-client-key="+a.file(kubeletClientKeyFile),
	)
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
func (a arguments) client(u User) []string {
	return []string{
		"--kubeconfig=" + a.file(u.File),
		"--authentication-kubeconfig=" + a.file(u.File),
		"--authorization-kubeconfig=" + a.file(u.File),
		"--leader-elect=false",
		"--secure-port=0",
		"--profiling=false",
	}
}
