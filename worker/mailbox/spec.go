// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package mailbox

import (
	"cmp"
	"slices"
	"time"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/worker/drain"
)

// ReadSpec is the controller's side of the object; nil is the spec of an object that nobody has written to yet.
func ReadSpec(s *v1alpha1.ConvoyWorkerSpec) drain.Spec {
	if s == nil {
		return drain.Spec{Slot: -1}
	}
	out := drain.Spec{
		Revision:   orZero(s.Revision),
		Slot:       -1,
		Leaving:    orZero(s.Leaving),
		Sample:     orZero(s.Sample),
		Quarantine: time.Duration(orZero(s.QuarantineSeconds)) * time.Second,
	}
	if s.Slot != nil {
		out.Slot = *s.Slot
	}
	for _, l := range s.Lanes {
		out.Grants = append(out.Grants, drain.Grant{Unit: lane(l.Lane), Epoch: l.Epoch, Forced: orZero(l.Forced)})
	}
	for _, h := range s.Shards {
		out.Grants = append(out.Grants, drain.Grant{Unit: shard(h.Shard), Epoch: h.Epoch, Forced: orZero(h.Forced)})
	}
	out.Grants = ordered(out.Grants, func(g drain.Grant) (drain.Unit, int64) { return g.Unit, g.Epoch })
	return out
}

// WriteSpec is what the controller puts into the object.
func WriteSpec(s drain.Spec) *v1alpha1.ConvoyWorkerSpec {
	out := &v1alpha1.ConvoyWorkerSpec{
		Revision:          unlessZero(s.Revision),
		Leaving:           unlessZero(s.Leaving),
		Sample:            unlessZero(s.Sample),
		QuarantineSeconds: unlessZero(int32((s.Quarantine + time.Second - 1) / time.Second)),
	}
	if s.Slot >= 0 {
		out.Slot = &s.Slot
	}
	for _, g := range s.Grants {
		switch g.Kind {
		case drain.Lane:
			out.Lanes = append(out.Lanes, v1alpha1.LaneGrant{Lane: g.Index, Epoch: g.Epoch, Forced: unlessZero(g.Forced)})
		case drain.Shard:
			out.Shards = append(out.Shards, v1alpha1.ShardGrant{Shard: g.Index, Epoch: g.Epoch, Forced: unlessZero(g.Forced)})
		}
	}
	return out
}

func lane(index int32) drain.Unit { return drain.Unit{Kind: drain.Lane, Index: index} }

func shard(index int32) drain.Unit { return drain.Unit{Kind: drain.Shard, Index: index} }

// ordered sorts by unit and keeps, of several entries of one unit, the one with the highest epoch.
func ordered[T any](list []T, of func(T) (drain.Unit, int64)) []T {
	slices.SortStableFunc(list, func(a, b T) int {
		ua, ea := of(a)
		ub, eb := of(b)
		return cmp.Or(cmp.Compare(ua.Kind, ub.Kind), cmp.Compare(ua.Index, ub.Index), cmp.Compare(eb, ea))
	})
	return slices.CompactFunc(list, func(a, b T) bool {
		ua, _ := of(a)
		ub, _ := of(b)
		return ua == ub
	})
}

func orZero[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

func unlessZero[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}
