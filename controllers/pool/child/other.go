// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package child

import (
	"cmp"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"convoy.dev/convoy/api/v1alpha1"
)

// AccountName is the name of the service account of a pool whose template names none, and of the RoleBinding that
// lets a worker write its mailbox.
func AccountName(pool string) string { return pool + "-worker" }

// ServiceAccount is the pool's own, or nil when the template names one. No token of it is mounted anywhere but in the
// worker's container.
func ServiceAccount(c Config) *unstructured.Unstructured {
	if named(c.Template) != "" {
		return nil
	}
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "ServiceAccount",
		"metadata":                     c.metadata(AccountName(c.Pool.Name)),
		"automountServiceAccountToken": false,
	}}
}

// named is the service account that a template names, "" if none. Its field has an older alias, which the API server
// obeys where the field itself is empty.
func named(template map[string]any) string {
	spec, _ := template["spec"].(map[string]any)
	name, _ := spec["serviceAccountName"].(string)
	alias, _ := spec["serviceAccount"].(string)
	return cmp.Or(name, alias)
}

// account is the service account that the pool's next pods run as.
func (c Config) account() string { return cmp.Or(named(c.Template), AccountName(c.Pool.Name)) }

// RoleBinding binds the one ClusterRole of workers to the service account of the pool's pods, and to that of each pod
// which is left of an earlier template: a worker that could not read its mailbox any more would never give its lanes
// back.
func RoleBinding(c Config) *unstructured.Unstructured {
	accounts := append([]string{c.account()}, c.Accounts...)
	slices.Sort(accounts)
	var subjects []any
	for _, account := range slices.Compact(accounts) {
		subjects = append(subjects, map[string]any{"kind": "ServiceAccount", "name": account, "namespace": c.Pool.Namespace})
	}
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
		"metadata": c.metadata(AccountName(c.Pool.Name)),
		"roleRef": map[string]any{
			"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": v1alpha1.WorkerClusterRole,
		},
		"subjects": subjects,
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
