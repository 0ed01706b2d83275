// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"strings"

	"convoy.dev/convoy/worker/drain"
	"convoy.dev/convoy/worker/lane"
)

func (s *story) say(format string, args ...any) { fmt.Fprintf(&s.out, "  "+format+"\n", args...) }

// tell says what a plan does, nothing if it is empty and reports nothing.
func (s *story) tell(p Plan) {
	if empty(p, s.Deployment.Replicas) {
		s.tellNotices(p)
		return
	}
	s.out.WriteString("  plan\n")
	if p.ObserveLive {
		s.say("  observe live")
	}
	if p.MakeTable {
		s.say("  make an empty table")
	}
	if len(p.Confirm) > 0 {
		s.say("  confirm %s", names(p.Confirm))
	}
	if p.Table != nil {
		s.tables[p.Table.Revision] = p.Table
		s.say("  table %d: slots %s%s", p.Table.Revision, slotList(*p.Table), retiredList(*p.Table))
	}
	s.tellMoves(p.Moves)
	s.tellWrites(p)
	s.tellNotices(p)
}

// tellMoves joins moves that differ in their unit and epoch alone.
func (s *story) tellMoves(moves []Move) {
	var order []string
	units := map[string][]string{}
	for _, m := range moves {
		forced := ""
		if m.Forced {
			forced = " forced"
		}
		head := fmt.Sprintf("%s %s -> %s (%s%s):", m.State, name(m.From), name(m.To), m.Reason, forced)
		if units[head] == nil {
			order = append(order, head)
		}
		units[head] = append(units[head], fmt.Sprintf("%s@%d", unitName(m.Unit), m.Epoch))
	}
	for _, head := range order {
		s.say("    %s %s", head, strings.Join(units[head], " "))
	}
}

func (s *story) tellWrites(p Plan) {
	for _, w := range p.Specs {
		if w.Create {
			s.say("  make mailbox %s", w.Pod.Name)
			continue
		}
		var grants []string
		for _, g := range w.Spec.Grants {
			grants = append(grants, grantName(g))
		}
		leaving := ""
		if w.Spec.Leaving {
			leaving = " leaving"
		}
		if w.Recheck {
			leaving += ", if the table still has it"
		}
		s.say("  spec %s: revision %d, slot %d%s, [%s]", w.Pod.Name, w.Spec.Revision, w.Spec.Slot, leaving, strings.Join(grants, " "))
	}
	for _, list := range []struct {
		what string
		pods []PodRef
	}{{"cheapen", p.Cheapen}, {"restore", p.Restore}, {"take finalizer off", p.Unfinalize}, {"delete", p.Delete}} {
		if len(list.pods) > 0 {
			s.say("  %s %s", list.what, names(list.pods))
		}
	}
	for _, g := range p.Gates {
		s.say("  gate %s %t", g.Pod.Name, g.Serving)
	}
	if p.Replicas != s.Deployment.Replicas {
		s.say("  replicas %d -> %d", s.Deployment.Replicas, p.Replicas)
	}
}

func (s *story) tellNotices(p Plan) {
	for _, n := range p.Stuck {
		s.say("  stuck: %s does not give back %s, asked %s ago", n.Worker.Name, unitList(n.Units), s.now.Sub(n.Since))
	}
	for _, n := range p.Lost {
		when := "no take-over"
		if !n.Takeover.IsZero() {
			when = fmt.Sprintf("take-over in %s", n.Takeover.Sub(s.now))
		}
		s.say("  lost: %s on %q with %s, %s", n.Worker.Name, n.Node, unitList(n.Units), when)
	}
	if len(p.Incompatible) > 0 {
		s.say("  incompatible: %s", names(p.Incompatible))
	}
	if !p.Requeue.IsZero() {
		s.say("  again in %s", p.Requeue.Sub(s.now))
	}
}

// show prints the table as it stands, and the pods.
func (s *story) show([]string) error {
	s.say("table %d: slots %s%s, quarantine %s", s.Table.Revision, slotList(*s.Table), retiredList(*s.Table), s.Table.Quarantine)
	for kind, lanes := range [][]Lane{s.Table.Lanes, s.Table.Shards} {
		for i, l := range lanes {
			u := drain.Unit{Kind: drain.Kind(kind), Index: int32(i)}
			flags := ""
			if l.State == Releasing {
				flags = fmt.Sprintf(" since %d", l.Since)
			}
			if l.Forced {
				flags += " forced"
			}
			s.say("%s: slot %s, %s %s@%d%s", unitName(u), slotName(l.Slot), l.State, name(l.Worker), l.Epoch, flags)
		}
	}
	for _, d := range s.Pods {
		s.say("pod %s: deleting %t, serving %t, cheap %t, current %t", d.Name, d.Deleting, d.Serving, d.Cheap, d.Current)
	}
	return nil
}

func name(ref PodRef) string {
	if ref.Name == "" {
		return "nobody"
	}
	return ref.Name
}

func names(refs []PodRef) string {
	var all []string
	for _, ref := range refs {
		all = append(all, ref.Name)
	}
	return strings.Join(all, " ")
}

func slotName(slot int32) string {
	if slot == lane.None {
		return "none"
	}
	return fmt.Sprint(slot)
}

func slotList(t Table) string {
	var all []string
	for _, s := range t.Slots {
		leaving := ""
		if s.Leaving {
			leaving = "(leaving)"
		}
		all = append(all, fmt.Sprintf("%d=%s%s", s.Index, name(s.Pod), leaving))
	}
	if len(all) == 0 {
		return "none"
	}
	return strings.Join(all, " ")
}

func retiredList(t Table) string {
	if len(t.Retired) == 0 {
		return ""
	}
	return ", retired " + names(t.Retired)
}

func unitName(u drain.Unit) string {
	if u.Kind == drain.Shard {
		return fmt.Sprint("shard", u.Index)
	}
	return fmt.Sprint("lane", u.Index)
}

func grantName(g drain.Grant) string {
	forced := ""
	if g.Forced {
		forced = "!"
	}
	return fmt.Sprintf("%s@%d%s", unitName(g.Unit), g.Epoch, forced)
}

func unitList(units []drain.Unit) string {
	var all []string
	for _, u := range units {
		all = append(all, unitName(u))
	}
	return strings.Join(all, " ")
}
