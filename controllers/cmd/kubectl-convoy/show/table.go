// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package show

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/cli-runtime/pkg/printers"
)

// groupVersion is that of the objects that this program prints and no API server has.
const groupVersion = "kubectl.convoy.dev/v1alpha1"

// Column is one column of a table.
type Column[T any] struct {
	// Name is the header.
	Name string
	// Wide shows the column with -o wide alone.
	Wide bool
	// Value is what a row shows, a text or a number, nil if there is nothing to show.
	Value func(*T) any
	// By is what rows are sorted by, where that is not Value: a number of seconds for an age.
	By func(*T) any
}

// Table is how rows of a type are shown.
type Table[T any] struct {
	// Kind is the kind of a row. Example: Lane.
	Kind    string
	Columns []Column[T]
}

// Names are the names of the columns.
func (t Table[T]) Names() []string {
	names := make([]string, len(t.Columns))
	for i := range t.Columns {
		names[i] = t.Columns[i].Name
	}
	return names
}

// Printer prints rows again and again.
type Printer[T any] struct {
	table Table[T]
	flags *Flags
	out   io.Writer
	// flush ends a print. As a table it lines columns up, with those that were printed before.
	flush   func() error
	sorting *Column[T]
	printer printers.ResourcePrinter
}

// NewPrinter makes a printer of rows. It refuses flags that the table does not know.
func NewPrinter[T any](table Table[T], flags *Flags, out io.Writer) (*Printer[T], error) {
	p := &Printer[T]{table: table, flags: flags, out: out, flush: func() error { return nil }}
	if flags.SortBy != "" {
		i := slices.IndexFunc(table.Columns, func(c Column[T]) bool { return strings.EqualFold(c.Name, flags.SortBy) })
		if i < 0 {
			return nil, fmt.Errorf("--sort-by %q is no column: use one of %s", flags.SortBy, strings.ToLower(strings.Join(table.Names(), ", ")))
		}
		p.sorting = &table.Columns[i]
	}
	var err error
	if flags.Objects() {
		p.printer, err = flags.objectPrinter()
	} else {
		lined := printers.GetNewTabWriter(out)
		p.out, p.flush = lined, lined.Flush
		p.printer = printers.NewTablePrinter(printers.PrintOptions{NoHeaders: flags.NoHeaders, Wide: flags.Output == wide})
	}
	return p, err
}

// Print prints rows.
func (p *Printer[T]) Print(rows []T) error {
	rows = p.sorted(rows)
	if !p.flags.Objects() {
		return errors.Join(p.printer.PrintObj(p.tableOf(rows), p.out), p.flush())
	}
	list, err := listOf(p.table.Kind, rows)
	if err != nil {
		return err
	}
	return p.printer.PrintObj(list, p.out)
}

// PrintEach prints rows that have changed: as objects one by one.
func (p *Printer[T]) PrintEach(rows []T) error {
	if !p.flags.Objects() {
		return errors.Join(p.printer.PrintObj(p.tableOf(rows), p.out), p.flush())
	}
	for i := range rows {
		object, err := objectOf(p.table.Kind, &rows[i])
		if err != nil {
			return err
		}
		if err := p.printer.PrintObj(object, p.out); err != nil {
			return err
		}
	}
	return nil
}

func (p *Printer[T]) sorted(rows []T) []T {
	if p.sorting == nil {
		return rows
	}
	by := p.sorting.By
	if by == nil {
		by = p.sorting.Value
	}
	rows = slices.Clone(rows)
	slices.SortStableFunc(rows, func(a, b T) int { return compare(by(&a), by(&b)) })
	return rows
}

// compare puts large numbers before small ones and texts in their order; what shows nothing comes last.
func compare(a, b any) int {
	if a == nil || b == nil {
		return cmp.Compare(rank(a), rank(b))
	}
	x, isX := a.(int64)
	y, isY := b.(int64)
	if isX && isY {
		return cmp.Compare(y, x)
	}
	return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b))
}

func rank(value any) int {
	if value == nil {
		return 1
	}
	return 0
}

func (p *Printer[T]) tableOf(rows []T) *metav1.Table {
	table := &metav1.Table{}
	for _, c := range p.table.Columns {
		definition := metav1.TableColumnDefinition{Name: c.Name, Type: "string"}
		if c.Wide {
			definition.Priority = 1
		}
		table.ColumnDefinitions = append(table.ColumnDefinitions, definition)
	}
	for i := range rows {
		var cells []any
		for _, c := range p.table.Columns {
			value := c.Value(&rows[i])
			if value == nil || value == "" {
				value = "<none>"
			}
			cells = append(cells, value)
		}
		table.Rows = append(table.Rows, metav1.TableRow{Cells: cells})
	}
	return table
}

func listOf[T any](kind string, rows []T) (*unstructured.Unstructured, error) {
	items := make([]any, len(rows))
	for i := range rows {
		item, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&rows[i])
		if err != nil {
			return nil, fmt.Errorf("converting a %s: %w", kind, err)
		}
		items[i] = item
	}
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": groupVersion, "kind": kind + "List", "items": items,
	}}, nil
}

func objectOf(kind string, value any) (*unstructured.Unstructured, error) {
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(value)
	if err != nil {
		return nil, fmt.Errorf("converting a %s: %w", kind, err)
	}
	object["apiVersion"], object["kind"] = groupVersion, kind
	return &unstructured.Unstructured{Object: object}, nil
}
