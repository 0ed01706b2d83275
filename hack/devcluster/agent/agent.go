// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"
	"fmt"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
)

// Agent is a running node.
type Agent struct {
	Config
	client    kubernetes.Interface
	addresses *addresses

	// mu guards runs; the watch's goroutine writes it, and each pod's when it is done.
	mu   sync.Mutex
	runs map[types.UID]*podRun
	// pods are the goroutines of runs.
	pods sync.WaitGroup
}

// Run is a node until ctx ends. It returns an error only when it cannot begin.
func Run(ctx context.Context, config Config) error {
	if err := config.validate(); err != nil {
		return fmt.Errorf("starting the node agent: %w", err)
	}
	client, err := kubernetes.NewForConfig(config.API)
	if err != nil {
		return fmt.Errorf("starting the node agent: %w", err)
	}
	a := &Agent{Config: config, client: client, addresses: newAddresses(), runs: map[types.UID]*podRun{}}
	if err := a.register(ctx); err != nil {
		return fmt.Errorf("registering node %s: %w", a.NodeName, err)
	}
	a.Say("node %s is ready: pods are processes of this machine, in %s", a.NodeName, a.addresses)
	var heartbeat sync.WaitGroup
	heartbeat.Go(func() { a.beat(ctx) })
	err = a.watch(ctx)
	heartbeat.Wait()
	a.pods.Wait()
	return err
}

// watch follows the node's pods until ctx ends.
func (a *Agent) watch(ctx context.Context) error {
	mine := fields.OneTermEqualSelector("spec.nodeName", a.NodeName).String()
	list := cache.NewListWatchFromClient(a.client.CoreV1().RESTClient(), "pods", corev1.NamespaceAll, fields.ParseSelectorOrDie(mine))
	informer := cache.NewSharedInformer(list, &corev1.Pod{}, 0)
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(o any) { a.see(ctx, o, false) },
		UpdateFunc: func(_, o any) { a.see(ctx, o, false) },
		DeleteFunc: func(o any) { a.see(ctx, o, true) },
	})
	if err != nil {
		return fmt.Errorf("watching pods: %w", err)
	}
	informer.RunWithContext(ctx)
	return nil
}

// see passes news of a pod on to its run, and begins a run for a new pod.
func (a *Agent) see(ctx context.Context, object any, gone bool) {
	if tombstone, ok := object.(cache.DeletedFinalStateUnknown); ok {
		object = tombstone.Obj
	}
	pod, ok := object.(*corev1.Pod)
	if !ok {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if ctx.Err() != nil {
		return
	}
	run := a.runs[pod.UID]
	if run == nil {
		if gone || ended(pod) && pod.DeletionTimestamp == nil {
			return
		}
		run = newRun(a, pod)
		a.runs[pod.UID] = run
		a.pods.Go(func() { a.own(ctx, run) })
	}
	run.show(pod, gone)
}

func (a *Agent) own(ctx context.Context, run *podRun) {
	run.loop(ctx)
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.runs, run.pod.UID)
}

func ended(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
}
