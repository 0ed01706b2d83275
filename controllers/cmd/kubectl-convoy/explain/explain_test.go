// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package explain_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/controllers/cmd/kubectl-convoy/explain"
	"convoy.dev/convoy/controllers/cmd/kubectl-convoy/snapshot"
)

var update = flag.Bool("update", false, "write the golden files anew")

// now is the time at which every situation is explained.
var now = time.Date(2030, 1, 1, 10, 5, 0, 0, time.UTC)

func TestSituations(t *testing.T) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) < 15 {
		t.Fatalf("%d situations, %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		t.Run(name, func(t *testing.T) {
			compare(t, "testdata/"+name+".txt", explain.Of(situation(t, file), now).Text(now))
		})
	}
}

func compare(t *testing.T, golden, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got, -update accepts):\n%s", golden, diff)
	}
}

// situation reads the objects of a file. A Status stands for the API server's refusal to show pods.
func situation(t *testing.T, file string) *snapshot.Snapshot {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s := &snapshot.Snapshot{}
	for document := range strings.SplitSeq(string(text), "\n---\n") {
		var kind metav1.TypeMeta
		read(t, document, &kind, false)
		switch kind.Kind {
		case "ConvoyPool":
			s.Pool = &v1alpha1.ConvoyPool{}
			read(t, document, s.Pool, true)
		case "LaneTable":
			s.Table = &v1alpha1.LaneTable{}
			read(t, document, s.Table, true)
		case "ConvoyWorker":
			s.Workers = append(s.Workers, v1alpha1.ConvoyWorker{})
			read(t, document, &s.Workers[len(s.Workers)-1], true)
		case "Pod":
			s.Pods = append(s.Pods, corev1.Pod{})
			read(t, document, &s.Pods[len(s.Pods)-1], true)
		case "Status":
			var refusal metav1.Status
			read(t, document, &refusal, true)
			s.PodsRefused = refusal.Message
		default:
			t.Fatalf("%s has a %q", file, kind.Kind)
		}
	}
	return s
}

func read(t *testing.T, document string, into any, strict bool) {
	t.Helper()
	unmarshal := func(text []byte, into any) error { return yaml.Unmarshal(text, into) }
	if strict {
		unmarshal = func(text []byte, into any) error { return yaml.UnmarshalStrict(text, into) }
	}
	if err := unmarshal([]byte(document), into); err != nil {
		t.Fatal(err)
	}
}
