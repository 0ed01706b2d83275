// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"convoy.dev/convoy/controllers/pool/plan"
)

// Config is what a Reconciler works with.
type Config struct {
	// Client reads from caches as CacheOptions restricts them, unstructured objects included, and writes.
	Client client.Client
	// Live reads from the API server itself.
	Live client.Reader
	// Events takes what people are to hear of.
	Events events.EventRecorder
	// Clock is the wall clock.
	Clock clock.PassiveClock
	// Cluster identifies the cluster: the UID of the namespace kube-system.
	Cluster types.UID
	// Image is the image of the container convoy-worker for pools that name none.
	Image string
	// Spans is where workers send the spans of messages, OTLP over HTTP; "" for nowhere.
	Spans string
	// WatchLag is how long after a write every controller of the cluster can be taken to have seen it; 0 means
	// plan.DefaultWatchLag.
	WatchLag time.Duration
}

func (c Config) validate() error {
	switch {
	case c.Client == nil, c.Live == nil, c.Events == nil, c.Clock == nil:
		return errors.New("client, live reader, event recorder and clock are needed")
	case c.Cluster == "":
		return errors.New("the cluster's identity is not known: the UID of the namespace kube-system is needed")
	}
	return nil
}

// Reconciler makes ConvoyPools run.
type Reconciler struct {
	config Config
	memory memory
	rules  restartRules
	turns  turns
}

// New returns a Reconciler.
func New(config Config) (*Reconciler, error) {
	if err := config.validate(); err != nil {
		return nil, fmt.Errorf("making the pools' controller: %w", err)
	}
	return &Reconciler{config: config}, nil
}

// Reconcile brings one pool a step closer to what is wanted.
func (r *Reconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	seen, err := r.observe(ctx, request.NamespacedName)
	switch {
	case err != nil:
		return reconcile.Result{}, err
	case seen.leaving():
		return quietly(reconcile.Result{}, r.release(ctx, seen))
	case r.memory.of(seen.key).behind(seen):
		return reconcile.Result{RequeueAfter: lookAgain}, nil
	}
	seen, next, err := r.decide(ctx, seen)
	done := r.apply(ctx, seen, next, err)
	return quietly(r.conclude(ctx, seen, next, done))
}

// lookAgain is when caches that lag behind our own writes, or a conflict, are looked at again: the event that shows them
// may be one that wakes nobody by itself.
const lookAgain = 25 * time.Millisecond

// looks is how often one reconcile may look closer: once live, once more when it has made the table or for pods that are
// missing, and then it decides.
const looks = 3

// decide makes the plan, and looks closer first where the plan asks for it.
func (r *Reconciler) decide(ctx context.Context, seen *observation) (*observation, plan.Plan, error) {
	for range looks {
		next := plan.Make(seen.state, seen.now)
		var err error
		switch {
		case next.ObserveLive:
			seen, err = r.lookCloser(ctx, seen)
		case next.MakeTable:
			seen, err = r.makeTable(ctx, seen)
		case len(next.Confirm) > 0:
			err = r.confirm(ctx, seen, next.Confirm)
		default:
			return seen, next, nil
		}
		if err != nil {
			return seen, plan.Plan{Replicas: seen.state.Deployment.Replicas}, err
		}
	}
	return seen, plan.Plan{Replicas: seen.state.Deployment.Replicas}, fmt.Errorf("deciding: the pool changes while it is looked at")
}

// lookCloser observes live. A pool that is gone, or another one, is left to the event that says so.
func (r *Reconciler) lookCloser(ctx context.Context, seen *observation) (*observation, error) {
	live, err := r.observeLive(ctx, seen.key)
	switch {
	case err != nil:
		return seen, err
	case live.leaving() || live.pool.UID != seen.pool.UID:
		return seen, apierrors.NewConflict(poolResource, seen.key.Name, errors.New("it was deleted meanwhile"))
	}
	return live, nil
}

// confirm looks for pods that the table names and nobody has seen.
func (r *Reconciler) confirm(ctx context.Context, seen *observation, missing []plan.PodRef) error {
	for _, ref := range missing {
		pod, err := r.findPod(ctx, seen.key.Namespace, ref)
		switch {
		case err != nil:
			return fmt.Errorf("confirming that pod %s is gone: %w", ref.Name, err)
		case pod == nil:
			seen.state.Absent = append(seen.state.Absent, ref)
		default:
			seen.pods = append(seen.pods, *pod)
		}
	}
	if err := r.readNodes(ctx, r.config.Client, seen); err != nil {
		return err
	}
	seen.state.Pods = seen.podStates()
	return nil
}

// quietly turns conflicts into another look. They are no errors: somebody has written since the caches were read.
func quietly(result reconcile.Result, err error) (reconcile.Result, error) {
	if apierrors.IsConflict(err) {
		return reconcile.Result{RequeueAfter: lookAgain}, nil
	}
	return result, err
}
