// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package view

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/controllers/cmd/kubectl-convoy/snapshot"
)

// Parked is one parked key.
type Parked struct {
	// Key is the key, cut to 128 characters.
	Key string `json:"key"`
	// Lane is its lane, Worker the pod that says so.
	Lane   int32  `json:"lane"`
	Worker string `json:"worker"`
	// Reason is why it was parked, Attempts how often its first message was started.
	Reason   v1alpha1.ParkReason `json:"reason"`
	Attempts int64               `json:"attempts"`
	// Since is when it was parked, or failed again.
	Since metav1.Time `json:"since"`
	// Messages is how many messages of it are parked.
	Messages int64 `json:"messages"`
	// Released says that it is being run from the park.
	Released bool `json:"released,omitempty"`
}

// ParkedKeys are the parked keys that workers name, those that have been parked for longest first. A worker names few:
// Unnamed is how many there are beside them.
func ParkedKeys(s *snapshot.Snapshot) []Parked {
	var all []Parked
	for i := range s.Workers {
		parked := parkedOf(&s.Workers[i])
		for j := range parked.Longest {
			k := &parked.Longest[j]
			all = append(all, Parked{
				Key: k.Key, Lane: k.Lane, Worker: s.Workers[i].Name, Reason: k.Reason, Attempts: k.Attempts, Since: k.Since,
				Messages: k.Messages, Released: ptr.Deref(k.Released, false),
			})
		}
	}
	slices.SortStableFunc(all, func(a, b Parked) int { return a.Since.Compare(b.Since.Time) })
	return all
}

// Unnamed is how many keys are parked that no worker names.
func Unnamed(s *snapshot.Snapshot) int64 {
	var more int64
	for i := range s.Workers {
		parked := parkedOf(&s.Workers[i])
		more += parked.Keys - int64(len(parked.Longest))
	}
	return more
}

func parkedOf(w *v1alpha1.ConvoyWorker) v1alpha1.WorkerParked {
	status := ptr.Deref(w.Status, v1alpha1.ConvoyWorkerStatus{})
	return ptr.Deref(status.Parked, v1alpha1.WorkerParked{})
}
