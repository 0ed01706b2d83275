// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package order

import (
	"cmp"
	"slices"
)

// suspect is an attempt recorded by an earlier owner. It stays in every later record of the lane until a key takes it
// over, so that a second crash before its turn does not forget it.
type suspect struct {
	Attempt
	taken bool
}

func compareSuspects(a, b suspect) int {
	return cmp.Or(cmp.Compare(a.Hash, b.Hash), cmp.Compare(a.Sequence, b.Sequence), cmp.Compare(a.Key, b.Key))
}

// loadAttempts takes over the attempts of messages that are still in the lane or its park. After a crash one that had
// been run from the park may come again from the lane.
func (s *Sequencer) loadAttempts(l *lane, o *Opening) {
	for _, a := range o.Progress.Attempts {
		inLane := a.Position != 0 && !o.Progress.Covers(a.Position)
		if inLane || l.careful != 0 || slices.ContainsFunc(o.Parked, func(p ParkedKey) bool { return p.Key == a.Key && a.Sequence <= p.Last }) {
			a.Suspect = a.Suspect || o.Crashed
			l.suspects = append(l.suspects, suspect{Attempt: a})
		}
	}
	slices.SortFunc(l.suspects, compareSuspects)
}

// earlier finds what earlier owners recorded of a message; nil when nothing.
func (l *lane) earlier(k *key, n *node) *suspect {
	if len(l.suspects) == 0 {
		return nil
	}
	i, found := slices.BinarySearchFunc(l.suspects, suspect{Attempt: Attempt{Hash: k.hash, Key: k.name, Sequence: n.sequence}}, compareSuspects)
	if !found || l.suspects[i].taken {
		return nil
	}
	return &l.suspects[i]
}

// needsRecord tells whether a first start of the message must be recorded before it is made: a process that died may
// have started it, and if this one dies of it the next must know. Later starts of a message always are.
func (s *Sequencer) needsRecord(l *lane, k *key, n *node, fromPark bool) bool {
	if fromPark && n.sequence <= s.parks.at(k.park).careful {
		return true
	}
	return (!fromPark && n.position <= l.careful) || l.earlier(k, n) != nil
}

// meet begins the count for a message that the key has not tried, with what earlier owners recorded of it.
func (s *Sequencer) meet(ki int32, n *node, fromPark bool) {
	k := s.keys.at(ki)
	if k.tried.Sequence == n.sequence && (k.counted || k.attempts > 0) {
		return
	}
	l := &s.lanes[k.lane]
	k.attempts, k.counted, k.exhausted = 0, false, false
	k.suspect = k.suspect && k.tried.Sequence == n.sequence
	k.tried = Item{Position: n.position, Sequence: n.sequence}
	k.recordAt = 0
	if k.suspect || s.needsRecord(l, k, n, fromPark) {
		k.recordAt = l.version + 1
		s.joinTried(ki)
	}
	if a := l.earlier(k, n); a != nil {
		a.taken = true
		k.attempts, k.suspect = a.Attempts, a.Suspect
		k.exhausted = int(a.Attempts) >= s.config.MaxAttempts
	}
}

// countAttempt raises the attempt of the message that is met, once for each start. A suspect is counted when it is its turn
// to run alone, one at a time: whoever was counted with it would be charged for a worker that it kills.
func (s *Sequencer) countAttempt(ki int32) {
	k := s.keys.at(ki)
	if k.counted {
		return
	}
	k.counted = true
	k.attempts++
	if k.suspect {
		s.tryAlone(ki)
		k.recordAt = s.lanes[k.lane].version + 1
	}
}

// tryAlone notes whose turn it is to run alone. One whose turn did not lead to a start has another one later.
func (s *Sequencer) tryAlone(ki int32) {
	if former := s.trial; former != 0 && former != ki && s.keys.at(former).suspect {
		s.uncount(former)
	}
	s.trial = ki
}

// mayTryAlone reports whether the first suspect that waits may be counted, or may start when it is. Others start meanwhile:
// a lane whose record is not made stops nobody but suspects.
func (s *Sequencer) mayTryAlone() bool {
	if s.alone.n == 0 {
		return false
	}
	if s.keys.at(s.alone.head).counted {
		return s.settled()
	}
	return !s.onTrial()
}

// onTrial reports whether a suspect is counted and on its way to its start: it had its turn, and what it waits for comes.
func (s *Sequencer) onTrial() bool {
	if s.trial == 0 {
		return false
	}
	k := s.keys.at(s.trial)
	onItsWay := k.state == Recording || k.state == Alone || (k.state == Ready && k.pended)
	return k.suspect && k.counted && onItsWay && !s.lanes[k.lane].paused
}

// survive has it recorded that a suspect of the lane succeeded, before the next suspect starts: that one may be what
// kills the worker, and who is not known to have survived is charged again.
func (s *Sequencer) survive(li int32) {
	l := &s.lanes[li]
	s.survived, s.survivedAt = li, l.version+1
	s.askRecord(l)
}

// settled reports whether what survived is recorded.
func (s *Sequencer) settled() bool {
	return s.survived == 0 || s.lanes[s.survived].flushed >= s.survivedAt
}

// uncount takes back an attempt that was counted and will not be made.
func (s *Sequencer) uncount(ki int32) {
	k := s.keys.at(ki)
	if k.counted {
		k.counted = false
		k.attempts--
	}
	if k.attempts == 0 && !k.suspect {
		s.leaveTried(ki)
	}
}

// clearAttempts forgets the count once the message tried is concluded.
func (s *Sequencer) clearAttempts(ki int32) {
	s.keys.at(ki).suspect = false
	s.resetAttempts(ki)
}

// resetAttempts grants the message tried new attempts. A suspect that has not run stays one.
func (s *Sequencer) resetAttempts(ki int32) {
	k := s.keys.at(ki)
	k.attempts, k.counted, k.exhausted = 0, false, false
	if !k.suspect {
		s.leaveTried(ki)
	}
}

func (s *Sequencer) joinTried(ki int32) {
	k := s.keys.at(ki)
	if k.inTried {
		return
	}
	l := &s.lanes[k.lane]
	k.inTried = true
	k.triedPrev, k.triedNext = 0, l.tried
	if l.tried != 0 {
		s.keys.at(l.tried).triedPrev = ki
	}
	l.tried = ki
}

func (s *Sequencer) leaveTried(ki int32) {
	k := s.keys.at(ki)
	if !k.inTried {
		return
	}
	k.inTried = false
	if k.triedPrev == 0 {
		s.lanes[k.lane].tried = k.triedNext
	} else {
		s.keys.at(k.triedPrev).triedNext = k.triedNext
	}
	if k.triedNext != 0 {
		s.keys.at(k.triedNext).triedPrev = k.triedPrev
	}
}
