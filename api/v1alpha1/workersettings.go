// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"fmt"
	"path"
	"slices"

	"k8s.io/apimachinery/pkg/types"
)

// EnvSettings is the environment variable in which a worker finds its WorkerSettings, as JSON. The controller sets it in
// the container convoy-worker and, with delivery.type Embedded, in the first container of the template.
const EnvSettings = "CONVOY_SETTINGS"

// WorkerSettings is what a worker needs to know before it starts, beside its own ConvoyWorker and the names of its pod
// and namespace. It is no object of the API: the controller makes it from a ConvoyPool and writes it, as JSON, into the
// environment variable CONVOY_SETTINGS of the pod template; the worker reads it once, at its start. It is part of the
// template, so that a change of it is a rollout, in which every lane is drained before other settings hold for it.
//
// It has no secrets, only where they are mounted; and it has no maps, so that equal settings are equal texts.
//
// The parts taken from the pool are the pool's own types. What is left out in them stands for its default, as in a pool:
// the reader fills it in by SetDefaults and then finds no nil but in members that the pool does not have.
type WorkerSettings struct {
	// cluster identifies the cluster, so that pools of the same name in two clusters have two claims: the UID of the
	// namespace kube-system. Example: 0f3a3b1f-2d11-4c6e-9c0a-6d6f2c1e0b57.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	Cluster types.UID `json:"cluster,omitempty"`

	// pool identifies the pool; it is part of the claim and of names in the broker.
	// Example: {namespace: shop, name: orders, uid: 6d6f2c1e-0b57-4c6e-9c0a-0f3a3b1f2d11}.
	// +required
	Pool PoolIdentity `json:"pool,omitzero"`

	// source is the pool's spec.source.
	// +required
	Source Source `json:"source,omitzero"`

	// key is the pool's spec.key.
	// +required
	Key Key `json:"key,omitzero"`

	// lanes are the pool's spec.lanes.
	// +required
	Lanes Lanes `json:"lanes,omitzero"`

	// delivery is the pool's spec.delivery.
	// +required
	Delivery Delivery `json:"delivery,omitzero"`

	// handoff is the part of the pool's spec.handoff that a worker obeys. The rest is the controller's.
	// +required
	Handoff HandoffSettings `json:"handoff,omitzero"`

	// logLevel is the pool's spec.worker.logLevel. Default: Info. Example: Debug.
	// +optional
	LogLevel *LogLevel `json:"logLevel,omitempty"`

	// secrets says where each Secret that source names is mounted, by ascending name: one directory a Secret, with one file
	// a key. Kubernetes changes the files when the Secret changes, without a rollout.
	// Example: [{name: nats-orders, directory: /var/run/convoy/secrets/nats-orders}].
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=8
	Secrets []SecretMount `json:"secrets,omitempty"`
}

// PoolIdentity tells one pool of a cluster from every other, past or present.
type PoolIdentity struct {
	// namespace is the pool's namespace, up to 63 characters. Example: shop.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Namespace string `json:"namespace,omitempty"`

	// name is the pool's name, up to 63 characters. Example: orders.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name,omitempty"`

	// uid is the pool's UID, which a pool that was deleted and made again does not share.
	// Example: 6d6f2c1e-0b57-4c6e-9c0a-0f3a3b1f2d11.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	UID types.UID `json:"uid,omitempty"`
}

// HandoffSettings is the part of a pool's handoff that a worker obeys.
type HandoffSettings struct {
	// drainTimeoutSeconds is the pool's handoff.drainTimeoutSeconds, in seconds: at SIGTERM the worker gives its lanes this
	// long to drain. Default: 60. Example: 300.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=7200
	DrainTimeoutSeconds *int32 `json:"drainTimeoutSeconds,omitempty"`

	// fenceSeconds is the pool's handoff.fenceSeconds, in seconds: without the broker's word for this long the worker starts
	// nothing more and cancels its calls. Default: 10. Example: 30.
	// +optional
	// +kubebuilder:validation:Minimum=2
	// +kubebuilder:validation:Maximum=300
	FenceSeconds *int32 `json:"fenceSeconds,omitempty"`
}

// SecretMount is a Secret of the pool's namespace and the directory at which a worker finds it.
type SecretMount struct {
	// name is the name of the Secret, up to 253 characters. Example: nats-orders.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`

	// directory is the absolute path at which it is mounted, up to 4,096 characters.
	// Example: /var/run/convoy/secrets/nats-orders.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=4096
	Directory string `json:"directory,omitempty"`
}

// File returns the path of the file that holds one key of a Secret. It returns an error when the settings do not say
// where the Secret is mounted, which means that whoever wrote them did not look at the source. Whether the file is there
// is another question: a Secret can lack the key.
func (s *WorkerSettings) File(secret, key string) (string, error) {
	at := slices.IndexFunc(s.Secrets, func(m SecretMount) bool { return m.Name == secret })
	if at < 0 {
		return "", fmt.Errorf("finding key %q of the Secret %q: %s does not say where the Secret is mounted", key, secret, EnvSettings)
	}
	return path.Join(s.Secrets[at].Directory, key), nil
}

// SecretNames returns the names of the Secrets that the source names, each once, in ascending order: what the controller
// mounts and a worker finds in WorkerSettings.Secrets.
func (s *Source) SecretNames() []string {
	if s.NATS == nil {
		return nil
	}
	var names []string
	if auth := s.NATS.Auth; auth != nil {
		for _, key := range []*SecretKey{auth.Token, auth.NKey, auth.Creds} {
			if key != nil {
				names = append(names, key.SecretName)
			}
		}
		if auth.UserPassword != nil {
			names = append(names, auth.UserPassword.SecretName)
		}
	}
	if tls := s.NATS.TLS; tls != nil {
		if tls.CA != nil {
			names = append(names, tls.CA.SecretName)
		}
		if tls.ClientCertSecretName != nil {
			names = append(names, *tls.ClientCertSecretName)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
