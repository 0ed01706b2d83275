// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package story

import (
	"context"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/types"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"convoy.dev/convoy/api/v1alpha1"
)

// reject has the handlers reject these keys from now on, and no others.
func reject(ctx SpecContext, keys ...string) {
	GinkgoHelper()
	_, err := conduct(ctx, "POST", "reject", map[string]string{"keys": strings.Join(keys, ",")})
	Expect(err).NotTo(HaveOccurred())
}

// areParked waits until workers say that these keys are parked, and no others.
func areParked(ctx SpecContext, keys ...string) {
	GinkgoHelper()
	Eventually(func(g Gomega) {
		g.Expect(parkedKeys(ctx, g)).To(ConsistOf(keys))
	}).WithContext(ctx).Should(Succeed())
}

// poolParks waits until the pool's status counts such a number of parked keys.
func poolParks(ctx SpecContext, keys types.GomegaMatcher) {
	GinkgoHelper()
	Eventually(func(g Gomega) {
		pool := &v1alpha1.ConvoyPool{}
		g.Expect(cluster.Get(ctx, poolName(), pool)).To(Succeed())
		g.Expect(pool.Status.Parked).To(HaveField("Keys", HaveValue(keys)))
	}).WithContext(ctx).Should(Succeed())
}

// parkedKeys are the keys that workers say are parked because the handler rejected a message.
func parkedKeys(ctx context.Context, g Gomega) []string {
	list := &v1alpha1.ConvoyWorkerList{}
	g.Expect(cluster.List(ctx, list, client.InNamespace(namespace))).To(Succeed())
	var keys []string
	for _, worker := range list.Items {
		if worker.Status == nil || worker.Status.Parked == nil {
			continue
		}
		for _, parked := range worker.Status.Parked.Longest {
			g.Expect(parked.Reason).To(Equal(v1alpha1.ParkRejected))
			keys = append(keys, parked.Key)
		}
	}
	return keys
}

// act asks for something to be done with parked keys, waits until it is, and returns what it came to.
func act(ctx SpecContext, kind v1alpha1.ActionType, keys []string) *v1alpha1.ActionProgress {
	GinkgoHelper()
	action := &v1alpha1.ConvoyAction{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "story-", Namespace: namespace},
		Spec:       v1alpha1.ConvoyActionSpec{Pool: poolName().Name, Type: kind, Selector: v1alpha1.ParkedSelector{Keys: keys}},
	}
	Expect(cluster.Create(ctx, action)).To(Succeed())
	Eventually(func(g Gomega) {
		g.Expect(cluster.Get(ctx, client.ObjectKeyFromObject(action), action)).To(Succeed())
		g.Expect(action.Status).NotTo(BeNil())
		g.Expect(meta.IsStatusConditionTrue(action.Status.Conditions, v1alpha1.ConditionComplete)).To(BeTrue(), "%+v", action.Status.Conditions)
	}).WithContext(ctx).Should(Succeed())
	return action.Status.Progress
}

// comesTo matches the progress of an action.
func comesTo(keys, done, failed int) types.GomegaMatcher {
	return And(
		HaveField("Keys", HaveValue(BeEquivalentTo(keys))),
		HaveField("Done", HaveValue(BeEquivalentTo(done))),
		HaveField("Failed", HaveValue(BeEquivalentTo(failed))),
	)
}
