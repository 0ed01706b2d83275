// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package story

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/hack/e2e/checker"
)

// runPod runs a pod of one container until it is ready, and returns its address.
func runPod(ctx SpecContext, name string, container corev1.Container) string {
	GinkgoHelper()
	container.Name = name
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{container}, TerminationGracePeriodSeconds: ptr.To[int64](1)},
	}
	for _, mount := range container.VolumeMounts {
		pod.Spec.Volumes = append(pod.Spec.Volumes, corev1.Volume{
			Name: mount.Name, VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}},
		})
	}
	Expect(cluster.Create(ctx, pod)).To(Succeed())
	Eventually(func(g Gomega) {
		g.Expect(cluster.Get(ctx, client.ObjectKeyFromObject(pod), pod)).To(Succeed())
		g.Expect(pod.Status.PodIP).NotTo(BeEmpty())
		g.Expect(pod.Status.ContainerStatuses).To(HaveLen(1))
		g.Expect(pod.Status.ContainerStatuses[0].Ready).To(BeTrue())
	}).WithContext(ctx).Should(Succeed(), "pod %s is not ready", name)
	return pod.Status.PodIP
}

// conduct asks the conductor, by way of the API server.
func conduct(ctx context.Context, verb, path string, params map[string]string) ([]byte, error) {
	request := clientset.CoreV1().RESTClient().Verb(verb).
		Namespace(namespace).Resource("pods").Name("conductor:7001").SubResource("proxy").Suffix(path)
	for name, value := range params {
		request = request.Param(name, value)
	}
	return request.DoRaw(ctx)
}

// paused are the lanes that stood still in a phase, once for each time.
func paused(got checker.Report, phase string) []int32 {
	var all []int32
	for _, pause := range got.Pauses {
		if pause.Phase == phase {
			all = append(all, pause.Lane)
		}
	}
	return all
}

// phase names what comes, in the output too.
func phase(ctx SpecContext, name string) {
	GinkgoHelper()
	By(name)
	_, err := conduct(ctx, "POST", "phase", map[string]string{"name": name})
	Expect(err).NotTo(HaveOccurred())
}

func report(ctx context.Context, verb, path string) (checker.Report, error) {
	var got checker.Report
	content, err := conduct(ctx, verb, path, nil)
	if err != nil {
		return got, err
	}
	return got, json.Unmarshal(content, &got)
}

// poolName is the pool's, in the story's namespace.
func poolName() types.NamespacedName {
	return types.NamespacedName{Namespace: namespace, Name: "orders"}
}

// change patches the pool's spec.
func change(ctx SpecContext, format string, args ...any) {
	GinkgoHelper()
	pool := &v1alpha1.ConvoyPool{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "orders"}}
	patch := fmt.Sprintf(`{"spec":`+format+`}`, args...)
	Expect(cluster.Patch(ctx, pool, client.RawPatch(types.MergePatchType, []byte(patch)))).To(Succeed())
}

// scale asks for so many workers by the scale subresource, as a person does.
func scale(ctx SpecContext, workers int) {
	GinkgoHelper()
	pool := &v1alpha1.ConvoyPool{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "orders"}}
	patch := fmt.Sprintf(`{"spec":{"replicas":%d}}`, workers)
	Expect(cluster.SubResource("scale").Patch(ctx, pool, client.RawPatch(types.MergePatchType, []byte(patch)))).To(Succeed())
}

// workers are the pool's pods.
func workers(ctx context.Context) ([]corev1.Pod, error) {
	list := &corev1.PodList{}
	err := cluster.List(ctx, list, client.InNamespace(namespace), client.MatchingLabels{v1alpha1.LabelPool: "orders"})
	return list.Items, err
}

func serves(pod corev1.Pod) bool {
	for _, c := range pod.Status.Conditions {
		if c.Type == v1alpha1.GateServing {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

// settled waits until so many pods are there, all of them serve, every lane is owned by one of them, and a message of it
// has come since it was granted.
func settled(ctx SpecContext, pods int) {
	GinkgoHelper()
	Eventually(func(g Gomega) {
		found, err := workers(ctx)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(found).To(HaveLen(pods))
		for _, pod := range found {
			g.Expect(serves(pod)).To(BeTrue(), pod.Name)
			g.Expect(pod.DeletionTimestamp).To(BeNil(), pod.Name)
		}
		ownedBy(ctx, g, found)
		granted := map[int32]int64{}
		for number, lane := range table(ctx, g).Lanes {
			granted[int32(number)] = lane.Epoch
		}
		got, err := report(ctx, "GET", "report")
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(got.Epochs).To(Equal(granted))
	}).WithContext(ctx).Should(Succeed())
}

func table(ctx context.Context, g Gomega) *v1alpha1.LaneTable {
	table := &v1alpha1.LaneTable{}
	g.Expect(cluster.Get(ctx, poolName(), table)).To(Succeed())
	g.Expect(table.Lanes).To(HaveLen(lanes))
	return table
}

// ownedBy checks that every lane is owned, and each by one of the pods.
func ownedBy(ctx context.Context, g Gomega, pods []corev1.Pod) {
	var names []string
	for _, pod := range pods {
		names = append(names, pod.Name)
	}
	for number, owner := range owners(ctx, g) {
		g.Expect(names).To(ContainElement(owner), "lane %d", number)
	}
}

// owners are the names of the pods that own each lane; "" for a lane that is on its way or nobody's.
func owners(ctx context.Context, g Gomega) []string {
	table := table(ctx, g)
	bound := map[int32]int32{}
	for _, slot := range table.Slots {
		if slot.Worker != nil {
			bound[slot.Index] = *slot.Worker
		}
	}
	owners := make([]string, len(table.Lanes))
	for i, lane := range table.Lanes {
		worker := lane.Worker
		if at, is := bound[ptr.Deref(lane.Slot, -1)]; worker == nil && is {
			worker = &at
		}
		if worker != nil && lane.State == nil {
			owners[i] = table.Workers[*worker].Name
		}
	}
	return owners
}

// anyOwner is a pod that owns a lane.
func anyOwner(ctx SpecContext) corev1.Pod {
	GinkgoHelper()
	owner := owners(ctx, Default)[0]
	Expect(owner).NotTo(BeEmpty())
	var pod corev1.Pod
	Expect(cluster.Get(ctx, types.NamespacedName{Namespace: namespace, Name: owner}, &pod)).To(Succeed())
	return pod
}

// killWorker kills the worker's process of a pod from a pod that sees its node's processes: the worker's image has no
// shell to do so from within.
func killWorker(ctx SpecContext, victim corev1.Pod) {
	GinkgoHelper()
	killer := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "killer-", Namespace: namespace},
		Spec: corev1.PodSpec{
			HostPID: true, NodeName: victim.Spec.NodeName, RestartPolicy: corev1.RestartPolicyNever,
			Containers: []corev1.Container{{
				Name: "killer", Image: "convoy-e2e-conductor:" + tag, Args: []string{"kill", string(victim.UID)},
				SecurityContext: &corev1.SecurityContext{Privileged: ptr.To(true), RunAsUser: ptr.To[int64](0)},
			}},
		},
	}
	Expect(cluster.Create(ctx, killer)).To(Succeed())
	Eventually(func(g Gomega) {
		g.Expect(cluster.Get(ctx, client.ObjectKeyFromObject(killer), killer)).To(Succeed())
		g.Expect(killer.Status.Phase).To(BeElementOf(corev1.PodSucceeded, corev1.PodFailed))
	}).WithContext(ctx).Should(Succeed())
	Expect(killer.Status.Phase).To(Equal(corev1.PodSucceeded), logsOf(ctx, *killer))
}

// logsOf is what the containers of a pod have said.
func logsOf(ctx context.Context, pod corev1.Pod) string {
	var all strings.Builder
	for _, container := range pod.Spec.Containers {
		options := &corev1.PodLogOptions{Container: container.Name, TailLines: ptr.To[int64](100)}
		content, err := clientset.CoreV1().Pods(pod.Namespace).GetLogs(pod.Name, options).DoRaw(ctx)
		fmt.Fprintf(&all, "== %s, container %s (%v)\n%s\n", pod.Name, container.Name, err, content)
	}
	return all.String()
}

// stubbornHandler is the pool's handler, as JSON, with the setting that has it ignore SIGTERM.
func stubbornHandler(ctx SpecContext) string {
	GinkgoHelper()
	pool := &unstructured.Unstructured{}
	pool.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("ConvoyPool"))
	Expect(cluster.Get(ctx, poolName(), pool)).To(Succeed())
	containers, _, err := unstructured.NestedSlice(pool.Object, "spec", "template", "spec", "containers")
	Expect(err).NotTo(HaveOccurred())
	handler := containers[0].(map[string]any)
	handler["env"] = append(handler["env"].([]any), map[string]any{"name": "HANDLER_IGNORE_TERM", "value": "true"})
	encoded, err := json.Marshal(handler)
	Expect(err).NotTo(HaveOccurred())
	return string(encoded)
}
