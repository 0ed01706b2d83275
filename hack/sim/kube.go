// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"convoy.dev/convoy/controllers/pool/plan"
)

// The modelled Kubernetes' patience, about a tenth of the real one's, as all times of a schedule are.
const (
	nodeMonitorGrace = 4 * time.Second  // without a heartbeat the node counts as unreachable
	taintToleration  = 12 * time.Second // then its pods are deleted
	podGCQuarantine  = 4 * time.Second  // after a Node was deleted its pods are marked Failed and deleted
	forceKill        = 2 * time.Second  // a pod deleted without grace lives this long on a healthy node
)

// kubernetes is the controller manager, the scheduler, and the machines with their kubelets.
type kubernetes struct {
	w       *World
	manager *process
	client  *client

	deployments *cache[deploymentObject]
	replicaSets *cache[replicaSetObject]
	pods        *cache[podObject]
	syncing     bool // a round of the workload controllers is due

	// The ReplicaSet controller's expectations: what it has done and not yet seen.
	expectCreated map[string]bool   // pod names
	expectDeleted map[string]string // pod name to UID

	pardons []*pardon

	machines []*machine
	quota    int // at most this many pods; 0: no limit
	made     int // pods made so far
}

// maxSurge is the Deployment's; maxUnavailable is 0.
const maxSurge = 1

func newKubernetes(w *World) *kubernetes {
	k := &kubernetes{w: w, expectCreated: map[string]bool{}, expectDeleted: map[string]string{}}
	k.manager = w.newProcess()
	k.client = w.newClient(k.manager)
	k.client.inOrder = true
	k.deployments = w.api.deployments.watch(k.client, func(string) { k.wake() })
	k.replicaSets = w.api.replicaSets.watch(k.client, func(string) { k.wake() })
	k.pods = w.api.pods.watch(k.client, k.podChanged)
	for i := range w.settings.Nodes {
		k.machines = append(k.machines, newMachine(w, fmt.Sprintf("node-%d", i)))
	}
	return k
}

func (k *kubernetes) podChanged(name string) {
	v := k.pods.get(name)
	delete(k.expectCreated, name)
	if uid, expected := k.expectDeleted[name]; expected && (v == nil || v.obj.uid != uid || v.obj.deleting) {
		delete(k.expectDeleted, name)
	}
	if v != nil && v.obj.node == "" && !v.obj.deleting {
		uid := v.obj.uid
		k.w.clock.after(k.w.dice.span(5*time.Millisecond, 50*time.Millisecond), func() { k.schedule(name, uid) })
	}
	k.wake()
}

// wake asks for a round of the workload controllers soon.
func (k *kubernetes) wake() {
	if k.syncing {
		return
	}
	k.syncing = true
	k.w.clock.after(k.w.dice.span(5*time.Millisecond, 60*time.Millisecond), func() {
		k.syncing = false
		k.syncDeployment()
		k.syncReplicaSets()
	})
}

// schedule binds a pod to the reachable node with the fewest pods.
func (k *kubernetes) schedule(name, uid string) {
	v := k.w.api.pods.get(name)
	if v == nil || v.obj.uid != uid || v.obj.node != "" || v.obj.deleting {
		return
	}
	load := map[string]int{}
	for _, other := range k.w.api.pods.all() {
		load[other.obj.node]++
	}
	var fit []string
	for _, node := range k.w.api.nodes.all() {
		if node.obj.reachable {
			fit = append(fit, node.name)
		}
	}
	if len(fit) == 0 {
		k.w.clock.after(time.Second, func() { k.schedule(name, uid) })
		return
	}
	slices.SortStableFunc(fit, func(a, b string) int { return cmp.Compare(load[a], load[b]) })
	pod := v.obj
	pod.node = fit[0]
	k.w.api.pods.put(name, pod)
	k.w.tell(about{pod: name}, "scheduler: bound to %s", fit[0])
}

// nodeSilent is called when a machine stops reaching the API server; the node controller notices after a while.
func (k *kubernetes) nodeSilent(m *machine) {
	silence := m.silences
	k.w.clock.after(nodeMonitorGrace, func() {
		if m.silences == silence && !m.heard() {
			k.markUnreachable(m.name)
		}
	})
	k.w.clock.after(nodeMonitorGrace+taintToleration, func() {
		if m.silences == silence && !m.heard() {
			k.evictAll(m.name)
		}
	})
}

func (k *kubernetes) markUnreachable(node string) {
	v := k.w.api.nodes.get(node)
	if v == nil || !v.obj.reachable {
		return
	}
	k.w.api.nodes.put(node, nodeObject{unreachableSince: k.w.clock.now})
	k.w.tell(about{}, "node controller: %s is unreachable", node)
	for _, pod := range k.w.api.pods.all() {
		if pod.obj.node == node {
			k.patch(pod, func(p *podObject) { p.ready = false })
		}
	}
}

// evictAll is the taint manager's work on a node that has been unreachable for long.
func (k *kubernetes) evictAll(node string) {
	for _, pod := range k.w.api.pods.all() {
		if pod.obj.node == node && !pod.obj.deleting {
			k.w.tell(about{pod: pod.name}, "taint manager: deleted, %s has been unreachable for long", node)
			k.delete(pod, k.w.settings.Grace)
		}
	}
}

// nodeDeleted is what pod garbage collection does after a Node object is gone: it speaks for the kubelet.
func (k *kubernetes) nodeDeleted(node string) {
	k.w.clock.after(podGCQuarantine, func() {
		if k.w.api.nodes.get(node) != nil {
			return
		}
		for _, pod := range k.w.api.pods.all() {
			if pod.obj.node != node {
				continue
			}
			k.w.tell(about{pod: pod.name}, "pod garbage collection: marked Failed and deleted, whatever runs on %s", node)
			k.patch(pod, func(p *podObject) {
				if p.phase != plan.Succeeded && p.phase != plan.Failed {
					p.phase, p.podGC, p.ready = plan.Failed, true, false
				}
				p.deleting, p.forced, p.grace = true, true, 0
			})
		}
	})
}

func (k *kubernetes) patch(pod *version[podObject], change func(*podObject)) {
	if err := k.w.api.patchPod(pod.name, pod.obj.uid, change); err != nil {
		panic(fmt.Sprintf("patching pod %s just read: %v", pod.name, err))
	}
}

func (k *kubernetes) delete(pod *version[podObject], grace time.Duration) {
	if err := k.w.api.deletePod(pod.name, pod.obj.uid, grace); err != nil {
		panic(fmt.Sprintf("deleting pod %s just read: %v", pod.name, err))
	}
}
