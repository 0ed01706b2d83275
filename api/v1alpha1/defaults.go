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

// The defaults of other fields, which the schema fills in, for WorkerSettings: a worker may be newer than who wrote them.
const (
	// DefaultUsernameKey is source.nats.auth.userPassword.usernameKey.
	DefaultUsernameKey = "username"
	// DefaultPasswordKey is source.nats.auth.userPassword.passwordKey.
	DefaultPasswordKey = "password"
	// DefaultMaxInFlightKeys is delivery.maxInFlightKeys.
	DefaultMaxInFlightKeys int32 = 32
	// DefaultTimeoutSeconds is delivery.timeoutSeconds, in seconds.
	DefaultTimeoutSeconds int32 = 30
	// DefaultMaxAttempts is delivery.retry.maxAttempts.
	DefaultMaxAttempts int32 = 5
	// DefaultInitialBackoffMilliseconds is delivery.retry.initialBackoffMilliseconds, in milliseconds.
	DefaultInitialBackoffMilliseconds int32 = 200
	// DefaultMaxBackoffMilliseconds is delivery.retry.maxBackoffMilliseconds, in milliseconds.
	DefaultMaxBackoffMilliseconds int32 = 30000
	// DefaultBatchMaxMessages is delivery.batch.maxMessages.
	DefaultBatchMaxMessages int32 = 1
	// DefaultDrainTimeoutSeconds is handoff.drainTimeoutSeconds, in seconds.
	DefaultDrainTimeoutSeconds int32 = 60
	// DefaultFenceSeconds is handoff.fenceSeconds, in seconds.
	DefaultFenceSeconds int32 = 10
)
