// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/worker/order"
)

// stated are the string constants of a file of this package, by name.
func stated(file string) map[string]string {
	GinkgoHelper()
	parsed, err := parser.ParseFile(token.NewFileSet(), inRepo("api/v1alpha1/"+file), nil, 0)
	Expect(err).NotTo(HaveOccurred())
	found := map[string]string{}
	ast.Inspect(parsed, func(n ast.Node) bool {
		if spec, is := n.(*ast.ValueSpec); is {
			value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			Expect(err).NotTo(HaveOccurred())
			found[spec.Names[0].Name] = value
		}
		return true
	})
	return found
}

var _ = Describe("conditions", func() {
	It("and reasons are named for their values", func() {
		conditions, reasons := stated("conditions.go"), stated("reasons.go")
		Expect(len(conditions)).To(BeNumerically(">", 15))
		Expect(len(reasons)).To(BeNumerically(">", 40))
		for name, value := range conditions {
			Expect(name).To(Equal("Condition" + value))
		}
		for name, value := range reasons {
			Expect(name).To(Equal("Reason" + value))
		}
	})

	It("of a pool are each told by kubectl explain", func() {
		told := map[string]string{}
		for _, kind := range []string{"ConvoyPool", "ConvoyAction"} {
			for _, f := range fieldsOf(kind) {
				if f.String() == "status.conditions" {
					told[kind] = f.schema.Description
				}
			}
		}
		for _, value := range stated("conditions.go") {
			kind := "ConvoyPool"
			if value == v1alpha1.ConditionComplete || value == v1alpha1.ConditionReconciling {
				kind = "ConvoyAction"
			}
			Expect(told[kind]).To(ContainSubstring(value))
		}
	})

	It("fit the numbers of conditions that objects may have", func() {
		for _, f := range fieldsOf("ConvoyPool") {
			if f.String() == "status.conditions" {
				Expect(int(*f.schema.MaxItems)).To(BeNumerically(">=", len(stated("conditions.go"))))
			}
		}
	})
})

var _ = Describe("reasons to park", func() {
	It("name the sequencer's own as it does", func() {
		Expect(string(v1alpha1.ParkLookAhead)).To(Equal(order.CauseLookAhead.String()))
	})
})
