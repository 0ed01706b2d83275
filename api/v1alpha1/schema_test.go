// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/yaml"

	"convoy.dev/convoy/api/v1alpha1"
)

func unmarshal(data []byte, into any) error { return utiljson.Unmarshal(data, into) }

// crds reads the CRDs of config/crd.
func crds() []apiextensionsv1.CustomResourceDefinition {
	GinkgoHelper()
	names, err := filepath.Glob(inRepo("config/crd/bases/*.yaml"))
	Expect(err).NotTo(HaveOccurred())
	Expect(names).NotTo(BeEmpty())
	var read []apiextensionsv1.CustomResourceDefinition
	for _, name := range names {
		text, err := os.ReadFile(name)
		Expect(err).NotTo(HaveOccurred())
		var crd apiextensionsv1.CustomResourceDefinition
		Expect(yaml.UnmarshalStrict(text, &crd)).To(Succeed())
		read = append(read, crd)
	}
	return read
}

// field is one field of a CRD, or an item of a list; the root has the empty path.
type field struct {
	path   []string // an item of a list is "[]"
	schema apiextensionsv1.JSONSchemaProps
}

func (f field) String() string { return strings.ReplaceAll(strings.Join(f.path, "."), ".[]", "[]") }

func (f field) name() string {
	if len(f.path) == 0 {
		return ""
	}
	return f.path[len(f.path)-1]
}

// foreign says that what is below the field is described by Kubernetes: the template, resources, conditions.
func (f field) foreign() bool {
	return slices.Contains([]string{"template", "resources", "conditions"}, f.name())
}

// fields walks a CRD. It does not go into what Kubernetes describes.
func fields(crd apiextensionsv1.CustomResourceDefinition) []field {
	var found []field
	var walk func(field)
	walk = func(f field) {
		found = append(found, f)
		if f.foreign() {
			return
		}
		for name, schema := range f.schema.Properties {
			walk(field{append(slices.Clone(f.path), name), schema})
		}
		if f.schema.Items != nil {
			walk(field{append(slices.Clone(f.path), "[]"), *f.schema.Items.Schema})
		}
	}
	walk(field{schema: *crd.Spec.Versions[0].Schema.OpenAPIV3Schema})
	slices.SortFunc(found, func(a, b field) int { return strings.Compare(a.String(), b.String()) })
	return found
}

// largest is the largest number, length of a text and length of a list that a schema allows, as people write them.
func largest(s apiextensionsv1.JSONSchemaProps) []string {
	var found []string
	if s.Maximum != nil {
		found = append(found, thousands(int64(*s.Maximum)))
	}
	for _, length := range []*int64{s.MaxLength, s.MaxItems} {
		if length != nil {
			found = append(found, thousands(*length))
		}
	}
	return found
}

// thousands writes a number with commas.
func thousands(n int64) string {
	if n < 1000 {
		return strconv.FormatInt(n, 10)
	}
	return fmt.Sprintf("%s,%03d", thousands(n/1000), n%1000)
}

var _ = Describe("the CRDs", func() {
	It("document every field: its name, its meaning, an example", func() {
		for _, crd := range crds() {
			for _, f := range fields(crd) {
				switch f.name() {
				case "", "[]", "apiVersion", "kind", "metadata":
					continue
				}
				what := crd.Spec.Names.Kind + "." + f.String()
				Expect(f.schema.Description).To(HavePrefix(f.name()+" "), what)
				if len(f.path) > 1 {
					Expect(f.schema.Description).To(ContainSubstring("Example: "), what)
				}
			}
		}
	})

	It("name the default of every field that has one, and each value of an enumeration", func() {
		for _, crd := range crds() {
			for _, f := range fields(crd) {
				what := crd.Spec.Names.Kind + "." + f.String()
				if f.schema.Default != nil {
					Expect(f.schema.Description).To(ContainSubstring("Default: "), what)
				}
				if value := f.schema.Default; value != nil && string(value.Raw) != "{}" {
					Expect(f.schema.Description).To(ContainSubstring("Default: "+strings.Trim(string(value.Raw), `"`)), what)
				}
				for _, value := range f.schema.Enum {
					Expect(f.schema.Description).To(ContainSubstring(strings.Trim(string(value.Raw), `"`)), what)
				}
			}
		}
	})

	It("name the bounds of what is written", func() {
		for _, crd := range crds() {
			for _, f := range fields(crd) {
				if len(f.path) == 0 || f.path[0] == "status" || f.name() == "[]" {
					continue
				}
				for _, most := range largest(f.schema) {
					Expect(f.schema.Description).To(ContainSubstring(most), crd.Spec.Names.Kind+"."+f.String())
				}
			}
		}
	})

	It("bound every text, list and number", func() {
		for _, crd := range crds() {
			for _, f := range fields(crd) {
				if f.foreign() || len(f.path) == 1 && slices.Contains([]string{"apiVersion", "kind", "metadata"}, f.name()) {
					continue
				}
				what := crd.Spec.Names.Kind + "." + f.String()
				switch f.schema.Type {
				case "string":
					bounded := f.schema.MaxLength != nil || f.schema.Enum != nil || f.schema.Format == "date-time"
					Expect(bounded).To(BeTrue(), what+" has no largest length")
				case "array":
					Expect(f.schema.MaxItems).NotTo(BeNil(), what+" has no largest length")
					Expect(f.schema.XListType).NotTo(BeNil(), what+" has no list type")
				case "integer":
					Expect(f.schema.Minimum).NotTo(BeNil(), what+" has no smallest value")
					Expect(f.schema.Maximum).NotTo(BeNil(), what+" has no largest value")
				}
			}
		}
	})

	It("are small enough for the annotation in which kubectl apply keeps them", func() {
		for _, crd := range crds() {
			body, err := json.Marshal(crd)
			Expect(err).NotTo(HaveOccurred())
			AddReportEntry(crd.Name, len(body))
			Expect(len(body)).To(BeNumerically("<", 262_144), crd.Name)
		}
	})

	It("are of the group that the code, the PROJECT file and the rules name", func() {
		project := read("PROJECT")
		Expect(project).To(HaveKeyWithValue("domain", v1alpha1.GroupName))
		for _, crd := range crds() {
			Expect(crd.Spec.Group).To(Equal(v1alpha1.GroupName))
			Expect(crd.Spec.Names.Categories).To(Equal([]string{"convoy"}))
			Expect(crd.Spec.Names.ShortNames).To(HaveLen(1))
			Expect(project["resources"]).To(ContainElement(HaveKeyWithValue("kind", crd.Spec.Names.Kind)))
		}
	})
})
