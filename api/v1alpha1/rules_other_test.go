// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

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
			"spec: {selector: {all: null, keys: [a, b]}}", "spec: {selector: {all: null, reason: Rejected}}",
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
		accepted: []string{"spec: {revision: 5, leaving: true}", "spec: {revision: 6}"},
		refused:  []string{"spec: {revision: 4}", "spec: {revision: null}", "spec: null"},
	},
	{
		kind:     "ConvoyWorker",
		message:  "a worker that has resigned stays so: leave status.resigned true, a new pod takes its place",
		stored:   &stored{status: "resigned: true"},
		accepted: []string{"status: {observedRevision: 1}"},
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
		kind:     "ConvoyWorker",
		message:  "min must be at most max: this is the range of protocol numbers that the worker speaks",
		stored:   &stored{},
		accepted: []string{"status: {protocol: {min: 1, max: 1}}", "status: {protocol: {min: 1, max: 2}}"},
		refused:  []string{"status: {protocol: {min: 2, max: 1}}"},
	},
}
