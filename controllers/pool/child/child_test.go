// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package child_test

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/controllers/pool/child"
)

var update = flag.Bool("update", false, "write what the children are now into testdata")

// TestChildrenOfAPool compares everything that is made of each pool in testdata with what was made of it before.
func TestChildrenOfAPool(t *testing.T) {
	pools, err := filepath.Glob(filepath.Join("testdata", "*.pool.yaml"))
	if err != nil || len(pools) == 0 {
		t.Fatalf("no pools in testdata: %v", err)
	}
	for _, path := range pools {
		name := strings.TrimSuffix(filepath.Base(path), ".pool.yaml")
		t.Run(name, func(t *testing.T) {
			config := readPool(t, path)
			config.Barrier = name == "barrier" || name == "embedded" // of no meaning for the latter
			var made []string
			deployment, err := child.Deployment(config)
			if err != nil {
				t.Fatal(err)
			}
			for _, object := range []*unstructured.Unstructured{
				deployment, child.ServiceAccount(config), child.RoleBinding(config), child.DisruptionBudget(config),
			} {
				if object == nil {
					continue
				}
				text, err := yaml.Marshal(object.Object)
				if err != nil {
					t.Fatal(err)
				}
				made = append(made, string(text))
			}
			compare(t, filepath.Join("testdata", name+".children.yaml"), strings.Join(made, "---\n"))
		})
	}
}

func readPool(t *testing.T, path string) child.Config {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	raw := &unstructured.Unstructured{}
	asJSON, err := yaml.YAMLToJSON(text)
	if err != nil {
		t.Fatal(err)
	}
	if err := raw.UnmarshalJSON(asJSON); err != nil {
		t.Fatal(err)
	}
	pool := &v1alpha1.ConvoyPool{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(raw.Object, pool); err != nil {
		t.Fatal(err)
	}
	template, _, err := unstructured.NestedMap(raw.Object, "spec", "template")
	if err != nil {
		t.Fatal(err)
	}
	return child.Config{Pool: pool, Template: template, Cluster: "c1", Image: "convoy-worker:v1"}
}

func compare(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("if that is meant, run the test with -update (-want +got):\n%s", diff)
	}
}

func TestTheTemplateIsLeftAlone(t *testing.T) {
	config := readPool(t, filepath.Join("testdata", "complete.pool.yaml"))
	before, err := json.Marshal(config.Template)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := child.Deployment(config); err != nil {
			t.Fatal(err)
		}
	}
	after, err := json.Marshal(config.Template)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(before), string(after)); diff != "" {
		t.Errorf("building the Deployment changed the pool's template (-before +after):\n%s", diff)
	}
}

func TestTheHashChangesWithTheContentAndNotWithTheSize(t *testing.T) {
	config := readPool(t, filepath.Join("testdata", "smallest.pool.yaml"))
	hash := func(change func(*unstructured.Unstructured)) string {
		t.Helper()
		deployment, err := child.Deployment(config)
		if err != nil {
			t.Fatal(err)
		}
		change(deployment)
		h, err := child.Hash(deployment)
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	set := func(value any, path ...string) func(*unstructured.Unstructured) {
		return func(d *unstructured.Unstructured) {
			if err := unstructured.SetNestedField(d.Object, value, path...); err != nil {
				t.Fatal(err)
			}
		}
	}
	same := hash(func(*unstructured.Unstructured) {})
	if other := hash(set(int64(7), "spec", "replicas")); other != same {
		t.Error("another size is another content")
	}
	if other := hash(set(int64(7), "spec", "minReadySeconds")); other == same {
		t.Error("another content has the same hash")
	}
}

func TestSettingsAreNoTextToExpand(t *testing.T) {
	config := readPool(t, filepath.Join("testdata", "smallest.pool.yaml"))
	config.Pool.Spec.Key.Expression = `key.matches("^a$$") ? "$(HOME)" : key`
	deployment, err := child.Deployment(config)
	if err != nil {
		t.Fatal(err)
	}
	containers, _, err := unstructured.NestedSlice(deployment.Object, "spec", "template", "spec", "containers")
	if err != nil {
		t.Fatal(err)
	}
	worker, _ := containers[1].(map[string]any)
	value, _, err := unstructured.NestedString(worker["env"].([]any)[0].(map[string]any), "value")
	if err != nil || strings.Contains(value, "$") {
		t.Fatalf("the kubelet would expand %s (%v)", value, err)
	}
	var settings v1alpha1.WorkerSettings
	if err := json.Unmarshal([]byte(value), &settings); err != nil {
		t.Fatal(err)
	}
	if settings.Key.Expression != config.Pool.Spec.Key.Expression {
		t.Errorf("the worker reads %q, want %q", settings.Key.Expression, config.Pool.Spec.Key.Expression)
	}
}

func TestTheBindingIsForTheAccountsOfAllPods(t *testing.T) {
	for name, c := range map[string]struct {
		template map[string]any
		pods     []string
		want     []string
	}{
		"no pod":               {nil, nil, []string{"orders-worker"}},
		"pods of this account": {nil, []string{"orders-worker", "orders-worker"}, []string{"orders-worker"}},
		"pods of another":      {map[string]any{"serviceAccountName": "b"}, []string{"c", "a", "c"}, []string{"a", "b", "c"}},
		"by the alias":         {map[string]any{"serviceAccount": "b"}, []string{"orders-worker"}, []string{"b", "orders-worker"}},
		"the alias is weaker":  {map[string]any{"serviceAccount": "a", "serviceAccountName": "b"}, nil, []string{"b"}},
	} {
		config := readPool(t, filepath.Join("testdata", "smallest.pool.yaml"))
		config.Template, config.Accounts = map[string]any{"spec": c.template}, c.pods
		subjects, _, err := unstructured.NestedSlice(child.RoleBinding(config).Object, "subjects")
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, s := range subjects {
			got = append(got, s.(map[string]any)["name"].(string))
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: bound accounts (-want +got):\n%s", name, diff)
		}
	}
}

func TestWhatCannotBeBuilt(t *testing.T) {
	for name, change := range map[string]func(*child.Config){
		"no image":     func(c *child.Config) { c.Image = "" },
		"no template":  func(c *child.Config) { c.Template = nil },
		"no container": func(c *child.Config) { c.Template = map[string]any{"spec": map[string]any{}} },
		"no cluster":   func(c *child.Config) { c.Cluster = "" },
	} {
		config := readPool(t, filepath.Join("testdata", "smallest.pool.yaml"))
		change(&config)
		if _, err := child.Deployment(config); !errors.Is(err, child.ErrCannotBuild) {
			t.Errorf("%s: %v, want an error that is ErrCannotBuild", name, err)
		}
	}
}

// Where spans go is told to the worker alone; an embedded handler's own word goes first.
func TestWorkersAreToldWhereSpansGo(t *testing.T) {
	for name, c := range map[string]struct {
		pool string
		own  string
		want []string
	}{
		"a worker beside a handler":     {"smallest", "", []string{"", "http://collector:4318"}},
		"an embedded handler":           {"embedded", "", []string{"http://collector:4318", ""}},
		"an embedded one with its own":  {"embedded", "http://own:4318", []string{"http://own:4318", ""}},
		"a handler beside, its own one": {"smallest", "http://own:4318", []string{"http://own:4318", "http://collector:4318"}},
	} {
		t.Run(name, func(t *testing.T) {
			config := readPool(t, filepath.Join("testdata", c.pool+".pool.yaml"))
			config.Spans = "http://collector:4318"
			first := config.Template["spec"].(map[string]any)["containers"].([]any)[0].(map[string]any)
			if c.own != "" {
				env, _ := first["env"].([]any)
				first["env"] = append(env, map[string]any{"name": "OTEL_EXPORTER_OTLP_ENDPOINT", "value": c.own})
			}
			deployment, err := child.Deployment(config)
			if err != nil {
				t.Fatal(err)
			}
			containers, _, err := unstructured.NestedSlice(deployment.Object, "spec", "template", "spec", "containers")
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, container := range containers {
				told := ""
				env, _ := container.(map[string]any)["env"].([]any)
				for _, variable := range env {
					if v := variable.(map[string]any); v["name"] == "OTEL_EXPORTER_OTLP_ENDPOINT" {
						told += v["value"].(string)
					}
				}
				got = append(got, told)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("containers are told %q, want %q", got, c.want)
			}
		})
	}
}
