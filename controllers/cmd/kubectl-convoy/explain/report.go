// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/controllers/cmd/kubectl-convoy/snapshot"
)

// Report is how a pool is.
type Report struct {
	// Namespace and Pool name it.
	Namespace string `json:"namespace"`
	Pool      string `json:"pool"`
	// Ready is the status of its condition Ready, Unknown if it has none; Reason and Since are the condition's.
	Ready  metav1.ConditionStatus `json:"ready"`
	Reason string                 `json:"reason,omitempty"`
	Since  *metav1.Time           `json:"since,omitempty"`
	// Summary is one sentence.
	Summary string `json:"summary"`
	// Figures are what there is: workers, lanes, backlog, parked.
	Figures []string `json:"figures,omitempty"`
	// Findings are what is wrong or under way, the first to be mended first.
	Findings []Finding `json:"findings,omitempty"`
	// Act says that a finding has a mend: a person has something to do.
	Act bool `json:"act"`
}

// Finding is one thing that is wrong or under way.
type Finding struct {
	// About is the type of the condition, or one word for what only the objects show.
	About string `json:"about"`
	// Reason is the condition's, "" if it is no condition's.
	Reason string `json:"reason,omitempty"`
	// Since is since when it is so, nil if no object says.
	Since *metav1.Time `json:"since,omitempty"`
	// Says is what there is, in the words of the object where it has some.
	Says string `json:"says"`
	// Means explains that; may be empty.
	Means string `json:"means,omitempty"`
	// WaitsFor is what has to happen for it to pass by itself; may be empty.
	WaitsFor string `json:"waitsFor,omitempty"`
	// Mend is what a person would do, "" where nobody needs to act.
	Mend string `json:"mend,omitempty"`
}

// Of explains a pool as it is in a snapshot that was taken at an instant.
func Of(s *snapshot.Snapshot, now time.Time) *Report {
	r := &Report{Namespace: s.Pool.Namespace, Pool: s.Pool.Name, Ready: metav1.ConditionUnknown}
	if c := meta.FindStatusCondition(s.Status().Conditions, v1alpha1.ConditionReady); c != nil {
		r.Ready, r.Reason, r.Since = c.Status, c.Reason, &c.LastTransitionTime
	}
	for _, judge := range []func(*snapshot.Snapshot, time.Time) []Finding{
		unseen, conditions, leaving, moving, unowned, unanswered, unbound, unbalanced, scaling, parked, hidden,
	} {
		r.Findings = append(r.Findings, judge(s, now)...)
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		f.Mend = named(s.Pool, f.Mend)
		r.Act = r.Act || f.Mend != ""
	}
	r.Summary = summary(s, r)
	r.Figures = figures(s)
	return r
}

// summary says the most important in one sentence.
func summary(s *snapshot.Snapshot, r *Report) string {
	ready := meta.FindStatusCondition(s.Status().Conditions, v1alpha1.ConditionReady)
	switch {
	case ready == nil:
		return "No operator has said how it is."
	case ready.Status == metav1.ConditionTrue && r.Act:
		return "It is Ready, and there is something to do."
	case ready.Status == metav1.ConditionTrue && ptr.Deref(s.Pool.Spec.Suspend, false):
		return "It is suspended: no worker runs until spec.suspend is false. Nobody needs to act."
	case ready.Status == metav1.ConditionTrue:
		return "It works as its spec says. Nobody needs to act."
	case len(r.Findings) == 0:
		return "It is not Ready, and no object says more than: " + ready.Message
	}
	return "It is not Ready. What is to be mended first comes first."
}
