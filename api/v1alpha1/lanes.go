// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// Lanes are the units of ownership. Workers share the work by owning lanes; a key is always in one lane.
//
// +kubebuilder:validation:XValidation:rule="self.?type.orValue('Routed') != 'Native' || !has(self.routed)",message="routed goes with type Routed: remove it, or set type to Routed"
// +kubebuilder:validation:XValidation:rule="(self.?type.orValue('Routed') == 'Native') == has(self.native)",message="native goes with type Native: set both, or remove native"
type Lanes struct {
	// type is Routed (messages are copied, by the hash of their key, to lanes that Convoy keeps in the same broker) or
	// Native (the source is already partitioned by the key and its partitions are the lanes; nothing is copied).
	// Default: Routed. Fixed while lanes hold messages. Example: Native.
	// +optional
	// +default="Routed"
	Type *LaneType `json:"type,omitempty"`

	// routed configures Routed lanes. Default: what its fields default to. Example: {count: 256}.
	// +optional
	Routed *RoutedLanes `json:"routed,omitempty"`

	// native says where Native lanes are. Required with type Native.
	// Example: {nats: {subjects: ["orders.{lane}.>"], count: 16}}.
	// +optional
	Native *NativeLanes `json:"native,omitempty"`
}

// LaneType says what lanes are made of.
// +kubebuilder:validation:Enum=Routed;Native
type LaneType string

const (
	// LanesRouted are contiguous ranges of the key-hash space, kept by Convoy in the source's broker.
	LanesRouted LaneType = "Routed"
	// LanesNative are the partitions of the source.
	LanesNative LaneType = "Native"
)

// RoutedLanes configures lanes that Convoy keeps in the broker.
type RoutedLanes struct {
	// count is the number of lanes, 1 to 10,000. Default: 64. It bounds the number of workers that can have work: choose
	// a few times the largest number of workers, since it is fixed while lanes hold messages. Example: 256.
	// +optional
	// +default=64
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10000
	Count *int32 `json:"count,omitempty"`

	// maxBacklogPerLane is how many messages a lane may hold before routing waits, 1 to 1,000,000,000. Default: 10000.
	// Routing waits for every lane then, so that the source's own retention and lag stay meaningful. Example: 100000.
	// +optional
	// +default=10000
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000000
	MaxBacklogPerLane *int64 `json:"maxBacklogPerLane,omitempty"`

	// store is where the broker keeps the lanes. Default: a store that Convoy makes. Its management and name are fixed
	// while lanes hold messages. Example: {replicas: 3, maxBytes: 10737418240}.
	// +optional
	// +default={}
	Store *LaneStore `json:"store,omitempty"`
}

// LaneStore is where a broker keeps Routed lanes; in JetStream a stream.
//
// +kubebuilder:validation:XValidation:rule="self.?management.orValue('Managed') != 'Existing' || has(self.name)",message="management Existing needs the name of the store: set name"
// +kubebuilder:validation:XValidation:rule="self.?management.orValue('Managed') != 'Existing' || !(has(self.replicas) || has(self.maxBytes))",message="an Existing store keeps its own settings: remove replicas and maxBytes, or set management to Managed"
type LaneStore struct {
	// management is Managed (Convoy makes the store and sets it up) or Existing (it was made for this pool by somebody
	// else, empty, and Convoy checks that it fits). Default: Managed. Example: Existing.
	// +optional
	// +default="Managed"
	Management *StoreManagement `json:"management,omitempty"`

	// name is the name of the store, up to 255 characters. Default: a name made of the pool's namespace and name.
	// Required with Existing. It cannot be the source's stream, and two pools cannot share a store. Example: CONVOY_ORDERS.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=255
	// +kubebuilder:validation:XValidation:rule=`self.matches(r'^[^\s.*>/\\]+$')`,message="a store's name has no spaces, dots, '*', '>', '/' or '\\': choose another name"
	Name *string `json:"name,omitempty"`

	// replicas is how many servers keep a copy, 1 to 5. Default: as many as keep the source. Fewer than that are refused
	// (SourceClaimed says so), because a message would be safer before it is routed than after. Only with Managed; may
	// be changed at any time. Example: 3.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=5
	Replicas *int32 `json:"replicas,omitempty"`

	// maxBytes is how large the store may grow, in bytes, 1,048,576 (1 MiB) to 1,125,899,906,842,624 (1 PiB). Default: no
	// limit but the broker's own, at which the whole pool stands, because then nothing more can be recorded either. When the
	// store is nearly full routing waits (LaneStoreFull says so) and nothing is lost. Only with Managed; may be changed at
	// any time. Example: 10737418240 (10 GiB).
	// +optional
	// +kubebuilder:validation:Minimum=1048576
	// +kubebuilder:validation:Maximum=1125899906842624
	MaxBytes *int64 `json:"maxBytes,omitempty"`
}

// StoreManagement says who makes a store.
// +kubebuilder:validation:Enum=Managed;Existing
type StoreManagement string

const (
	// StoreManaged is made and set up by Convoy.
	StoreManaged StoreManagement = "Managed"
	// StoreExisting was made by somebody else.
	StoreExisting StoreManagement = "Existing"
)

// NativeLanes says where the lanes are in a source that is already partitioned by the key. Exactly one member is set,
// the same as in source.
//
// +kubebuilder:validation:XValidation:rule="[has(self.nats)].exists_one(set, set)",message="set exactly one member, the same as in source: nats"
type NativeLanes struct {
	// nats says which subjects make a lane. Example: {subjects: ["orders.{lane}.>"], count: 16}.
	// +optional
	NATS *NATSNativeLanes `json:"nats,omitempty"`
}

// NATSNativeLanes are lanes of a stream whose subjects name the partition.
type NATSNativeLanes struct {
	// subjects are the subjects of one lane, up to 8 of up to 128 characters each, in which {lane} stands once, as a token
	// of its own, for the number of the lane (0 to count-1). The other tokens may be wildcards, but subjects must not
	// overlap. Fixed while lanes hold messages. Example: ["orders.{lane}.>"].
	// +required
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=128
	// +kubebuilder:validation:items:XValidation:rule=`self.matches(r'^([^{}]*\.)?\{lane\}(\.[^{}]*)?$')`,message="write {lane} once, as a token of its own, where the number of the lane stands, for example orders.{lane}.>"
	// +kubebuilder:validation:items:XValidation:rule=`self.matches(r'^(([^\s.*>]+|\*)(\.([^\s.*>]+|\*))*(\.>)?|>)$')`,message="write a subject as tokens with dots between them; '*' stands for one token, '>' for all that follow and comes last, for example orders.{lane}.>"
	// +kubebuilder:validation:XValidation:rule="self.all(a, self.all(b, a == b || a.split('.').exists(i, t, i < size(b.split('.')) && !(t in ['*', '>']) && !(b.split('.')[i] in ['*', '>', t])) || (size(a.split('.')) < size(b.split('.')) && !a.endsWith('>')) || (size(b.split('.')) < size(a.split('.')) && !b.endsWith('>'))))",message="subjects of a lane overlap, which the broker refuses: remove the narrower ones"
	Subjects []string `json:"subjects,omitempty"`

	// count is the number of lanes, 1 to 10,000: lanes are numbered 0 to count-1. Messages of other numbers are not
	// read. Fixed while lanes hold messages. Example: 16.
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10000
	Count int32 `json:"count,omitempty"`
}
