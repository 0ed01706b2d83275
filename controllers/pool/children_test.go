// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package pool_test

import (
	"context"
	"encoding/json"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"convoy.dev/convoy/api/v1alpha1"
)

var _ = Describe("The children of a pool", func() {
	It("are a Deployment, a service account with its binding, a budget, a table and mailboxes, all owned by it", func(ctx context.Context) {
		w := newWorld(ctx, nil)
		pool := w.newPool(2, 4)
		pool.Spec.Source.NATS.Auth = &v1alpha1.NATSAuth{Creds: &v1alpha1.SecretKey{SecretName: "nats-orders", Key: "orders.creds"}}
		pool.Spec.Template.Spec.TerminationGracePeriodSeconds = ptr.To[int64](7)
		pool.Spec.Template.Spec.Containers = append(pool.Spec.Template.Spec.Containers, corev1.Container{Name: "second", Image: "shop/second:1"})
		w.create(ctx, pool)
		owned := func(o client.Object, name string) {
			GinkgoHelper()
			Expect(env.Client.Get(ctx, w.key(name), o)).To(Succeed())
			Expect(metav1.IsControlledBy(o, pool)).To(BeTrue(), "%T is owned by the pool", o)
		}

		deployment := &appsv1.Deployment{}
		owned(deployment, poolName)
		Expect(deployment.Spec.Strategy.RollingUpdate.MaxSurge.IntValue()).To(Equal(1))
		Expect(deployment.Spec.Strategy.RollingUpdate.MaxUnavailable.IntValue()).To(BeZero())
		template := deployment.Spec.Template
		Expect(template.Finalizers).To(ConsistOf(v1alpha1.FinalizerDrained))
		Expect(template.Spec.ReadinessGates).To(ConsistOf(corev1.PodReadinessGate{ConditionType: v1alpha1.GateServing}))
		Expect(template.Spec.TerminationGracePeriodSeconds).To(HaveValue(BeEquivalentTo(2 + 7)))
		Expect(template.Spec.AutomountServiceAccountToken).To(HaveValue(BeFalse()))
		containers := template.Spec.Containers
		Expect([]string{containers[0].Name, containers[1].Name, containers[2].Name}).To(Equal([]string{"handler", "second", "convoy-worker"}))
		for _, c := range containers[:2] {
			Expect(c.Lifecycle.PreStop.HTTPGet.Path).To(Equal("/drained"))
			Expect(c.VolumeMounts).To(BeEmpty(), "the token and the source's credentials are the worker's alone")
		}
		worker := containers[2]
		Expect(worker.Image).To(Equal(workerImage))
		Expect(worker.RestartPolicyRules).To(HaveLen(1))
		Expect(worker.RestartPolicyRules[0].Action).To(Equal(corev1.ContainerRestartRuleActionRestartAllContainers))
		var settings v1alpha1.WorkerSettings
		Expect(json.Unmarshal([]byte(worker.Env[0].Value), &settings)).To(Succeed())
		Expect(settings.Pool).To(Equal(v1alpha1.PoolIdentity{Namespace: w.namespace, Name: poolName, UID: pool.UID}))
		Expect(settings.File("nats-orders", "orders.creds")).To(Equal("/var/run/convoy-source/nats-orders/orders.creds"))

		owned(&corev1.ServiceAccount{}, poolName+"-worker")
		binding := &rbacv1.RoleBinding{}
		owned(binding, poolName+"-worker")
		Expect(binding.RoleRef.Name).To(Equal("convoy-worker"))
		Expect(binding.Subjects).To(HaveLen(1))
		budget := &policyv1.PodDisruptionBudget{}
		owned(budget, poolName)
		Expect(budget.Spec.MaxUnavailable.IntValue()).To(Equal(1))
		Expect(budget.Spec.UnhealthyPodEvictionPolicy).To(HaveValue(Equal(policyv1.AlwaysAllow)))
		owned(&v1alpha1.LaneTable{}, poolName)
		for _, pod := range w.pods(ctx) {
			mailbox := &v1alpha1.ConvoyWorker{}
			Expect(env.Client.Get(ctx, w.key(pod.Name), mailbox)).To(Succeed())
			Expect(mailbox.OwnerReferences[0].UID).To(Equal(pod.UID))
		}
	})

	It("make the first container the worker with delivery.type Embedded, and add none", func(ctx context.Context) {
		w := newWorld(ctx, nil)
		pool := w.newPool(1, 2)
		pool.Spec.Delivery.Type = ptr.To(v1alpha1.DeliveryEmbedded)
		own := &corev1.Probe{ProbeHandler: corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: []string{"/alive"}}}}
		first := &pool.Spec.Template.Spec.Containers[0]
		first.Env, first.LivenessProbe = []corev1.EnvVar{{Name: "MODE", Value: "fast"}}, own
		pool.Spec.Template.Spec.Containers = append(pool.Spec.Template.Spec.Containers, corev1.Container{Name: "second", Image: "shop/second:1"})
		w.create(ctx, pool)

		deployment := &appsv1.Deployment{}
		Expect(env.Client.Get(ctx, w.key(poolName), deployment)).To(Succeed())
		containers := deployment.Spec.Template.Spec.Containers
		Expect(containers).To(HaveLen(2))
		worker := containers[0]
		Expect(worker.Name).To(Equal("handler"))
		Expect(worker.Image).NotTo(Equal(workerImage))
		Expect(worker.Lifecycle).To(BeNil(), "it drains by itself")
		Expect(worker.LivenessProbe.Exec.Command).To(Equal([]string{"/alive"}), "a probe of the user's stays")
		Expect(worker.ReadinessProbe.HTTPGet.Path).To(Equal("/readyz"))
		Expect(worker.VolumeMounts).NotTo(BeEmpty())
		var settings v1alpha1.WorkerSettings
		Expect(worker.Env[0].Name).To(Equal("MODE"))
		Expect(worker.Env[1].Name).To(Equal(v1alpha1.EnvSettings))
		Expect(json.Unmarshal([]byte(worker.Env[1].Value), &settings)).To(Succeed())
		Expect(settings.Delivery.Type).To(HaveValue(Equal(v1alpha1.DeliveryEmbedded)))
		Expect(containers[1].Lifecycle.PreStop.HTTPGet.Path).To(Equal("/drained"))
		for _, pod := range w.pods(ctx) {
			Expect(env.Client.Get(ctx, w.key(pod.Name), &v1alpha1.ConvoyWorker{})).To(Succeed())
		}
	})

	It("use the template's service account when it names one", func(ctx context.Context) {
		w := newWorld(ctx, nil)
		pool := w.newPool(1, 1)
		pool.Spec.Template.Spec.ServiceAccountName = "own"
		w.create(ctx, pool)
		binding := &rbacv1.RoleBinding{}
		Expect(env.Client.Get(ctx, w.key(poolName+"-worker"), binding)).To(Succeed())
		Expect(binding.Subjects[0].Name).To(Equal("own"))
		Expect(env.Client.Get(ctx, w.key(poolName+"-worker"), &corev1.ServiceAccount{})).To(MatchError(ContainSubstring("not found")))
	})

	It("are put right when somebody else changes them, and left alone where they are not Convoy's", func(ctx context.Context) {
		w := newWorld(ctx, nil)
		w.create(ctx, w.newPool(2, 4))
		By("changing the handler's image, and adding something, as another field manager")
		_, err := env.Kubectl(ctx, "", "annotate", "deployment", poolName, "team=shop", "-n", w.namespace)
		Expect(err).NotTo(HaveOccurred())
		_, err = env.Kubectl(ctx, "", "set", "image", "deployment/"+poolName, "handler=shop/other:1", "-n", w.namespace)
		Expect(err).NotTo(HaveOccurred())
		Eventually(func(g Gomega) {
			d := w.deployment(ctx)
			g.Expect(d.Spec.Template.Spec.Containers[0].Image).To(Equal("shop/orders:1"))
			g.Expect(d.Annotations).To(HaveKeyWithValue("team", "shop"))
		}).Should(Succeed())
		By("scaling the Deployment")
		_, err = env.Kubectl(ctx, "", "scale", "deployment", poolName, "--replicas=5", "-n", w.namespace)
		Expect(err).NotTo(HaveOccurred())
		Eventually(func() *int32 { return w.deployment(ctx).Spec.Replicas }).Should(HaveValue(BeEquivalentTo(2)))
		w.settled(ctx, 2)
	})

	It("come back when somebody deletes them", func(ctx context.Context) {
		w := newWorld(ctx, nil)
		w.create(ctx, w.newPool(2, 4))
		for _, o := range []client.Object{
			&policyv1.PodDisruptionBudget{ObjectMeta: metav1.ObjectMeta{Name: poolName, Namespace: w.namespace}},
			&rbacv1.RoleBinding{ObjectMeta: metav1.ObjectMeta{Name: poolName + "-worker", Namespace: w.namespace}},
		} {
			Expect(env.Client.Delete(ctx, o)).To(Succeed())
			Eventually(func() error { return env.Client.Get(ctx, client.ObjectKeyFromObject(o), o) }).Should(Succeed())
		}
		By("deleting a mailbox, which a worker that runs goes on with")
		mailbox := &v1alpha1.ConvoyWorker{ObjectMeta: metav1.ObjectMeta{Name: w.pods(ctx)[0].Name, Namespace: w.namespace}}
		before := w.history.last()
		Expect(env.Client.Delete(ctx, mailbox)).To(Succeed())
		Eventually(func(g Gomega) {
			g.Expect(env.Client.Get(ctx, client.ObjectKeyFromObject(mailbox), mailbox)).To(Succeed())
			g.Expect(mailbox.Spec).NotTo(BeNil())
			g.Expect(mailbox.Spec.Lanes).To(HaveLen(2))
		}).Should(Succeed())
		w.settled(ctx, 2)
		Expect(w.history.grants(before.Revision)).To(HaveEach(BeZero()), "no lane moved")
	})

	It("include a table that is made anew from what workers say when it is lost", func(ctx context.Context) {
		w := newWorld(ctx, nil)
		w.create(ctx, w.newPool(2, 4))
		before := w.history.last()
		table := &v1alpha1.LaneTable{ObjectMeta: metav1.ObjectMeta{Name: poolName, Namespace: w.namespace}}
		Expect(env.Client.Delete(ctx, table)).To(Succeed())
		Eventually(func(g Gomega) {
			g.Expect(env.Client.Get(ctx, w.key(poolName), table)).To(Succeed())
			g.Expect(table.Rebuilt).To(HaveValue(BeNumerically(">", resourceVersion(before))))
			g.Expect(table.OwnUID).To(HaveValue(BeEquivalentTo(table.UID)))
		}).Should(Succeed())
		w.settled(ctx, 2)
		for i := range before.Lanes {
			Expect(w.workerOf(w.history.last(), i)).To(Equal(w.workerOf(before, i)), "lane %d stayed", i)
		}
		Expect(forced(w.history.last())).To(Equal(4), "somebody unknown may have a later grant of the lost table")
		By("moving lanes, each of which waits once")
		w.scale(ctx, 4)
		w.settled(ctx, 4)
		Eventually(func() int { return forced(w.history.last()) }).Should(Equal(2))
	})

	It("include a table that is made anew when a copy of an earlier one is put back", func(ctx context.Context) {
		w := newWorld(ctx, nil)
		w.create(ctx, w.newPool(2, 4))
		w.quiet(ctx)
		w.operator.stop()
		lost := w.history.last()
		By("putting back what fits the workers' objects to the letter")
		backup := lost.DeepCopy()
		backup.ObjectMeta = metav1.ObjectMeta{Name: backup.Name, Namespace: backup.Namespace, Labels: backup.Labels, OwnerReferences: backup.OwnerReferences}
		Expect(env.Client.Delete(ctx, lost.DeepCopy())).To(Succeed())
		Expect(env.Client.Create(ctx, backup)).To(Succeed())
		w.operator = startOperator(w.namespace, clock.RealClock{})
		table := &v1alpha1.LaneTable{}
		Eventually(func(g Gomega) {
			g.Expect(env.Client.Get(ctx, w.key(poolName), table)).To(Succeed())
			g.Expect(table.OwnUID).To(HaveValue(BeEquivalentTo(table.UID)))
			g.Expect(table.Rebuilt).To(HaveValue(BeNumerically(">", resourceVersion(lost))))
		}).Should(Succeed())
		w.settled(ctx, 2)
		Expect(forced(w.history.last())).To(Equal(4))
	})

	It("do without the restart rule while any node's kubelet may not know it", func(ctx context.Context) {
		w := newWorld(ctx, nil)
		w.create(ctx, w.newPool(1, 1))
		rules := func() []corev1.ContainerRestartRule {
			containers := w.deployment(ctx).Spec.Template.Spec.Containers
			return containers[len(containers)-1].RestartPolicyRules
		}
		Expect(rules()).To(HaveLen(1))
		for _, version := range []string{"v1.35.9", "of the house"} {
			w.quiet(ctx)
			node := &corev1.Node{
				ObjectMeta: metav1.ObjectMeta{GenerateName: "old-"},
				Status:     corev1.NodeStatus{NodeInfo: corev1.NodeSystemInfo{KubeletVersion: version}},
			}
			Expect(env.Client.Create(ctx, node)).To(Succeed())
			DeferCleanup(func(ctx context.Context) { Expect(client.IgnoreNotFound(env.Client.Delete(ctx, node))).To(Succeed()) })
			Eventually(rules).Should(BeEmpty(), "when a node with kubelet %q joins", version)
			w.quiet(ctx)
			Expect(env.Client.Delete(ctx, node)).To(Succeed())
			Eventually(rules).Should(HaveLen(1), "when that node has left")
		}
	})

	It("do not include a pod that merely bears the pool's label", func(ctx context.Context) {
		w := newWorld(ctx, nil)
		w.create(ctx, w.newPool(1, 2))
		stray := &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{
				Name: "stray", Namespace: w.namespace, Labels: map[string]string{v1alpha1.LabelPool: poolName, "app.kubernetes.io/managed-by": "convoy"},
			},
			Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: v1alpha1.WorkerContainer, Image: workerImage}}},
		}
		Expect(env.Client.Create(ctx, stray)).To(Succeed())
		w.scale(ctx, 2)
		Eventually(func(g Gomega) { g.Expect(w.running(ctx, g)).To(HaveLen(2)) }).Should(Succeed())
		Consistently(func() error { return env.Client.Get(ctx, w.key("stray"), &v1alpha1.ConvoyWorker{}) }).Should(MatchError(ContainSubstring("not found")))
		Expect(w.podNames(ctx)).To(HaveLen(3))
	})

	It("do not take what is somebody else's", func(ctx context.Context) {
		w := newWorld(ctx, nil)
		labels := map[string]string{"app": "mine"}
		mine := &appsv1.Deployment{
			ObjectMeta: metav1.ObjectMeta{Name: poolName, Namespace: w.namespace},
			Spec: appsv1.DeploymentSpec{
				Replicas: ptr.To[int32](0), Selector: &metav1.LabelSelector{MatchLabels: labels},
				Template: corev1.PodTemplateSpec{
					ObjectMeta: metav1.ObjectMeta{Labels: labels},
					Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "mine", Image: "mine:1"}}},
				},
			},
		}
		Expect(env.Client.Create(ctx, mine)).To(Succeed())
		Expect(env.Client.Create(ctx, w.newPool(1, 1))).To(Succeed())
		Eventually(w.condition).WithArguments(ctx, v1alpha1.ConditionTemplateAccepted).Should(Equal("False/Refused"))
		Expect(w.fullCondition(ctx, v1alpha1.ConditionTemplateAccepted).Message).To(ContainSubstring("rename the pool"))
		Expect(w.condition(ctx, v1alpha1.ConditionReady)).To(Equal("False/TemplateAccepted"))
		Expect(w.deployment(ctx).Spec.Template.Spec.Containers[0].Image).To(Equal("mine:1"))
	})
})
