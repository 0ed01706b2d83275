// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"convoy.dev/convoy/api/v1alpha1"
)

// annotationApplied is on each child: what was applied, so that a child that is in force needs no write, also by an
// operator that has just started.
const annotationApplied = v1alpha1.GroupName + "/applied"

// mark is the value of annotationApplied.
type mark struct {
	// hash stands for the content that was applied.
	hash string
	// owned stands for the set of fields that the operator owned afterwards. Whoever writes another value into one of
	// them takes it away from the operator, so that the set is a smaller one.
	owned string
	// wish stands for what the pool's user asked for. A content that changed though the wish did not is the operator's
	// own change.
	wish string
}

func (m mark) put(on metav1.Object) {
	annotations := on.GetAnnotations()
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[annotationApplied] = strings.Join([]string{m.hash, m.owned, m.wish}, ".")
	on.SetAnnotations(annotations)
}

// inForce says that a child has this content and that nobody has changed a field of ours since it was applied.
func inForce(seen metav1.Object, hash string) bool {
	m := markOf(seen)
	return m.hash == hash && m.owned != "" && m.owned == ownedFields(seen)
}

// markOf reads the mark of a child; what is missing is empty.
func markOf(seen metav1.Object) mark {
	parts := strings.Split(seen.GetAnnotations()[annotationApplied], ".")
	parts = append(parts, "", "", "")
	return mark{hash: parts[0], owned: parts[1], wish: parts[2]}
}

// ownedFields stands for the set of fields that the operator owns, "" if none.
func ownedFields(o metav1.Object) string {
	for _, entry := range o.GetManagedFields() {
		if ours(entry) && entry.FieldsV1 != nil {
			sum := sha256.Sum256(entry.FieldsV1.GetRawBytes())
			return hex.EncodeToString(sum[:8])
		}
	}
	return ""
}

func ours(entry metav1.ManagedFieldsEntry) bool {
	return entry.Manager == fieldManager && entry.Operation == metav1.ManagedFieldsOperationApply && entry.Subresource == ""
}
