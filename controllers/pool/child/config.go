// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package child

import (
	"errors"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"convoy.dev/convoy/api/v1alpha1"
)

// ManagedBy is the value of the label app.kubernetes.io/managed-by on every child.
const ManagedBy = "convoy"

// LabelManagedBy is on every child, so that the cache need not hold anybody else's objects.
const LabelManagedBy = "app.kubernetes.io/managed-by"

// Config is what children are made from.
type Config struct {
	Pool *v1alpha1.ConvoyPool
	// Template is the pool's spec.template as the API server returned it. It is not changed.
	Template map[string]any
	// Cluster is the UID of the namespace kube-system.
	Cluster types.UID
	// Image is the image of the container convoy-worker, unless the pool names one.
	Image string
	// Spans is where workers send the spans of messages, OTLP over HTTP; "" for nowhere. An embedded handler's container that
	// says it itself is left alone.
	Spans string
	// Barrier says that the cluster does not restart the handler together with the worker, so that a restarted worker
	// has to wait until no call of its predecessor can be running.
	Barrier bool
	// Accounts are the service accounts that pods of the pool run as now. Those of an earlier template may have another
	// than the template names.
	Accounts []string
}

func (c Config) validate() error {
	switch {
	case c.Pool == nil || c.Pool.UID == "":
		return errors.New("a pool that was read from the API server is needed")
	case c.Template == nil:
		return errors.New("the pool has no template")
	case c.Cluster == "":
		return errors.New("the cluster's identity is not known")
	case !c.embedded() && c.image() == "":
		return errors.New("no image for the container convoy-worker: start the operator with --worker-image, or set spec.worker.image")
	}
	return nil
}

func (c Config) embedded() bool { return Embedded(c.Pool) }

func (c Config) image() string {
	if w := c.Pool.Spec.Worker; w != nil && w.Image != nil {
		return *w.Image
	}
	return c.Image
}

// Embedded says that the first container of the pool's template is the worker.
func Embedded(pool *v1alpha1.ConvoyPool) bool {
	d := pool.Spec.Delivery
	return d != nil && ptr.Deref(d.Type, v1alpha1.DeliveryHTTP) == v1alpha1.DeliveryEmbedded
}

// Labels are the labels of every object of the pool; Selector selects its pods.
func Labels(pool string) map[string]string {
	return map[string]string{LabelManagedBy: ManagedBy, v1alpha1.LabelPool: pool}
}

// Selector is the part of Labels by which the Deployment finds its pods.
func Selector(pool string) map[string]string { return map[string]string{v1alpha1.LabelPool: pool} }

// Owned says that an object bears the labels of the pool's children, so that it may be applied over.
func Owned(o metav1.Object, pool string) bool {
	labels := o.GetLabels()
	return labels[LabelManagedBy] == ManagedBy && labels[v1alpha1.LabelPool] == pool
}

// Owner is the reference to the pool that owns its children.
func Owner(pool *v1alpha1.ConvoyPool) metav1.OwnerReference {
	return *metav1.NewControllerRef(pool, v1alpha1.GroupVersion.WithKind("ConvoyPool"))
}

// metadata is the metadata of a child.
func (c Config) metadata(name string) map[string]any {
	labels := map[string]any{}
	for key, value := range Labels(c.Pool.Name) {
		labels[key] = value
	}
	owner := Owner(c.Pool)
	return map[string]any{
		"name": name, "namespace": c.Pool.Namespace, "labels": labels,
		"ownerReferences": []any{map[string]any{
			"apiVersion": owner.APIVersion, "kind": owner.Kind, "name": owner.Name, "uid": string(owner.UID),
			"controller": true, "blockOwnerDeletion": true,
		}},
	}
}
