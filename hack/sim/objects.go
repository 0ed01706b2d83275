// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"time"

	"convoy.dev/convoy/controllers/pool/plan"
	"convoy.dev/convoy/worker/drain"
)

// The names of the objects of which a schedule has one each.
const (
	poolName  = "pool"
	tableName = "table"
)

// poolSpec is what the user wrote in the ConvoyPool and what scaling makes of it.
type poolSpec struct {
	wanted    int
	suspended bool
}

// ledger is a LaneTable: the table, and the object that a controller wrote it to. A copy that somebody puts back is
// another object, and still names the first.
type ledger struct {
	plan.Table
	object int64 // its UID; 0 in one that was made and not written since
}

// mailbox is a ConvoyWorker.
type mailbox struct {
	owner  plan.PodRef
	spec   drain.Spec
	report drain.Report
}

// podObject is a Pod, as the API server has it: what somebody has said about it, true or not.
type podObject struct {
	uid        string
	pool       int // how often the pool had been made anew: the worker's settings name the pool by UID
	replicaSet string
	generation int // of the template
	created    time.Duration
	node       string
	phase      plan.Phase
	worker     plan.ContainerState
	handler    plan.ContainerState
	podGC      bool

	deleting   bool
	grace      time.Duration
	forced     bool // deleted without grace: gone as soon as no finalizer holds it
	terminated bool // the kubelet has deleted it for good: gone as soon as no finalizer holds it
	finalizer  bool

	containersReady      bool
	containersReadySince time.Duration
	ready                bool
	readyLate            bool // by a gate that its kubelet had not seen closed
	unreadyLate          bool // by a gate that its kubelet had not seen opened, though it had been ready since
	readySince           time.Duration
	serving              bool
	cheap                bool
	costSince            time.Duration
	workerDown           bool
	workerDownSince      time.Duration
	backOff              bool
	restarts             int
}

func (p *podObject) active() bool {
	return !p.deleting && p.phase != plan.Succeeded && p.phase != plan.Failed
}

// ill says that its containers have been ready, and are not any more.
func (p *podObject) ill() bool { return !p.containersReady && p.containersReadySince > 0 }

// deploymentObject is the pool's Deployment.
type deploymentObject struct {
	replicas   int
	generation int // of the pod template

	written, observed int // metadata.generation and status.observedGeneration
	grown             int // the generation that made it larger last
}

// resize writes another size.
func (d *deploymentObject) resize(replicas int) {
	d.written++
	if replicas > d.replicas {
		d.grown = d.written
	}
	d.replicas = replicas
}

// replicaSetObject is one ReplicaSet of the Deployment.
type replicaSetObject struct {
	generation int
	created    time.Duration
	replicas   int // wanted
	desired    int // annotation desired-replicas: the Deployment's size when this was last written
	maxTotal   int // annotation max-replicas: that size and the surge
	actual     int // status
	ready      int // status: seen ready

	readyPods string // the UIDs of those, which no real status names
	readyLate int    // how many of them are by a gate that their kubelets had not seen closed

	written, observed int // metadata.generation and status.observedGeneration
}

// nodeObject is a Node.
type nodeObject struct {
	reachable        bool
	unreachableSince time.Duration
}
