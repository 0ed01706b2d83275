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
	written int      // the ReplicaSet's generation that takes them
	left    int      // how many are taken
	but     []string // UIDs of pods that it does not explain as long as they are seen ready
}

// pardon notes that n pods are taken from a ReplicaSet with the write that was just made on this version of it.
func (k *kubernetes) pardon(why string, set *version[replicaSetObject], n int, but []string) {
	if n > 0 {
		k.pardons = append(k.pardons, &pardon{why, set.name, set.obj.written + 1, n, but})
	}
}

// pardoned is the pardon for a pod, as the ReplicaSet controller sees it, that is deleted to bring a ReplicaSet down to
// this version's size: nil if there is none.
func (k *kubernetes) pardoned(set *version[replicaSetObject], pod *version[podObject]) *pardon {
	at := slices.IndexFunc(k.pardons, func(p *pardon) bool {
		return p.set == set.name && p.written <= set.obj.written && p.left > 0 && (!pod.obj.ready || !slices.Contains(p.but, pod.obj.uid))
	})
	if at < 0 {
		return nil
	}
	return k.pardons[at]
}

// settled ends the pardons of a ReplicaSet that has come down to this version's size.
func (k *kubernetes) settled(set *version[replicaSetObject]) {
	k.pardons = slices.DeleteFunc(k.pardons, func(p *pardon) bool {
		return p.set == set.name && p.written <= set.obj.written
	})
}

// seenReady is the UIDs of the pods that a ReplicaSet's status counts as ready.
func (o replicaSetObject) seenReady() []string { return strings.Fields(o.readyPods) }
