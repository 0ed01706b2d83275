// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import "strings"

// kind is what a check looks for.
type kind int

const (
	// safety: no assertion fails in any reachable state.
	safety kind = iota
	// fair: every run in which each process that can always move does move, settles. For models in which something repeats for ever.
	fair
	// rests: every run comes to an end, and the end is settled. For models in which nothing repeats for ever; no fairness is assumed.
	rests
)

func (k kind) String() string {
	switch k {
	case safety:
		return "safety"
	case fair:
		return "progress, fair"
	case rests:
		return "progress, rests"
	default:
		return "unknown"
	}
}

// check is one exploration of one model.
type check struct {
	model  string // file name without .pml
	kind   kind
	bounds string // preprocessor definitions, blank-separated: the bounds of the exploration
	quick  bool   // part of the quick subset
	// removal is the switch that takes a rule out; empty for a clean check, which must find nothing.
	removal string
	// rule is the rule that removal takes out, in words.
	rule string
}

func (c check) clean() bool { return c.removal == "" }

// defines are the preprocessor definitions of the check, as spin takes them.
func (c check) defines() []string {
	var defines []string
	for bound := range strings.FieldsSeq(c.bounds) {
		defines = append(defines, "-D"+bound)
	}
	switch c.kind {
	case fair:
		defines = append(defines, "-DPROGRESS")
	case rests:
		defines = append(defines, "-DPROGRESS", "-DRESTS")
	case safety:
	}
	if !c.clean() {
		defines = append(defines, "-D"+c.removal)
	}
	return defines
}

// cleanChecks must be exhaustive and find nothing.
var cleanChecks = []check{
	{model: "handover", kind: safety, bounds: "MOVES=3 RESTARTS=1 LAGS=2", quick: true},
	{model: "handover", kind: safety, bounds: "MOVES=2 RESTARTS=1 LAGS=1 DELETIONS=1"},
	{model: "handover", kind: safety, bounds: "MOVES=1 RESTARTS=1 LAGS=1 STOPS=1"},
	{model: "handover", kind: fair, bounds: "MOVES=2 RESTARTS=0", quick: true},
	{model: "handover", kind: fair, bounds: "MOVES=2 RESTARTS=1"},
	{model: "handover", kind: fair, bounds: "MOVES=1 RESTARTS=0 DELETIONS=1"},
	{model: "handover", kind: fair, bounds: "LEADERS=1 MOVES=1 RESTARTS=1 STOPS=1"},

	{model: "restart", kind: safety, bounds: "MOVES=2 RESTARTS=2 DELETIONS=1 TERMINATIONS=1"},
	{model: "restart", kind: safety, bounds: "MOVES=1 RESTARTS=1 DELETIONS=1 TERMINATIONS=1", quick: true},
	{model: "restart", kind: rests, bounds: "MOVES=0 RESTARTS=1 DELETIONS=1 TERMINATIONS=1"},
	{model: "restart", kind: rests, bounds: "MOVES=1 RESTARTS=1 DELETIONS=1 TERMINATIONS=0", quick: true},

	{model: "takeover", kind: safety, bounds: "DISTURBANCES=2 REVOKES=1"},
	{model: "takeover", kind: safety, bounds: "DISTURBANCES=2 REVOKES=0 RETURNS=1"},
	{model: "takeover", kind: safety, bounds: "DISTURBANCES=1 REVOKES=2 RETURNS=1"},
	{model: "takeover", kind: safety, bounds: "DISTURBANCES=1 REVOKES=1", quick: true},
	{model: "takeover", kind: rests, bounds: "DISTURBANCES=1 REVOKES=1"},

	{model: "rebuild", kind: safety, bounds: "N=2 MOVES=2 LEMMAS"},
	{model: "rebuild", kind: safety, bounds: "N=2 MOVES=1 DELETIONS=1"},
	{model: "rebuild", kind: safety, bounds: "N=2 MOVES=1 VANISHINGS=1"},
	{model: "rebuild", kind: safety, bounds: "N=2 MOVES=1 SILENT"},
	{model: "rebuild", kind: safety, bounds: "N=2 MOVES=0 LOSSES=2 LEMMAS", quick: true},
	{model: "rebuild", kind: safety, bounds: "N=2 MOVES=1 RECREATED=5 LATE"},
	{model: "rebuild", kind: safety, bounds: "N=3 MOVES=1 RECREATED=1 LOSSES=0"},
	{model: "rebuild", kind: safety, bounds: "N=3 MOVES=1"},
	{model: "rebuild", kind: rests, bounds: "N=2 MOVES=1"},
	{model: "rebuild", kind: rests, bounds: "N=2 MOVES=1 RESTORED"},
	{model: "rebuild", kind: rests, bounds: "N=2 MOVES=1 RECREATED=5 LOSSES=0", quick: true},

	{model: "rollout", kind: safety, bounds: "FLAPS=3"},
	{model: "rollout", kind: rests, bounds: "FLAPS=3", quick: true},
	{model: "rollout", kind: rests, bounds: "FLAPS=1 BROKEN"},
	{model: "rollout", kind: safety, bounds: "FLAPS=3 SCALE_DOWN"},
	{model: "rollout", kind: rests, bounds: "FLAPS=3 SCALE_DOWN", quick: true},
}
