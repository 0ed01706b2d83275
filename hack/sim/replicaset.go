// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"convoy.dev/convoy/controllers/pool/plan"
)

// The ReplicaSet controller, after pkg/controller/replicaset and ActivePodsWithRanks of Kubernetes 1.37. It acts on
// its cache, and does not act again before it has seen what it did.

func (k *kubernetes) syncReplicaSets() {
	for _, set := range k.replicaSets.all() {
		var pods []*version[podObject]
		for _, pod := range k.pods.all() {
			if pod.obj.replicaSet == set.name && pod.obj.active() {
				pods = append(pods, pod)
			}
		}
		if len(k.expectCreated) == 0 && len(k.expectDeleted) == 0 {
			k.adjust(set, pods)
		}
		k.reportReplicaSet(set, pods)
	}
	k.w.check.carriedOut()
}

func (k *kubernetes) adjust(set *version[replicaSetObject], pods []*version[podObject]) {
	for range set.obj.replicas - len(pods) {
		if !k.createPod(set) {
			return
		}
	}
	surplus := len(pods) - set.obj.replicas
	if surplus <= 0 {
		k.settled(set)
		return
	}
	k.rank(pods)
	for _, pod := range pods[:surplus] {
		k.expectDeleted[pod.name] = pod.obj.uid
		k.w.check.deletedByReplicaSet(set, pod)
		k.w.tell(about{pod: pod.name}, "replica set controller: deleted, %s has %d pods too many", set.name, surplus)
		if k.w.api.deletePod(pod.name, pod.obj.uid, k.w.settings.Grace) != nil {
			delete(k.expectDeleted, pod.name)
		}
	}
	k.settled(set)
}

// createPod makes one pod; false when the quota refuses it.
func (k *kubernetes) createPod(set *version[replicaSetObject]) bool {
	if k.quota > 0 && len(k.w.api.pods.objects.names) >= k.quota {
		k.w.clock.after(time.Second, k.wake)
		return false
	}
	k.made++
	name := fmt.Sprintf("pod-%d", k.made)
	if k.made > 1 && k.w.dice.chance(k.w.settings.NamesAgain) {
		if again := fmt.Sprintf("pod-%d", k.w.dice.between(1, k.made-1)); k.w.api.pods.get(again) == nil && k.pods.get(again) == nil {
			name = again
		}
	}
	pod := podObject{uid: fmt.Sprintf("uid-%d", k.made), pool: k.w.remade, replicaSet: set.name, generation: set.obj.generation,
		created: k.w.clock.now, finalizer: true}
	k.expectCreated[name] = true
	k.w.api.pods.put(name, pod)
	k.w.tell(about{pod: name}, "replica set controller: created for %s", set.name)
	return true
}

// rank orders pods by how gladly they are deleted.
func (k *kubernetes) rank(pods []*version[podObject]) {
	together := map[string]int{}
	for _, pod := range pods {
		if pod.obj.ready {
			together[pod.obj.node]++
		}
	}
	slices.SortStableFunc(pods, func(a, b *version[podObject]) int {
		x, y := &a.obj, &b.obj
		order := cmp.Or(
			boolOrder(x.node == "", y.node == ""),
			cmp.Compare(phaseRank(x.phase), phaseRank(y.phase)),
			boolOrder(!x.ready, !y.ready),
			boolOrder(x.cheap, y.cheap),
			-cmp.Compare(together[x.node], together[y.node]),
		)
		if order == 0 && x.ready && y.ready {
			order = -cmp.Compare(x.readySince, y.readySince)
		}
		return cmp.Or(order, -cmp.Compare(x.restarts, y.restarts), -cmp.Compare(x.created, y.created), cmp.Compare(x.uid, y.uid))
	})
}

// boolOrder puts true before false.
func boolOrder(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	default:
		return 1
	}
}

func phaseRank(p plan.Phase) int {
	switch p {
	case plan.Pending:
		return 0
	case plan.Unknown:
		return 1
	default:
		return 2
	}
}

// reportReplicaSet writes the status from what the controller has seen, so that a reader of the status knows what
// the choice of the next pod to delete will rest on.
func (k *kubernetes) reportReplicaSet(set *version[replicaSetObject], pods []*version[podObject]) {
	var ready []string
	late := 0
	for _, pod := range pods {
		if !pod.obj.ready {
			continue
		}
		ready = append(ready, pod.obj.uid)
		if pod.obj.readyLate {
			late++
		}
	}
	live := k.w.api.replicaSets.get(set.name)
	if live == nil {
		return
	}
	next := live.obj
	next.actual, next.ready, next.observed = len(pods), len(ready), max(next.observed, set.obj.written)
	next.readyPods, next.readyLate = strings.Join(ready, " "), late
	if next == live.obj {
		return
	}
	k.w.api.replicaSets.put(set.name, next)
}
