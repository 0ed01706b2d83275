// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"convoy.dev/convoy/api/v1alpha1"
)

// mend is what to do about CRDs that are missing or older than the operator.
const mend = "apply the CRDs of the operator's own version: kubectl apply --server-side -k config/crd"

// kinds are what the operator reads and writes, by the name of the CRD.
var kinds = map[string]any{
	"convoypools." + v1alpha1.GroupName:   v1alpha1.ConvoyPool{},
	"convoyworkers." + v1alpha1.GroupName: v1alpha1.ConvoyWorker{},
	"lanetables." + v1alpha1.GroupName:    v1alpha1.LaneTable{},
	"convoyactions." + v1alpha1.GroupName: v1alpha1.ConvoyAction{},
}

// checkCRDs returns an error when the API server would drop a field of the operator's: it prunes what a CRD does not
// have, without a word. A newer CRD, which has more, is fine.
func checkCRDs(ctx context.Context, live client.Reader) error {
	var errs []error
	for name, object := range kinds {
		errs = append(errs, checkCRD(ctx, live, name, object))
	}
	return errors.Join(errs...)
}

func checkCRD(ctx context.Context, live client.Reader, name string, object any) error {
	crd := &apiextensionsv1.CustomResourceDefinition{}
	switch err := live.Get(ctx, types.NamespacedName{Name: name}, crd); {
	case apierrors.IsNotFound(err):
		return fmt.Errorf("the cluster has no CRD %s: %s", name, mend)
	case err != nil:
		return fmt.Errorf("reading the CRD %s: %w", name, err)
	}
	at := slices.IndexFunc(crd.Spec.Versions, func(v apiextensionsv1.CustomResourceDefinitionVersion) bool {
		return v.Name == v1alpha1.GroupVersion.Version && v.Served && v.Schema != nil
	})
	if at < 0 {
		return fmt.Errorf("the CRD %s does not serve version %s: %s", name, v1alpha1.GroupVersion.Version, mend)
	}
	if missing := lacks(crd.Spec.Versions[at].Schema.OpenAPIV3Schema, reflect.TypeOf(object), ""); missing != "" {
		return fmt.Errorf("the CRD %s is older than this operator (%s): it lacks %s: %s", name, version, missing, mend)
	}
	return nil
}

// lacks returns the path of the first field of a type that a schema does not have, "" if it has them all. Types of
// Kubernetes itself are not looked into.
func lacks(schema *apiextensionsv1.JSONSchemaProps, of reflect.Type, path string) string {
	switch of.Kind() {
	case reflect.Pointer:
		return lacks(schema, of.Elem(), path)
	case reflect.Slice:
		if schema.Items == nil || schema.Items.Schema == nil {
			return ""
		}
		return lacks(schema.Items.Schema, of.Elem(), path+"[]")
	case reflect.Struct:
		if of.PkgPath() != reflect.TypeFor[v1alpha1.ConvoyPool]().PkgPath() {
			return ""
		}
	default:
		return ""
	}
	for i := range of.NumField() {
		field := of.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "" || name == "-" || name == "metadata" {
			continue
		}
		below, found := schema.Properties[name]
		if !found {
			return path + "." + name
		}
		if missing := lacks(&below, field.Type, path+"."+name); missing != "" {
			return missing
		}
	}
	return ""
}
