// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package show

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/printers"
)

// wide is the format of a table with every column.
const wide = "wide"

// Flags are the flags that say how to print.
type Flags struct {
	// Output is --output, "" for the command's own form.
	Output string
	// NoHeaders is --no-headers.
	NoHeaders bool
	// SortBy is --sort-by, the name of a column, "" for the order of the rows.
	SortBy string

	objects  *genericclioptions.JSONYamlPrintFlags
	template *genericclioptions.KubeTemplatePrintFlags
}

// NewFlags is the flags of a command that prints objects, or, with Table, rows as well.
func NewFlags() *Flags {
	return &Flags{objects: genericclioptions.NewJSONYamlPrintFlags(), template: genericclioptions.NewKubeTemplatePrintFlags()}
}

// Add adds --output and what belongs to it to a command.
func (f *Flags) Add(cmd *cobra.Command, own ...string) {
	f.template.AddFlags(cmd)
	formats := append(own, f.formats()...)
	cmd.Flags().StringVarP(&f.Output, "output", "o", "", fmt.Sprintf("Output format. One of: (%s).", strings.Join(formats, ", ")))
	Complete(cmd, "output", formats)
}

// AddTable adds the flags of a command that prints a table of columns with these names.
func (f *Flags) AddTable(cmd *cobra.Command, columns []string) {
	f.Add(cmd, wide)
	names := make([]string, len(columns))
	for i, name := range columns {
		names[i] = strings.ToLower(name)
	}
	cmd.Flags().BoolVar(&f.NoHeaders, "no-headers", false, "Print rows without headers.")
	cmd.Flags().StringVar(&f.SortBy, "sort-by", "", fmt.Sprintf("Sort by a column, the largest numbers first. One of: (%s).", strings.Join(names, ", ")))
	Complete(cmd, "sort-by", names)
}

// Complete gives a flag of a command the values that it can have.
func Complete(cmd *cobra.Command, flag string, values []string) {
	// The error would say that there is no such flag; it has just been added.
	err := cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
	if err != nil {
		panic(err)
	}
}

func (f *Flags) formats() []string {
	all := slices.Concat(f.objects.AllowedFormats(), f.template.AllowedFormats())
	return slices.DeleteFunc(all, func(format string) bool {
		return strings.HasSuffix(format, "-file") || strings.HasPrefix(format, "template")
	})
}

// Objects says that objects are wanted, not the command's own form.
func (f *Flags) Objects() bool { return f.format() != "" && f.format() != wide }

func (f *Flags) format() string {
	if f.Output == "" && f.template.TemplateArgument != nil && *f.template.TemplateArgument != "" {
		return "go-template"
	}
	return f.Output
}

// Validate refuses a format that does not exist.
func (f *Flags) Validate() error {
	if !f.Objects() {
		return nil
	}
	_, err := f.objectPrinter()
	return err
}

func (f *Flags) objectPrinter() (printers.ResourcePrinter, error) {
	format := f.format()
	p, err := f.objects.ToPrinter(format)
	if genericclioptions.IsNoCompatiblePrinterError(err) {
		p, err = f.template.ToPrinter(format)
	}
	if genericclioptions.IsNoCompatiblePrinterError(err) {
		return nil, fmt.Errorf("unable to match a printer suitable for the output format %q, allowed formats are: %s",
			format, strings.Join(append(f.formats(), wide), ","))
	}
	return p, err
}

// Object prints one thing of this kind as an object.
func (f *Flags) Object(out io.Writer, kind string, value any) error {
	p, err := f.objectPrinter()
	if err != nil {
		return err
	}
	object, err := objectOf(kind, value)
	if err != nil {
		return err
	}
	return p.PrintObj(object, out)
}

// Real prints an object of the API.
func (f *Flags) Real(out io.Writer, object runtime.Object) error {
	p, err := f.objectPrinter()
	if err != nil {
		return err
	}
	return p.PrintObj(object, out)
}
