// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/controllers/cmd/kubectl-convoy/snapshot"
	"convoy.dev/convoy/controllers/cmd/kubectl-convoy/view"
)

// order is the order in which conditions are to be mended: the operator's own, in which it chooses the reason of Ready.
var order = []string{
	v1alpha1.ConditionKeyExpressionValid, v1alpha1.ConditionTemplateAccepted, v1alpha1.ConditionPodsAdmitted,
	v1alpha1.ConditionProgressing, v1alpha1.ConditionSourceClaimed, v1alpha1.ConditionSourceReachable,
	v1alpha1.ConditionHandlerAccepting, v1alpha1.ConditionWorkerUnreachable, v1alpha1.ConditionHandOverStuck,
	v1alpha1.ConditionWorkerIncompatible, v1alpha1.ConditionLaneBlocked, v1alpha1.ConditionLaneStoreFull,
	v1alpha1.ConditionBraking, v1alpha1.ConditionKeySpansLanes, v1alpha1.ConditionHotLane,
}

// place is where a type stands in the order; a type of a newer operator comes last.
func place(kind string) int {
	if i := slices.Index(order, kind); i >= 0 {
		return i
	}
	return len(order)
}

// conditions are the findings that the operator itself tells of.
func conditions(s *snapshot.Snapshot, _ time.Time) []Finding {
	all := slices.Clone(s.Status().Conditions)
	slices.SortStableFunc(all, func(a, b metav1.Condition) int { return cmp.Compare(place(a.Type), place(b.Type)) })
	var found []Finding
	for i := range all {
		if c := &all[i]; c.Type != v1alpha1.ConditionReady && view.Wrong(c) {
			found = append(found, findingOf(c))
		}
	}
	// A Ready whose reason is not another condition's type says something of its own.
	ready := meta.FindStatusCondition(all, v1alpha1.ConditionReady)
	if ready != nil && ready.Status != metav1.ConditionTrue && meta.FindStatusCondition(all, ready.Reason) == nil {
		found = append([]Finding{findingOf(ready)}, found...)
	}
	return found
}

func findingOf(c *metav1.Condition) Finding {
	advice := adviceOn(c)
	return Finding{
		About: c.Type, Reason: c.Reason, Since: &c.LastTransitionTime, Says: c.Message, Means: advice.Means, Mend: advice.Mend,
	}
}

// unseen says that the operator has not taken up what the pool says, or the cluster none at all.
func unseen(s *snapshot.Snapshot, _ time.Time) []Finding {
	observed := ptr.Deref(s.Status().ObservedGeneration, 0)
	if observed >= s.Pool.Generation {
		return nil
	}
	f := Finding{
		About: "Operator",
		Says:  fmt.Sprintf("The status is about generation %d of the pool, which has generation %d.", observed, s.Pool.Generation),
		Means: "The operator has not yet taken up the last change.",
		Mend: "If this does not pass within seconds see whether the operator runs: `kubectl get pods -A -l " +
			"app.kubernetes.io/component=operator,app.kubernetes.io/name=convoy`. Workers go on without it.",
	}
	if observed == 0 {
		f.Says = "The pool has no status."
		f.Means = "No operator has looked at this pool, or not yet."
		f.Mend = "If this does not pass within seconds see whether an operator runs (`kubectl get pods -A -l " +
			"app.kubernetes.io/component=operator,app.kubernetes.io/name=convoy`) and whether it watches this namespace (--watch-namespaces)."
	}
	return []Finding{f}
}

// leaving says that the pool is being deleted, and what holds it.
func leaving(s *snapshot.Snapshot, _ time.Time) []Finding {
	if s.Pool.DeletionTimestamp == nil {
		return nil
	}
	return []Finding{{
		About: "Deletion", Since: s.Pool.DeletionTimestamp, Says: "The pool is being deleted.",
		WaitsFor: "its workers, which give their lanes back first" + finalizers(s.Pool.Finalizers),
	}}
}

func finalizers(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return "; finalizers: " + strings.Join(names, ", ")
}

// named puts a pool's name and namespace into a mend.
func named(pool *v1alpha1.ConvoyPool, mend string) string {
	return strings.NewReplacer("{pool}", pool.Name, "{namespace}", pool.Namespace).Replace(mend)
}
