// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

const (
	// PeekPath is where a worker tells what it has of a key, as a JSON list of KeyPeek, to a GET with the query key=KEY. It
	// listens for that on the loopback address of its pod alone, at WorkerPort, so that whoever asks was let in by the API
	// server, which forwards ports of pods to those who may create pods/portforward.
	PeekPath = "/peek"

	// PeekParameter is the query parameter that has the key.
	PeekParameter = "key"
)

// KeyPeek is what a worker has of one key in one lane at a moment. It is no object of the API. It has nothing of what
// messages carry.
type KeyPeek struct {
	// lane is the lane's number. Example: 17.
	// +required
	Lane int32 `json:"lane"`

	// epoch is the lane's. Example: 3.
	// +required
	Epoch int64 `json:"epoch"`

	// state is what the key does, in a word of the sequencer's: Ready (it waits for its turn), Alone (until nothing else runs,
	// because a worker died with its first message), Reading (for its first message to be read), Recording (for its start to be
	// recorded), Running (its call is with the handler), Held (its call was lost, and the handler may be at work still),
	// Waiting (for its next attempt), DeadLettering (its first message is on its way to the dead letters), Parked, or Resting
	// (there is nothing to start). Example: Waiting.
	// +required
	// +kubebuilder:validation:MaxLength=16
	State string `json:"state"`

	// since is when the call began, or the key was parked; other states have none. Example: "2026-01-01T00:00:00.000000Z".
	// +optional
	Since *metav1.MicroTime `json:"since,omitempty"`

	// due is when the key goes on by itself: it is tried again, or its lost call is over. Example: "2026-01-01T00:00:30.000000Z".
	// +optional
	Due *metav1.MicroTime `json:"due,omitempty"`

	// attempts is how often its first message was started. Example: 2.
	// +required
	Attempts int64 `json:"attempts"`

	// messages is how many messages of the key the worker knows of that are not completed. What it has not read from the lane
	// yet is not among them. Example: 12.
	// +required
	Messages int64 `json:"messages"`

	// running is how many of them are with the handler. Example: 1.
	// +required
	Running int64 `json:"running"`

	// parked is how many of them are in the parking store. Example: 0.
	// +required
	Parked int64 `json:"parked"`

	// sequences are the first of those that are in memory, ascending, at most 16. Example: [1042, 1050].
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	Sequences []int64 `json:"sequences,omitempty"`

	// reason is why the last call of its first message failed, or why the key is parked; empty if neither is. Example: the
	// handler answered 503 Service Unavailable.
	// +required
	// +kubebuilder:validation:MaxLength=256
	Reason string `json:"reason"`
}
