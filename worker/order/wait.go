// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package order

// Wait is what a draining lane waits for.
type Wait struct {
	// Key is one that keeps it: that of the oldest call, else one whose store operation is under way.
	Key string
	// Calls counts the calls that may be running, Stores the store operations under way.
	Calls, Stores int
	// Started is when the oldest of the calls began; 0 when there is none.
	Started Instant
}

// Waits tells what a draining lane waits for; false when the lane is not open or does not drain. It walks all calls, and
// all keys if there is none: it is for a drain that takes long.
func (s *Sequencer) Waits(number int32) (Wait, bool) {
	li := s.laneIndex(number)
	if li == 0 || !s.lanes[li].draining {
		return Wait{}, false
	}
	l := &s.lanes[li]
	w := Wait{Calls: int(l.running), Stores: int(l.storing)}
	for ci := range s.calls {
		c := &s.calls[ci]
		if k := s.keys.at(c.key); c.active && k.lane == li && (w.Key == "" || c.started < w.Started) {
			w.Key, w.Started = k.name, c.started
		}
	}
	for ki := 0; w.Key == "" && w.Stores > 0 && ki < len(s.keys.items); ki++ {
		if k := &s.keys.items[ki]; k.lane == li && s.stores(k) {
			w.Key = k.name
		}
	}
	return w, true
}

// stores says that an operation of the key's is under way in a store.
func (s *Sequencer) stores(k *key) bool {
	p := s.parkOf(k)
	return k.state == DeadLettering || (p != nil && p.appending+p.completed > 0)
}
