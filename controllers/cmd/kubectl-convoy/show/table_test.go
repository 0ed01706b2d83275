// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package show_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"convoy.dev/convoy/controllers/cmd/kubectl-convoy/show"
)

type fish struct {
	Name   string `json:"name"`
	Weight *int64 `json:"weight,omitempty"`
	Born   int64  `json:"born"`
}

var pond = show.Table[fish]{Kind: "Fish", Columns: []show.Column[fish]{
	{Name: "NAME", Value: func(f *fish) any { return f.Name }},
	{Name: "WEIGHT", Value: func(f *fish) any { return show.Number(f.Weight) }},
	show.Age("AGE", func() time.Time { return time.Unix(1000, 0) }, func(f *fish) time.Time { return time.Unix(f.Born, 0) }),
	{Name: "BORN", Wide: true, Value: func(f *fish) any { return f.Born }},
}}

var fishes = []fish{{"carp", new(int64(9)), 400}, {"a-rather-long-eel", nil, 970}, {"pike", new(int64(10)), 880}}

// printed is what these flags make of the fishes.
func printed(t *testing.T, args ...string) (string, error) {
	t.Helper()
	flags := show.NewFlags()
	cmd := &cobra.Command{}
	flags.AddTable(cmd, pond.Names())
	if err := cmd.ParseFlags(args); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	printer, err := show.NewPrinter(pond, flags, &out)
	if err != nil {
		return "", err
	}
	if err := printer.Print(fishes); err != nil {
		return "", err
	}
	err = printer.PrintEach(fishes[:1])
	return out.String(), err
}

func TestForms(t *testing.T) {
	for name, tc := range map[string]struct {
		args []string
		want string
	}{
		"a table, whose rows stay lined up": {nil, `
NAME                WEIGHT   AGE
carp                9        10m
a-rather-long-eel   <none>   30s
pike                10       2m
carp                9        10m
`},
		"every column, the heaviest first, without headers": {[]string{"-o", "wide", "--sort-by", "weight", "--no-headers"}, `
pike                10       2m    880
carp                9        10m   400
a-rather-long-eel   <none>   30s   970
carp                9        10m   400
`},
		"by age, not by its text": {[]string{"--sort-by=age"}, `
NAME                WEIGHT   AGE
carp                9        10m
pike                10       2m
a-rather-long-eel   <none>   30s
carp                9        10m
`},
		"a list, then each object": {[]string{"-o=yaml", "--sort-by=NAME"}, `
apiVersion: kubectl.convoy.dev/v1alpha1
items:
- born: 970
  name: a-rather-long-eel
- born: 400
  name: carp
  weight: 9
- born: 880
  name: pike
  weight: 10
kind: FishList
---
apiVersion: kubectl.convoy.dev/v1alpha1
born: 400
kind: Fish
name: carp
weight: 9
`},
		"a template, without saying so": {[]string{"--template={{.kind}};"}, "\nFishList;Fish;"},
	} {
		got, err := printed(t, tc.args...)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(strings.TrimPrefix(tc.want, "\n"), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestFormsThatAreNone(t *testing.T) {
	for args, want := range map[string]string{
		"--output=xml":             `unable to match a printer suitable for the output format "xml", allowed formats are: `,
		"--sort-by=size":           `--sort-by "size" is no column: use one of name, weight, age, born`,
		"--output=jsonpath={.a[}":  "error parsing jsonpath",
		"--output=go-template={{x": "error parsing template",
	} {
		if _, err := printed(t, args); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", args, err, want)
		}
	}
}
