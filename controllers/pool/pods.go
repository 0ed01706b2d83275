// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/controllers/pool/plan"
)

// writePods sets gates and deletion costs, takes finalizers off, and deletes pods. Each write names the pod's UID: a
// pod of the same name that came since is another one. A gate is set, and a cost lowered, only on the pod as it was
// observed.
func (w *writer) writePods(ctx context.Context) {
	for _, gate := range w.plan.Gates {
		w.writePod(ctx, gate.Pod, "setting the serving gate", gatePatch(gate, w.seen.now).on(w.seen.resourceVersionOf(gate.Pod)))
	}
	for _, ref := range w.plan.Cheapen {
		w.writePod(ctx, ref, "lowering the deletion cost", costPatch(lowestCost, w.seen.now).on(w.seen.resourceVersionOf(ref)))
	}
	for _, ref := range w.plan.Restore {
		w.writePod(ctx, ref, "restoring the deletion cost", costPatch(nil, w.seen.now))
	}
	for _, ref := range w.plan.Unfinalize {
		if w.seen.awaits(ref) {
			continue
		}
		w.writePod(ctx, ref, "taking the finalizer off", finalizerPatch())
	}
	for _, ref := range w.plan.Delete {
		w.deletePod(ctx, ref)
	}
}

// podPatch is a strategic merge patch of a pod, or of its status.
type podPatch struct {
	metadata map[string]any
	status   map[string]any
}

// resourceVersionOf is the version in which the pod was observed.
func (o *observation) resourceVersionOf(ref plan.PodRef) string {
	for i := range o.pods {
		if string(o.pods[i].UID) == ref.UID {
			return o.pods[i].ResourceVersion
		}
	}
	return ""
}

// on makes the patch one for the pod in this version, and in no other.
func (p podPatch) on(version string) podPatch {
	metadata := maps.Clone(p.metadata)
	if metadata == nil {
		metadata = map[string]any{}
	}
	metadata["resourceVersion"] = version
	return podPatch{metadata: metadata, status: p.status}
}

func gatePatch(gate plan.Gate, now time.Time) podPatch {
	status := corev1.ConditionFalse
	if gate.Serving {
		status = corev1.ConditionTrue
	}
	return podPatch{status: map[string]any{"conditions": []any{map[string]any{
		"type": v1alpha1.GateServing, "status": status, "lastTransitionTime": metav1.NewTime(now),
	}}}}
}

func costPatch(cost any, since time.Time) podPatch {
	return podPatch{metadata: map[string]any{"annotations": map[string]any{annotationCost: cost, annotationCostSince: since.UTC().Format(time.RFC3339Nano)}}}
}

func finalizerPatch() podPatch {
	return podPatch{metadata: map[string]any{"$deleteFromPrimitiveList/finalizers": []string{v1alpha1.FinalizerDrained}}}
}

// bytes is the patch for the pod with this UID, and for no other.
func (p podPatch) bytes(uid string) ([]byte, error) {
	metadata := map[string]any{"uid": uid}
	for key, value := range p.metadata {
		metadata[key] = value
	}
	patch := map[string]any{"metadata": metadata}
	if p.status != nil {
		patch["status"] = p.status
	}
	return json.Marshal(patch)
}

func (w *writer) writePod(ctx context.Context, ref plan.PodRef, doing string, patch podPatch) {
	pod, err := w.patchPod(ctx, w.seen.key.Namespace, ref, patch)
	w.done.note(fmt.Sprintf("%s of pod %s", doing, ref.Name), err)
	if err == nil {
		w.memory.wrote(pod, w.seen.now)
	}
}

func (r *Reconciler) patchPod(ctx context.Context, namespace string, ref plan.PodRef, patch podPatch) (*corev1.Pod, error) {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: ref.Name, Namespace: namespace}}
	data, err := patch.bytes(ref.UID)
	if err != nil {
		return nil, err
	}
	raw := client.RawPatch(types.StrategicMergePatchType, data)
	if patch.status != nil {
		return pod, r.config.Client.Status().Patch(ctx, pod, raw, fieldOwner)
	}
	return pod, r.config.Client.Patch(ctx, pod, raw, fieldOwner)
}

func (w *writer) deletePod(ctx context.Context, ref plan.PodRef) {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: ref.Name, Namespace: w.seen.key.Namespace}}
	uid := types.UID(ref.UID)
	err := w.config.Client.Delete(ctx, pod, client.Preconditions{UID: &uid})
	w.done.note("deleting pod "+ref.Name, err)
	if err == nil {
		log.FromContext(ctx).Info("pod deleted, so that another takes its place", "pod", ref.Name)
	}
}

// findPod is a live read of exactly this pod, nil when it is gone.
func (r *Reconciler) findPod(ctx context.Context, namespace string, ref plan.PodRef) (*corev1.Pod, error) {
	pod := &corev1.Pod{}
	found, err := get(ctx, r.config.Live, types.NamespacedName{Namespace: namespace, Name: ref.Name}, pod)
	if err != nil || !found || string(pod.UID) != ref.UID {
		return nil, err
	}
	return pod, nil
}
