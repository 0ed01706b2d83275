// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package child

import (
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/utils/ptr"

	"convoy.dev/convoy/api/v1alpha1"
)

// ErrCannotBuild says that a pool's Deployment cannot be made as long as the pool is as it is.
var ErrCannotBuild = errors.New("building the Deployment")

// Deployment is the pool's Deployment but for spec.replicas, which is the caller's to decide.
func Deployment(c Config) (*unstructured.Unstructured, error) {
	if err := c.validate(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCannotBuild, err)
	}
	template, err := c.template()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCannotBuild, err)
	}
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apps/v1", "kind": "Deployment",
		"metadata": c.metadata(c.Pool.Name),
		"spec": map[string]any{
			"selector":        map[string]any{"matchLabels": anyValues(Selector(c.Pool.Name))},
			"strategy":        c.strategy(),
			"minReadySeconds": int64(c.minReadySeconds()),
			"template":        template,
		},
	}}, nil
}

// strategy replaces a pod only when its successor serves. A pod serves when it has a slot, which it gets when a pod of
// the earlier template has handed over its lanes.
func (c Config) strategy() map[string]any {
	surge, unavailable := int32(1), int32(0)
	if r := c.Pool.Spec.Rollout; r != nil {
		surge, unavailable = ptr.Deref(r.MaxSurge, 1), ptr.Deref(r.MaxUnavailable, 0)
	}
	return map[string]any{
		"type":          "RollingUpdate",
		"rollingUpdate": map[string]any{"maxSurge": int64(surge), "maxUnavailable": int64(unavailable)},
	}
}

func (c Config) minReadySeconds() int32 {
	if r := c.Pool.Spec.Rollout; r != nil {
		return ptr.Deref(r.MinReadySeconds, 0)
	}
	return 0
}

// defaultGrace is what Kubernetes gives a pod whose template says nothing, in seconds.
const defaultGrace = 30

// template is the user's template with everything that makes it a worker's.
func (c Config) template() (map[string]any, error) {
	template := unstructuredCopy(c.Template)
	metadata := child(template, "metadata")
	labels := child(metadata, "labels")
	for key, value := range Labels(c.Pool.Name) {
		labels[key] = value
	}
	appendTo(metadata, "finalizers", v1alpha1.FinalizerDrained)

	spec := child(template, "spec")
	appendTo(spec, "readinessGates", map[string]any{"conditionType": string(v1alpha1.GateServing)})
	grace, found := spec["terminationGracePeriodSeconds"].(int64)
	if !found {
		grace = defaultGrace
	}
	spec["terminationGracePeriodSeconds"] = grace + int64(c.drainTimeout())
	spec["serviceAccountName"] = c.account()
	if _, said := spec["automountServiceAccountToken"]; !said {
		spec["automountServiceAccountToken"] = false
	}
	for _, volume := range c.volumes() {
		appendTo(spec, "volumes", volume)
	}
	return template, c.addWorker(spec)
}

func (c Config) drainTimeout() int32 {
	if h := c.Pool.Spec.Handoff; h != nil {
		return ptr.Deref(h.DrainTimeoutSeconds, v1alpha1.DefaultDrainTimeoutSeconds)
	}
	return v1alpha1.DefaultDrainTimeoutSeconds
}

// addWorker makes the containers: the user's with a hook that waits for the drain, and the worker's.
func (c Config) addWorker(spec map[string]any) error {
	containers, _ := spec["containers"].([]any)
	if len(containers) == 0 {
		return fmt.Errorf("the template has no container")
	}
	embedded := c.embedded()
	for i, entry := range containers {
		container, ok := entry.(map[string]any)
		if !ok {
			return fmt.Errorf("container %d of the template is no object", i)
		}
		if embedded && i == 0 {
			if err := c.embed(container); err != nil {
				return err
			}
			continue
		}
		waitForDrain(container)
	}
	if !embedded {
		worker, err := c.workerContainer()
		if err != nil {
			return err
		}
		containers = append(containers, worker)
	}
	spec["containers"] = containers
	return nil
}

// waitForDrain holds SIGTERM back from a container until the worker has drained. A hook of the user's own stays, which
// handoff.allowPreStop has let through.
func waitForDrain(container map[string]any) {
	lifecycle := child(container, "lifecycle")
	if _, own := lifecycle["preStop"]; !own {
		lifecycle["preStop"] = map[string]any{"httpGet": map[string]any{"path": drainedPath, "port": int64(v1alpha1.WorkerPort)}}
	}
}
