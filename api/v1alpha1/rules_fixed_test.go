// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import "slices"

// The states in which a stored pool may be. Only in one of them, with a claim and not both suspended and empty, do lanes
// hold messages for all that anybody knows.
var (
	inUse = &stored{status: "claim: {state: InUse}"}
	// A pool that is suspended but not yet empty, and one that was woken when it was empty.
	suspending = &stored{object: "spec: {suspend: true}", status: "claim: {state: InUse}"}
	woken      = &stored{status: "claim: {state: Empty}"}
	// What is fixed may be changed: there is no claim yet, or nothing is left.
	neverObserved = &stored{}
	unclaimed     = &stored{status: "observedGeneration: 1"}
	empty         = &stored{object: "spec: {suspend: true}", status: "claim: {state: Empty}"}
)

const (
	mend = "stop what publishes to the source, wait until status.backlog.messages is 0 and nothing is parked, set spec.suspend " +
		"to true, wait until status.claim.state is Empty, then change it; or make another pool"
	mendMany = "stop what publishes to the source, wait until status.backlog.messages is 0 and nothing is parked, set " +
		"spec.suspend to true, wait until status.claim.state is Empty, then change them; or make another pool"
)

const native = "type: Native, native: {nats: {subjects: ['a.{lane}'], count: 4}}"

// fixed are the changes that each rule is about. Those in free are none, whatever the state.
var fixed = []struct {
	message       string
	changes, free []string
	// on patches the stored pool first.
	on string
}{
	{
		message: "stream, subjects and startFrom are fixed while lanes hold messages: " + mendMany,
		changes: []string{
			"spec: {source: {nats: {stream: OTHER}}}", "spec: {source: {nats: {subjects: [a]}}}",
			"spec: {source: {nats: {startFrom: {type: New}}}}",
			`spec: {source: {nats: {startFrom: {type: Time, time: "2026-01-01T00:00:00Z"}}}}`,
		},
		free: []string{
			`spec: {source: {nats: {servers: ["tls://elsewhere"]}}}`, "spec: {source: {nats: {auth: {token: {secretName: s, key: k}}}}}",
			"spec: {source: {nats: {tls: {}}}}", "spec: {source: {nats: {startFrom: {type: All}}}}",
		},
	},
	{
		message: "stream, subjects and startFrom are fixed while lanes hold messages: " + mendMany,
		on:      `spec: {source: {nats: {subjects: [a, b], startFrom: {type: Time, time: "2026-01-01T00:00:00Z"}}}}`,
		changes: []string{
			"spec: {source: {nats: {subjects: null}}}", "spec: {source: {nats: {subjects: [a]}}}",
			`spec: {source: {nats: {startFrom: {time: "2026-01-01T00:00:01Z"}}}}`,
		},
		free: []string{"spec: {source: {nats: {subjects: [b, a]}}}"},
	},
	{
		message: "the key expression is fixed while lanes hold messages (their keys would change lanes): " + mend,
		changes: []string{"spec: {key: {expression: body.customer_id}}"},
		free:    []string{"spec: {key: {onMissing: Block}}"},
	},
	{
		message: "the type of lanes is fixed while lanes hold messages: " + mend,
		changes: []string{"spec: {lanes: {" + native + "}}"},
		free:    []string{"spec: {lanes: {type: Routed}}"},
	},
	{
		message: "the number of lanes (and with type Native their subjects) is fixed while lanes hold messages: " + mend,
		changes: []string{"spec: {lanes: {routed: {count: 65}}}"},
		free:    []string{"spec: {lanes: {routed: {count: 64, maxBacklogPerLane: 5}}}", "spec: {lanes: {routed: {}}}"},
	},
	{
		message: "the number of lanes (and with type Native their subjects) is fixed while lanes hold messages: " + mend,
		on:      "spec: {lanes: {" + native + "}}",
		changes: []string{
			"spec: {lanes: {native: {nats: {count: 5}}}}", "spec: {lanes: {native: {nats: {subjects: ['b.{lane}']}}}}",
		},
		free: []string{"spec: {lanes: {native: {nats: {subjects: ['a.{lane}'], count: 4}}}}"},
	},
	{
		message: "management and name of the lanes' store are fixed while lanes hold messages (replicas and maxBytes are " +
			"not): " + mendMany,
		changes: []string{"spec: {lanes: {routed: {store: {name: OTHER}}}}", "spec: {lanes: {routed: {store: {management: Existing, name: OTHER}}}}"},
		free:    []string{"spec: {lanes: {routed: {store: {management: Managed, replicas: 3, maxBytes: 2097152}}}}"},
	},
	{
		message: "management and name of the lanes' store are fixed while lanes hold messages (replicas and maxBytes are " +
			"not): " + mendMany,
		on:      "spec: {lanes: {routed: {store: {name: LANES}}}}",
		changes: []string{"spec: {lanes: {routed: {store: {name: null}}}}", "spec: {lanes: {routed: null}}", "spec: {lanes: {routed: {store: {management: Existing}}}}"},
	},
}

// fixedRules tries each change in each state.
var fixedRules = func() []rule {
	var rules []rule
	for _, f := range fixed {
		in := func(state *stored) *stored {
			return &stored{object: patched(f.on, state.object), status: state.status}
		}
		for _, held := range []*stored{inUse, suspending, woken} {
			rules = append(rules, rule{message: f.message, stored: in(held), refused: f.changes, accepted: f.free})
		}
		for _, open := range []*stored{neverObserved, unclaimed, empty} {
			rules = append(rules, rule{message: f.message, stored: in(open), accepted: slices.Concat(f.changes, f.free)})
		}
	}
	return rules
}()

// patched writes two patches, in YAML's flow style, as one: they patch different fields of spec.
func patched(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a[:len(a)-1] + ", " + b[len("spec: {"):]
}
