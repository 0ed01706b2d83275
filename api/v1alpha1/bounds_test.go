// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// bound is a value on one side of what a schema allows.
type bound struct {
	value   any
	refusal string // what the API server says of it; empty if it is within
}

// beyond matches the refusal of a value at a path because of the value's own bounds.
const beyond = `\b%[1]s: (Unsupported value|Too long|Too many|Duplicate value)|\b%[1]s in body should`

// bounds are the values just within and just beyond what a schema allows.
func bounds(s apiextensionsv1.JSONSchemaProps) []bound {
	var found []bound
	add := func(value any, refusal string) { found = append(found, bound{value, refusal}) }
	for _, value := range s.Enum {
		add(strings.Trim(string(value.Raw), `"`), "")
	}
	if len(s.Enum) > 0 {
		add("Bogus", `Unsupported value: "Bogus": supported values: `)
	}
	if s.Minimum != nil {
		add(int64(*s.Minimum), "")
		add(int64(*s.Minimum)-1, "should be greater than or equal to")
	}
	if s.Maximum != nil {
		add(int64(*s.Maximum), "")
		add(int64(*s.Maximum)+1, "should be less than or equal to")
	}
	if s.MinLength != nil {
		add("", "should be at least 1 chars long")
	}
	if s.MaxLength != nil {
		add(strings.Repeat("x", int(*s.MaxLength)), "")
		add(strings.Repeat("x", int(*s.MaxLength)+1), "Too long")
	}
	if s.MinItems != nil {
		add([]any{}, "should have at least 1 items")
	}
	if s.MaxItems != nil {
		add(items(*s.Items.Schema, int(*s.MaxItems)), "")
		add(items(*s.Items.Schema, int(*s.MaxItems)+1), "Too many")
	}
	if s.XListType != nil && *s.XListType == "set" {
		add([]any{"x", "x"}, "Duplicate value")
	}
	return found
}

// items is a list of n items, different ones where they are text, with nothing in them but what they must have.
func items(schema apiextensionsv1.JSONSchemaProps, n int) []any {
	list := make([]any, n)
	for i := range list {
		list[i] = least(schema)
		if schema.Type == "string" {
			list[i] = fmt.Sprint("x", i)
		}
	}
	return list
}

// least is a value of a type, with nothing in it but what it must have.
func least(schema apiextensionsv1.JSONSchemaProps) any {
	switch {
	case len(schema.Enum) > 0:
		return strings.Trim(string(schema.Enum[0].Raw), `"`)
	case schema.Format == "date-time":
		return "2026-01-01T00:00:00.000000Z"
	case schema.Type == "string":
		return "x"
	case schema.Type == "integer":
		return int64(*schema.Minimum)
	}
	object := map[string]any{}
	for _, required := range schema.Required {
		object[required] = least(schema.Properties[required])
	}
	return object
}

// put returns the object with a value at a path, whatever was there; "[]" stands for the only item of a list.
func put(object map[string]any, path []string, value any) map[string]any {
	result := maps.Clone(object)
	if result == nil {
		result = map[string]any{}
	}
	name, rest := path[0], path[1:]
	switch {
	case len(rest) == 0:
		result[name] = value
	case rest[0] != "[]":
		below, _ := object[name].(map[string]any)
		result[name] = put(below, rest, value)
	case len(rest) == 1:
		result[name] = []any{value}
	default:
		result[name] = []any{put(nil, rest[1:], value)}
	}
	return result
}

// submit offers the smallest object of a kind with a value at a path to the API server and returns what it says.
func submit(ctx context.Context, kind, namespace string, path []string, value any) error {
	GinkgoHelper()
	changed := &unstructured.Unstructured{Object: put(object(kind, namespace, "").Object, path, value)}
	if path[0] != "status" {
		return env.Client.Create(ctx, changed, client.DryRunAll)
	}
	is := object(kind, namespace, "")
	Expect(client.IgnoreAlreadyExists(env.Client.Create(ctx, is))).To(Succeed())
	Expect(env.Client.Get(ctx, client.ObjectKeyFromObject(is), is)).To(Succeed())
	changed.SetResourceVersion(is.GetResourceVersion())
	return env.Client.Status().Update(ctx, changed, &client.SubResourceUpdateOptions{
		UpdateOptions: client.UpdateOptions{DryRun: []string{"All"}},
	})
}

var _ = Describe("bounds of fields", func() {
	for _, kind := range slices.Sorted(maps.Keys(smallest)) {
		It("hold on both sides: "+kind, func(ctx SpecContext) {
			namespace := newNamespace(ctx)
			tried := 0
			for _, f := range fieldsOf(kind) {
				if f.foreign() {
					continue
				}
				at := strings.ReplaceAll(f.String(), "[]", "[0]")
				for _, b := range bounds(f.schema) {
					tried++
					err := submit(ctx, kind, namespace, f.path, b.value)
					what := fmt.Sprintf("%s = %.40v", f, b.value)
					if b.refusal != "" {
						Expect(err).To(MatchError(And(ContainSubstring(at), ContainSubstring(b.refusal))), what)
						continue
					}
					Expect(fmt.Sprint(err)).NotTo(MatchRegexp(beyond, regexp.QuoteMeta(at)), what)
				}
			}
			Expect(tried).To(BeNumerically(">", 10))
		})

		It("hold for required fields: "+kind, func(ctx SpecContext) {
			namespace := newNamespace(ctx)
			for _, f := range fieldsOf(kind) {
				if f.foreign() || len(f.path) == 0 {
					continue
				}
				for _, required := range f.schema.Required {
					err := submit(ctx, kind, namespace, f.path, map[string]any{})
					at := strings.ReplaceAll(f.String(), "[]", "[0]") + "." + required
					Expect(err).To(MatchError(ContainSubstring(at+": Required value")), at)
				}
			}
		})
	}
})

func fieldsOf(kind string) []field {
	GinkgoHelper()
	for _, crd := range crds() {
		if crd.Spec.Names.Kind == kind {
			return fields(crd)
		}
	}
	Fail("no CRD of kind " + kind)
	return nil
}
