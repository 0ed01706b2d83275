// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// What a union's member stands for when it is left out. Members of unions are never filled in by the schema (the
// package's documentation says why), so these defaults are stated here for the controller and in the members' own
// +default markers for users; a test holds the two together.
const (
	// DefaultLaneCount is lanes.routed.count.
	DefaultLaneCount int32 = 64
	// DefaultMaxBacklogPerLane is lanes.routed.maxBacklogPerLane, in messages.
	DefaultMaxBacklogPerLane int64 = 10000
	// DefaultStoreManagement is lanes.routed.store.management.
	DefaultStoreManagement = StoreManaged
	// DefaultHTTPPort is delivery.http.port.
	DefaultHTTPPort int32 = 8080
	// DefaultHTTPPath is delivery.http.path.
	DefaultHTTPPath = "/"
	// DefaultParkMaxKeys is delivery.onFailure.park.maxKeys.
	DefaultParkMaxKeys int32 = 1024
	// DefaultParkMaxMessagesPerKey is delivery.onFailure.park.maxMessagesPerKey.
	DefaultParkMaxMessagesPerKey int32 = 1024
	// DefaultDrainSeconds is scaling.target.drainSeconds when scaling has no target, in seconds.
	DefaultDrainSeconds int32 = 30
)
