// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"slices"
	"strings"
)

// pardon is pods that the Deployment controller takes from a ReplicaSet for a reason that is in nobody's hands here. It
// ends when the ReplicaSet controller has come down to the size that was written with it.
type pardon struct {
	why     string
	set     string
	written int               // the ReplicaSet's generation that takes them
	left    int               // how many are taken, less those that it has excused
	unready bool              // they were taken because they were not ready
	working map[string]naming // then: the pods that were at work
	mistook map[string]bool   // those of them that did not count as ready, and others put to work since unknown
	shrink  *shrink           // they were taken for a smaller size
	excused int
}

// pardon notes that n pods are taken from a ReplicaSet with the write that was just made on this version of it.
func (k *kubernetes) pardon(why string, set *version[replicaSetObject], n int) *pardon {
	p := &pardon{why: why, set: set.name, written: set.obj.written + 1, left: n}
	k.pardons = append(k.pardons, p)
	return p
}

// pardonUnready notes that n pods are taken because they are not ready.
func (k *kubernetes) pardonUnready(set *version[replicaSetObject], n int) {
	p := k.pardon(secondRollout, set, n)
	p.unready, p.working, p.mistook = true, k.working(set.name), map[string]bool{}
	ready := strings.Fields(set.obj.readyPods)
	for uid := range p.working {
		if !slices.Contains(ready, uid) {
			p.mistook[uid] = true
		}
	}
}

// pardonShrunk notes that n pods are taken for the Deployment's smaller sizes.
func (k *kubernetes) pardonShrunk(set *version[replicaSetObject], n int, d deploymentObject) {
	for _, s := range k.w.check.passedOn(d) {
		k.pardon(lateShrink, set, n).shrink = s
	}
}

// pardoned uses the pardon for a pod that is deleted to bring a ReplicaSet down to this version's size: "" if there is none.
func (k *kubernetes) pardoned(set *version[replicaSetObject]) (why string) {
	for _, p := range k.pardons {
		if p.set == set.name && p.written <= set.obj.written && p.left > 0 && k.explains(p) {
			p.left--
			p.excused++
			if p.shrink != nil {
				p.shrink.excused++
			}
			return p.why
		}
	}
	return ""
}

// explains says that the pardon's cause explains one pod more than it has.
func (k *kubernetes) explains(p *pardon) bool {
	switch {
	case p.unready:
		return p.excused < k.mistaken(p)
	case p.shrink != nil:
		return p.shrink.excused < k.w.check.miscounted(p.shrink)
	}
	return true
}

// mistaken is how many pods were at work that did not count as ready when what was not ready was taken, and how many have
// been put to work since by one who could not know. Which pods are deleted for them is decided later, by what is ready then.
func (k *kubernetes) mistaken(p *pardon) int {
	for uid, how := range k.working(p.set) {
		if _, before := p.working[uid]; !before && how != bound {
			p.mistook[uid] = true
		}
	}
	return len(p.mistook)
}

// working is the pods of a ReplicaSet that the table names, by UID.
func (k *kubernetes) working(set string) map[string]naming {
	pods := map[string]naming{}
	for _, pod := range k.w.api.pods.all() {
		if how, named := k.w.check.named[pod.obj.uid]; named && pod.obj.replicaSet == set {
			pods[pod.obj.uid] = how
		}
	}
	return pods
}

// settled ends the pardons of a ReplicaSet that has come down to this version's size.
func (k *kubernetes) settled(set *version[replicaSetObject]) {
	k.pardons = slices.DeleteFunc(k.pardons, func(p *pardon) bool {
		return p.set == set.name && p.written <= set.obj.written
	})
}
