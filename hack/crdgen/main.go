// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	"sigs.k8s.io/yaml"
)

const header = "# Generated from api/ by `make generate`. Do not edit.\n"

func main() {
	in := flag.String("in", "", "directory with controller-gen's CRDs")
	out := flag.String("out", "", "directory for the finished CRDs")
	flag.Parse()
	if err := run(*in, *out); err != nil {
		fmt.Fprintln(os.Stderr, "crdgen:", err)
		os.Exit(1)
	}
}

func run(in, out string) error {
	names, err := filepath.Glob(filepath.Join(in, "*.yaml"))
	if err != nil {
		return fmt.Errorf("listing %s: %w", in, err)
	}
	if len(names) == 0 {
		return fmt.Errorf("no CRDs in %q: give controller-gen's output with -in", in)
	}
	finished := make(map[string][]byte, len(names))
	for _, name := range names {
		crd, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if finished[filepath.Base(name)], err = finish(crd); err != nil {
			return fmt.Errorf("finishing %s: %w", name, err)
		}
	}
	for name, crd := range finished {
		if err := os.WriteFile(filepath.Join(out, name), crd, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// finish returns the CRD with descriptions below the pod template, if it has one, taken off.
func finish(manifest []byte) ([]byte, error) {
	var crd map[string]any
	if err := yaml.Unmarshal(manifest, &crd); err != nil {
		return nil, err
	}
	spec, _ := crd["spec"].(map[string]any)
	versions, _ := spec["versions"].([]any)
	if len(versions) == 0 {
		return nil, errors.New("it has no versions")
	}
	names, _ := spec["names"].(map[string]any)
	for _, version := range versions {
		if schema, found := at(version, "schema", "openAPIV3Schema"); found {
			reflow(schema)
		}
		template, found := at(version, "schema", "openAPIV3Schema", "properties", "spec", "properties", "template")
		switch {
		case found:
			if err := bound(template); err != nil {
				return nil, err
			}
			for _, below := range children(template) {
				strip(below)
			}
		case names["kind"] == "ConvoyPool":
			return nil, errors.New("ConvoyPool has no schema at spec.template")
		}
	}
	body, err := yaml.Marshal(crd)
	return append([]byte(header), body...), err
}

// bounds are the largest numbers of what rules on the template go through, far beyond what a pod has: the API server
// refuses a rule whose cost it cannot bound.
var bounds = []struct {
	path    []string
	keyword string
	most    int
}{
	{[]string{"containers"}, "maxItems", 100},
	{[]string{"initContainers"}, "maxItems", 100},
	{[]string{"containers", "items", "properties", "image"}, "maxLength", 1024},
	{[]string{"containers", "items", "properties", "ports"}, "maxItems", 1000},
	{[]string{"initContainers", "items", "properties", "image"}, "maxLength", 1024},
}

// bound puts bounds on a pod template.
func bound(template map[string]any) error {
	for _, b := range bounds {
		schema, found := at(template, append([]string{"properties", "spec", "properties"}, b.path...)...)
		if !found {
			return fmt.Errorf("the template has no schema at %v", b.path)
		}
		schema[b.keyword] = b.most
	}
	return nil
}

// at follows keys down from a value.
func at(value any, keys ...string) (map[string]any, bool) {
	for _, key := range keys {
		m, ok := value.(map[string]any)
		if !ok {
			return nil, false
		}
		value = m[key]
	}
	m, ok := value.(map[string]any)
	return m, ok
}

// reflow makes one line of each paragraph of a schema's descriptions: source lines are wrapped for an editor, and
// kubectl explain wraps anew for its reader.
func reflow(schema map[string]any) {
	if text, ok := schema["description"].(string); ok {
		schema["description"] = softBreak.ReplaceAllString(text, "$1 $2")
	}
	for _, child := range children(schema) {
		reflow(child)
	}
}

// softBreak is the end of a line that the next one goes on from: no blank line, no list item.
var softBreak = regexp.MustCompile(`([^\n]) *\n([^\n\s*-])`)

// strip takes the description off a schema and every schema in it.
func strip(schema map[string]any) {
	delete(schema, "description")
	for _, child := range children(schema) {
		strip(child)
	}
}

// children returns the schemas directly inside a schema. A property may itself be named description, so keywords and
// names of properties are told apart.
func children(schema map[string]any) []map[string]any {
	var found []map[string]any
	add := func(v any) {
		if child, ok := v.(map[string]any); ok {
			found = append(found, child)
		}
	}
	add(schema["items"])
	add(schema["additionalProperties"])
	if properties, ok := schema["properties"].(map[string]any); ok {
		for _, property := range properties {
			add(property)
		}
	}
	for _, keyword := range []string{"allOf", "anyOf", "oneOf"} {
		alternatives, _ := schema[keyword].([]any)
		for _, alternative := range alternatives {
			add(alternative)
		}
	}
	return found
}
