// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"convoy.dev/convoy/api/v1alpha1"
)

// worker is a pod with its mailbox and the workers' role.
type worker struct {
	pod     *corev1.Pod
	account *corev1.ServiceAccount
	mailbox *v1alpha1.ConvoyWorker
}

func newWorker(ctx context.Context, namespace, name string) *worker {
	GinkgoHelper()
	meta := metav1.ObjectMeta{Name: name, Namespace: namespace}
	w := &worker{
		account: &corev1.ServiceAccount{ObjectMeta: meta},
		pod: &corev1.Pod{ObjectMeta: meta, Spec: corev1.PodSpec{
			ServiceAccountName: name, Containers: []corev1.Container{{Name: "handler", Image: "shop/orders:1"}},
		}},
		mailbox: &v1alpha1.ConvoyWorker{ObjectMeta: meta},
	}
	for _, object := range []client.Object{w.account, w.pod, w.mailbox} {
		Expect(env.Client.Create(ctx, object)).To(Succeed())
	}
	w.bindIn(ctx, namespace)
	return w
}

// bindIn gives the worker's service account the workers' role in a namespace.
func (w *worker) bindIn(ctx context.Context, namespace string) {
	GinkgoHelper()
	Expect(env.Client.Create(ctx, &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "worker-", Namespace: namespace},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: v1alpha1.WorkerClusterRole},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Name: w.account.Name, Namespace: w.account.Namespace}},
	})).To(Succeed())
}

// as returns a client with a token of the worker's service account, as the kubelet gets it for the pod, or bound to no pod.
func (w *worker) as(ctx context.Context, bound bool) client.Client {
	GinkgoHelper()
	request := &authenticationv1.TokenRequest{}
	if bound {
		request.Spec.BoundObjectRef = &authenticationv1.BoundObjectReference{APIVersion: "v1", Kind: "Pod", Name: w.pod.Name, UID: w.pod.UID}
	}
	Expect(env.Client.SubResource("token").Create(ctx, w.account, request)).To(Succeed())
	config := rest.AnonymousClientConfig(env.Config)
	config.BearerToken = request.Status.Token
	as, err := client.New(config, client.Options{Scheme: env.Scheme})
	Expect(err).NotTo(HaveOccurred())
	return as
}

// report writes the status of a mailbox.
func report(ctx context.Context, as client.Client, mailbox *v1alpha1.ConvoyWorker) error {
	next := mailbox.DeepCopy()
	next.Status = &v1alpha1.ConvoyWorkerStatus{Incarnation: ptr.To[int64](1)}
	return as.Status().Patch(ctx, next, client.MergeFrom(mailbox))
}

var _ = Describe("the policy on mailboxes", Ordered, func() {
	BeforeAll(func(ctx SpecContext) {
		for _, base := range []string{"policy", "rbac"} {
			rendered, err := env.Kubectl(ctx, "", "kustomize", inRepo("config/"+base))
			Expect(err).NotTo(HaveOccurred())
			_, err = env.Kubectl(ctx, inNamespace(rendered, "default"), "apply", "--server-side", "--force-conflicts", "-f", "-")
			Expect(err).NotTo(HaveOccurred())
		}
	})

	// A policy comes into force a moment after it is there.
	refused := func(ctx context.Context, as client.Client, mailbox *v1alpha1.ConvoyWorker) {
		GinkgoHelper()
		Eventually(ctx, func() error { return report(ctx, as, mailbox) }).WithTimeout(30 * time.Second).Should(MatchError(
			ContainSubstring("a worker writes the status of the ConvoyWorker that is named like its own pod and of no other")))
	}

	It("lets a worker write its own", func(ctx SpecContext) {
		own := newWorker(ctx, newNamespace(ctx), "a")
		Expect(report(ctx, own.as(ctx, true), own.mailbox)).To(Succeed())
	})

	It("refuses another worker's", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		one, other := newWorker(ctx, namespace, "a"), newWorker(ctx, namespace, "b")
		as := one.as(ctx, true)
		refused(ctx, as, other.mailbox)
		Expect(report(ctx, as, one.mailbox)).To(Succeed())
	})

	It("refuses a token that is bound to no pod", func(ctx SpecContext) {
		own := newWorker(ctx, newNamespace(ctx), "a")
		as := own.as(ctx, false)
		refused(ctx, as, own.mailbox)
	})

	It("refuses a pod of that name in another namespace", func(ctx SpecContext) {
		own, stranger := newWorker(ctx, newNamespace(ctx), "a"), newWorker(ctx, newNamespace(ctx), "a")
		stranger.bindIn(ctx, own.pod.Namespace)
		as := stranger.as(ctx, true)
		refused(ctx, as, own.mailbox)
	})

	It("leaves people alone", func(ctx SpecContext) {
		own := newWorker(ctx, newNamespace(ctx), "a")
		Expect(report(ctx, env.Client, own.mailbox)).To(Succeed())
	})
})
