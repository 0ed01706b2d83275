// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"convoy.dev/convoy/api/v1alpha1"
)

// Follower is a cache of one pool's objects.
type Follower struct {
	// Changed has a value when something has changed since it was last taken.
	Changed <-chan struct{}

	first *Snapshot
	cache cache.Cache
	// ended has what the cache ended with, once.
	ended chan error
}

// Follow begins to watch what first is a snapshot of. The watches end with ctx; Wait waits for that. Pods are watched only
// if first has them: whoever is refused them would wait for them for ever.
func Follow(ctx context.Context, config *rest.Config, scheme *runtime.Scheme, first *Snapshot) (*Follower, error) {
	kinds := watched(first)
	objects, err := cache.New(config, cache.Options{
		Scheme: scheme, DefaultNamespaces: map[string]cache.Config{first.Pool.Namespace: {}}, ByObject: kinds,
	})
	if err != nil {
		return nil, fmt.Errorf("making a cache: %w", err)
	}
	changed := make(chan struct{}, 1) // one: that something has changed is said once, however much has
	f := &Follower{Changed: changed, first: first, cache: objects, ended: make(chan error, 1)}
	for kind := range kinds {
		informer, err := objects.GetInformer(ctx, kind, cache.BlockUntilSynced(false))
		if err != nil {
			return nil, fmt.Errorf("watching %T: %w", kind, err)
		}
		if _, err := informer.AddEventHandler(signal(changed)); err != nil {
			return nil, fmt.Errorf("watching %T: %w", kind, err)
		}
	}
	go func() { f.ended <- objects.Start(ctx) }()
	if !objects.WaitForCacheSync(ctx) {
		return nil, errors.Join(<-f.ended, ctx.Err())
	}
	return f, nil
}

// watched is which objects of each kind are watched.
func watched(first *Snapshot) map[client.Object]cache.ByObject {
	pool := first.Pool.Name
	named := cache.ByObject{Field: fields.OneTermEqualSelector("metadata.name", pool)}
	labelled := cache.ByObject{Label: labels.SelectorFromSet(labels.Set{v1alpha1.LabelPool: pool})}
	kinds := map[client.Object]cache.ByObject{
		&v1alpha1.ConvoyPool{}: named, &v1alpha1.LaneTable{}: named, &v1alpha1.ConvoyWorker{}: labelled,
	}
	if first.PodsRefused == "" {
		kinds[&corev1.Pod{}] = labelled
	}
	return kinds
}

// Read is the pool as the cache has it.
func (f *Follower) Read(ctx context.Context) (*Snapshot, error) {
	pool := client.ObjectKeyFromObject(f.first.Pool)
	if f.first.PodsRefused == "" {
		return Read(ctx, f.cache, pool)
	}
	s, err := readConvoys(ctx, f.cache, pool)
	if err == nil {
		s.PodsRefused = f.first.PodsRefused
	}
	return s, err
}

// Wait waits until the watches have ended, which they do with their context.
func (f *Follower) Wait() error { return <-f.ended }

func signal(changed chan<- struct{}) toolscache.ResourceEventHandler {
	tell := func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	}
	return toolscache.ResourceEventHandlerFuncs{
		AddFunc: func(any) { tell() }, UpdateFunc: func(any, any) { tell() }, DeleteFunc: func(any) { tell() },
	}
}
