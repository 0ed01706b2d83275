// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package view

import (
	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/controllers/cmd/kubectl-convoy/snapshot"
	"convoy.dev/convoy/worker/key"
	"convoy.dev/convoy/worker/lane"
)

// Message is where one message belongs.
type Message struct {
	// Key is its key, as workers evaluate it.
	Key string `json:"key"`
	// Lane is the lane of the key, or of the subject with Native lanes.
	Lane int32 `json:"lane"`
	// Worker is the pod that holds the lane's grant, "" if none does.
	Worker string `json:"worker,omitempty"`
	// Epoch is the lane's, 0 if it was never granted.
	Epoch int64 `json:"epoch"`
}

// Locate says where a message belongs, by an expression that may be another than the pool's. The error is the
// *key.CompileError of an expression that can give no key, or the *key.NoKeyError of a message that has none.
func Locate(s *snapshot.Snapshot, expression string, message *key.Message) (*Message, error) {
	compiled, err := key.Compile(expression)
	if err != nil {
		return nil, err
	}
	found := &Message{}
	if found.Key, err = compiled.Eval(*message); err != nil {
		return nil, err
	}
	if native(&s.Pool.Spec) != nil {
		number, err := LaneOfSubject(&s.Pool.Spec, message.Subject)
		if err != nil {
			return nil, err
		}
		found.Lane = int32(number)
	} else {
		found.Lane = laneOfKey(&s.Pool.Spec, found.Key)
	}
	found.Worker, found.Epoch = ownerOf(s, found.Lane)
	return found, nil
}

// laneOfKey is the Routed lane of a key.
func laneOfKey(spec *v1alpha1.ConvoyPoolSpec, key string) int32 {
	return int32(lane.Of(lane.Hash(key), LaneCount(spec)))
}

// ownerOf is the pod that holds the grant of a lane, "" if none does, and the lane's epoch, 0 if it was never granted.
func ownerOf(s *snapshot.Snapshot, number int32) (worker string, epoch int64) {
	if s.Table == nil || int(number) >= len(s.Table.Lanes) {
		return "", 0
	}
	owned := &s.Table.Lanes[number]
	if holder := Holder(s.Table, owned); holder != nil {
		worker = holder.Name
	}
	return worker, owned.Epoch
}
