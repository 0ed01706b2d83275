// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"strings"

	"convoy.dev/convoy/api/v1alpha1"
)

const (
	tableMend = "leave the table to the controller, or delete it, and the controller rebuilds it"
	onePod    = "workers: [{name: a, uid: b}]\n"
)

// condition is a patch with a worker's condition whose message has a length.
func condition(length int) string {
	return "status: {conditions: [{type: A, status: 'True', reason: B, lastTransitionTime: '2026-01-01T00:00:00Z', message: " +
		strings.Repeat("m", length) + "}]}"
}

// otherRules are the rules on what is not a pool.
var otherRules = []rule{
	{
		kind:     "ConvoyAction",
		message:  "an action cannot be changed once it is there: create another one, and delete this one to stop it",
		stored:   &stored{},
		accepted: []string{"metadata: {labels: {a: b}}", "status: {observedGeneration: 1}"},
		refused:  []string{"spec: {ratePerSecond: 11}", "spec: {type: Discard}", "spec: {pool: other}", "spec: {selector: {all: null, keys: [a]}}"},
	},
	{
		kind:     "ConvoyAction",
		message:  "give the name of a ConvoyPool in the same namespace: lower-case letters, digits and '-'",
		accepted: []string{"spec: {pool: orders-2}"},
		refused:  []string{"spec: {pool: shop/orders}", "spec: {pool: Orders}"},
	},
	{
		kind:    "ConvoyAction",
		message: "set exactly one of keys, reason, parkedBefore and all",
		accepted: []string{
			"spec: {selector: {all: null, keys: [a, b]}}", "spec: {selector: {all: null, reason: Rejected}}", "spec: {selector: {all: null, reason: LookAhead}}",
			`spec: {selector: {all: null, parkedBefore: "2026-01-01T00:00:00Z"}}`, "spec: {selector: {all: true}}",
		},
		refused: []string{"spec: {selector: {all: null}}", "spec: {selector: {keys: [a]}}"},
	},
	{
		kind:     "ConvoyAction",
		message:  "all must be true: to select no key remove the action, to select some set keys, reason or parkedBefore",
		accepted: []string{"spec: {selector: {all: true}}"},
		refused:  []string{"spec: {selector: {all: false}}"},
	},
	{
		kind:     "LaneTable",
		message:  "revision only grows: workers ignore an older one; to start from an older table delete this one, the controller rebuilds it",
		stored:   &stored{object: "revision: 5"},
		accepted: []string{"revision: 5", "revision: 6"},
		refused:  []string{"revision: 4"},
	},
	{
		kind:     "ConvoyWorker",
		message:  "spec.revision only grows: the worker ignores an older one; leave the spec to the controller",
		stored:   &stored{object: "spec: {revision: 5}"},
		accepted: []string{"spec: {revision: 5}", "spec: {revision: 6, leaving: true}"},
		refused:  []string{"spec: {revision: 4}", "spec: {revision: null}", "spec: null"},
	},
	{
		kind:     "ConvoyWorker",
		message:  "a worker that has resigned stays so: leave status.resigned true, a new pod takes its place",
		stored:   &stored{status: "resigned: true"},
		accepted: []string{"status: {protocol: {min: 1, max: 1}}"},
		refused:  []string{"status: {resigned: false}", "status: {resigned: null}", "status: null"},
	},
	{
		kind:     "ConvoyWorker",
		message:  "status.incarnation only grows: an earlier process of this worker must not report any more",
		stored:   &stored{status: "incarnation: 2"},
		accepted: []string{"status: {incarnation: 3}", "status: {observedRevision: 1}"},
		refused:  []string{"status: {incarnation: 1}", "status: {incarnation: null}"},
	},
	{
		kind:    "ConvoyWorker",
		message: "a spec of one table revision is not changed, since the worker may have answered it: leave the spec to the controller, which raises revision",
		stored:  &stored{object: "spec: {revision: 5, lanes: [{lane: 1, epoch: 2}]}"},
		accepted: []string{
			"spec: {revision: 5}", "spec: {revision: 6, slot: 1}", "spec: {revision: 6, lanes: null}", "metadata: {labels: {a: b}}",
			"status: {observedRevision: 5}",
		},
		refused: []string{
			"spec: {slot: 1}", "spec: {lanes: null}", "spec: {lanes: [{lane: 1, epoch: 3}]}",
			"spec: {lanes: [{lane: 1, epoch: 2, forced: true}]}", "spec: {leaving: true}",
		},
	},
	{
		// An action is no part of what a revision says: it comes, changes in all its fields and goes without a new one.
		kind:    "ConvoyWorker",
		message: "a spec of one table revision is not changed, since the worker may have answered it: leave the spec to the controller, which raises revision",
		stored:  &stored{object: "spec: {revision: 5, lanes: [{lane: 1, epoch: 2}], action: {uid: a, type: Release, keysPerMinute: 60}}"},
		accepted: []string{
			"spec: {action: {uid: a, type: Discard, keysPerMinute: 60}}", "spec: {action: {uid: b, type: Release, keysPerMinute: 60}}", "spec: {action: null}",
		},
		refused: []string{"spec: {action: {uid: a, type: Discard, keysPerMinute: 60}, slot: 1}", "spec: {action: null, lanes: null}"},
	},
	{
		kind:     "ConvoyWorker",
		message:  "lanes ascend by number, each once: leave the spec to the controller",
		accepted: []string{"spec: {lanes: [{lane: 1, epoch: 1}, {lane: 5, epoch: 1}]}", "spec: {lanes: []}", "spec: {lanes: [{lane: 0, epoch: 1}, {lane: 1, epoch: 1}, {lane: 2, epoch: 1}]}"},
		refused:  []string{"spec: {lanes: [{lane: 1, epoch: 1}, {lane: 1, epoch: 2}]}", "spec: {lanes: [{lane: 1, epoch: 1}, {lane: 0, epoch: 2}]}"},
	},
	{
		kind:     "ConvoyWorker",
		message:  "shards ascend by number, each once: leave the spec to the controller",
		accepted: []string{"spec: {shards: [{shard: 0, epoch: 1}, {shard: 1, epoch: 1}]}"},
		refused:  []string{"spec: {shards: [{shard: 0, epoch: 1}, {shard: 0, epoch: 2}]}"},
	},
	{
		kind:     "ConvoyWorker",
		message:  "lanes ascend by number, each once: leave the status to the worker",
		stored:   &stored{},
		accepted: []string{"status: {lanes: [{lane: 1, epoch: 1}, {lane: 5, epoch: 1}]}"},
		refused:  []string{"status: {lanes: [{lane: 1, epoch: 1}, {lane: 1, epoch: 2, state: Refused}]}", "status: {lanes: [{lane: 1, epoch: 1}, {lane: 0, epoch: 2}]}"},
	},
	{
		kind:     "ConvoyWorker",
		message:  "shards ascend by number, each once: leave the status to the worker",
		stored:   &stored{},
		accepted: []string{"status: {shards: [{shard: 0, epoch: 1}, {shard: 1, epoch: 1}]}"},
		refused:  []string{"status: {shards: [{shard: 1, epoch: 1}, {shard: 0, epoch: 2}]}"},
	},
	{
		kind:    "ConvoyWorker",
		message: "a worker that has resigned holds no lane and no shard: leave the status to the worker",
		stored:  &stored{},
		accepted: []string{
			"status: {resigned: true}", "status: {resigned: true, lanes: [{lane: 1, epoch: 2, state: Refused, floor: 3}], shards: []}",
			"status: {lanes: [{lane: 1, epoch: 2}]}",
		},
		refused: []string{
			"status: {resigned: true, lanes: [{lane: 1, epoch: 2}]}", "status: {resigned: true, lanes: [{lane: 1, epoch: 2, state: Draining}]}",
			"status: {resigned: true, shards: [{shard: 0, epoch: 2}]}",
		},
	},
	{
		kind:     "ConvoyWorker",
		message:  "status.observedRevision only grows: what has been carried out stays so; leave the status to the worker",
		stored:   &stored{object: "spec: {revision: 9}", status: "observedRevision: 7"},
		accepted: []string{"status: {observedRevision: 7}", "status: {observedRevision: 8}"},
		refused:  []string{"status: {observedRevision: 6}", "status: {observedRevision: null}", "status: null"},
	},
	{
		kind:     "ConvoyWorker",
		message:  "status.observedRevision is above spec.revision: a worker cannot have carried out what it has not been told; leave the status to the worker",
		stored:   &stored{object: "spec: {revision: 9}", status: "observedRevision: 7"},
		accepted: []string{"status: {observedRevision: 9}"},
		refused:  []string{"status: {observedRevision: 10}"},
	},
	{
		kind:     "ConvoyWorker",
		message:  "status.observedRevision is above spec.revision: a worker cannot have carried out what it has not been told; leave the status to the worker",
		stored:   &stored{}, // made again, empty: the worker repeats its report
		accepted: []string{"status: {observedRevision: 10, lanes: [{lane: 1, epoch: 2}]}"},
	},
	{
		kind:     "ConvoyWorker",
		message:  "a message of a worker's condition has at most 1024 characters: cut it",
		stored:   &stored{},
		accepted: []string{condition(v1alpha1.MaxWorkerMessage)},
		refused:  []string{condition(v1alpha1.MaxWorkerMessage + 1)},
	},
	{
		kind:     "LaneTable",
		message:  "slots ascend by index, each once: " + tableMend,
		accepted: []string{"slots: [{index: 1}, {index: 3}]"},
		refused:  []string{"slots: [{index: 1}, {index: 1}]", "slots: [{index: 3}, {index: 1}]"},
	},
	{
		kind:     "LaneTable",
		message:  "a slot refers to a pod that is not in workers: " + tableMend,
		accepted: []string{onePod + "slots: [{index: 1, worker: 0, before: 0}, {index: 2}]"},
		refused:  []string{onePod + "slots: [{index: 1, worker: 1}]", onePod + "slots: [{index: 1, before: 1}]", "slots: [{index: 1, worker: 0}]"},
	},
	{
		kind:     "LaneTable",
		message:  "a lane refers to a pod that is not in workers: " + tableMend,
		accepted: []string{onePod + "lanes: [{epoch: 1, worker: 0}, {epoch: 1}]", "lanes: []", "lanes: [{epoch: 1}]"},
		refused:  []string{onePod + "lanes: [{epoch: 1}, {epoch: 1, worker: 1}]", "lanes: [{epoch: 1, worker: 0}]"},
	},
	{
		kind:     "LaneTable",
		message:  "a shard refers to a pod that is not in workers: " + tableMend,
		accepted: []string{onePod + "shards: [{epoch: 1, worker: 0}]"},
		refused:  []string{onePod + "shards: [{epoch: 1, worker: 1}]"},
	},
	{
		kind:    "LaneTable",
		message: "since is there if and only if state is Releasing: " + tableMend,
		accepted: []string{
			"lanes: [{epoch: 1, state: Releasing, since: 1}, {epoch: 1}, {epoch: 1, state: Unowned}, {epoch: 1, state: Owned}]",
			"shards: [{epoch: 1, state: Releasing, since: 1}]",
		},
		refused: []string{
			"lanes: [{epoch: 1, state: Releasing}]", "lanes: [{epoch: 1, since: 1}]", "lanes: [{epoch: 1}, {epoch: 1, state: Unowned, since: 1}]",
			"shards: [{epoch: 1, state: Releasing}]", "shards: [{epoch: 1, since: 1}]",
		},
	},
	{
		kind:     "ConvoyWorker",
		message:  "min must be at most max: this is the range of protocol numbers that the worker speaks",
		stored:   &stored{},
		accepted: []string{"status: {protocol: {min: 1, max: 1}}", "status: {protocol: {min: 1, max: 2}}"},
		refused:  []string{"status: {protocol: {min: 2, max: 1}}"},
	},
}
