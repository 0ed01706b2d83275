// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"strconv"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/controllers/pool/plan"
	"convoy.dev/convoy/worker/drain"
	"convoy.dev/convoy/worker/mailbox"
)

// protocol is the range of mailbox protocols that this operator speaks.
var protocol = drain.Protocol{Min: 1, Max: 1}

// complete makes the plan's State from the objects.
func (o *observation) complete(m *poolMemory) {
	o.state.Pool = o.poolState()
	if o.table != nil {
		o.state.Table, o.state.Version = readTable(o.table), tableVersion(o.table)
		o.state.Foreign = ptr.Deref(o.table.OwnUID, "") != string(o.table.UID)
		if o.claimState() == v1alpha1.ClaimEmpty && !o.owned() {
			level(o.state.Table, o.state.Pool.Lanes)
		}
	}
	o.state.Deployment = o.deploymentState()
	o.state.Deployment.Shrinking = o.state.Deployment.Shrinking || o.deployment != nil && m.ahead(o.deployment)
	for i := range o.workers {
		if pod, owned := ownerPod(&o.workers[i]); owned {
			o.state.Workers = append(o.state.Workers, plan.Worker{
				Pod: pod, Spec: mailbox.ReadSpec(o.workers[i].Spec), Report: mailbox.ReadReport(o.workers[i].Status),
			})
		}
	}
	o.state.Pods = o.podStates()
}

// tableVersion is the table's resource version: resource versions of one kind are numbers that grow with every write. One
// that is no such number says nothing, and a rebuilt table is then above what was seen alone.
func tableVersion(table *v1alpha1.LaneTable) int64 {
	version, err := strconv.ParseInt(table.ResourceVersion, 10, 64)
	if err != nil {
		return 0
	}
	return version
}

func (o *observation) poolState() plan.Pool {
	spec := &o.pool.Spec
	handoff := ptr.Deref(spec.Handoff, v1alpha1.Handoff{})
	delivery := ptr.Deref(spec.Delivery, v1alpha1.Delivery{})
	return plan.Pool{
		Lanes: laneCount(spec), Shards: shardCount(spec), Wanted: o.wish.workers, Suspended: o.winds(), Protocol: protocol,
		Timeout:          seconds(delivery.TimeoutSeconds, v1alpha1.DefaultTimeoutSeconds),
		Fence:            seconds(handoff.FenceSeconds, v1alpha1.DefaultFenceSeconds),
		DrainTimeout:     seconds(handoff.DrainTimeoutSeconds, v1alpha1.DefaultDrainTimeoutSeconds),
		UnreachableAfter: seconds(handoff.UnreachableAfterSeconds, defaultUnreachableAfterSeconds),
		SlotGrace:        seconds(handoff.SlotGraceSeconds, defaultSlotGraceSeconds),
	}
}

// The schema fills these in; they are for a pool that was stored before they were in the schema.
const (
	defaultUnreachableAfterSeconds = 60
	defaultSlotGraceSeconds        = 3
)

func seconds(value *int32, otherwise int32) time.Duration {
	return time.Duration(ptr.Deref(value, otherwise)) * time.Second
}

// winds says that the pool is wound down: its user suspended it, or it is being deleted.
func (o *observation) winds() bool {
	return ptr.Deref(o.pool.Spec.Suspend, false) || o.pool.DeletionTimestamp != nil
}

// laneCount is how many lanes the pool has.
func laneCount(spec *v1alpha1.ConvoyPoolSpec) int {
	lanes := ptr.Deref(spec.Lanes, v1alpha1.Lanes{})
	switch {
	case routed(spec):
		return int(ptr.Deref(ptr.Deref(lanes.Routed, v1alpha1.RoutedLanes{}).Count, v1alpha1.DefaultLaneCount))
	case lanes.Native != nil && lanes.Native.NATS != nil:
		return int(lanes.Native.NATS.Count)
	}
	return 0
}

// shardCount is how many shards of the source have to be routed. A stream of JetStream is one.
func shardCount(spec *v1alpha1.ConvoyPoolSpec) int {
	if routed(spec) {
		return 1
	}
	return 0
}

func routed(spec *v1alpha1.ConvoyPoolSpec) bool {
	return ptr.Deref(ptr.Deref(spec.Lanes, v1alpha1.Lanes{}).Type, v1alpha1.LanesRouted) == v1alpha1.LanesRouted
}

// desiredAnnotation is by which size of the Deployment its controller has sized a ReplicaSet.
const desiredAnnotation = "deployment.kubernetes.io/desired-replicas"

// deploymentState sums up the Deployment and its ReplicaSets, as the caches show them.
func (o *observation) deploymentState() plan.Deployment {
	if o.deployment == nil {
		return plan.Deployment{}
	}
	var sets []plan.ReplicaSet
	present := templateDigest(&o.deployment.Spec.Template)
	for i := range o.sets {
		set := &o.sets[i]
		desired, err := strconv.Atoi(set.Annotations[desiredAnnotation])
		if err != nil {
			desired = plan.NotSaid
		}
		sets = append(sets, plan.ReplicaSet{
			Name: set.Name, Present: templateDigest(&set.Spec.Template) == present, Size: int(ptr.Deref(set.Spec.Replicas, 1)), Desired: desired,
			Pods: int(set.Status.Replicas), Ready: int(set.Status.ReadyReplicas),
			Observed: set.Status.ObservedGeneration >= set.Generation,
		})
	}
	observed := o.deployment.Status.ObservedGeneration >= o.deployment.Generation
	return plan.SumUp(int(ptr.Deref(o.deployment.Spec.Replicas, 1)), maxUnavailable(o.deployment), observed, sets)
}

// maxUnavailable is how many pods a rollout may leave unavailable. The operator writes numbers; a percentage is somebody
// else's, and stays only until the Deployment is applied again.
func maxUnavailable(d *appsv1.Deployment) int {
	if r := d.Spec.Strategy.RollingUpdate; r != nil && r.MaxUnavailable != nil {
		return r.MaxUnavailable.IntValue()
	}
	return 0
}

// revisionAnnotation is where the Deployment's controller numbers the ReplicaSets: a later template has a higher number,
// and one that is taken back gets a new one.
const revisionAnnotation = "deployment.kubernetes.io/revision"

// newestSet is the ReplicaSet of the Deployment's present template, nil before there is one.
func (o *observation) newestSet() *appsv1.ReplicaSet {
	var newest *appsv1.ReplicaSet
	highest := int64(-1)
	for i := range o.sets {
		number, err := strconv.ParseInt(o.sets[i].Annotations[revisionAnnotation], 10, 64)
		if err != nil {
			number = 0 // not numbered yet
		}
		if number > highest {
			newest, highest = &o.sets[i], number
		}
	}
	return newest
}

// ownerPod is the pod that a mailbox belongs to.
func ownerPod(o metav1.Object) (plan.PodRef, bool) {
	for _, owner := range o.GetOwnerReferences() {
		if owner.Kind == "Pod" && owner.APIVersion == "v1" {
			return plan.PodRef{Name: owner.Name, UID: string(owner.UID)}, true
		}
	}
	return plan.PodRef{}, false
}
