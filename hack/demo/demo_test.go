// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/hack/e2e/checker"
)

func TestSettings(t *testing.T) {
	read := func(env map[string]string, args ...string) (settings, error) {
		return readSettings(func(name string) string { return env[name] }, args)
	}
	got, err := read(map[string]string{"DEMO_SECONDS": "20", "DEMO_SEED": "7", "DEMO_LOGS": "logs"}, "/bin")
	if err != nil {
		t.Fatal(err)
	}
	if got.length != 20*time.Second || got.seed != 7 || got.logs != "logs" || got.program("x") != "/bin/x" {
		t.Errorf("got %+v", got)
	}
	if got, err := read(nil, "bin"); err != nil || got.length != time.Minute || !filepath.IsAbs(got.bin) {
		t.Errorf("by default %+v, %v", got, err)
	}
	for name, value := range map[string]string{"DEMO_SECONDS": "10", "DEMO_SEED": "-1"} {
		if _, err := read(map[string]string{name: value}, "bin"); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s=%s: %v, want an error that names it", name, value, err)
		}
	}
	if _, err := read(nil); err == nil {
		t.Error("without the programs' directory it starts")
	}
}

func TestThePoolIsOneOfTheAPI(t *testing.T) {
	var manifest bytes.Buffer
	if err := poolTemplate.Execute(&manifest, map[string]any{
		"Broker": "nats://127.0.0.1:1", "Stream": "S", "Lanes": 16, "Collector": "127.0.0.1:2", "CallSeconds": 5,
	}); err != nil {
		t.Fatal(err)
	}
	_, document, _ := strings.Cut(manifest.String(), "---\n")
	var pool v1alpha1.ConvoyPool
	if err := yaml.UnmarshalStrict([]byte(document), &pool); err != nil {
		t.Fatal(err)
	}
	if pool.Name != poolName.Name || pool.Namespace != poolName.Namespace {
		t.Errorf("the pool is %s/%s, want %v", pool.Namespace, pool.Name, poolName)
	}
}

func TestTheReleaseIsOfThePoolAndTheOrdersThatWereRejected(t *testing.T) {
	var manifest bytes.Buffer
	if err := releaseTemplate.Execute(&manifest, rejected); err != nil {
		t.Fatal(err)
	}
	var action v1alpha1.ConvoyAction
	if err := yaml.UnmarshalStrict(manifest.Bytes(), &action); err != nil {
		t.Fatal(err)
	}
	want := v1alpha1.ConvoyActionSpec{Pool: poolName.Name, Type: v1alpha1.ActionRelease, Selector: v1alpha1.ParkedSelector{Keys: rejected}}
	if diff := cmp.Diff(want, action.Spec); diff != "" || action.Name != releaseName || action.Namespace != poolName.Namespace {
		t.Errorf("%s/%s: %s", action.Namespace, action.Name, diff)
	}
}

func TestTheOperatorsDeploymentIsLeftOut(t *testing.T) {
	got := withoutDeployment("kind: Namespace\n\n---\nkind: Deployment\nspec: {}\n---\nkind: Service\n")
	if want := "kind: Namespace\n\n---\nkind: Service\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestPausesAreSummedUpByAct(t *testing.T) {
	report := checker.Report{Pauses: []checker.Pause{{Phase: "a", Length: 3}, {Phase: "b", Length: 1}, {Phase: "a", Length: 2}}}
	if diff := cmp.Diff([]time.Duration{2, 3}, pausesIn(report, "a")); diff != "" {
		t.Error(diff)
	}
}

func TestServingIsSaidByTheGate(t *testing.T) {
	pod := corev1.Pod{Status: corev1.PodStatus{Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}}}
	if serves(pod) {
		t.Error("a pod without the gate serves")
	}
	pod.Status.Conditions = append(pod.Status.Conditions, corev1.PodCondition{Type: v1alpha1.GateServing, Status: corev1.ConditionTrue})
	if !serves(pod) {
		t.Error("a pod with the gate does not serve")
	}
}

func script(t *testing.T, content string) command {
	t.Helper()
	path := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+content), 0o700); err != nil {
		t.Fatal(err)
	}
	return command{name: "program", path: path}
}

func TestAChildThatEndsUnaskedIsMissed(t *testing.T) {
	lost := make(chan error, 1)
	p, err := start(script(t, "echo no room >&2; exit 3"), t.TempDir(), func(err error) { lost <- err })
	if err != nil {
		t.Fatal(err)
	}
	if got := (<-lost).Error(); got != "program ended unasked: exit status 3; the end of what it said:\nno room" {
		t.Errorf("got %q", got)
	}
	if err := p.stop(); err != nil {
		t.Error(err)
	}
}

func TestAChildThatIsStoppedIsNotMissed(t *testing.T) {
	lost := make(chan error, 1)
	p, err := start(script(t, "exec sleep 1000"), t.TempDir(), func(err error) { lost <- err })
	if err != nil {
		t.Fatal(err)
	}
	if err := p.stop(); err != nil {
		t.Error(err)
	}
	if len(lost) > 0 {
		t.Errorf("it is missed: %v", <-lost)
	}
}

func TestAFailedStageLeavesNothing(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	if _, err := newStage(settings{logs: temp}, nil); err == nil { // It exists.
		t.Error("logs are written over those of another run")
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}
