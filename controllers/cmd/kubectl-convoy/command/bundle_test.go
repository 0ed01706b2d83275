// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package command_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"convoy.dev/convoy/api/v1alpha1"
)

// canaryPool has a word that begins with CANARY wherever a secret or a part of a message may be.
const canaryPool = `
metadata:
  name: orders
  annotations: {kubectl.kubernetes.io/last-applied-configuration: CANARY1}
spec:
  source: {nats: {servers: ["nats://nats:4222"], stream: ORDERS, auth: {token: {secretName: nats-token, key: token}}}}
  key: {expression: body.order_id}
  template:
    metadata: {annotations: {vault.example.org/token: CANARY2}}
    spec:
      initContainers:
      - {name: before, image: "shop/before:1", args: [CANARY3]}
      containers:
      - name: handler
        image: shop/orders:1
        command: [sh, CANARY4]
        env: [{name: PASSWORD, value: CANARY5}, {name: OTHER, valueFrom: {secretKeyRef: {name: login, key: password}}}]
        livenessProbe: {httpGet: {port: 80, httpHeaders: [{name: Authorization, value: CANARY6}]}}
        lifecycle: {postStart: {exec: {command: [CANARY7]}}}
      volumes:
      - {name: store, csi: {driver: example.org, volumeAttributes: {secret: CANARY8}}}
status:
  conditions:
  - {type: LaneBlocked, status: "True", reason: LookAheadFull, message: 'lane 3 takes no more messages: 9 of key "CANARY9 \"x\" CANARY10" wait', lastTransitionTime: "2026-01-01T00:00:00Z"}
  - {type: Ready, status: "False", reason: LaneBlocked, message: 'pod "orders-a" and key "CANARY11, cut', lastTransitionTime: "2026-01-01T00:00:00Z"}
`

// withCanaries is a pool whose objects hold all that must not be in a bundle.
func withCanaries(ctx context.Context) *world {
	GinkgoHelper()
	w := newWorld(ctx, canaryPool)
	w.pod(ctx, "orders-a", `
spec: {revision: 1}
status: {observedRevision: 0, lanes: [{lane: 0, epoch: 1, state: Draining}], waits: [{lane: 0, key: CANARY12}]}
`)
	w.table(ctx, "revision: 1\nslots: [{index: 0, worker: 0}]\nlanes: [{slot: 0, epoch: 1}]", "orders-a")
	w.create(ctx, &v1alpha1.ConvoyAction{ObjectMeta: metav1.ObjectMeta{Name: "release"}, Spec: v1alpha1.ConvoyActionSpec{
		Pool: poolName, Type: v1alpha1.ActionRelease, Selector: v1alpha1.ParkedSelector{Keys: []string{"CANARY13"}},
	}})
	w.create(ctx, &v1alpha1.ConvoyAction{ObjectMeta: metav1.ObjectMeta{Name: "not-ours"}, Spec: v1alpha1.ConvoyActionSpec{
		Pool: "payments", Type: v1alpha1.ActionRelease, Selector: v1alpha1.ParkedSelector{All: new(true)},
	}})
	for i, reason := range []string{"Unhealthy", "LaneBlocked"} {
		message := []string{"Readiness probe failed: CANARY14", `key "CANARY15" of pod "orders-a"`}[i]
		Expect(env.Client.Create(ctx, &corev1.Event{
			ObjectMeta:     metav1.ObjectMeta{Namespace: w.namespace, GenerateName: "orders-"},
			InvolvedObject: corev1.ObjectReference{Kind: "Pod", Namespace: w.namespace, Name: "orders-a", UID: uidOf(w, "orders-a")},
			Reason:         reason, Message: message,
		})).To(Succeed())
	}
	pod := &corev1.Pod{}
	Expect(env.Client.Get(ctx, w.key("orders-a"), pod)).To(Succeed())
	pod.Status.ContainerStatuses = []corev1.ContainerStatus{{
		Name: "handler", LastTerminationState: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Message: "CANARY16", ExitCode: 1}},
		State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff", Message: "back-off 10s"}},
	}}
	Expect(env.Client.Status().Update(ctx, pod)).To(Succeed())
	Expect(env.Client.Create(ctx, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "nats-token", Labels: map[string]string{v1alpha1.LabelPool: poolName}},
		StringData: map[string]string{"token": "CANARY17"},
	})).To(Succeed())
	return w
}

// unpacked are the files of an archive by their names below its one directory.
func unpacked(archive io.Reader) map[string]string {
	GinkgoHelper()
	plain, err := gzip.NewReader(archive)
	Expect(err).NotTo(HaveOccurred())
	files := map[string]string{}
	for reader := tar.NewReader(plain); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		Expect(err).NotTo(HaveOccurred())
		text, err := io.ReadAll(reader)
		Expect(err).NotTo(HaveOccurred())
		directory, name, _ := strings.Cut(header.Name, "/")
		Expect(directory).To(HavePrefix("convoy-orders-"))
		files[name] = string(text)
	}
}

// unpackedText is all of an archive.
func unpackedText(archive string) string {
	GinkgoHelper()
	files := unpacked(strings.NewReader(archive))
	return strings.Join(slices.Collect(maps.Values(files)), "\n")
}

var _ = Describe("support-bundle", func() {
	It("has objects and events, no secrets and no messages", func(ctx context.Context) {
		w := withCanaries(ctx)
		files := unpacked(strings.NewReader(w.ok(ctx, "support-bundle", poolName, "-f", "-")))
		Expect(slices.Sorted(maps.Keys(files))).To(Equal([]string{
			"convoyactions.yaml", "convoypool.yaml", "convoyworkers.yaml", "events.yaml", "explain.txt", "lanetable.yaml", "pods.yaml",
			"refused.txt", "server-version.json",
		}))
		for name, text := range files {
			Expect(text).NotTo(ContainSubstring("CANARY"), name)
		}
		for name, words := range map[string][]string{
			"convoypool.yaml":     {"stream: ORDERS", "name: PASSWORD\n          value: REDACTED", "secretName: nats-token", "shop/orders:1", "expression: body.order_id"},
			"convoyworkers.yaml":  {"key: REDACTED", "observedRevision: 0", "state: Draining"},
			"lanetable.yaml":      {"revision: 1"},
			"pods.yaml":           {"CrashLoopBackOff", "back-off 10s", "message: REDACTED", "phase: Running"},
			"convoyactions.yaml":  {"name: release", "- REDACTED"},
			"events.yaml":         {"reason: Unhealthy", `key "REDACTED" of pod "orders-a"`},
			"explain.txt":         {"Ready:   False, LaneBlocked", `9 of key "REDACTED" wait`},
			"server-version.json": {"gitVersion"},
			"refused.txt":         {"metrics of orders-a: "},
		} {
			for _, word := range words {
				Expect(files[name]).To(ContainSubstring(word), name)
			}
		}
		Expect(files["convoyactions.yaml"]).NotTo(ContainSubstring("not-ours"))
	})

	It("names what it was refused", func(ctx context.Context) {
		w := withCanaries(ctx)
		out, errOut := w.run(ctx, "carl", "", "support-bundle", poolName, "-f", "-")
		Expect(errOut).To(BeEmpty())
		files := unpacked(bytes.NewBufferString(out))
		Expect(files).To(HaveKey("convoypool.yaml"))
		for _, kind := range []string{"pods", "events", "deployments", "replicasets"} {
			Expect(files["refused.txt"]).To(ContainSubstring(fmt.Sprintf("%s: ", kind)))
		}
	})

	It("is a new file that only its owner may read", func(ctx context.Context) {
		w := withCanaries(ctx)
		file := path.Join(GinkgoT().TempDir(), "b.tar.gz")
		Expect(w.ok(ctx, "support-bundle", poolName, "-f", file)).To(Equal(file + "\n"))
		Expect(file).To(BeARegularFile())
		_, errOut := w.run(ctx, "ann", "", "support-bundle", poolName, "-f", file)
		Expect(errOut).To(Equal("error: open " + file + ": file exists"))
	})
})
