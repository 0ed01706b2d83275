// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package run_test

import (
	"context"
	"errors"
	"strconv"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/worker/drain"
	"convoy.dev/convoy/worker/mailbox"
)

// apiServer keeps one ConvoyWorker by the API server's rules: a resourceVersion for each write, conflicts, a watch. It
// checks what the API server's own rules check.
type apiServer struct {
	lock    sync.Mutex
	version int
	object  *v1alpha1.ConvoyWorker
	away    bool
	// forbids says that the worker's account has no right to the object.
	forbids bool
	writes  int
	// deaf is how many writes are made whose answer is lost.
	deaf int
	// changed is closed and made anew when there is something for watchers to see.
	changed chan struct{}
}

var errAway = errors.New("the API server is away")

func newAPIServer() *apiServer {
	a := &apiServer{changed: make(chan struct{})}
	a.create(podUID)
	return a
}

// create makes the object, empty, as the controller does for a pod.
func (a *apiServer) create(owner types.UID) {
	a.change(func() {
		a.object = &v1alpha1.ConvoyWorker{ObjectMeta: metav1.ObjectMeta{
			Name: "w", Namespace: "n", OwnerReferences: []metav1.OwnerReference{{Kind: "Pod", Name: "w", UID: owner}},
		}}
	})
}

func (a *apiServer) change(how func()) {
	a.lock.Lock()
	defer a.lock.Unlock()
	how()
	a.version++
	if a.object != nil {
		a.object.ResourceVersion = strconv.Itoa(a.version)
	}
	close(a.changed)
	a.changed = make(chan struct{})
}

// remove deletes the object, as somebody may by hand.
func (a *apiServer) remove() { a.change(func() { a.object = nil }) }

// spec writes the controller's side.
func (a *apiServer) spec(s drain.Spec) {
	a.change(func() {
		before := a.object.Spec
		if a.object.Spec = mailbox.WriteSpec(s); before != nil {
			a.object.Spec.Action = before.Action
		}
	})
}

// order writes the controller's wish for what is parked.
func (a *apiServer) order(o *v1alpha1.ActionOrder) {
	a.change(func() {
		if a.object.Spec == nil {
			a.object.Spec = &v1alpha1.ConvoyWorkerSpec{}
		}
		a.object.Spec.Action = o
	})
}

// acted is what the worker says of it, and parked of what is parked.
func (a *apiServer) acted() (acted v1alpha1.ActionReport, parked v1alpha1.WorkerParked) {
	a.lock.Lock()
	defer a.lock.Unlock()
	if a.object == nil || a.object.Status == nil {
		return acted, parked
	}
	if a.object.Status.Action != nil {
		acted = *a.object.Status.Action
	}
	if a.object.Status.Parked != nil {
		parked = *a.object.Status.Parked
	}
	return acted, parked
}

// goAway makes the API server unreachable, or reachable again.
func (a *apiServer) goAway(away bool) { a.change(func() { a.away = away }) }

// report is the worker's side.
func (a *apiServer) report() drain.Report {
	a.lock.Lock()
	defer a.lock.Unlock()
	if a.object == nil {
		return drain.Report{}
	}
	return mailbox.ReadReport(a.object.Status)
}

// condition is "True", "False" or "", and its message.
func (a *apiServer) condition(kind string) (status, message string) {
	a.lock.Lock()
	defer a.lock.Unlock()
	if a.object == nil || a.object.Status == nil {
		return "", ""
	}
	c := meta.FindStatusCondition(a.object.Status.Conditions, kind)
	if c == nil {
		return "", ""
	}
	return string(c.Status), c.Message
}

// reason is a condition's reason, empty if there is no such condition.
func (a *apiServer) reason(kind string) string {
	a.lock.Lock()
	defer a.lock.Unlock()
	if a.object == nil || a.object.Status == nil {
		return ""
	}
	if c := meta.FindStatusCondition(a.object.Status.Conditions, kind); c != nil {
		return c.Reason
	}
	return ""
}

// reachable returns the object, or why there is none. The lock is held.
func (a *apiServer) reachable() (*v1alpha1.ConvoyWorker, error) {
	switch {
	case a.away:
		return nil, errAway
	case a.forbids:
		return nil, apierrors.NewForbidden(v1alpha1.Resource("convoyworkers"), "w", errors.New("no RoleBinding"))
	case a.object == nil:
		return nil, apierrors.NewNotFound(v1alpha1.Resource("convoyworkers"), "w")
	}
	return a.object.DeepCopy(), nil
}

// forbid takes the rights of the worker's account away, or gives them back.
func (a *apiServer) forbid(forbids bool) { a.change(func() { a.forbids = forbids }) }

func (a *apiServer) Read(context.Context) (*v1alpha1.ConvoyWorker, error) {
	a.lock.Lock()
	defer a.lock.Unlock()
	return a.reachable()
}

func (a *apiServer) WriteStatus(ctx context.Context, o *v1alpha1.ConvoyWorker) (*v1alpha1.ConvoyWorker, error) {
	a.lock.Lock()
	is, err := a.reachable()
	a.lock.Unlock()
	if err != nil {
		return nil, err
	}
	if is.ResourceVersion != o.ResourceVersion {
		return nil, apierrors.NewConflict(v1alpha1.Resource("convoyworkers"), "w", errors.New("it has changed"))
	}
	if mailbox.ReadReport(o.Status).Incarnation < mailbox.ReadReport(is.Status).Incarnation {
		return nil, apierrors.NewBadRequest("status.incarnation only grows")
	}
	lost := false
	a.change(func() {
		a.object.Status = o.Status.DeepCopy()
		a.writes++
		if lost = a.deaf > 0; lost {
			a.deaf--
		}
	})
	if lost {
		return nil, errAway
	}
	return a.Read(ctx)
}

func (a *apiServer) Watch(ctx context.Context, seen func(*v1alpha1.ConvoyWorker)) error {
	last := ""
	for {
		a.lock.Lock()
		o, err := a.reachable()
		changed := a.changed
		a.lock.Unlock()
		if errors.Is(err, errAway) || apierrors.IsForbidden(err) {
			return err
		}
		if o != nil && o.ResourceVersion != last {
			last = o.ResourceVersion
			seen(o)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
