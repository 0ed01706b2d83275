// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package child

import "strconv"

const (
	// stateDir has the marks that a worker process leaves for its successors in the same pod.
	stateDir    = "/var/run/convoy"
	stateVolume = "convoy-state"
	// tokenDir is where client libraries look for a service account.
	tokenDir    = "/var/run/secrets/kubernetes.io/serviceaccount"
	tokenVolume = "convoy-token"
	// sourceDir has one directory for each Secret that the source names.
	sourceDir = "/var/run/convoy-source"

	// tokenSeconds is what the API server's own projected tokens have: an hour and seven seconds.
	tokenSeconds = 3607
)

// secretVolume is numbered, because a Secret's name may be longer than a volume's.
func secretVolume(i int) string { return "convoy-source-" + strconv.Itoa(i) }

// volumes are what the worker's container mounts. A Secret that does not exist yet is waited for: the pod starts when
// it is there.
func (c Config) volumes() []any {
	volumes := []any{
		map[string]any{"name": stateVolume, "emptyDir": map[string]any{}},
		map[string]any{"name": tokenVolume, "projected": map[string]any{"sources": []any{
			map[string]any{"serviceAccountToken": map[string]any{"path": "token", "expirationSeconds": int64(tokenSeconds)}},
			map[string]any{"configMap": map[string]any{
				"name": "kube-root-ca.crt", "items": []any{map[string]any{"key": "ca.crt", "path": "ca.crt"}},
			}},
			map[string]any{"downwardAPI": map[string]any{"items": []any{map[string]any{
				"path": "namespace", "fieldRef": map[string]any{"apiVersion": "v1", "fieldPath": "metadata.namespace"},
			}}}},
		}}},
	}
	for i, secret := range c.Pool.Spec.Source.SecretNames() {
		volumes = append(volumes, map[string]any{"name": secretVolume(i), "secret": map[string]any{"secretName": secret}})
	}
	return volumes
}
