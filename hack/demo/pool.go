// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"syscall"
	"text/template"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/hack/e2e/publish"
)

const (
	// lanes is the pool's number of lanes.
	lanes = 16
	// firstWorker is how long the first worker may take on a busy machine.
	firstWorker = 2 * time.Minute
	// look is how often the demo looks at the pool while it waits.
	look = 100 * time.Millisecond
)

var poolName = types.NamespacedName{Namespace: "shop", Name: "orders"}

//go:embed pool.yaml
var poolManifest string

var poolTemplate = template.Must(template.New("pool").Parse(poolManifest))

// startPool applies the pool and waits until its first worker owns every lane.
func (s *stage) startPool(ctx context.Context) error {
	var manifest bytes.Buffer
	if err := poolTemplate.Execute(&manifest, map[string]any{
		"Broker": s.broker.ClientURL(), "Stream": publish.Stream, "Lanes": lanes,
		"Collector": s.collector.Address(), "CallSeconds": int(callTime.Seconds()),
	}); err != nil {
		return err
	}
	if _, err := s.kubectl.run(ctx, manifest.String(), "apply", "--server-side", "-f", "-"); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, firstWorker)
	defer cancel()
	return s.await(ctx, func(v view) bool { return v.owned == lanes && v.serving == 1 })
}

// view is the pool at one moment.
type view struct {
	pods, serving int
	owned, moving int
}

// await looks at the pool until a condition holds.
func (s *stage) await(ctx context.Context, holds func(view) bool) error {
	ticker := time.NewTicker(look)
	defer ticker.Stop()
	for {
		v, err := s.view(ctx)
		if err == nil && holds(v) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for the pool: %w; it has %+v (%w)", ctx.Err(), v, err)
		case <-ticker.C:
		}
	}
}

// view reads pods and lane table. A table that is not there yet has no lanes.
func (s *stage) view(ctx context.Context) (view, error) {
	var v view
	pods, err := s.pods(ctx)
	if err != nil {
		return v, err
	}
	v.pods = len(pods)
	for _, pod := range pods {
		if serves(pod) {
			v.serving++
		}
	}
	table := &v1alpha1.LaneTable{}
	if err := s.client.Get(ctx, poolName, table); err != nil {
		return v, client.IgnoreNotFound(err)
	}
	for _, l := range table.Lanes {
		switch {
		case l.State == nil:
			v.owned++
		case *l.State == v1alpha1.LaneReleasing:
			v.moving++
		}
	}
	return v, nil
}

func (s *stage) pods(ctx context.Context) ([]corev1.Pod, error) {
	list := &corev1.PodList{}
	err := s.client.List(ctx, list, client.InNamespace(poolName.Namespace), client.MatchingLabels{v1alpha1.LabelPool: poolName.Name})
	return list.Items, err
}

func serves(pod corev1.Pod) bool {
	for _, c := range pod.Status.Conditions {
		if c.Type == v1alpha1.GateServing {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

// scale asks for so many workers by the scale subresource, as a person does.
func (s *stage) scale(ctx context.Context, workers int) error {
	_, err := s.kubectl.run(ctx, "", "scale", "convoypool", poolName.Name, "--namespace="+poolName.Namespace, "--replicas="+strconv.Itoa(workers))
	return err
}

// rollOut changes the pod template, as a new version of the handler does.
func (s *stage) rollOut(ctx context.Context) error {
	patch := fmt.Sprintf(`{"spec":{"template":{"metadata":{"annotations":{"example.org/rolled-out-at":%q}}}}}`, time.Now().Format(time.RFC3339Nano))
	_, err := s.kubectl.run(ctx, "", "patch", "convoypool", poolName.Name, "--namespace="+poolName.Namespace, "--type=merge", "--patch="+patch)
	return err
}

// kill kills the worker's process in a pod that serves.
func (s *stage) kill(ctx context.Context) error {
	pods, err := s.pods(ctx)
	if err != nil {
		return err
	}
	for _, pod := range pods {
		for _, c := range pod.Status.ContainerStatuses {
			number, isProcess := strings.CutPrefix(c.ContainerID, "process://")
			if c.Name != v1alpha1.WorkerContainer || c.State.Running == nil || !isProcess || !serves(pod) {
				continue
			}
			pid, err := strconv.Atoi(number)
			if err != nil {
				return fmt.Errorf("finding the worker of %s: %w", pod.Name, err)
			}
			return syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	return fmt.Errorf("no worker of %d pods serves", len(pods))
}
