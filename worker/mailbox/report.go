// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package mailbox

import (
	"slices"
	"strings"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/worker/drain"
)

// ReadReport is the worker's side of the object; nil is the report of an object that no worker has written to yet.
func ReadReport(s *v1alpha1.ConvoyWorkerStatus) drain.Report {
	if s == nil {
		return drain.Report{}
	}
	out := drain.Report{
		Observed:    orZero(s.ObservedRevision),
		Incarnation: orZero(s.Incarnation),
		Resigned:    orZero(s.Resigned),
	}
	if p := s.Protocol; p != nil {
		out.Protocol = drain.Protocol{Min: p.Min, Max: p.Max}
	}
	for _, l := range s.Lanes {
		out.Held = append(out.Held, drain.Held{Unit: lane(l.Lane), Epoch: l.Epoch, State: readState(l.State), Floor: orZero(l.Floor)})
	}
	for _, h := range s.Shards {
		out.Held = append(out.Held, drain.Held{Unit: shard(h.Shard), Epoch: h.Epoch, State: readState(h.State), Floor: orZero(h.Floor)})
	}
	out.Held = ordered(out.Held, func(h drain.Held) (drain.Unit, int64) { return h.Unit, h.Epoch })
	readWaits(s.Waits, out.Held)
	return out
}

// readWaits puts each key at the lane that drains and waits for it.
func readWaits(waits []v1alpha1.DrainWait, held []drain.Held) {
	for _, wait := range waits {
		for i := range held {
			if held[i].Unit == lane(wait.Lane) && held[i].State == drain.Draining {
				held[i].Waits = wait.Key
			}
		}
	}
}

// maxWaits is how many keys a status names that lanes wait for.
const maxWaits = 32

// Tells says whether the status has the report, as far as a status carries one.
func Tells(s *v1alpha1.ConvoyWorkerStatus, r drain.Report) bool {
	var written v1alpha1.ConvoyWorkerStatus
	WriteReport(r, &written)
	has, wanted := ReadReport(s), ReadReport(&written)
	return has.Observed == wanted.Observed && has.Incarnation == wanted.Incarnation && has.Resigned == wanted.Resigned &&
		has.Protocol == wanted.Protocol && slices.Equal(has.Held, wanted.Held)
}

// WriteReport puts the report into the status, and leaves everything else that a status carries (conditions, backlog)
// as it is.
func WriteReport(r drain.Report, into *v1alpha1.ConvoyWorkerStatus) {
	into.ObservedRevision = unlessZero(r.Observed)
	into.Incarnation = unlessZero(r.Incarnation)
	into.Resigned = unlessZero(r.Resigned)
	into.Protocol = nil
	if r.Protocol != (drain.Protocol{}) {
		into.Protocol = &v1alpha1.ProtocolRange{Min: r.Protocol.Min, Max: r.Protocol.Max}
	}
	into.Lanes, into.Shards, into.Waits = nil, nil, nil
	for _, h := range r.Held {
		state, floor := writeState(h.State), unlessZero(h.Floor)
		switch h.Kind {
		case drain.Lane:
			into.Lanes = append(into.Lanes, v1alpha1.LaneHolding{Lane: h.Index, Epoch: h.Epoch, State: state, Floor: floor})
			if h.Waits != "" && len(into.Waits) < maxWaits {
				into.Waits = append(into.Waits, v1alpha1.DrainWait{Lane: h.Index, Key: strings.ToValidUTF8(h.Waits, "")})
			}
		case drain.Shard:
			into.Shards = append(into.Shards, v1alpha1.ShardHolding{Shard: h.Index, Epoch: h.Epoch, State: state, Floor: floor})
		}
	}
}

// states pairs what both sides call the same thing. Running is the default, and is not written.
var states = []struct {
	object v1alpha1.HoldingState
	value  drain.HeldState
}{
	{v1alpha1.HoldingBarred, drain.Barred},
	{v1alpha1.HoldingOpening, drain.Opening},
	{v1alpha1.HoldingFencing, drain.Fencing},
	{v1alpha1.HoldingRunning, drain.Running},
	{v1alpha1.HoldingDraining, drain.Draining},
	{v1alpha1.HoldingRefused, drain.Refused},
}

func readState(s *v1alpha1.HoldingState) drain.HeldState {
	if s == nil {
		return drain.Running
	}
	for _, pair := range states {
		if pair.object == *s {
			return pair.value
		}
	}
	return drain.Barred
}

func writeState(s drain.HeldState) *v1alpha1.HoldingState {
	for _, pair := range states {
		if pair.value == s && s != drain.Running {
			return &pair.object
		}
	}
	return nil
}
