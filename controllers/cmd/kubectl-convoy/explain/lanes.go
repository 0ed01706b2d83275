// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/controllers/cmd/kubectl-convoy/snapshot"
	"convoy.dev/convoy/controllers/cmd/kubectl-convoy/view"
)

// kinds are what is owned, by its name.
var kinds = []struct {
	name string
	rows func(*snapshot.Snapshot) []view.Lane
	// drains is what a worker does before it lets go.
	drains string
}{
	{"lane", view.Lanes, "the handler to end the calls that run, and their progress to be written to the broker"},
	{"shard", view.Shards, "the messages that it has taken to be in their lanes"},
}

// moving are lanes that are being given back, one finding for each worker that gives.
func moving(s *snapshot.Snapshot, _ time.Time) []Finding {
	var found []Finding
	for _, kind := range kinds {
		byWorker := grouped(kind.rows(s), func(l *view.Lane) (string, bool) { return l.Worker, l.State == v1alpha1.LaneReleasing })
		for _, lanes := range byWorker {
			found = append(found, Finding{
				About: "Rebalancing", Since: earliest(lanes),
				Says:     fmt.Sprintf("Worker %s gives back %s.", worker(lanes[0].Worker), view.Named(kind.name, numbers(lanes))),
				WaitsFor: drainWaits(s, lanes, kind.drains),
			})
		}
	}
	return found
}

// drainWaits says what the hand-over of lanes of one worker waits for.
func drainWaits(s *snapshot.Snapshot, lanes []view.Lane, drains string) string {
	var keys []string
	draining, told := false, false
	for i := range lanes {
		draining = draining || lanes[i].Holding == v1alpha1.HoldingDraining
		told = told || lanes[i].Holding == ""
		if lanes[i].WaitsFor != "" {
			keys = append(keys, fmt.Sprintf("%q in lane %d", lanes[i].WaitsFor, lanes[i].Number))
		}
	}
	switch {
	case len(keys) > 0:
		return "the handler to end its calls of " + few(keys)
	case draining:
		return drains
	case told && len(lanes) > 0 && s.PodsRefused == "" && !hasPod(s, lanes[0].Worker):
		return "the operator to be sure that the pod has stopped, or spec.handoff.unreachableAfterSeconds to pass"
	case told:
		return "the operator to see that the worker has let go"
	}
	return "the worker to see that it is asked for them"
}

func hasPod(s *snapshot.Snapshot, name string) bool {
	for i := range s.Pods {
		if s.Pods[i].Name == name {
			return true
		}
	}
	return false
}

// unowned are lanes that nobody holds.
func unowned(s *snapshot.Snapshot, _ time.Time) []Finding {
	if s.Table == nil || ptr.Deref(s.Pool.Spec.Suspend, false) || s.Pool.DeletionTimestamp != nil {
		return nil
	}
	var found []Finding
	for _, kind := range kinds {
		var granted, nobodys []int32
		for _, l := range kind.rows(s) {
			switch {
			case l.State != v1alpha1.LaneUnowned:
			case l.Slot != nil:
				granted = append(granted, l.Number)
			default:
				nobodys = append(nobodys, l.Number)
			}
		}
		if len(granted) > 0 {
			found = append(found, Finding{
				About: "Lanes", Says: fmt.Sprintf("Nobody holds %s yet; their slots are known.", view.Named(kind.name, granted)),
				WaitsFor: "the operator to grant them, which it does as soon as the slot has a pod whose worker answers",
			})
		}
		if len(nobodys) > 0 {
			found = append(found, Finding{
				About: "Lanes", Says: fmt.Sprintf("Nobody holds %s, and no worker is there to get them.", view.Named(kind.name, nobodys)),
				WaitsFor: "a worker" + whyNoWorker(s),
			})
		}
	}
	return found
}

func whyNoWorker(s *snapshot.Snapshot) string {
	if scaling := s.Status().Scaling; scaling != nil && scaling.Wanted != nil && *scaling.Wanted == 0 {
		return "; none is wanted: " + strings.TrimSuffix(ptr.Deref(scaling.Message, ptr.Deref(scaling.Reason, "")), ".")
	}
	return ""
}

// openings is what a lane waits for that its worker holds and does not run.
var openings = map[v1alpha1.HoldingState]string{
	v1alpha1.HoldingBarred:  "calls of the worker's earlier process to end, at most spec.delivery.timeoutSeconds",
	v1alpha1.HoldingOpening: "the broker to take its epoch",
	v1alpha1.HoldingFencing: "an earlier owner, who may still run, to have stopped by itself",
	v1alpha1.HoldingRefused: "the operator to grant it at a higher epoch, because the broker has one already",
	"":                      "the worker to take it up",
}

// unanswered are lanes whose worker has the grant and does not run them.
func unanswered(s *snapshot.Snapshot, _ time.Time) []Finding {
	var found []Finding
	for _, kind := range kinds {
		byWorker := grouped(kind.rows(s), func(l *view.Lane) (string, bool) {
			_, waits := openings[l.Holding]
			return l.Worker + "/" + string(l.Holding), waits && l.State == v1alpha1.LaneOwned
		})
		for _, lanes := range byWorker {
			says := fmt.Sprintf("Worker %s owns %s and does not say that it holds them.", worker(lanes[0].Worker), view.Named(kind.name, numbers(lanes)))
			if state := lanes[0].Holding; state != "" {
				says = fmt.Sprintf("Worker %s owns %s and says: %s.", worker(lanes[0].Worker), view.Named(kind.name, numbers(lanes)), state)
			}
			wait := openings[lanes[0].Holding]
			if lanes[0].Holding == v1alpha1.HoldingFencing && s.Table.QuarantineSeconds != nil {
				wait += fmt.Sprintf(": at most %d s from the write of its epoch", *s.Table.QuarantineSeconds)
			}
			found = append(found, Finding{About: "Lanes", Says: says, WaitsFor: wait})
		}
	}
	return found
}

// grouped are the rows that belong to a group, by group, in the order in which groups begin.
func grouped(rows []view.Lane, groupOf func(*view.Lane) (string, bool)) [][]view.Lane {
	var names []string
	var groups [][]view.Lane
	for i := range rows {
		name, is := groupOf(&rows[i])
		if !is {
			continue
		}
		at := slices.Index(names, name)
		if at < 0 {
			at = len(names)
			names, groups = append(names, name), append(groups, nil)
		}
		groups[at] = append(groups[at], rows[i])
	}
	return groups
}

func numbers(lanes []view.Lane) []int32 {
	var all []int32
	for i := range lanes {
		all = append(all, lanes[i].Number)
	}
	return all
}

func earliest(lanes []view.Lane) *metav1.Time {
	var first *metav1.Time
	for i := range lanes {
		if since := lanes[i].Since; since != nil && (first == nil || since.Time.Before(first.Time)) {
			first = &metav1.Time{Time: since.Time}
		}
	}
	return first
}

func worker(name string) string {
	if name == "" {
		return "of a slot without a pod"
	}
	return name
}

// few joins words to a text of readable length.
func few(words []string) string {
	const most = 5
	if more := len(words) - most; more > 0 {
		words = append(slices.Clip(words[:most]), fmt.Sprintf("%d more", more))
	}
	return strings.Join(words, ", ")
}
