// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/utils/ptr"

	"convoy.dev/convoy/hack/devcluster/assets"
	"convoy.dev/convoy/hack/devcluster/controlplane"
)

// patience bounds each wait on a busy machine; an idle one needs a few seconds.
const patience = 2 * time.Minute

const (
	namespace = "default"
	image     = "example.com/program:1"
)

// node is a control plane with one agent.
type node struct {
	client kubernetes.Interface
	dir    string
	plane  *controlplane.ControlPlane
	cancel context.CancelFunc
	// ended has the agent's end.
	ended chan error
}

// shared is the node of all tests that leave it whole. TestMain stops it.
var shared struct {
	once sync.Once
	node *node
	err  error
}

func sharedNode(t *testing.T) *node {
	t.Helper()
	t.Parallel()
	shared.once.Do(func() { shared.node, shared.err = startNode() })
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.node
}

func stopShared() error {
	if shared.node == nil {
		return nil
	}
	return errors.Join(shared.node.stopAgent(), shared.node.stop())
}

func startNode() (n *node, err error) {
	found, err := assets.DefaultConfig(os.Stderr)
	if err != nil {
		return nil, err
	}
	n = &node{ended: make(chan error, 1)}
	ctx, cancel := context.WithCancel(context.Background())
	n.cancel = cancel
	bin, err := found.Lookup(ctx, assets.ForControlPlane()...)
	if err != nil {
		return nil, err
	}
	if n.dir, err = os.MkdirTemp("", "convoy-agent-test-"); err != nil {
		return nil, err
	}
	if n.plane, err = controlplane.Start(ctx, controlplane.Config{BinDir: bin, TempDir: n.dir}); err != nil {
		return nil, err
	}
	api, err := clientcmd.BuildConfigFromFlags("", n.plane.Kubeconfig)
	if err != nil {
		return nil, err
	}
	api.QPS, api.Burst = 200, 400
	if n.client, err = kubernetes.NewForConfig(api); err != nil {
		return nil, err
	}
	go func() {
		n.ended <- Run(ctx, Config{
			API: api, NodeName: "here", Dir: n.dir, Say: func(format string, args ...any) { fmt.Printf(format+"\n", args...) },
			Images: map[string]Program{image: {Path: os.Args[0], Env: map[string]string{
				asProgram: "1", "STATE": "/var/lib/state/x", "SELF": "$(POD_IP)",
			}}},
		})
	}()
	return n, nil
}

func (n *node) stopAgent() error {
	n.cancel()
	return <-n.ended
}

func (n *node) stop() error { return errors.Join(n.plane.Stop(), os.RemoveAll(n.dir)) }

// server is a container that serves until it is told to end.
func server(name string) corev1.Container {
	port := map[string]string{"main": "8080", "side": "8081"}[name]
	return corev1.Container{
		Name: name, Image: image, Command: []string{"/program", "in", name},
		Env: []corev1.EnvVar{
			{Name: "POD_IP", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "status.podIP"}}},
			{Name: "PORT", Value: port},
		},
		ReadinessProbe: &corev1.Probe{
			ProbeHandler:  corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/", Port: intstr.Parse(port)}},
			PeriodSeconds: 1,
		},
	}
}

func podOf(name string, containers ...corev1.Container) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"app": name}},
		Spec:       corev1.PodSpec{Containers: containers, TerminationGracePeriodSeconds: ptr.To[int64](100)},
	}
}

func (n *node) create(t *testing.T, pod *corev1.Pod) *corev1.Pod {
	t.Helper()
	made, err := n.client.CoreV1().Pods(namespace).Create(t.Context(), pod, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func (n *node) delete(t *testing.T, name string, grace *int64) {
	t.Helper()
	err := n.client.CoreV1().Pods(namespace).Delete(t.Context(), name, metav1.DeleteOptions{GracePeriodSeconds: grace})
	if err != nil {
		t.Fatal(err)
	}
}

// await watches a pod until a condition holds; nil stands for a pod that is gone.
func (n *node) await(t *testing.T, name string, holds func(*corev1.Pod) bool) *corev1.Pod {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	selector := fields.OneTermEqualSelector("metadata.name", name).String()
	list, err := n.client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{FieldSelector: selector})
	if err != nil {
		t.Fatal(err)
	}
	var last *corev1.Pod
	if len(list.Items) > 0 {
		last = &list.Items[0]
	}
	if holds(last) {
		return last
	}
	watch, err := n.client.CoreV1().Pods(namespace).Watch(ctx, metav1.ListOptions{FieldSelector: selector, ResourceVersion: list.ResourceVersion})
	if err != nil {
		t.Fatal(err)
	}
	defer watch.Stop()
	for event := range watch.ResultChan() {
		last, _ = event.Object.(*corev1.Pod)
		if event.Type == "DELETED" {
			last = nil
		}
		if holds(last) {
			return last
		}
	}
	t.Fatalf("it does not come to that; the pod's last state is %+v", last)
	return nil
}

func isGone(pod *corev1.Pod) bool { return pod == nil }

func isReady(pod *corev1.Pod) bool { return holds(pod, corev1.PodReady) }

func holds(pod *corev1.Pod, kind corev1.PodConditionType) bool {
	return pod != nil && slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == kind && c.Status == corev1.ConditionTrue
	})
}

func statusOf(pod *corev1.Pod, name string) corev1.ContainerStatus {
	if pod != nil {
		for _, s := range pod.Status.ContainerStatuses {
			if s.Name == name {
				return s
			}
		}
	}
	return corev1.ContainerStatus{}
}

// runs says that a container runs for the n-th time, counted from 0.
func runs(name string, n int32) func(*corev1.Pod) bool {
	return func(pod *corev1.Pod) bool {
		status := statusOf(pod, name)
		return status.Ready && status.State.Running != nil && status.RestartCount == n
	}
}

func processOf(t *testing.T, pod *corev1.Pod, name string) int {
	t.Helper()
	pid, err := ProcessOf(statusOf(pod, name).ContainerID)
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// get asks a container. One that ends instead of answering gives "".
func get(t *testing.T, pod *corev1.Pod, path string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+pod.Status.PodIP+":8080"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return ""
	}
	body, err := io.ReadAll(response.Body)
	if err := response.Body.Close(); err != nil {
		t.Error(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}
