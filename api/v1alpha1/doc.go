// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

// Package v1alpha1 holds the objects of Convoy's API: what users write, what they read, and how the controller
// and its workers talk to each other.
//
//   - ConvoyPool is what a user writes: a source, a key expression, a scaling policy and a pod template with the
//     handler. Everything else follows from it.
//   - LaneTable is the ledger of one pool: which slot owns each lane, which worker holds the grant, at which epoch.
//     The controller alone writes it, by compare-and-swap on the resource version.
//   - ConvoyWorker is the mailbox of one worker pod: the controller writes spec, the worker writes status.
//   - ConvoyAction asks for something to be done with parked convoys: release or discard them.
//
// # Contract
//
// What a schema or a CEL rule can refuse is refused by the API server, in words that say the mend; no controller
// checks it again. Every optional field has its default in the schema, with one exception: the members of a union
// (lanes.routed, delivery.http, delivery.onFailure.park, scaling.target) are never filled in. The API server keeps a
// value that it filled in when the user later switches the union to another member, and the object would then have
// two. A member that is left out stands for its defaults, which defaults.go states.
//
// # Size and cost of the largest objects
//
// LaneTable and ConvoyWorker are bounded so that an object with everything at its schema's largest, 10,000 lanes
// included, fits the 1,572,864 bytes that etcd takes in one request; a test writes such objects. Rules on them go
// through every lane at every write. On one core they take the API server 14 ms for a table of 1,000 lanes at rest and
// 0.2 s for one of 10,000 (0.35 s when all of them move), and 27 ms and 0.37 s for a ConvoyWorker that holds as many;
// everything else about a write of 10,000 lanes takes about 0.5 s. Loops of CEL cost more than in proportion to their
// length, so these rules are written with functions over whole lists or on the items; a rule that compares each lane
// with its former self took 2 s and is not there: that epochs only grow is the planner's to keep, and the broker's.
//
// # What is fixed while lanes hold messages
//
// Transition rules on ConvoyPool hold the source, the key expression, and the type, number and store of lanes. They
// open in two states: before the pool's first claim, that is, while status.claim is absent, so that a typing error in
// a new pool is mended by editing it; and while the pool is suspended and status.claim.state is Empty. The controller
// makes this sound by two promises. It writes status.claim, by compare-and-swap on the version of the pool that it
// read, before it writes anything to the broker. And it writes Empty only by the word of a worker that had given back its
// last lane when it looked (ConvoyWorker.status.atRest), and InUse before it grants one again. The broker has the last word:
// beside the claim it is noted that the pool was at rest, for as long as nothing is written for a lane. Only then is a pool
// with another fingerprint accepted, whatever a status says. One that is refused has touched nothing: suspended, it becomes
// Empty, and can be changed back.
//
// A suspended pool completes nothing, so that it becomes Empty only if its lanes were empty when it was suspended. Hence
// the order of the mend that each of these rules names: first stop what publishes, then let the backlog and what is
// parked run out, then suspend. Empty means that no worker holds a lane, that every message of the lanes is completed, and
// that no key is parked. What comes to the source afterwards is for the lanes as the pool then has them.
//
// +kubebuilder:object:generate=true
// +groupName=convoy.dev
package v1alpha1
