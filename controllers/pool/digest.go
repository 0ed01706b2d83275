// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"convoy.dev/convoy/api/v1alpha1"
)

// annotationDigest bears, in the cache alone, the digest of a ReplicaSet's pod template, which is not kept there.
const annotationDigest = v1alpha1.GroupName + "/template-digest"

// templateDigest stands for a pod template but for the label by which the Deployment controller tells its ReplicaSets
// apart: it compares templates in the same way to find the ReplicaSet of the present one.
func templateDigest(template *corev1.PodTemplateSpec) string {
	if len(template.Spec.Containers) == 0 {
		return template.Annotations[annotationDigest]
	}
	bare := *template
	bare.Labels = maps.Clone(template.Labels)
	delete(bare.Labels, appsv1.DefaultDeploymentUniqueLabelKey)
	text, err := json.Marshal(&bare)
	if err != nil {
		panic(fmt.Sprintf("a pod template that was read cannot be written: %v", err))
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}
