// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package pool_test

import (
	"context"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/worker/drain"
	"convoy.dev/convoy/worker/mailbox"
)

// worker plays the process of the container convoy-worker: the real hand-over machine, a mailbox, and a broker in which
// every lane is empty, so that a lane that is stopped has drained at once unless the spec holds it.
type worker struct {
	name, uid string
	machine   *drain.Machine
	broker    *broker
	kubelet   *kubelet
	// client has the rights of the pod's service account.
	client client.Client

	started bool
	raising *drain.Report
	dirty   bool
	exited  bool
	told    bool // SIGTERM
	// refused is since when its account has no right to its mailbox; zero while it has.
	refused time.Time
	// draining are lanes that were told to stop and have not drained yet.
	draining []drain.Unit
	// acted is how far it has come with an action.
	acted v1alpha1.ActionReport
}

func newWorker(k *kubelet, pod *corev1.Pod, predecessor bool) *worker {
	return &worker{
		name: pod.Name, uid: string(pod.UID), broker: k.broker, kubelet: k, client: k.accounts.client(pod.Spec.ServiceAccountName),
		machine: drain.New(drain.Config{
			Fence: 2 * time.Second, Born: wall.Now(), Predecessor: predecessor, Protocol: k.protocol,
		}),
	}
}

// step gives the machine one event and carries out what it asks for.
func (w *worker) step(e drain.Event) {
	for _, effect := range w.machine.Step(wall.Now(), e, nil) {
		w.do(effect)
	}
}

func (w *worker) do(e drain.Effect) {
	switch e.Type {
	case drain.RaiseIncarnation:
		report := e.Report
		w.raising = &report
	case drain.WriteReport:
		w.dirty = true
	case drain.OpenUnit:
		w.open(e.Unit, e.Token)
	case drain.StopUnit:
		w.draining = append(w.draining, e.Unit)
	case drain.Confirm:
		w.confirm(e.Grants)
	case drain.Exit:
		w.exited = true
	default: // nothing runs here that could be aborted or paused
	}
}

func (w *worker) open(unit drain.Unit, token drain.Token) {
	sent := wall.Now()
	if stands, written := w.broker.open(unit, token, w.uid); !written {
		w.step(drain.OpenRefused{Unit: unit, Token: token, Record: stands.token, Own: stands.worker == w.uid})
		return
	}
	w.step(drain.Opened{Unit: unit, Token: token, Sent: sent})
}

func (w *worker) confirm(grants []drain.Grant) {
	sent := wall.Now()
	var good []drain.Grant
	for _, g := range grants {
		if stands := w.broker.at(g.Unit); stands.token != w.machine.Token(g.Unit) || stands.worker != w.uid {
			w.step(drain.Superseded{Unit: g.Unit, Epoch: g.Epoch, Floor: stands.token.Epoch})
			continue
		}
		good = append(good, g)
	}
	w.step(drain.Confirmed{Sent: sent, Grants: good})
}

// turn is one turn of the worker's loop: it reads its mailbox, drains what may drain, and writes its report.
func (w *worker) turn(ctx context.Context) {
	object := &v1alpha1.ConvoyWorker{}
	err := w.client.Get(ctx, client.ObjectKey{Namespace: w.kubelet.namespace, Name: w.name}, object)
	switch {
	case !apierrors.IsForbidden(err):
		w.refused = time.Time{}
	case w.refused.IsZero():
		w.refused = wall.Now()
	}
	if apierrors.IsNotFound(err) || !w.refused.IsZero() && wall.Since(w.refused) > rightless {
		w.alone()
	}
	if err != nil || w.exited {
		return
	}
	spec := mailbox.ReadSpec(object.Spec)
	if !w.started {
		w.started = true
		w.step(drain.Started{Spec: spec, Report: mailbox.ReadReport(object.Status)})
	} else {
		w.step(drain.Seen{Spec: spec})
	}
	w.drain()
	w.step(drain.Ticked{})
	w.write(ctx, object)
}

// rightless is how long a worker without rights takes that for an API server that has just started.
const rightless = time.Second

// alone is a turn without a mailbox. Who has been told to end and holds nothing has nobody to tell so.
func (w *worker) alone() {
	w.drain()
	w.exited = w.exited || w.told && len(w.draining) == 0
}

// drain lets go of the lanes that no call holds.
func (w *worker) drain() {
	waiting := w.draining
	w.draining = nil
	for _, unit := range waiting {
		if w.kubelet.stuck(w.name, unit) {
			w.draining = append(w.draining, unit)
			w.step(drain.Waits{Unit: unit, Epoch: w.machine.Token(unit).Epoch, Key: "order-42"})
			continue
		}
		w.step(drain.Emptied{Unit: unit, Epoch: w.machine.Token(unit).Epoch})
	}
}

// write writes the report over the version that was read. What is not written now is written at the next turn.
func (w *worker) write(ctx context.Context, object *v1alpha1.ConvoyWorker) {
	if w.kubelet.mute != nil && w.kubelet.mute(w.name) {
		return
	}
	report := w.machine.Report()
	if w.raising != nil {
		report = *w.raising
	}
	before := object.DeepCopy()
	if object.Status == nil {
		object.Status = &v1alpha1.ConvoyWorkerStatus{}
	}
	mailbox.WriteReport(report, object.Status)
	object.Status.Conditions = slices.Clone(w.kubelet.conditions)
	if object.Spec != nil && object.Spec.Sample != nil && w.kubelet.backlog != nil && object.Status.Backlog == nil {
		object.Status.Backlog = &v1alpha1.BacklogSample{Time: metav1.NewMicroTime(wall.Now()), Lanes: w.kubelet.backlog}
	}
	if report.Resigned && w.kubelet.atRest {
		object.Status.AtRest = new(true)
	}
	w.act(object)
	if equality.Semantic.DeepEqual(before.Status, object.Status) {
		w.wrote(report)
		return
	}
	err := w.client.Status().Update(ctx, object)
	if err == nil {
		if before.Status != nil && len(object.Status.Lanes) < len(before.Status.Lanes) {
			w.kubelet.drained(wall.Now())
		}
		w.wrote(report)
	} else if !apierrors.IsForbidden(err) && !apierrors.IsConflict(err) && !apierrors.IsNotFound(err) && ctx.Err() == nil {
		w.kubelet.fail(err)
	}
}

func (w *worker) wrote(report drain.Report) {
	if w.raising != nil {
		w.raising = nil
		w.step(drain.Raised{Incarnation: report.Incarnation})
		return
	}
	w.dirty = false
	w.step(drain.Written{Report: report})
}
