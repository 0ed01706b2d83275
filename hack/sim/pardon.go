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
	written int             // the ReplicaSet's generation that takes them
	left    int             // how many are taken, less those that it has excused
	unready bool            // they were taken because they were not ready
	ready   []string        // then: the UIDs of the pods that counted as ready
	mistook map[string]bool // and of those that did not, though they were at work
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
	p.unready, p.ready, p.mistook = true, strings.Fields(set.obj.readyPods), map[string]bool{}
	k.mistake(p, func(naming) bool { return true })
}

// pardoned uses the pardon for a pod that is deleted to bring a ReplicaSet down to this version's size: "" if there is none.
func (k *kubernetes) pardoned(set *version[replicaSetObject]) (why string) {
	for _, p := range k.pardons {
		if p.set == set.name && p.written <= set.obj.written && p.left > 0 && (!p.unready || p.excused < k.mistaken(p)) {
			p.left--
			p.excused++
			return p.why
		}
	}
	return ""
}

// mistaken is how many pods that did not count as ready when what was not ready was taken were at work then, or have been
// put to work since by one who could not know. Which pods are deleted for them is decided later, by what is ready then.
func (k *kubernetes) mistaken(p *pardon) int {
	k.mistake(p, func(how naming) bool { return how != bound })
	return len(p.mistook)
}

func (k *kubernetes) mistake(p *pardon, counts func(naming) bool) {
	for _, pod := range k.w.api.pods.all() {
		how, named := k.w.check.named[pod.obj.uid]
		if named && counts(how) && pod.obj.replicaSet == p.set && !slices.Contains(p.ready, pod.obj.uid) {
			p.mistook[pod.obj.uid] = true
		}
	}
}

// settled ends the pardons of a ReplicaSet that has come down to this version's size.
func (k *kubernetes) settled(set *version[replicaSetObject]) {
	k.pardons = slices.DeleteFunc(k.pardons, func(p *pardon) bool {
		return p.set == set.name && p.written <= set.obj.written
	})
}
