// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package pool_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/worker/drain"
)

// kubelet plays scheduler, kubelet and container runtime for the pods of one namespace, and the workers in them.
type kubelet struct {
	namespace string
	client    client.Client
	broker    *broker
	protocol  drain.Protocol
	accounts  accounts

	mu   sync.Mutex
	pods map[types.UID]*runningPod
	// starts says whether a pod's containers start; nil is yes.
	starts func(*corev1.Pod) bool
	// holds says whether a lane that is to drain is held by a call; nil is no.
	holds func(pod string, unit drain.Unit) bool
	// mute says whether a pod's worker acts on what it reads but cannot write what it reports; nil is no.
	mute func(pod string) bool
	// fidgets says that pods change at every turn, which wakes the operator at once.
	fidgets bool
	// lingers says whether a pod's handler ignores SIGTERM after its worker has exited.
	lingers func(pod string) bool
	// first and latest are when reports were written that gave lanes back.
	times         sync.Mutex
	first, latest time.Time
	// atRest says that nothing is left in the broker when a worker resigns.
	atRest bool
	// backlog is what a worker counts that is asked to.
	backlog []int64
	// conditions are what every worker reports.
	conditions []metav1.Condition
	// parked is what is parked in the lanes.
	parked parkedKeys
}

// runningPod is a pod whose containers have been started.
type runningPod struct {
	worker *worker
	told   bool // SIGTERM
	frozen bool // its machine does nothing any more
	down   bool // its worker's process has ended, and the kubelet waits before it starts the next
}

// startKubelet starts one for the namespace. It ends with the spec.
func startKubelet(namespace string, b *broker) *kubelet {
	GinkgoHelper()
	lenient, err := client.New(env.Config, client.Options{Scheme: env.Scheme})
	Expect(err).NotTo(HaveOccurred())
	k := &kubelet{
		namespace: namespace, client: lenient, broker: b, pods: map[types.UID]*runningPod{},
		accounts: accounts{namespace: namespace, mapper: lenient.RESTMapper(), clients: map[string]client.Client{}},
		protocol: drain.Protocol{Min: 1, Max: 1},
	}
	ctx, cancel := context.WithCancel(context.Background())
	var ended sync.WaitGroup
	ended.Go(func() {
		defer GinkgoRecover()
		for ctx.Err() == nil {
			k.turn(ctx)
			pause(ctx, 10*time.Millisecond)
		}
	})
	DeferCleanup(func() { cancel(); ended.Wait() })
	return k
}

// pause waits, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := wall.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C():
	}
}

func (k *kubelet) fail(err error) { Fail("the stand-in of the kubelet: " + err.Error()) }

func (k *kubelet) must(ctx context.Context, err error) {
	if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) && ctx.Err() == nil {
		k.fail(err)
	}
}

// turn looks at every pod once, and lets every worker have its turn.
func (k *kubelet) turn(ctx context.Context) {
	var list corev1.PodList
	if err := k.client.List(ctx, &list, client.InNamespace(k.namespace)); err != nil {
		k.must(ctx, err)
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for i := range list.Items {
		k.look(ctx, &list.Items[i])
	}
	var turns sync.WaitGroup
	for _, running := range k.pods {
		if !running.frozen && !running.down {
			turns.Go(func() {
				defer GinkgoRecover()
				running.worker.turn(ctx)
			})
		}
	}
	turns.Wait()
}

func (k *kubelet) look(ctx context.Context, pod *corev1.Pod) {
	running := k.pods[pod.UID]
	switch {
	case running != nil && running.frozen:
	case pod.DeletionTimestamp != nil:
		k.end(ctx, pod, running)
	case running == nil && (k.starts == nil || k.starts(pod)):
		k.start(ctx, pod)
	case running != nil:
		k.gate(ctx, pod)
		if k.fidgets {
			patch := fmt.Appendf(nil, `{"metadata":{"annotations":{"turn":"%d"}}}`, wall.Now().UnixNano())
			k.must(ctx, k.client.Patch(ctx, pod, client.RawPatch(types.MergePatchType, patch)))
		}
	}
}

// start binds a pod to a node and starts its containers.
func (k *kubelet) start(ctx context.Context, pod *corev1.Pod) {
	if pod.Spec.NodeName == "" {
		// Each pod has a machine of its own.
		binding := &corev1.Binding{Target: corev1.ObjectReference{Kind: "Node", Name: "node-" + pod.Name}}
		k.must(ctx, k.client.SubResource("binding").Create(ctx, pod, binding))
		return
	}
	k.pods[pod.UID] = &runningPod{worker: newWorker(k, pod, false)}
	pod.Status.Phase = corev1.PodRunning
	pod.Status.PodIP = "10.0.0.1"
	pod.Status.ContainerStatuses = nil
	for _, c := range pod.Spec.Containers {
		pod.Status.ContainerStatuses = append(pod.Status.ContainerStatuses, corev1.ContainerStatus{
			Name: c.Name, Image: c.Image, Ready: true, Started: ptr.To(true),
			State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.Now()}},
		})
	}
	setPodCondition(pod, corev1.ContainersReady, true)
	setPodCondition(pod, corev1.PodReady, false)
	k.must(ctx, k.client.Status().Update(ctx, pod))
}

// gate makes a pod ready when its serving gate is True.
func (k *kubelet) gate(ctx context.Context, pod *corev1.Pod) {
	ready := podIs(pod, corev1.ContainersReady) && podIs(pod, v1alpha1.GateServing)
	if podIs(pod, corev1.PodReady) != ready {
		setPodCondition(pod, corev1.PodReady, ready)
		k.must(ctx, k.client.Status().Update(ctx, pod))
	}
}

// end stops a pod that is being deleted: SIGTERM, then the containers' end, then the object's.
func (k *kubelet) end(ctx context.Context, pod *corev1.Pod, running *runningPod) {
	switch {
	case running == nil:
		k.must(ctx, k.client.Delete(ctx, pod, client.GracePeriodSeconds(0), client.Preconditions{UID: &pod.UID}))
		return
	case !running.told:
		running.told = true
		running.worker.told = true
		running.worker.step(drain.Terminated{})
		return
	case !running.worker.exited && running.worker.started && !running.down, k.lingers != nil && k.lingers(pod.Name):
		return
	}
	pod.Status.Phase = corev1.PodSucceeded
	for i := range pod.Status.ContainerStatuses {
		pod.Status.ContainerStatuses[i].State = corev1.ContainerState{
			Terminated: &corev1.ContainerStateTerminated{FinishedAt: metav1.Now()},
		}
		pod.Status.ContainerStatuses[i].Ready = false
	}
	setPodCondition(pod, corev1.ContainersReady, false)
	setPodCondition(pod, corev1.PodReady, false)
	k.must(ctx, k.client.Status().Update(ctx, pod))
	k.must(ctx, k.client.Delete(ctx, pod, client.GracePeriodSeconds(0), client.Preconditions{UID: &pod.UID}))
	delete(k.pods, pod.UID)
}

// crash ends the process of a pod's worker; the kubelet waits before it starts another.
func (k *kubelet) crash(ctx context.Context, pod *corev1.Pod) {
	GinkgoHelper()
	k.change(func() { k.pods[pod.UID].down = true })
	k.setWorkerState(ctx, pod, corev1.ContainerState{
		Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff", Message: "back-off 10s restarting failed container"},
	})
}

// restart starts the next process of a pod's worker.
func (k *kubelet) restart(ctx context.Context, pod *corev1.Pod) {
	GinkgoHelper()
	k.change(func() {
		k.pods[pod.UID] = &runningPod{worker: newWorker(k, pod, true)}
	})
	k.setWorkerState(ctx, pod, corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.Now()}})
}

func (k *kubelet) setWorkerState(ctx context.Context, pod *corev1.Pod, state corev1.ContainerState) {
	GinkgoHelper()
	Eventually(func(g Gomega) {
		g.Expect(k.client.Get(ctx, client.ObjectKeyFromObject(pod), pod)).To(Succeed())
		for i := range pod.Status.ContainerStatuses {
			s := &pod.Status.ContainerStatuses[i]
			if s.Name == v1alpha1.WorkerContainer {
				s.State, s.Ready = state, state.Running != nil
				s.LastTerminationState.Terminated = &corev1.ContainerStateTerminated{FinishedAt: metav1.Now(), ExitCode: 1}
			}
		}
		setPodCondition(pod, corev1.ContainersReady, state.Running != nil)
		g.Expect(k.client.Status().Update(ctx, pod)).To(Succeed())
	}).Should(Succeed())
}

// freeze stops everything on a pod's machine, as a power cut or a lost network does.
func (k *kubelet) freeze(pod *corev1.Pod) {
	k.change(func() { k.pods[pod.UID].frozen = true })
}

// told says that a pod's worker has had SIGTERM. It is for mute, during a turn.
func (k *kubelet) told(pod string) bool {
	for _, running := range k.pods {
		if running.worker.name == pod {
			return running.told
		}
	}
	return false
}

func (k *kubelet) stuck(pod string, unit drain.Unit) bool {
	return k.holds != nil && k.holds(pod, unit)
}

// change changes what the kubelet does, between two of its turns.
func (k *kubelet) change(how func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	how()
}

func podIs(pod *corev1.Pod, kind corev1.PodConditionType) bool {
	return slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == kind && c.Status == corev1.ConditionTrue
	})
}

func setPodCondition(pod *corev1.Pod, kind corev1.PodConditionType, is bool) {
	status := corev1.ConditionFalse
	if is {
		status = corev1.ConditionTrue
	}
	pod.Status.Conditions = slices.DeleteFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool { return c.Type == kind })
	pod.Status.Conditions = append(pod.Status.Conditions, corev1.PodCondition{Type: kind, Status: status, LastTransitionTime: metav1.Now()})
}

// someAtATime lets one of eight lanes drain each time they are looked at.
func someAtATime() func(string, drain.Unit) bool {
	var mu sync.Mutex
	free := 0
	return func(string, drain.Unit) bool {
		mu.Lock()
		defer mu.Unlock()
		free++
		return free%8 != 0
	}
}

// measure begins to measure how far apart reports are.
func (k *kubelet) measure() {
	k.times.Lock()
	defer k.times.Unlock()
	k.first, k.latest = time.Time{}, time.Time{}
}

// spread is how far apart reports that give lanes back were written.
func (k *kubelet) spread() time.Duration {
	k.times.Lock()
	defer k.times.Unlock()
	return k.latest.Sub(k.first)
}

// drained notes that a report that gives lanes back was written.
func (k *kubelet) drained(at time.Time) {
	k.times.Lock()
	defer k.times.Unlock()
	if k.first.IsZero() {
		k.first = at
	}
	k.latest = at
}
