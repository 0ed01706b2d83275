// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package child

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"convoy.dev/convoy/api/v1alpha1"
)

// AccountName is the name of the service account of a pool whose template names none, and of the RoleBinding that
// lets a worker write its mailbox.
func AccountName(pool string) string { return pool + "-worker" }

// ServiceAccount is the pool's own, or nil when the template names one. No token of it is mounted anywhere but in the
// worker's container.
func ServiceAccount(c Config) *unstructured.Unstructured {
	if c.Pool.Spec.Template.Spec.ServiceAccountName != "" {
		return nil
	}
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "ServiceAccount",
		"metadata":                     c.metadata(AccountName(c.Pool.Name)),
		"automountServiceAccountToken": false,
	}}
}

// RoleBinding binds the one ClusterRole of workers to the service account of the pool's pods.
func RoleBinding(c Config) *unstructured.Unstructured {
	account := c.Pool.Spec.Template.Spec.ServiceAccountName
	if account == "" {
		account = AccountName(c.Pool.Name)
	}
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
		"metadata": c.metadata(AccountName(c.Pool.Name)),
		"roleRef": map[string]any{
			"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": v1alpha1.WorkerClusterRole,
		},
		"subjects": []any{map[string]any{"kind": "ServiceAccount", "name": account, "namespace": c.Pool.Namespace}},
	}}
}

// DisruptionBudget lets evictions take one serving pod at a time. Pods that serve nothing are not ready, and may go at
// any time.
func DisruptionBudget(c Config) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
		"metadata": c.metadata(c.Pool.Name),
		"spec": map[string]any{
			"maxUnavailable":             int64(1),
			"unhealthyPodEvictionPolicy": "AlwaysAllow",
			"selector":                   map[string]any{"matchLabels": anyValues(Selector(c.Pool.Name))},
		},
	}}
}
