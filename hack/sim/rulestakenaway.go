// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"slices"
	"time"

	"convoy.dev/convoy/controllers/pool/plan"
	"convoy.dev/convoy/worker/drain"
)

// rulesTakenAway is the safety rules of the protocol, each with a way to break it from outside the code that keeps it.
//
// Some are shown by what must not be in the mailboxes (MailboxBack), because others hold what they hold wherever random
// schedules come: a worker ignores older specs, and the broker refuses what they grant; an old report says what was true
// of the same pod, and the epoch records keep the incarnations. The models in hack/model look at the protocol without
// these crutches.
var rulesTakenAway = []missing{
	{"any acknowledgement", "an acknowledgement counts only for the revision it answers", overlapping, 1000, nil, func() *faults {
		return &faults{bendState: func(s plan.State) plan.State {
			return bendWorkers(s, func(w *plan.Worker) {
				if s.Table != nil {
					w.Report.Observed = s.Table.Revision
				}
			})
		}}
	}},
	{"absent is stopped", "that a pod is absent proves nothing", overlapping, 1000, nil, func() *faults {
		return &faults{bendState: func(s plan.State) plan.State {
			s.Pods = slices.Clone(s.Pods)
			for _, ref := range s.Absent {
				s.Pods = append(s.Pods, stoppedPod(plan.Pod{PodRef: ref, Node: "gone"}))
			}
			s.Absent = nil
			return s
		}}
	}},
	{"pod garbage collection", "pod garbage collection's word is not the kubelet's", overlapping, 500, trouble(deleteNode), func() *faults {
		return &faults{bendState: func(s plan.State) plan.State {
			return bendPods(s, func(p *plan.Pod) {
				if p.PodGC {
					*p = stoppedPod(*p)
				}
			})
		}}
	}},
	{"no quarantine", "a forced grant waits until nobody before it can run", overlapping, 500, nil, func() *faults {
		return &faults{bendPlan: func(_ plan.State, p plan.Plan) plan.Plan {
			return bendSpecs(p, func(s *drain.Spec) { s.Quarantine = 0 })
		}}
	}},
	{"fence without timeout", "the quarantine counts the call that started last", overlapping, 1000, nil, func() *faults {
		return &faults{bendPlan: func(s plan.State, p plan.Plan) plan.Plan {
			return bendSpecs(p, func(spec *drain.Spec) { spec.Quarantine = s.Pool.Fence })
		}}
	}},
	{"forced is forgotten", "until a quarantine is known to be over the next grant is forced, too", overlapping, 1000, trouble(freezeMachine, freezeWorker, stripAndDelete, scalePool, deletePod), func() *faults {
		return &faults{bendState: func(s plan.State) plan.State {
			return bendLanes(s, func(l *plan.Lane) { l.Forced = false })
		}}
	}},
	{"no fence", "a worker that the broker has not confirmed starts nothing", overlapping, 500, nil, func() *faults {
		return &faults{bendDrain: func(c *drain.Config) { c.Fence = time.Hour }}
	}},
	{"confirmed whatever it is", "a confirmation looks at the record", overlapping, 500, nil, func() *faults {
		return &faults{confirmAll: true}
	}},
	{"any epoch record", "an epoch record only grows", overlapping, 500, nil, func() *faults {
		return &faults{openAnything: true}
	}},
	{"no restart barrier", "a restarted process waits for its predecessor's calls", overlapping, 500, nil, func() *faults {
		return &faults{bendSettings: func(s *Settings) { s.RestartAll = false }, bendDrain: func(c *drain.Config) { c.Barrier = 0 }}
	}},
	{"no mark in the pod", "that there was a predecessor is marked in the pod", overlapping, 1000, trouble(crashWorker, deleteMailbox, scalePool), func() *faults {
		return &faults{bendSettings: func(s *Settings) { s.RestartAll = false }, bendDrain: func(c *drain.Config) { c.Predecessor = false }}
	}},
	{"first read from a cache", "a process's first read is live", append([]Rule{MailboxBack}, overlapping...), 500, trouble(crashWorker, scalePool, rollOut), func() *faults {
		return &faults{bendRead: func(p *postman, v *version[mailbox]) *version[mailbox] {
			history := p.wk.w.api.mailboxes.history[p.wk.run.name]
			if p.started || v == nil || len(history) == 0 || history[0].obj.owner != v.obj.owner {
				return v
			}
			stale := *v
			stale.obj = history[0].obj
			return &stale
		}}
	}},
	{"older specs obeyed", "a worker ignores a spec older than the newest it has seen", overlapping, 1000, trouble(watchBack, scalePool, rollOut, crashController), olderSpecs},
	{"table without comparison", "the table is written by compare-and-swap", overlapping, 2000, nil, func() *faults {
		return &faults{blindTables: true}
	}},
	{"rebuilt from a cache", "a table is rebuilt from live reads alone, and trusts nobody", overlapping, 5000, trouble(loseTable, restoreTable, scalePool, stallWatches, deletePod), func() *faults {
		return &faults{bendState: func(s plan.State) plan.State {
			s.Live = true
			return bendLanes(s, func(l *plan.Lane) { l.Forced = false })
		}}
	}},
	{"copies believed", "a table that was put back from a copy is not believed", append([]Rule{RevisionAgain}, overlapping...), 20000, trouble(restoreTable, restoreTable, restoreTable, deposeController, freezeController, scalePool, rollOut, freezeMachine, freezeWorker), func() *faults {
		return &faults{bendState: func(s plan.State) plan.State {
			s.Foreign = false
			return s
		}}
	}},
	{"rebuilt above what was seen", "a rebuilt table is above every table that was lost, seen or not", append([]Rule{RevisionAgain}, overlapping...), 20000, trouble(loseTable, restoreTable, restoreTable, deposeController, scalePool, rollOut, freezeMachine, freezeWorker), func() *faults {
		return &faults{bendState: func(s plan.State) plan.State {
			s.Version = newest(s)
			return s
		}}
	}},
	{"claims trusted", "a lane taken over from a lost history stays forced until it moves", overlapping, 20000, trouble(loseTable, restoreTable, scalePool, rollOut, freezeMachine, cutFromAPI, freezeWorker, deposeController), func() *faults {
		return &faults{bendState: func(s plan.State) plan.State {
			if s.Table == nil {
				return s
			}
			rebuilt := s.Table.Rebuilt
			return bendLanes(s, func(l *plan.Lane) { l.Forced = l.Forced && l.Epoch > rebuilt })
		}}
	}},
	{"timed out is failed", "a timed-out call holds its key until the call can have ended", []Rule{KeyOverlap}, 500, nil, func() *faults {
		return &faults{timeoutFails: true}
	}},
	{"failed is done", "a message that failed is tried again before the next of its key", []Rule{Skipped}, 500, nil, func() *faults {
		return &faults{failedIsDone: true}
	}},
	{"empty before flushed", "a lane is empty only when its progress is recorded", []Rule{WentBack, Skipped}, 500, nil, func() *faults {
		return &faults{noLastWord: true}
	}},
	{"progress keyed by epoch", "progress is keyed by the process's token", []Rule{WentBack, Skipped, NoRest}, 5000, trouble(crashWorker, powerOff), func() *faults {
		return &faults{keyByEpoch: true}
	}},
	{"unchained park", "writes to the park are a chain", []Rule{WentBack, Skipped}, 20000, trouble(releaseKeys, crashHandler, crashWorker), func() *faults {
		return &faults{unchainedPark: true}
	}},
	{"anybody parks", "the park is written on condition of the epoch record", []Rule{WentBack, Skipped}, 100000, trouble(freezeWorker, freezeMachine, releaseKeys, forceDelete), func() *faults {
		return &faults{anyPark: true}
	}},
	{"nameless epoch records", "an epoch record names its worker", overlapping, 1000, trouble(remakePool, freezeMachine, freezeWorker, cutFromAPI), func() *faults {
		return &faults{anyWorker: true}
	}},
	{"opens without a claim", "a lane is opened only under the pool's own claim", overlapping, 100000, trouble(remakePool, freezeWorker, cutFromBroker, cutFromAPI, loseTable), func() *faults {
		return &faults{anyClaim: true}
	}},
	{"older specs written", "only newer specs are written", []Rule{MailboxBack}, 1000, trouble(deposeController, stallWatches, scalePool, rollOut), func() *faults {
		return &faults{bendState: theirOwnTable}
	}},
	{"no look before a first spec", "before an empty mailbox is written to, the table is read live", []Rule{MailboxBack}, 20000, oneWorker(trouble(deposeController, scalePool, scalePool, rollOut, deleteMailbox, deleteMailbox, deleteMailbox)), func() *faults {
		return &faults{bendPlan: func(_ plan.State, p plan.Plan) plan.Plan {
			p.Specs = slices.Clone(p.Specs)
			for i := range p.Specs {
				p.Specs[i].Recheck = false
			}
			return p
		}}
	}},
	{"reports without comparison", "a report is written by compare-and-swap", []Rule{MailboxBack}, 1000, trouble(crashWorker, scalePool), func() *faults {
		return &faults{blindReports: true}
	}},
	{"resignation not marked", "that a worker resigned is marked in its pod", overlapping, 60000, trouble(endWorker, endWorker, deleteMailbox, deleteMailbox, stallWatches, deposeController), func() *faults {
		return &faults{bendDrain: func(c *drain.Config) { c.Resigned = false }}
	}},
	{"head of line", "a message to be tried again holds up its key alone", []Rule{LaneDelayed}, 1000, nil, func() *faults {
		return &faults{headOfLine: true}
	}},
	{"revoke without a spec", "a revoke always writes the spec", []Rule{NoRest, LaneDelayed}, 2000, nil, func() *faults {
		return &faults{bendPlan: withoutBumps}
	}},
	{"shrunk at once", "a pod is drained before the Deployment is made smaller", []Rule{DeletedWithLanes}, 500, nil, func() *faults {
		return &faults{bendPlan: func(s plan.State, p plan.Plan) plan.Plan {
			p.Replicas = s.Pool.Wanted
			return p
		}}
	}},
	{"shrunk into a rollout", "what a rollout takes by itself is not taken once more", []Rule{DeletedWithLanes}, 100000, trouble(rollOut, rollOut, scalePool, suspendPool, limitPods), func() *faults {
		return &faults{bendState: func(s plan.State) plan.State {
			s.Deployment.Old = 0
			return s
		}}
	}},
	{"blind gates", "a serving gate is set on the pod as it was observed", []Rule{DeletedWithLanes}, 100000, trouble(deposeController, freezeController, stallWatches, rollOut, rollOut), func() *faults {
		return &faults{blindGates: true}
	}},
	{"gate before the drain", "a pod's gate turns False only when it holds nothing", []Rule{DeletedWithLanes}, 1000, nil, func() *faults {
		return &faults{bendPlan: gatesByBinding}
	}},
}

// theirOwnTable lets the planner believe that no mailbox is newer than the table that it has seen.
func theirOwnTable(s plan.State) plan.State {
	if s.Table == nil {
		return s
	}
	return bendWorkers(s, func(w *plan.Worker) {
		if max(w.Spec.Revision, w.Report.Observed) > s.Table.Revision {
			w.Spec.Revision, w.Report.Observed = s.Table.Revision-1, s.Table.Revision-1
			w.Spec.Grants, w.Report.Held = nil, nil
		}
	})
}

// newest is the highest revision that an operator can see.
func newest(s plan.State) int64 {
	revision := int64(0)
	if s.Table != nil {
		revision = s.Table.Revision
	}
	for _, w := range s.Workers {
		revision = max(revision, w.Spec.Revision, w.Report.Observed)
	}
	return revision
}

func stoppedPod(p plan.Pod) plan.Pod {
	p.PodGC, p.Phase = false, plan.Failed
	p.Containers = []plan.ContainerState{plan.Terminated, plan.Terminated}
	return p
}

func bendPods(s plan.State, bend func(*plan.Pod)) plan.State {
	s.Pods = slices.Clone(s.Pods)
	for i := range s.Pods {
		bend(&s.Pods[i])
	}
	return s
}

func bendWorkers(s plan.State, bend func(*plan.Worker)) plan.State {
	s.Workers = slices.Clone(s.Workers)
	for i := range s.Workers {
		bend(&s.Workers[i])
	}
	return s
}

func bendLanes(s plan.State, bend func(*plan.Lane)) plan.State {
	if s.Table == nil {
		return s
	}
	table := *s.Table
	table.Lanes, table.Shards = slices.Clone(table.Lanes), slices.Clone(table.Shards)
	for i := range table.Lanes {
		bend(&table.Lanes[i])
	}
	for i := range table.Shards {
		bend(&table.Shards[i])
	}
	s.Table = &table
	return s
}

func bendSpecs(p plan.Plan, bend func(*drain.Spec)) plan.Plan {
	p.Specs = slices.Clone(p.Specs)
	for i := range p.Specs {
		bend(&p.Specs[i].Spec)
	}
	return p
}

// olderSpecs makes old specs look new to the worker, and its report look as before to the controller.
func olderSpecs() *faults {
	return &faults{
		bendSpec: func(p *postman, s drain.Spec) drain.Spec {
			if s.Revision < p.newest {
				s.Revision = p.newest + 1
			}
			p.newest = max(p.newest, s.Revision)
			return s
		},
		bendState: func(s plan.State) plan.State {
			return bendWorkers(s, func(w *plan.Worker) { w.Report.Observed = min(w.Report.Observed, w.Spec.Revision) })
		},
	}
}

// withoutBumps leaves out the specs that say nothing new but their revision.
func withoutBumps(s plan.State, p plan.Plan) plan.Plan {
	p.Specs = slices.DeleteFunc(slices.Clone(p.Specs), func(w plan.SpecWrite) bool {
		return slices.ContainsFunc(s.Workers, func(old plan.Worker) bool {
			return old.Pod == w.Pod && !w.Create && old.Spec.Slot == w.Spec.Slot && slices.Equal(old.Spec.Grants, w.Spec.Grants)
		})
	})
	return p
}

// gatesByBinding turns gates with the slots, whoever still holds lanes.
func gatesByBinding(s plan.State, p plan.Plan) plan.Plan {
	table := s.Table
	if p.Table != nil {
		table = p.Table
	}
	if table == nil {
		return p
	}
	p.Gates = nil
	for _, pod := range s.Pods {
		bound := slices.ContainsFunc(table.Slots, func(slot plan.Slot) bool { return slot.Pod == pod.PodRef })
		if bound != pod.Serving {
			p.Gates = append(p.Gates, plan.Gate{Pod: pod.PodRef, Serving: bound})
		}
	}
	return p
}
