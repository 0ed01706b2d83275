// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io/fs"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	switches = regexp.MustCompile(`MUT_[A-Z_]+`)
	bounds   = regexp.MustCompile(`(?m)^\s*#\s*(?:ifndef|ifdef)\s+(\w+)|defined\((\w+)\)`)
)

// source is the text of a model.
func source(t *testing.T, model string) string {
	t.Helper()
	text, err := models.ReadFile(model + ".pml")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A switch that no removal names is never tried; a removal without a switch removes nothing.
func TestEverySwitchIsTriedInItsModel(t *testing.T) {
	files, err := fs.Glob(models, "*.pml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		model := strings.TrimSuffix(file, ".pml")
		inModel, inTable := map[string]bool{}, map[string]bool{}
		for _, name := range switches.FindAllString(source(t, model), -1) {
			inModel[name] = true
		}
		for _, c := range removals {
			if c.model == model {
				inTable[c.removal] = true
			}
		}
		if !maps.Equal(inModel, inTable) {
			t.Errorf("%s has the switches %v, the table %v", file, slices.Sorted(maps.Keys(inModel)), slices.Sorted(maps.Keys(inTable)))
		}
	}
}

// A misspelt bound would leave the default in force.
func TestBoundsAreThoseOfTheModel(t *testing.T) {
	for _, c := range slices.Concat(cleanChecks, removals) {
		known := map[string]bool{}
		for _, match := range bounds.FindAllStringSubmatch(source(t, c.model), -1) {
			known[match[1]+match[2]] = true
		}
		for bound := range strings.FieldsSeq(c.bounds) {
			name, _, _ := strings.Cut(bound, "=")
			if !known[name] {
				t.Errorf("%s %s: the model knows no bound %s", c.model, c.removal, name)
			}
		}
	}
}

func TestEveryModelIsCheckedCleanForSafetyAndProgress(t *testing.T) {
	for _, model := range []string{"handover", "restart", "takeover", "rebuild", "rollout"} {
		var safe, progresses, quick bool
		for _, c := range cleanChecks {
			if c.model == model {
				safe = safe || c.kind == safety
				progresses = progresses || c.kind != safety
				quick = quick || c.quick
			}
		}
		if !safe || !progresses || !quick {
			t.Errorf("%s: safety %v, progress %v, in the quick subset %v", model, safe, progresses, quick)
		}
	}
}

func TestReadmeTellsEveryRule(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range removals {
		row := "| " + c.rule + " | `" + c.removal + "` | " + c.kind.String() + " |"
		if !strings.Contains(string(text), row) {
			t.Errorf("README.md lacks the row\n%s", row)
		}
	}
}

func TestDefines(t *testing.T) {
	c := check{kind: rests, bounds: "MOVES=1 RECREATED", removal: "MUT_X"}
	want := []string{"-DMOVES=1", "-DRECREATED", "-DPROGRESS", "-DRESTS", "-DMUT_X"}
	if got := c.defines(); !slices.Equal(got, want) {
		t.Errorf("defines() = %v, want %v", got, want)
	}
}
