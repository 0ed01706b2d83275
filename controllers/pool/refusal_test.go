// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package pool_test

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"convoy.dev/convoy/api/v1alpha1"
)

var _ = Describe("A pool says who refuses what", func() {
	It("when the API server refuses the template, and goes on with the old one", func(ctx context.Context) {
		w := newWorld(ctx, nil)
		w.create(ctx, w.newPool(2, 4))
		w.change(ctx, func(p *v1alpha1.ConvoyPool) {
			p.Spec.Template.Spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "absent", MountPath: "/data"}}
		})
		Eventually(w.condition).WithArguments(ctx, v1alpha1.ConditionTemplateAccepted).Should(Equal("False/Refused"))
		Expect(w.fullCondition(ctx, v1alpha1.ConditionTemplateAccepted).Message).To(And(ContainSubstring("volumeMounts"), ContainSubstring("absent")))
		Expect(w.condition(ctx, v1alpha1.ConditionReady)).To(Equal("False/TemplateAccepted"))
		By("still scaling")
		w.scale(ctx, 3)
		w.settled(ctx, 3)
		By("mending it")
		w.change(ctx, func(p *v1alpha1.ConvoyPool) { p.Spec.Template.Spec.Containers[0].VolumeMounts = nil })
		Eventually(w.condition).WithArguments(ctx, v1alpha1.ConditionReady).Should(Equal("True/InForce"))
		Eventually(w.events).WithArguments(ctx).Should(ContainElements(
			HavePrefix("Warning Refused TemplateAccepted is False"), HavePrefix("Normal Accepted TemplateAccepted is True")))
	})

	It("when Pod Security refuses its pods", func(ctx context.Context) {
		w := newWorld(ctx, map[string]string{"pod-security.kubernetes.io/enforce": "restricted"})
		Expect(env.Client.Create(ctx, w.newPool(1, 2))).To(Succeed())
		Eventually(w.condition).WithArguments(ctx, v1alpha1.ConditionPodsAdmitted).Should(Equal("False/Refused"))
		message := w.fullCondition(ctx, v1alpha1.ConditionPodsAdmitted).Message
		Expect(message).To(And(ContainSubstring("PodSecurity"), ContainSubstring("handler")))
		Expect(message).NotTo(ContainSubstring("convoy-worker"), "the worker's own container is restricted as it should be")
		Expect(w.condition(ctx, v1alpha1.ConditionReady)).To(Equal("False/PodsAdmitted"))
		By("restricting the handler as well")
		w.change(ctx, func(p *v1alpha1.ConvoyPool) {
			p.Spec.Template.Spec.SecurityContext = &corev1.PodSecurityContext{
				RunAsNonRoot: ptr.To(true), SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
			}
			p.Spec.Template.Spec.Containers[0].SecurityContext = &corev1.SecurityContext{
				AllowPrivilegeEscalation: ptr.To(false), Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
			}
		})
		w.settled(ctx, 1)
		Eventually(w.condition).WithArguments(ctx, v1alpha1.ConditionPodsAdmitted).Should(Equal("True/Accepted"))
	})

	It("when a quota leaves no room for a pod, or for the surge pod of a rollout", func(ctx context.Context) {
		w := newWorld(ctx, nil)
		quota := &corev1.ResourceQuota{
			ObjectMeta: metav1.ObjectMeta{Name: "pods", Namespace: w.namespace},
			Spec:       corev1.ResourceQuotaSpec{Hard: corev1.ResourceList{corev1.ResourcePods: resource.MustParse("2")}},
		}
		Expect(env.Client.Create(ctx, quota)).To(Succeed())
		Eventually(func(g Gomega) {
			g.Expect(env.Client.Get(ctx, client.ObjectKeyFromObject(quota), quota)).To(Succeed())
			g.Expect(quota.Status.Hard).NotTo(BeEmpty())
		}).Should(Succeed())
		w.create(ctx, w.newPool(2, 8))
		w.scale(ctx, 4)
		Eventually(w.condition).WithArguments(ctx, v1alpha1.ConditionPodsAdmitted).Should(Equal("False/Refused"))
		Expect(w.fullCondition(ctx, v1alpha1.ConditionPodsAdmitted).Message).To(ContainSubstring("exceeded quota: pods"))
		Expect(w.running(ctx, Default)).To(HaveLen(2), "the lanes are with those that there are")
		w.scale(ctx, 2)
		Eventually(w.condition).WithArguments(ctx, v1alpha1.ConditionReady).Should(Equal("True/InForce"))
		w.change(ctx, func(p *v1alpha1.ConvoyPool) { p.Spec.Template.Spec.Containers[0].Image = "shop/orders:2" })
		Eventually(w.condition).WithArguments(ctx, v1alpha1.ConditionProgressing).Should(Equal("False/NoSurgePod"))
	})

	It("when its key expression is none", func(ctx context.Context) {
		w := newWorld(ctx, nil)
		pool := w.newPool(1, 1)
		pool.Spec.Key.Expression = "order_id"
		Expect(env.Client.Create(ctx, pool)).To(Succeed())
		Eventually(w.condition).WithArguments(ctx, v1alpha1.ConditionKeyExpressionValid).Should(Equal("False/DoesNotCompile"))
		Expect(w.fullCondition(ctx, v1alpha1.ConditionKeyExpressionValid).Message).To(And(ContainSubstring("line 1, column 1"), ContainSubstring("body.order_id")))
		Expect(w.condition(ctx, v1alpha1.ConditionReady)).To(Equal("False/KeyExpressionValid"))
		w.change(ctx, func(p *v1alpha1.ConvoyPool) { p.Spec.Key.Expression = "body.order_id" })
		w.settled(ctx, 1)
	})

	It("when workers report that the claim is another's", func(ctx context.Context) {
		w := newWorld(ctx, nil)
		w.kubelet.conditions = []metav1.Condition{{
			Type: v1alpha1.ConditionSourceClaimed, Status: metav1.ConditionFalse, Reason: v1alpha1.ReasonHeldByAnother,
			Message: "the stream ORDERS is claimed by pool other/orders", LastTransitionTime: metav1.Now(),
		}}
		w.create(ctx, w.newPool(2, 2))
		Eventually(w.condition).WithArguments(ctx, v1alpha1.ConditionReady).Should(Equal("False/SourceClaimed"))
		Expect(w.fullCondition(ctx, v1alpha1.ConditionReady).Message).To(ContainSubstring("other/orders"))
		w.kubelet.change(func() {
			w.kubelet.conditions[0].Status, w.kubelet.conditions[0].Reason = metav1.ConditionTrue, v1alpha1.ReasonClaimed
		})
		Eventually(w.condition).WithArguments(ctx, v1alpha1.ConditionReady).Should(Equal("True/InForce"))
	})

	It("when a worker reports that the broker does not do what it is asked for", func(ctx context.Context) {
		w := newWorld(ctx, nil)
		w.kubelet.conditions = []metav1.Condition{{
			Type: v1alpha1.ConditionSourceReachable, Status: metav1.ConditionFalse, Reason: v1alpha1.ReasonHoldLost,
			Message: "the broker has not confirmed 2 lanes", LastTransitionTime: metav1.Now(),
		}}
		w.create(ctx, w.newPool(2, 2))
		Eventually(w.condition).WithArguments(ctx, v1alpha1.ConditionReady).Should(Equal("False/SourceReachable"))
		Expect(w.condition(ctx, v1alpha1.ConditionSourceReachable)).To(Equal("False/HoldLost"))
		Expect(w.fullCondition(ctx, v1alpha1.ConditionReady).Message).To(ContainSubstring("not confirmed 2 lanes"))
		w.kubelet.change(func() {
			w.kubelet.conditions[0].Status, w.kubelet.conditions[0].Reason = metav1.ConditionTrue, v1alpha1.ReasonRequestsSucceed
		})
		Eventually(w.condition).WithArguments(ctx, v1alpha1.ConditionReady).Should(Equal("True/InForce"))
		Expect(w.condition(ctx, v1alpha1.ConditionSourceReachable)).To(Equal("True/RequestsSucceed"))
	})
})

// events are the events about the pool.
func (w *world) events(ctx context.Context) []string {
	GinkgoHelper()
	var list eventsv1.EventList
	Expect(env.Client.List(ctx, &list, client.InNamespace(w.namespace))).To(Succeed())
	var texts []string
	for _, e := range list.Items {
		if e.Regarding.Kind == "ConvoyPool" {
			texts = append(texts, e.Type+" "+e.Reason+" "+e.Note)
		}
	}
	return texts
}
