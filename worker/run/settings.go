// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package run

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/key"
	"convoy.dev/convoy/worker/order"
)

// FromSettings makes the part of a Config that a pool says. Settings have their defaults. It refuses what this version
// cannot run, in words for a person.
func FromSettings(s *v1alpha1.WorkerSettings) (Config, error) {
	expression, err := key.Compile(s.Key.Expression)
	if err != nil {
		return Config{}, fmt.Errorf("compiling the key expression: %w", err)
	}
	fingerprint, err := fingerprint(s)
	if err != nil {
		return Config{}, err
	}
	var routing Routing
	if routed := s.Lanes.Routed; *s.Lanes.Type == v1alpha1.LanesRouted {
		routing = Routing{Lanes: int(*routed.Count), MaxBacklog: *routed.MaxBacklogPerLane}
	}
	return Config{
		Routing: routing,
		Claim: broker.Claim{
			Cluster: string(s.Cluster), Namespace: s.Pool.Namespace, Name: s.Pool.Name, UID: string(s.Pool.UID), Fingerprint: fingerprint,
		},
		Key:          expression,
		OnMissing:    *s.Key.OnMissing,
		Order:        Ordering(&s.Delivery),
		Fence:        time.Duration(*s.Handoff.FenceSeconds) * time.Second,
		DrainTimeout: time.Duration(*s.Handoff.DrainTimeoutSeconds) * time.Second,
	}, nil
}

// maxBatchBytes is how large the payloads of one call may be together; a larger one goes by itself.
const maxBatchBytes = 1 << 20

// Ordering is the sequencer's configuration as a pool's delivery, with its defaults, says it.
func Ordering(d *v1alpha1.Delivery) order.Config {
	c := order.Config{
		MaxInFlightKeys: int(*d.MaxInFlightKeys),
		Timeout:         int64(*d.TimeoutSeconds) * int64(time.Second),
		MaxAttempts:     int(*d.Retry.MaxAttempts),
		InitialBackoff:  int64(*d.Retry.InitialBackoffMilliseconds) * int64(time.Millisecond),
		MaxBackoff:      int64(*d.Retry.MaxBackoffMilliseconds) * int64(time.Millisecond),
		OnFailure:       order.Block,

		BatchMaxMessages: int(*d.Batch.MaxMessages),
		BatchMaxBytes:    maxBatchBytes,
	}
	switch *d.OnFailure.Type {
	case v1alpha1.FailurePark:
		c.OnFailure = order.Park
		c.ParkMaxKeys, c.ParkMaxMessagesPerKey = int(*d.OnFailure.Park.MaxKeys), int(*d.OnFailure.Park.MaxMessagesPerKey)
	case v1alpha1.FailureDeadLetter:
		c.OnFailure = order.DeadLetter
	case v1alpha1.FailureBlock:
	}
	return c
}

// fingerprint is a hash of everything that gives a message its lane, key and place.
func fingerprint(s *v1alpha1.WorkerSettings) (string, error) {
	parts := struct {
		Version  int
		Stream   string
		Subjects []string
		Key      string
		Type     v1alpha1.LaneType
		Native   *v1alpha1.NativeLanes
		// Routed lanes: how many, and which store keeps them.
		Count      *int32                    `json:",omitempty"`
		Management *v1alpha1.StoreManagement `json:",omitempty"`
		Store      *string                   `json:",omitempty"`
	}{Version: 1, Key: s.Key.Expression, Type: *s.Lanes.Type, Native: s.Lanes.Native}
	if routed := s.Lanes.Routed; routed != nil {
		parts.Count, parts.Management, parts.Store = routed.Count, routed.Store.Management, routed.Store.Name
	}
	if nats := s.Source.NATS; nats != nil {
		parts.Stream, parts.Subjects = nats.Stream, nats.Subjects
	}
	text, err := json.Marshal(parts)
	if err != nil {
		return "", fmt.Errorf("writing the fingerprint: %w", err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16]), nil
}
