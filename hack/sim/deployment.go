// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"cmp"
	"fmt"
	"slices"
)

// The Deployment controller, after pkg/controller/deployment of Kubernetes 1.37: rolling update with a surge of
// maxSurge and nothing unavailable, and proportional scaling when the size changes in mid-rollout.

func replicaSetName(generation int) string { return fmt.Sprintf("rs-%d", generation) }

// syncDeployment observes a generation only when everything that follows from it was written: a refused write ends the
// round, and the next one begins anew.
func (k *kubernetes) syncDeployment() {
	seen := k.deployments.get(poolName)
	if seen == nil {
		return
	}
	d := seen.obj
	if k.rollOrScale(d) != nil {
		k.wake()
		return
	}
	if live := k.w.api.deployments.get(poolName).obj; live.observed < d.written {
		live.observed = d.written
		k.w.api.deployments.put(poolName, live)
	}
}

// rollOrScale comes to a new template only when the ReplicaSets there are have the Deployment's size.
func (k *kubernetes) rollOrScale(d deploymentObject) error {
	sets := k.replicaSets.all()
	newest := k.replicaSets.get(replicaSetName(d.generation))
	if scalingEvent(sets, d) {
		return k.scale(sets, newest, d)
	}
	if newest == nil {
		return k.createReplicaSet(d, sets)
	}
	if grown, err := k.growNewest(sets, newest, d); grown || err != nil {
		return err
	}
	return k.shrinkOld(sets, newest, d)
}

// createReplicaSet waits for the one made before to be seen. The real controller does not: two new templates within the
// few milliseconds of its watch would make it create as many pods for each, but here a watch lags by up to a second.
func (k *kubernetes) createReplicaSet(d deploymentObject, sets []*version[replicaSetObject]) error {
	if len(sets) < len(k.w.api.replicaSets.objects.names) {
		return errConflict
	}
	room := max(0, d.replicas+maxSurge-totalReplicas(sets))
	set := replicaSetObject{generation: d.generation, created: k.w.clock.now, replicas: min(room, d.replicas),
		desired: d.replicas, maxTotal: d.replicas + maxSurge, written: 1}
	err := k.w.api.replicaSets.create(replicaSetName(d.generation), set)
	if err == nil {
		k.w.tell(about{}, "deployment controller: %s created for %d pods", replicaSetName(d.generation), set.replicas)
	}
	return err
}

// resize writes a ReplicaSet's size; the cached version decides whether the write is accepted.
func (k *kubernetes) resize(set *version[replicaSetObject], replicas int, d deploymentObject) (written bool, err error) {
	next := set.obj
	next.replicas, next.desired, next.maxTotal = max(0, replicas), d.replicas, d.replicas+maxSurge
	if next == set.obj {
		return false, nil
	}
	next.written++
	if err := k.w.api.replicaSets.update(set.name, set.rv, next); err != nil {
		return false, err
	}
	if next.replicas != set.obj.replicas {
		k.w.tell(about{}, "deployment controller: %s %d -> %d pods", set.name, set.obj.replicas, next.replicas)
		k.pardonShrunk(set, set.obj.replicas-next.replicas, d)
	}
	return true, nil
}

// resizeAll writes one size after another, and ends with the first that is refused.
func (k *kubernetes) resizeAll(sets []*version[replicaSetObject], size func(int, *version[replicaSetObject]) int, d deploymentObject) error {
	for i, s := range sets {
		if _, err := k.resize(s, size(i, s), d); err != nil {
			return err
		}
	}
	return nil
}

func scalingEvent(sets []*version[replicaSetObject], d deploymentObject) bool {
	return slices.ContainsFunc(sets, func(s *version[replicaSetObject]) bool {
		return s.obj.replicas > 0 && s.obj.desired != d.replicas
	})
}

func totalReplicas(sets []*version[replicaSetObject]) int {
	total := 0
	for _, s := range sets {
		total += s.obj.replicas
	}
	return total
}

func activeSets(sets []*version[replicaSetObject]) []*version[replicaSetObject] {
	var active []*version[replicaSetObject]
	for _, s := range sets {
		if s.obj.replicas > 0 {
			active = append(active, s)
		}
	}
	return active
}

// scale brings the ReplicaSets there are to the Deployment's size: one alone to the whole of it, several in proportion.
func (k *kubernetes) scale(sets []*version[replicaSetObject], newest *version[replicaSetObject], d deploymentObject) error {
	active := activeSets(sets)
	if len(active) == 1 {
		_, err := k.resize(active[0], d.replicas, d)
		return err
	}
	if newest != nil && newest.obj.saturates(d) {
		return k.resizeAll(active, func(_ int, s *version[replicaSetObject]) int {
			if s == newest {
				return s.obj.replicas
			}
			return 0
		}, d)
	}
	allowed := 0
	if d.replicas > 0 {
		allowed = d.replicas + maxSurge
	}
	toAdd := allowed - totalReplicas(active)
	slices.SortStableFunc(active, func(a, b *version[replicaSetObject]) int {
		age := cmp.Compare(a.obj.created, b.obj.created) // shrinking: older first
		if toAdd > 0 {
			age = -age
		}
		return cmp.Or(-cmp.Compare(a.obj.replicas, b.obj.replicas), age)
	})
	sizes, added := make([]int, len(active)), 0
	for i, s := range active {
		share := proportion(s.obj, d, toAdd, added)
		sizes[i] = s.obj.replicas + share
		added += share
	}
	sizes[0] = max(0, sizes[0]+toAdd-added)
	for i, s := range active {
		written, err := k.resize(s, sizes[i], d)
		if err != nil {
			return err
		}
		if written && s.obj.desired <= d.replicas {
			k.pardon(proportional, s, s.obj.replicas-sizes[i])
		}
	}
	return nil
}

// saturates says that the ReplicaSet can own all of the Deployment's pods, and both believe so.
func (o replicaSetObject) saturates(d deploymentObject) bool {
	return o.replicas == d.replicas && o.desired == d.replicas && o.ready == d.replicas
}

// proportion is GetReplicaSetProportion of pkg/controller/deployment/util.
func proportion(s replicaSetObject, d deploymentObject, toAdd, added int) int {
	if toAdd == 0 || toAdd == added {
		return 0
	}
	fraction := -s.replicas
	if d.replicas > 0 {
		if s.maxTotal == 0 {
			return 0
		}
		size := float64(s.replicas*(d.replicas+maxSurge)) / float64(s.maxTotal)
		fraction = int(size+0.5) - s.replicas
	}
	if toAdd > 0 {
		return min(fraction, toAdd-added)
	}
	return max(fraction, toAdd-added)
}

// growNewest is reconcileNewReplicaSet.
func (k *kubernetes) growNewest(sets []*version[replicaSetObject], newest *version[replicaSetObject], d deploymentObject) (bool, error) {
	size := newest.obj.replicas
	switch {
	case size == d.replicas:
		return false, nil
	case size > d.replicas:
		return k.resize(newest, d.replicas, d)
	}
	room := d.replicas + maxSurge - totalReplicas(sets)
	if room <= 0 {
		return false, nil
	}
	return k.resize(newest, size+min(room, d.replicas-size), d)
}

// shrinkOld is reconcileOldReplicaSets: first pods of old ReplicaSets that are not ready, then one ready pod for
// every new one that is.
func (k *kubernetes) shrinkOld(sets []*version[replicaSetObject], newest *version[replicaSetObject], d deploymentObject) error {
	var old []*version[replicaSetObject]
	for _, s := range activeSets(sets) {
		if s != newest {
			old = append(old, s)
		}
	}
	slices.SortStableFunc(old, func(a, b *version[replicaSetObject]) int { return cmp.Compare(a.obj.created, b.obj.created) })
	ready, late := newest.obj.ready, newest.obj.readyLate
	for _, s := range old {
		ready += s.obj.ready
		late += s.obj.readyLate
	}
	budget := totalReplicas(sets) - d.replicas - (newest.obj.replicas - newest.obj.ready)
	if budget <= 0 {
		return nil
	}
	unready, working := map[string]int{}, map[string]int{}
	for _, s := range old {
		unready[s.name] = min(budget, max(0, s.obj.replicas-s.obj.ready))
		budget -= unready[s.name]
	}
	surplus := max(0, ready-d.replicas)
	for _, s := range old {
		working[s.name] = min(s.obj.replicas-unready[s.name], surplus)
		surplus -= working[s.name]
	}
	for _, s := range old {
		written, err := k.resize(s, s.obj.replicas-unready[s.name]-working[s.name], d)
		if err != nil {
			return err
		}
		if !written {
			continue
		}
		k.pardonUnready(s, unready[s.name])
		misled := min(late, working[s.name])
		k.pardon(lateKubelet, s, misled)
		late -= misled
	}
	return nil
}
