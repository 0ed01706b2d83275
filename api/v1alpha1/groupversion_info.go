// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupName is the API group of every Convoy object, and the prefix of Convoy's labels, annotations, finalizers and
// readiness gates. It is stated here and, because controller-gen reads comments only, in the +groupName marker of
// doc.go; a test holds the two together.
const GroupName = "convoy.dev"

var (
	// GroupVersion is the group and version of the types in this package.
	GroupVersion = schema.GroupVersion{Group: GroupName, Version: "v1alpha1"}

	// SchemeBuilder collects the functions that add this package's types to a scheme.
	SchemeBuilder = runtime.NewSchemeBuilder(addKnownTypes)

	// AddToScheme adds this package's types to a scheme. It returns an error only if the scheme already holds other
	// types under the same names.
	AddToScheme = SchemeBuilder.AddToScheme
)

// Resource qualifies a resource name, such as "convoypools", with Convoy's API group.
func Resource(resource string) schema.GroupResource {
	return GroupVersion.WithResource(resource).GroupResource()
}

func addKnownTypes(scheme *runtime.Scheme) error {
	scheme.AddKnownTypes(GroupVersion,
		&ConvoyPool{}, &ConvoyPoolList{},
		&LaneTable{}, &LaneTableList{},
		&ConvoyWorker{}, &ConvoyWorkerList{},
		&ConvoyAction{}, &ConvoyActionList{},
	)
	metav1.AddToGroupVersion(scheme, GroupVersion)
	return nil
}
