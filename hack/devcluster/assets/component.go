// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package assets

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Component is a program of Kubernetes' control plane or node, by the name of its binary.
type Component string

// The components this package can supply. Kubelet and KubeProxy run on Linux alone.
const (
	Etcd              Component = "etcd"
	APIServer         Component = "kube-apiserver"
	Kubectl           Component = "kubectl"
	ControllerManager Component = "kube-controller-manager"
	Scheduler         Component = "kube-scheduler"
	Kubelet           Component = "kubelet"
	KubeProxy         Component = "kube-proxy"
)

// recipe says how a component is built and what that costs.
type recipe struct {
	component Component
	// module is the folder, beside this package's, of the module that pins what is compiled.
	module string
	pkg    string
	// The costs are measured on amd64 with empty caches, components built in the order of this table: later ones find
	// most of their packages compiled. Two idle cores take half of cpuSeconds.
	cpuSeconds int
	// download is what Go's module proxy sends, goCaches what Go keeps of it and of compiled packages, binary
	// the stripped program; all in MB.
	download, goCaches, binary int
}

var recipes = []recipe{
	{Etcd, "etcd", "go.etcd.io/etcd/server/v3", 80, 33, 480, 24},
	{APIServer, "kubernetes", "k8s.io/kubernetes/cmd/kube-apiserver", 510, 81, 3060, 114},
	{Kubectl, "kubernetes", "k8s.io/kubernetes/cmd/kubectl", 45, 3, 240, 60},
	{ControllerManager, "kubernetes", "k8s.io/kubernetes/cmd/kube-controller-manager", 190, 3, 870, 101},
	{Scheduler, "kubernetes", "k8s.io/kubernetes/cmd/kube-scheduler", 20, 1, 45, 78},
	{Kubelet, "kubernetes", "k8s.io/kubernetes/cmd/kubelet", 50, 1, 200, 88},
	{KubeProxy, "kubernetes", "k8s.io/kubernetes/cmd/kube-proxy", 20, 1, 55, 76},
}

// ForTests returns the components that envtest needs.
func ForTests() []Component { return []Component{Etcd, APIServer, Kubectl} }

// ForControlPlane returns the components of a control plane with controllers, and kubectl to talk to it.
func ForControlPlane() []Component {
	return []Component{Etcd, APIServer, Kubectl, ControllerManager, Scheduler}
}

// ForNode returns the components of a cluster whose pods run.
func ForNode() []Component { return append(ForControlPlane(), Kubelet, KubeProxy) }

// ParseComponents reads a comma-separated list of component names, as given on a command line.
func ParseComponents(list string) ([]Component, error) {
	var wanted []Component
	for name := range strings.SplitSeq(list, ",") {
		component := Component(strings.TrimSpace(name))
		if !slices.Contains(known(), component) {
			return nil, fmt.Errorf("component %q is not known: name some of %v, separated by commas", component, known())
		}
		if !slices.Contains(wanted, component) {
			wanted = append(wanted, component)
		}
	}
	return wanted, nil
}

func known() []Component {
	var all []Component
	for _, r := range recipes {
		all = append(all, r.component)
	}
	return all
}

// command is what a person types to have the components made.
func command(wanted []Component) string {
	names := make([]string, 0, len(wanted))
	for _, component := range wanted {
		names = append(names, string(component))
	}
	return "go run -C hack/devcluster ./cmd/devcluster assets --components " + strings.Join(names, ",")
}

// missing returns the wanted components that dir does not hold as executable files.
func missing(dir string, wanted []Component) []Component {
	var lacking []Component
	for _, component := range wanted {
		info, err := os.Stat(filepath.Join(dir, string(component)))
		if err != nil || !info.Mode().IsRegular() || info.Mode()&0o111 == 0 {
			lacking = append(lacking, component)
		}
	}
	return lacking
}
