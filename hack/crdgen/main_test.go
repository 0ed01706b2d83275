// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

const pool = `
spec:
  names: {kind: ConvoyPool}
  versions:
  - schema:
      openAPIV3Schema:
        description: kept
        properties:
          spec:
            description: kept
            properties:
              template:
                description: kept
                properties:
                  spec:
                    description: gone
                    properties:
                      description: {type: string, description: gone}
                      containers: {items: {description: gone, type: object, properties: {image: {type: string}, ports: {type: array}}}}
                      initContainers: {items: {properties: {image: {type: string}}}}
                      labels: {additionalProperties: {description: gone, type: string}}
                      port: {anyOf: [{description: gone, type: integer}, {type: string}]}
`

func TestDescriptionsBelowTheTemplateAreTakenOff(t *testing.T) {
	finished, err := finish([]byte(pool))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(finished), "gone") {
		t.Errorf("a description below the template stayed:\n%s", finished)
	}
	if got := strings.Count(string(finished), "kept"); got != 3 {
		t.Errorf("%d descriptions above the template stayed, want 3:\n%s", got, finished)
	}
}

func TestWhatRulesGoThroughIsBounded(t *testing.T) {
	finished, err := finish([]byte(pool))
	if err != nil {
		t.Fatal(err)
	}
	for bound, want := range map[string]int{"maxItems: 100\n": 2, "maxItems: 1000\n": 1, "maxLength: 1024\n": 2} {
		if got := strings.Count(string(finished), bound); got != want {
			t.Errorf("%d times %q, want %d:\n%s", got, bound, want, finished)
		}
	}
}

func TestATemplateWithoutContainersIsRefused(t *testing.T) {
	if _, err := finish([]byte(strings.ReplaceAll(pool, "initContainers", "others"))); err == nil {
		t.Error("finish accepted a template without initContainers")
	}
}

func TestAPropertyNamedDescriptionStays(t *testing.T) {
	schema := map[string]any{
		"description": "of the schema",
		"properties":  map[string]any{"description": map[string]any{"type": "string"}},
	}
	strip(schema)
	want := map[string]any{"properties": map[string]any{"description": map[string]any{"type": "string"}}}
	if diff := cmp.Diff(want, schema); diff != "" {
		t.Errorf("stripped schema (-want +got):\n%s", diff)
	}
}

func TestACRDWithoutATemplatePassesThrough(t *testing.T) {
	const table = "spec: {names: {kind: LaneTable}, versions: [{schema: {openAPIV3Schema: {description: kept}}}]}"
	finished, err := finish([]byte(table))
	if err != nil {
		t.Fatal(err)
	}
	var want, got map[string]any
	if err := yaml.Unmarshal([]byte(table), &want); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(finished, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("finished CRD (-want +got):\n%s", diff)
	}
}

func TestAPoolWithoutATemplateIsRefused(t *testing.T) {
	const bare = "spec: {names: {kind: ConvoyPool}, versions: [{schema: {openAPIV3Schema: {}}}]}"
	if _, err := finish([]byte(bare)); err == nil {
		t.Error("finish accepted a ConvoyPool without a template")
	}
}

func TestParagraphsAreOneLineEach(t *testing.T) {
	schema := map[string]any{"properties": map[string]any{"key": map[string]any{
		"description": "one\ntwo.\n\nthree\nfour:\n- five\n- six",
	}}}
	reflow(schema)
	key, _ := at(schema, "properties", "key")
	if diff := cmp.Diff("one two.\n\nthree four:\n- five\n- six", key["description"]); diff != "" {
		t.Errorf("description (-want +got):\n%s", diff)
	}
}
