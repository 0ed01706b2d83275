// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// retryAfter is the wait before something that the API server or a missing object prevented is tried again.
const retryAfter = time.Second

// sight is the newest that is known of a pod.
type sight struct {
	pod  *corev1.Pod
	gone bool
}

// podRun runs one pod. The goroutine of loop owns all but the channels.
type podRun struct {
	agent *Agent
	// pod is the newest that was seen.
	pod *corev1.Pod
	// sights has the newest sight that the loop has not taken yet; there is never more than one.
	sights chan sight
	// news is what happened, told by processes, probes, hooks and timers.
	news chan func()
	// ctx ends with the loop, and with it whoever tells it news.
	ctx context.Context
	// helpers are the goroutines that tell news.
	helpers sync.WaitGroup

	ip         string
	containers []*container
	state      state
	// verdict is why the pod failed without its containers; "" if it did not.
	verdict string
	// begun says that preparing has begun; it goes on by itself.
	begun bool
	// restartingAll is set while all containers are killed to be started again, waited when their back-off is over.
	restartingAll, waited bool
	// killAt is when processes that were told to stop are killed.
	killAt time.Time
	// gone says that the object is.
	gone bool
	// reported is the status as it was last written.
	reported reported
}

// state is where a pod stands; see the package's documentation.
type state int

const (
	preparing state = iota
	running
	terminating
	over
)

func newRun(agent *Agent, pod *corev1.Pod) *podRun {
	return &podRun{
		agent: agent, pod: pod, ip: agent.addresses.next(),
		sights: make(chan sight, 1), news: make(chan func()),
		reported: reported{conditions: map[corev1.PodConditionType]corev1.PodCondition{}},
	}
}

// show hands the loop a sight, in the place of one that it has not taken.
func (r *podRun) show(pod *corev1.Pod, gone bool) {
	select {
	case <-r.sights:
	default:
	}
	r.sights <- sight{pod, gone}
}

// loop runs the pod until its object is gone and its processes have ended, or ctx ends.
func (r *podRun) loop(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	r.ctx = ctx
	defer r.clean()
	defer r.helpers.Wait()
	defer cancel()
	for r.state != over || !r.gone {
		select {
		case <-ctx.Done():
			r.killAll()
			return
		case seen := <-r.sights:
			r.see(seen)
		case happened := <-r.news:
			happened()
		}
		r.report()
	}
}

// see takes a sight.
func (r *podRun) see(seen sight) {
	r.pod, r.gone = seen.pod, seen.gone
	deleted := r.gone || r.pod.DeletionTimestamp != nil
	switch {
	case deleted:
		r.terminate(grace(r.pod))
	case !r.begun:
		r.begun = true
		r.prepare()
	}
}

// grace is how long the pod's processes may take to end; the kubelet gives a second to those deleted by force.
func grace(pod *corev1.Pod) time.Duration {
	granted := pod.DeletionGracePeriodSeconds
	if granted == nil {
		granted = pod.Spec.TerminationGracePeriodSeconds
	}
	if granted == nil {
		return time.Second
	}
	return max(time.Duration(*granted)*time.Second, time.Second)
}

// tell sends news to the loop.
func (r *podRun) tell(happened func()) {
	select {
	case r.news <- happened:
	case <-r.ctx.Done():
	}
}

// after tells news when some time has passed.
func (r *podRun) after(wait time.Duration, happened func()) {
	r.helpers.Go(func() {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
			r.tell(happened)
		case <-r.ctx.Done():
		}
	})
}

// fail ends a pod that cannot run here.
func (r *podRun) fail(reason, why string) {
	r.verdict = why
	r.state = over
	r.warn(reason, why)
	r.agent.Say("pod %s/%s fails: %s", r.pod.Namespace, r.pod.Name, why)
}

// warn tells people of something that is wrong with the pod.
func (r *podRun) warn(reason, message string) {
	now := metav1.Now()
	event := &corev1.Event{
		ObjectMeta: metav1.ObjectMeta{GenerateName: r.pod.Name + ".", Namespace: r.pod.Namespace},
		InvolvedObject: corev1.ObjectReference{
			APIVersion: "v1", Kind: "Pod", Namespace: r.pod.Namespace, Name: r.pod.Name, UID: r.pod.UID,
		},
		Type: corev1.EventTypeWarning, Reason: reason, Message: message, Count: 1, FirstTimestamp: now, LastTimestamp: now,
		Source: corev1.EventSource{Component: "devcluster-agent", Host: r.agent.NodeName},
	}
	if _, err := r.agent.client.CoreV1().Events(r.pod.Namespace).Create(r.ctx, event, metav1.CreateOptions{}); err != nil && r.ctx.Err() == nil {
		r.agent.Say("telling of pod %s/%s that %q: %v", r.pod.Namespace, r.pod.Name, message, err)
	}
}

func (r *podRun) dir() string { return filepath.Join(r.agent.Dir, "pods", string(r.pod.UID)) }

// clean removes the pod's volumes. Its logs stay.
func (r *podRun) clean() {
	if err := os.RemoveAll(r.dir()); err != nil {
		r.agent.Say("removing the volumes of pod %s/%s: %v", r.pod.Namespace, r.pod.Name, err)
	}
}
