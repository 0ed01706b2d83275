// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"context"
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/version"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/controllers/pool/child"
)

// restartRules remembers whether this cluster restarts the handler together with the worker. The API server shows it:
// it drops or refuses what it does not know. It is asked once per process, by a dry run of the first Deployment.
type restartRules struct {
	mu      sync.Mutex
	known   bool
	dropped bool
}

// rulesSince is the first version of the kubelet that obeys RestartAllContainers by default.
var rulesSince = version.MajorMinor(1, 36)

// desiredDeployment is the pool's Deployment, with the restart rule where both the API server and every node know it,
// and with the worker's own wait elsewhere.
func (w *writer) desiredDeployment(ctx context.Context) (*unstructured.Unstructured, error) {
	if w.seen.deployment == nil {
		if err := w.mayTake(ctx, named(kindDeployment, "apps/v1", w.seen.key)); err != nil {
			return nil, err
		}
	}
	if child.Embedded(w.seen.pool) {
		return child.Deployment(w.childConfig(w.seen)) // the handler ends with the worker's process
	}
	dropped, err := w.rulesDropped(ctx)
	if err != nil {
		return nil, err
	}
	if !dropped {
		if dropped, err = w.oldKubelet(ctx); err != nil {
			return nil, err
		}
	}
	w.seen.barrier = dropped
	return child.Deployment(w.childConfig(w.seen))
}

// named is an object of which nothing is known but its name.
func named(kind, version string, key types.NamespacedName) *unstructured.Unstructured {
	object := &unstructured.Unstructured{}
	object.SetKind(kind)
	object.SetAPIVersion(version)
	object.SetNamespace(key.Namespace)
	object.SetName(key.Name)
	return object
}

func (w *writer) rulesDropped(ctx context.Context) (bool, error) {
	w.rules.mu.Lock()
	defer w.rules.mu.Unlock()
	if w.rules.known {
		return w.rules.dropped, nil
	}
	w.seen.barrier = false
	with, err := w.dryRun(ctx)
	if err == nil {
		w.rules.known, w.rules.dropped = true, !hasRules(with)
		return w.rules.dropped, nil
	}
	if !refusedByServer(err) {
		return false, err
	}
	w.seen.barrier = true
	if _, other := w.dryRun(ctx); other == nil {
		w.rules.known, w.rules.dropped = true, true
		return true, nil
	}
	return false, err // it is not the rules that are refused
}

func (w *writer) dryRun(ctx context.Context) (*unstructured.Unstructured, error) {
	desired, err := child.Deployment(w.childConfig(w.seen))
	if err != nil {
		return nil, err
	}
	err = w.config.Client.Apply(ctx, client.ApplyConfigurationFromUnstructured(desired), fieldOwner, client.ForceOwnership, client.DryRunAll)
	return desired, err
}

// hasRules says that the worker's container has kept its restart rules.
func hasRules(deployment *unstructured.Unstructured) bool {
	containers, _, err := unstructured.NestedSlice(deployment.Object, "spec", "template", "spec", "containers")
	if err != nil {
		return false
	}
	for _, entry := range containers {
		container, _ := entry.(map[string]any)
		if rules, _ := container["restartPolicyRules"].([]any); container["name"] == v1alpha1.WorkerContainer && len(rules) > 0 {
			return true
		}
	}
	return false
}

// oldKubelet says that a pod could come to a node whose kubelet does not know the rule.
func (w *writer) oldKubelet(ctx context.Context) (bool, error) {
	var nodes corev1.NodeList
	if err := w.config.Client.List(ctx, &nodes, client.UnsafeDisableDeepCopy); err != nil {
		return false, err
	}
	return slices.ContainsFunc(nodes.Items, func(node corev1.Node) bool { return old(&node) }), nil
}

// old says that a node's kubelet is not known to obey the rule. A node without a version has no kubelet yet, and so runs
// nothing.
func old(node *corev1.Node) bool {
	text := node.Status.NodeInfo.KubeletVersion
	kubelet, err := version.Parse(text)
	return text != "" && (err != nil || kubelet.LessThan(rulesSince))
}
