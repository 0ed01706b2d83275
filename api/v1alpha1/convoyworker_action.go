// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"crypto/sha256"
	"encoding/hex"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ActionOrder is a worker's part of a ConvoyAction. Of keys, reason and parkedBefore those that are set select: with none
// every parked key is meant.
type ActionOrder struct {
	// uid is the ConvoyAction's UID, up to 64 characters: an order with another one is another order. Example: 5d2b6f0e-9c1f-4f1b-8a53-0f3a3b1f2d11.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	UID string `json:"uid,omitempty"`

	// type is what is done with the keys: Release or Discard. Example: Release.
	// +required
	Type ActionType `json:"type,omitempty"`

	// keyDigests stand for the keys that are meant, up to 256: each the first 24 hexadecimal digits of the SHA-256 of a key,
	// because keys may be long. Absent when others are selected. Example: [9f86d081884c7d659a2feaa0].
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=256
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=24
	KeyDigests []string `json:"keyDigests,omitempty"`

	// reason selects keys that were parked for it: Rejected, AttemptsExhausted, WorkerCrashed or LookAhead.
	// Example: AttemptsExhausted.
	// +optional
	Reason *ParkReason `json:"reason,omitempty"`

	// parkedBefore selects keys that were parked before this time: when the action began, or earlier. Absent with keyDigests.
	// Example: "2026-01-01T00:00:00.000000Z".
	// +optional
	ParkedBefore *metav1.MicroTime `json:"parkedBefore,omitempty"`

	// keysPerMinute is how many keys this worker begins each minute, 1 to 600,000: its share of the action's ratePerSecond.
	// Example: 600.
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=600000
	KeysPerMinute int32 `json:"keysPerMinute,omitempty"`
}

// KeyDigest stands for a key in an ActionOrder: the first 24 hexadecimal digits of its SHA-256.
func KeyDigest(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:12])
}

// ActionReport is how far a worker has come with its ActionOrder. Counts are of all lanes that it has had since the order
// came.
type ActionReport struct {
	// uid is the order's, up to 64 characters. Example: 5d2b6f0e-9c1f-4f1b-8a53-0f3a3b1f2d11.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	UID string `json:"uid,omitempty"`

	// complete says that of the lanes in status.lanes no selected key is left to do. Default: false. Example: true.
	// +optional
	Complete *bool `json:"complete,omitempty"`

	// keys is how many keys were selected, less those that left with their lanes before they were done. Example: 12.
	// +required
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=9007199254740991
	Keys int64 `json:"keys"`

	// done is how many of them are no longer parked. Example: 11.
	// +required
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=9007199254740991
	Done int64 `json:"done"`

	// failed is how many of them failed again and stay parked. Example: 1.
	// +required
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=9007199254740991
	Failed int64 `json:"failed"`

	// messages is how many messages of them left the park. Example: 340.
	// +required
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=9007199254740991
	Messages int64 `json:"messages"`
}

// WorkerParked is what is parked in a worker's lanes. Keys that are only drained through the park, because too many of their
// messages waited, are not counted.
type WorkerParked struct {
	// keys is how many keys are parked. Example: 2.
	// +required
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=9007199254740991
	Keys int64 `json:"keys"`

	// messages is how many messages of those keys are parked. Example: 31.
	// +required
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=9007199254740991
	Messages int64 `json:"messages"`

	// longest are the keys that have been parked for longest, up to 10, the first the longest.
	// Example: [{lane: 5, key: order-1042, reason: Rejected, attempts: 1, since: "2026-01-01T00:00:00Z", messages: 12}].
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=10
	Longest []ParkedKey `json:"longest,omitempty"`
}

// ParkedKey is one parked key.
type ParkedKey struct {
	// lane is the lane's number, 0 to 9,999. Example: 5.
	// +required
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=9999
	Lane int32 `json:"lane"`

	// key is the key, cut to 128 characters. Example: order-1042.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	Key string `json:"key,omitempty"`

	// reason is why it was parked: Rejected, AttemptsExhausted or WorkerCrashed. LookAhead, as of a key that is drained through
	// the park by itself, is not listed. Example: AttemptsExhausted.
	// +required
	Reason ParkReason `json:"reason,omitempty"`

	// attempts is how often its first message was started. Example: 5.
	// +required
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=4294967295
	Attempts int64 `json:"attempts"`

	// since is when it was parked, or failed again. Example: "2026-01-01T00:00:00Z".
	// +required
	Since metav1.Time `json:"since,omitzero"`

	// messages is how many messages of it are parked. Example: 12.
	// +required
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=9007199254740991
	Messages int64 `json:"messages"`

	// released says that it is being run from the park. Default: false. Example: true.
	// +optional
	Released *bool `json:"released,omitempty"`
}
