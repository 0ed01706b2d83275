// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/controllers/pool/plan"
)

// actionView is what the next step of a pool's actions is decided from.
type actionView struct {
	now time.Time
	// exists says that there is such a pool.
	exists bool
	// actions are the pool's that are not complete, in the order of their turn.
	actions []v1alpha1.ConvoyAction
	lanes   []plan.Lane
	workers []v1alpha1.ConvoyWorker
}

// inTurn puts actions into the order of their turn: one at a time, the oldest first.
func inTurn(actions []v1alpha1.ConvoyAction) []v1alpha1.ConvoyAction {
	left := slices.DeleteFunc(slices.Clone(actions), func(a v1alpha1.ConvoyAction) bool {
		return a.DeletionTimestamp != nil || complete(&a)
	})
	slices.SortFunc(left, func(a, b v1alpha1.ConvoyAction) int {
		return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(a.Name, b.Name))
	})
	return left
}

func complete(a *v1alpha1.ConvoyAction) bool {
	return a.Status != nil && meta.IsStatusConditionTrue(a.Status.Conditions, v1alpha1.ConditionComplete)
}

// owners are the workers that own lanes, by name, and how many lanes have no owner that does what the table says.
func (v *actionView) owners() (map[string]*v1alpha1.ConvoyWorker, int) {
	by := map[plan.PodRef]*v1alpha1.ConvoyWorker{}
	for i := range v.workers {
		if pod, owned := ownerPod(&v.workers[i]); owned && !resigned(&v.workers[i]) {
			by[pod] = &v.workers[i]
		}
	}
	owners, without := map[string]*v1alpha1.ConvoyWorker{}, 0
	for number := range v.lanes {
		l := &v.lanes[number]
		w := by[l.Worker]
		if l.State != plan.Owned || w == nil {
			without++
			continue
		}
		owners[w.Name] = w
	}
	return owners, without
}

func resigned(w *v1alpha1.ConvoyWorker) bool {
	return w.Status != nil && ptr.Deref(w.Status.Resigned, false)
}

// actionOrder is what each worker is told, nil for nothing: the first action's part, once it has begun.
func (v *actionView) actionOrder() *v1alpha1.ActionOrder {
	if len(v.actions) == 0 || !v.exists {
		return nil
	}
	a := &v.actions[0]
	if a.Status == nil || a.Status.StartTime == nil {
		return nil
	}
	owners, _ := v.owners()
	const perMinute, most = 60, 600_000
	rate := int64(ptr.Deref(a.Spec.RatePerSecond, defaultRatePerSecond)) * perMinute / int64(max(1, len(owners)))
	order := &v1alpha1.ActionOrder{
		UID: string(a.UID), Type: a.Spec.Type, Reason: a.Spec.Selector.Reason, KeysPerMinute: int32(min(max(rate, 1), most)),
	}
	for _, key := range a.Spec.Selector.Keys {
		order.KeyDigests = append(order.KeyDigests, v1alpha1.KeyDigest(key))
	}
	if len(order.KeyDigests) == 0 {
		before := a.Status.StartTime.Add(time.Second) // A status keeps whole seconds.
		if at := a.Spec.Selector.ParkedBefore; at != nil && at.Time.Before(before) {
			before = at.Time
		}
		order.ParkedBefore = ptr.To(metav1.NewMicroTime(before))
	}
	return order
}

// defaultRatePerSecond is for an action that was stored before the schema filled it in.
const defaultRatePerSecond = 10

// actionStatuses is the next status of each action.
func (v *actionView) actionStatuses() []*v1alpha1.ConvoyActionStatus {
	statuses := make([]*v1alpha1.ConvoyActionStatus, 0, len(v.actions))
	for i := range v.actions {
		a := &v.actions[i]
		status := &v1alpha1.ConvoyActionStatus{}
		if a.Status != nil {
			status = a.Status.DeepCopy()
		}
		status.ObservedGeneration = &a.Generation
		v.judge(i, status)
		statuses = append(statuses, status)
	}
	return statuses
}

// judge says how one action is.
func (v *actionView) judge(place int, status *v1alpha1.ConvoyActionStatus) {
	a := &v.actions[place]
	owners, without := v.owners()
	switch {
	case !v.exists:
		v.waits(status, v1alpha1.ReasonPoolNotFound, fmt.Sprintf(
			"there is no ConvoyPool %s in this namespace; the action begins when there is one: if the name is wrong, delete the action and create another", a.Spec.Pool))
		return
	case place > 0:
		v.waits(status, v1alpha1.ReasonQueued, fmt.Sprintf("the action %s of this pool comes first", v.actions[0].Name))
		return
	case len(owners) == 0:
		v.waits(status, v1alpha1.ReasonNoOwner, "no worker of the pool has a lane, and only the owner of a key's lane can release or discard it: "+
			"let the pool run at least one worker, and the action begins by itself")
		return
	case status.StartTime == nil:
		status.StartTime = ptr.To(metav1.NewTime(v.now))
	}
	v.sumUp(a, status)
	left := without
	for number := range v.lanes {
		if l := &v.lanes[number]; l.State == plan.Owned && !v.didLane(a, int32(number), l) {
			left++
		}
	}
	p := status.Progress
	words := fmt.Sprintf("%d of %d keys are done, %d failed again and stay parked", *p.Done, *p.Keys, *p.Failed)
	switch {
	case left == 0:
		v.ends(a, status, words)
	case without > 0:
		v.waits(status, v1alpha1.ReasonNoOwner, fmt.Sprintf("%s; %d lanes have no worker now", words, without))
	default:
		v.waits(status, v1alpha1.ReasonRunning, words)
	}
}

// didLane says that the lane's owner has done everything that the action asks for in it.
func (v *actionView) didLane(a *v1alpha1.ConvoyAction, number int32, l *plan.Lane) bool {
	for i := range v.workers {
		w := &v.workers[i]
		pod, owned := ownerPod(w)
		if !owned || pod != l.Worker || w.Status == nil || w.Status.Action == nil {
			continue
		}
		return w.Status.Action.UID == string(a.UID) && ptr.Deref(w.Status.Action.Complete, false) &&
			slices.ContainsFunc(w.Status.Lanes, func(h v1alpha1.LaneHolding) bool { return h.Lane == number && h.Epoch == l.Epoch && h.State == nil })
	}
	return false
}

// waits says that the action is not complete, and why.
func (v *actionView) waits(status *v1alpha1.ConvoyActionStatus, reason, message string) {
	v.set(status, v1alpha1.ConditionComplete, false, reason, message)
	v.set(status, v1alpha1.ConditionReconciling, true, reason, message)
}

// ends says that the action is complete.
func (v *actionView) ends(a *v1alpha1.ConvoyAction, status *v1alpha1.ConvoyActionStatus, words string) {
	reason := v1alpha1.ReasonReleased
	switch {
	case *status.Progress.Keys == 0:
		reason, words = v1alpha1.ReasonNothingParked, fmt.Sprintf(
			"no parked key of the pool %s was selected; status.parked of the pool says how many there are, those of its ConvoyWorkers name the oldest", a.Spec.Pool)
	case a.Spec.Type == v1alpha1.ActionDiscard:
		reason = v1alpha1.ReasonDiscarded
	}
	status.CompletionTime = ptr.To(metav1.NewTime(v.now))
	v.set(status, v1alpha1.ConditionComplete, true, reason, words)
	meta.RemoveStatusCondition(&status.Conditions, v1alpha1.ConditionReconciling)
}

func (v *actionView) set(status *v1alpha1.ConvoyActionStatus, kind string, is bool, reason, message string) {
	c := *condition(kind, is, reason, message)
	c.ObservedGeneration = *status.ObservedGeneration
	setCondition(&status.Conditions, c, v.now)
}

// mostActionWorkers is how many workers a status names.
const mostActionWorkers = 1000

// sumUp keeps what each worker has said last, and adds it up. A worker that is gone has no keys left to do: they went to
// others with their lanes.
func (v *actionView) sumUp(a *v1alpha1.ConvoyAction, status *v1alpha1.ConvoyActionStatus) {
	said := map[string]v1alpha1.ActionWorker{}
	for _, w := range status.Workers {
		w.Keys = w.Done + w.Failed
		said[w.Name] = w
	}
	for i := range v.workers {
		w := &v.workers[i]
		if w.Status == nil || w.Status.Action == nil || w.Status.Action.UID != string(a.UID) {
			continue
		}
		r := w.Status.Action
		if _, before := said[w.Name]; before || r.Keys > 0 && len(said) < mostActionWorkers {
			said[w.Name] = v1alpha1.ActionWorker{Name: w.Name, Keys: r.Keys, Done: r.Done, Failed: r.Failed, Messages: r.Messages}
		}
	}
	status.Workers = nil
	sum := &v1alpha1.ActionProgress{Keys: new(int64), Done: new(int64), Failed: new(int64), Messages: new(int64)}
	for _, w := range said {
		status.Workers = append(status.Workers, w)
		*sum.Keys += w.Keys
		*sum.Done += w.Done
		*sum.Failed += w.Failed
		*sum.Messages += w.Messages
	}
	slices.SortFunc(status.Workers, func(a, b v1alpha1.ActionWorker) int { return cmp.Compare(a.Name, b.Name) })
	status.Progress = sum
}
