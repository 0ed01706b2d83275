// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package pool_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"
	"k8s.io/utils/ptr"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/controllers/testenv"
)

// parkedKeys is what is parked in a pool's lanes; each key has two messages. It stays when workers come and go.
type parkedKeys struct {
	mu   sync.Mutex
	keys map[int32][]string
	// bad are keys that fail again, failed the action that they have failed by.
	bad    map[string]bool
	failed map[string]string
	// stands says that no key gets done.
	stands bool
}

func (p *parkedKeys) change(how func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	how()
}

// park parks a key in each of so many lanes.
func (p *parkedKeys) park(lanes int32) {
	p.change(func() {
		p.keys, p.failed = map[int32][]string{}, map[string]string{}
		for lane := range lanes {
			p.keys[lane] = append(p.keys[lane], fmt.Sprintf("order-%d", lane))
		}
	})
}

func (p *parkedKeys) left() (n int) {
	p.change(func() {
		for _, keys := range p.keys {
			n += len(keys)
		}
	})
	return n
}

// act does what a worker does with its order: in each lane that it runs, one key a turn, and says what is parked.
func (w *worker) act(object *v1alpha1.ConvoyWorker) {
	p := &w.kubelet.parked
	p.mu.Lock()
	defer p.mu.Unlock()
	order := (*v1alpha1.ActionOrder)(nil)
	if object.Spec != nil {
		order = object.Spec.Action
	}
	if order != nil && w.acted.UID != order.UID {
		w.acted = v1alpha1.ActionReport{UID: order.UID}
	}
	left, parked := int64(0), int64(0)
	for _, held := range object.Status.Lanes {
		if held.State != nil {
			continue
		}
		var stay []string
		for _, key := range p.keys[held.Lane] {
			named := order != nil && (len(order.KeyDigests) == 0 || slices.Contains(order.KeyDigests, v1alpha1.KeyDigest(key)))
			switch {
			case !named || p.failed[key] == order.UID:
				stay = append(stay, key)
			case p.stands:
				left++
				stay = append(stay, key)
			case p.bad[key] && order.Type == v1alpha1.ActionRelease:
				w.acted.Failed++
				p.failed[key] = order.UID
				stay = append(stay, key)
			default:
				w.acted.Done++
				w.acted.Messages += 2
			}
		}
		if len(stay) < len(p.keys[held.Lane]) {
			p.keys[held.Lane] = stay
		}
		parked += int64(len(stay))
	}
	object.Status.Action, object.Status.Parked = nil, nil
	if parked > 0 {
		object.Status.Parked = &v1alpha1.WorkerParked{Keys: parked, Messages: 2 * parked}
	}
	if order != nil {
		w.acted.Keys = w.acted.Done + w.acted.Failed + left
		w.acted.Complete = nil
		if left == 0 {
			w.acted.Complete = ptr.To(true)
		}
		report := w.acted
		object.Status.Action = &report
	}
}

// action makes an action of the world's pool.
func (w *world) action(ctx context.Context, name string, kind v1alpha1.ActionType, selector v1alpha1.ParkedSelector) {
	GinkgoHelper()
	Expect(env.Client.Create(ctx, &v1alpha1.ConvoyAction{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: w.namespace},
		Spec:       v1alpha1.ConvoyActionSpec{Pool: poolName, Type: kind, Selector: selector},
	})).To(Succeed())
}

var everything = v1alpha1.ParkedSelector{All: ptr.To(true)}

// becomes waits until an action's condition Complete is as given, and returns its status.
func (w *world) becomes(ctx context.Context, name, complete string) *v1alpha1.ConvoyActionStatus {
	GinkgoHelper()
	action := &v1alpha1.ConvoyAction{}
	Eventually(func(g Gomega) {
		g.Expect(env.Client.Get(ctx, w.key(name), action)).To(Succeed())
		g.Expect(action.Status).NotTo(BeNil())
		c := meta.FindStatusCondition(action.Status.Conditions, v1alpha1.ConditionComplete)
		g.Expect(c).NotTo(BeNil())
		g.Expect(string(c.Status) + "/" + c.Reason).To(Equal(complete))
		g.Expect(action.Status.ObservedGeneration).To(HaveValue(Equal(action.Generation)))
		g.Expect(meta.IsStatusConditionTrue(action.Status.Conditions, v1alpha1.ConditionReconciling)).To(Equal(c.Status == metav1.ConditionFalse))
	}).Should(Succeed())
	return action.Status
}

func progressed(keys, done, failed, messages int64) *v1alpha1.ActionProgress {
	return &v1alpha1.ActionProgress{Keys: &keys, Done: &done, Failed: &failed, Messages: &messages}
}

var _ = Describe("A ConvoyAction", func() {
	It("releases every parked key, says what failed again, and leaves nothing behind in the mailboxes", func(ctx context.Context) {
		w := newWorld(ctx, nil)
		w.create(ctx, w.newPool(2, 6))
		w.kubelet.parked.park(6)
		w.kubelet.parked.change(func() { w.kubelet.parked.bad = map[string]bool{"order-4": true} })
		Eventually(func() *v1alpha1.ParkedStatus { return w.pool(ctx).Status.Parked }).Should(
			HaveField("Keys", HaveValue(BeEquivalentTo(6))), "status.parked of the pool")
		w.action(ctx, "all", v1alpha1.ActionRelease, everything)
		status := w.becomes(ctx, "all", "True/Released")
		Expect(status.Progress).To(Equal(progressed(6, 5, 1, 10)))
		Expect(status.StartTime).NotTo(BeNil())
		Expect(status.CompletionTime).NotTo(BeNil())
		Expect(w.kubelet.parked.left()).To(Equal(1))
		Eventually(func(g Gomega) {
			var list v1alpha1.ConvoyWorkerList
			g.Expect(env.Client.List(ctx, &list)).To(Succeed())
			for _, worker := range list.Items {
				if worker.Namespace == w.namespace {
					g.Expect(worker.Spec.Action).To(BeNil())
					g.Expect(worker.Status.Action).To(BeNil())
				}
			}
		}).Should(Succeed())
	})

	It("discards the keys that it names", func(ctx context.Context) {
		w := newWorld(ctx, nil)
		w.create(ctx, w.newPool(1, 3))
		w.kubelet.parked.park(3)
		w.action(ctx, "two", v1alpha1.ActionDiscard, v1alpha1.ParkedSelector{Keys: []string{"order-0", "order-2", "unknown"}})
		Expect(w.becomes(ctx, "two", "True/Discarded").Progress).To(Equal(progressed(2, 2, 0, 4)))
		Expect(w.kubelet.parked.left()).To(Equal(1))
	})

	It("that selects nothing says so", func(ctx context.Context) {
		w := newWorld(ctx, nil)
		w.create(ctx, w.newPool(1, 2))
		w.action(ctx, "none", v1alpha1.ActionRelease, everything)
		status := w.becomes(ctx, "none", "True/NothingParked")
		Expect(meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionComplete).Message).To(ContainSubstring("status.parked"))
	})

	It("waits for a pool that is not there, and for a worker, with the mend", func(ctx context.Context) {
		w := newWorld(ctx, nil)
		w.action(ctx, "early", v1alpha1.ActionRelease, everything)
		status := w.becomes(ctx, "early", "False/PoolNotFound")
		Expect(meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionComplete).Message).To(ContainSubstring("no ConvoyPool orders"))
		w.kubelet.parked.park(2)
		Expect(env.Client.Create(ctx, w.newPool(0, 2))).To(Succeed())
		status = w.becomes(ctx, "early", "False/NoOwner")
		Expect(meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionComplete).Message).To(ContainSubstring("at least one worker"))
		w.scale(ctx, 1)
		Expect(w.becomes(ctx, "early", "True/Released").Progress).To(Equal(progressed(2, 2, 0, 4)))
	})

	It("goes on through a restart of the operator and a move of every lane, and counts what workers that are gone have done", func(ctx context.Context) {
		w := newWorld(ctx, nil)
		w.create(ctx, w.newPool(2, 4))
		w.kubelet.parked.park(4)
		w.action(ctx, "first", v1alpha1.ActionDiscard, v1alpha1.ParkedSelector{Keys: []string{"order-0"}})
		w.becomes(ctx, "first", "True/Discarded")
		w.kubelet.parked.change(func() { w.kubelet.parked.stands = true })
		w.action(ctx, "rest", v1alpha1.ActionRelease, everything)
		Eventually(func() *v1alpha1.ActionProgress { return w.becomes(ctx, "rest", "False/Running").Progress }).Should(Equal(progressed(3, 0, 0, 0)))
		w.operator.stop()
		w.scale(ctx, 1)
		w.operator = startOperator(w.namespace, clock.RealClock{})
		w.settled(ctx, 1)
		Eventually(func() *v1alpha1.ActionProgress { return w.becomes(ctx, "rest", "False/Running").Progress }).Should(Equal(progressed(3, 0, 0, 0)))
		w.kubelet.parked.change(func() { w.kubelet.parked.stands = false })
		Expect(w.becomes(ctx, "rest", "True/Released").Progress).To(Equal(progressed(3, 3, 0, 6)))
	})

	It("waits for the one before it", func(ctx context.Context) {
		w := newWorld(ctx, nil)
		w.create(ctx, w.newPool(1, 2))
		w.kubelet.parked.park(2)
		w.kubelet.parked.change(func() { w.kubelet.parked.stands = true })
		w.action(ctx, "a", v1alpha1.ActionRelease, v1alpha1.ParkedSelector{Keys: []string{"order-0"}})
		w.becomes(ctx, "a", "False/Running")
		w.action(ctx, "b", v1alpha1.ActionDiscard, everything)
		w.becomes(ctx, "b", "False/Queued")
		w.kubelet.parked.change(func() { w.kubelet.parked.stands = false })
		Expect(w.becomes(ctx, "a", "True/Released").Progress).To(Equal(progressed(1, 1, 0, 2)))
		Expect(w.becomes(ctx, "b", "True/Discarded").Progress).To(Equal(progressed(1, 1, 0, 2)))
	})

	It("that is deleted stops", func(ctx context.Context) {
		w := newWorld(ctx, nil)
		w.create(ctx, w.newPool(1, 2))
		w.kubelet.parked.park(2)
		w.kubelet.parked.change(func() { w.kubelet.parked.stands = true })
		w.action(ctx, "a", v1alpha1.ActionRelease, everything)
		w.becomes(ctx, "a", "False/Running")
		Expect(env.Client.Delete(ctx, &v1alpha1.ConvoyAction{ObjectMeta: metav1.ObjectMeta{Name: "a", Namespace: w.namespace}})).To(Succeed())
		Eventually(func(g Gomega) {
			var list v1alpha1.ConvoyWorkerList
			g.Expect(env.Client.List(ctx, &list)).To(Succeed())
			for _, worker := range list.Items {
				if worker.Namespace == w.namespace {
					g.Expect(worker.Spec.Action).To(BeNil())
				}
			}
		}).Should(Succeed())
		w.kubelet.parked.change(func() { w.kubelet.parked.stands = false })
		Consistently(w.kubelet.parked.left, 300*time.Millisecond).Should(Equal(2))
	})

	It("of the samples is accepted and carried out", func(ctx context.Context) {
		w := newWorld(ctx, nil)
		pool := w.newPool(1, 1)
		pool.Name = "orders-complete"
		Expect(env.Client.Create(ctx, pool)).To(Succeed())
		w.kubelet.parked.change(func() { w.kubelet.parked.keys = map[int32][]string{0: {"1042", "1077", "7"}} })
		root, err := testenv.Root()
		Expect(err).NotTo(HaveOccurred())
		_, err = env.Kubectl(ctx, "", "apply", "-n", w.namespace, "-f", filepath.Join(root, "config", "samples", "action_release.yaml"))
		Expect(err).NotTo(HaveOccurred())
		Expect(w.becomes(ctx, "release-two-orders", "True/Released").Progress).To(Equal(progressed(2, 2, 0, 4)))
	})
})
