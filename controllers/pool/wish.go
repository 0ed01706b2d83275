// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"errors"
	"fmt"

	"k8s.io/utils/ptr"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/controllers/pool/child"
	"convoy.dev/convoy/controllers/pool/plan"
	"convoy.dev/convoy/worker/key"
)

// hold is what stands against running any worker of a pool, that only its user can mend.
type hold struct {
	condition, reason, message string
}

// wish is how many workers are wanted, and why.
type wish struct {
	workers         int
	reason, message string
	// adopt says that spec.scaling.workers is to be written, because External mode has none yet.
	adopt bool
}

// judge says what may run.
func (o *observation) judge(k *judgedKey) {
	o.hold = holdOf(o.pool, k)
	o.wish = o.wished()
}

// holdOf says why no worker of the pool may run, or nil.
func holdOf(pool *v1alpha1.ConvoyPool, k *judgedKey) *hold {
	if err := k.compile(pool.Spec.Key.Expression); err != nil {
		return &hold{v1alpha1.ConditionKeyExpressionValid, v1alpha1.ReasonDoesNotCompile, whyNoKey(err)}
	}
	return nil
}

func whyNoKey(err error) string {
	var refused *key.CompileError
	if errors.As(err, &refused) {
		return fmt.Sprintf("spec.key.expression, line %d, column %d: %s: %s", refused.Line, refused.Column, refused.Problem, refused.Mend)
	}
	return "spec.key.expression: " + err.Error()
}

// wished is the number of workers. What runs goes on even when it could not be started today: its lanes are in order,
// and who mends the pool decides when they move.
func (o *observation) wished() wish {
	if o.winds() {
		return wish{reason: v1alpha1.ReasonSuspended, message: "the pool is wound down: no worker stays"}
	}
	scaling := ptr.Deref(o.pool.Spec.Scaling, v1alpha1.Scaling{})
	lowest, highest := int(ptr.Deref(scaling.MinWorkers, 1)), int(ptr.Deref(scaling.MaxWorkers, 10))
	w := wish{}
	if ptr.Deref(scaling.Mode, v1alpha1.ScalingBacklog) == v1alpha1.ScalingExternal {
		w.workers, w.reason, w.message = lowest, v1alpha1.ReasonExternal, "as many workers as spec.scaling.workers says"
		if scaling.Workers != nil {
			w.workers = int(*scaling.Workers)
		} else if w.adopt = true; o.deployment != nil {
			w.workers = min(max(int(ptr.Deref(o.deployment.Spec.Replicas, 1)), lowest), highest)
		}
	} else {
		w.workers, w.reason = max(lowest, 1), v1alpha1.ReasonMinWorkers
		w.message = "this version of Convoy does not measure backlog: it runs minWorkers, and at least one"
	}
	if lanes := laneCount(&o.pool.Spec); w.workers > lanes && lanes > 0 {
		w.workers, w.reason = lanes, v1alpha1.ReasonLanes
		w.message = fmt.Sprintf("there are %d lanes, and a worker without a lane would have nothing to do", lanes)
	}
	if o.hold != nil && !o.owned() {
		w.workers, w.reason, w.message = 0, o.hold.reason, o.hold.message
	}
	return w
}

// owned says that somebody has a lane.
func (o *observation) owned() bool {
	if o.table == nil {
		return false
	}
	for _, lanes := range [][]v1alpha1.LaneOwnership{o.table.Lanes, o.table.Shards} {
		for i := range lanes {
			if readState(lanes[i].State) != plan.Unowned {
				return true
			}
		}
	}
	return false
}

func (r *Reconciler) childConfig(o *observation) child.Config {
	return child.Config{
		Pool: o.pool, Template: o.template, Cluster: r.config.Cluster, Image: r.config.Image, Spans: r.config.Spans, Barrier: o.barrier,
		Accounts: o.accounts(),
	}
}
