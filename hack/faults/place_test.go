// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"encoding/json"
	"fmt"
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/hack/e2e/publish"
	"convoy.dev/convoy/hack/faults/proxy"
	"convoy.dev/convoy/worker/drain"
	"convoy.dev/convoy/worker/mailbox"
)

// place is what a pod would be: a worker, its handler, and the worker's way to the broker. A pod that takes another one's
// place has its number.
type place struct {
	number  int
	name    string
	uid     types.UID
	address string
	network *proxy.Proxy
	worker  *program
	handler *program
	spec    drain.Spec
	action  *v1alpha1.ActionOrder
	// changes are those of the pool's settings.
	changes []func(*v1alpha1.WorkerSettings)
}

// handlerPort is where every handler listens, at its place's address.
const handlerPort = 8080

// newPlace makes the number-th place, with the settings changed as wanted; nothing runs in it.
func (w *world) newPlace(number int, changes ...func(*v1alpha1.WorkerSettings)) *place {
	w.t.Helper()
	w.pods++
	p := &place{
		number: number, name: fmt.Sprintf("w%d-%d", number, w.pods), uid: types.UID(fmt.Sprintf("0f3a3b1f-2d11-4c6e-9c0a-%012d", w.pods)),
		address: w.host(number + 1), changes: changes,
	}
	var err error
	p.network, err = proxy.Start(w.brokerAddress)
	w.must(err)
	w.t.Cleanup(func() {
		if err := p.network.Close(); err != nil {
			w.t.Error(err)
		}
	})
	p.spec.Slot = int32(number)
	w.startable(p)
	w.must(env.Client.Create(w.t.Context(), &v1alpha1.ConvoyWorker{ObjectMeta: metav1.ObjectMeta{
		Namespace: w.namespace, Name: p.name, OwnerReferences: []metav1.OwnerReference{{APIVersion: "v1", Kind: "Pod", Name: p.name, UID: p.uid}},
	}}))
	w.places = append(w.places, p)
	return p
}

// startable gives a place its programs, with the environment that the operator and the kubelet give theirs.
func (w *world) startable(p *place) {
	w.t.Helper()
	told, state := w.settings(p.network.Address()), w.t.TempDir()
	for _, change := range p.changes {
		change(&told)
	}
	settings, err := json.Marshal(told)
	w.must(err)
	p.worker = w.newProgram(p.name+"-worker", "worker", []string{
		v1alpha1.EnvSettings + "=" + string(settings),
		"CONVOY_POD_NAMESPACE=" + w.namespace, "CONVOY_POD_NAME=" + p.name, "CONVOY_POD_UID=" + string(p.uid), "CONVOY_POD_IP=" + p.address,
		"CONVOY_HANDLER_HOST=" + p.address, "CONVOY_STATE_DIR=" + state, "CONVOY_RESTART_BARRIER=timeout",
		"KUBECONFIG=" + env.Kubeconfig(), "HOME=" + state,
	})
	p.handler = w.newProgram(p.name+"-handler", "handler", []string{
		"POD_NAME=" + p.name, "HANDLER_HOST=" + p.address, "HANDLER_PORT=" + strconv.Itoa(handlerPort),
		"HANDLER_COLLECTOR=" + w.collector.Address(), "HANDLER_CALL_SECONDS=" + strconv.Itoa(callSeconds), "HANDLER_FAILURES_PER_MILLE=10",
	})
}

// settings are what the operator would give a worker that reaches the broker at an address.
func (w *world) settings(broker string) v1alpha1.WorkerSettings {
	port, call, fence, stop := int32(handlerPort), int32(callSeconds), int32(fenceSeconds), int32(10)
	return v1alpha1.WorkerSettings{
		Cluster: "c", Pool: v1alpha1.PoolIdentity{Namespace: "default", Name: "orders", UID: "u"},
		Source:   v1alpha1.Source{NATS: &v1alpha1.NATSSource{Servers: []string{"nats://" + broker}, Stream: publish.Stream}},
		Key:      v1alpha1.Key{Expression: "body.order_id"},
		Lanes:    w.laneSettings(),
		Delivery: v1alpha1.Delivery{HTTP: &v1alpha1.HTTPDelivery{Port: &port}, TimeoutSeconds: &call},
		Handoff:  v1alpha1.HandoffSettings{FenceSeconds: &fence, DrainTimeoutSeconds: &stop},
	}
}

// laneSettings are what the pool says of its lanes.
func (w *world) laneSettings() v1alpha1.Lanes {
	count := int32(lanes)
	if w.laneType == v1alpha1.LanesRouted {
		return v1alpha1.Lanes{Type: &w.laneType, Routed: &v1alpha1.RoutedLanes{Count: &count}}
	}
	return v1alpha1.Lanes{Type: &w.laneType, Native: &v1alpha1.NativeLanes{NATS: &v1alpha1.NATSNativeLanes{
		Subjects: []string{publish.LaneSubject}, Count: count,
	}}}
}

func (w *world) object(p *place) *v1alpha1.ConvoyWorker {
	w.t.Helper()
	o := &v1alpha1.ConvoyWorker{}
	w.must(env.Client.Get(w.t.Context(), client.ObjectKey{Namespace: w.namespace, Name: p.name}, o))
	return o
}

func (w *world) report(p *place) drain.Report {
	w.t.Helper()
	return mailbox.ReadReport(w.object(p).Status)
}

// tell writes the place's spec, as of the newest revision.
func (w *world) tell(p *place) {
	w.t.Helper()
	w.revision++
	p.spec.Revision, p.spec.Quarantine = w.revision, quarantine
	w.must(retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		o := w.object(p)
		o.Spec = mailbox.WriteSpec(p.spec)
		o.Spec.Action = p.action
		return env.Client.Update(w.t.Context(), o)
	}))
}
