// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"convoy.dev/convoy/controllers/testenv"
)

func TestCommandLine(t *testing.T) {
	for name, tc := range map[string]struct {
		args []string
		want int
	}{
		"unknown flag":            {[]string{"--workers=3"}, 2},
		"something else":          {[]string{"start"}, 2},
		"empty namespace":         {[]string{"--watch-namespaces=a,,b"}, 2},
		"certificate for nothing": {[]string{"--metrics-insecure", "--metrics-cert-dir=/x"}, 2},
		"version":                 {[]string{"--version"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			if got := run(t.Context(), tc.args); got != tc.want {
				t.Errorf("exit code %d, want %d", got, tc.want)
			}
		})
	}
}

func TestOperatorOnARealAPIServer(t *testing.T) {
	env, err := testenv.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := env.Stop(); err != nil {
			t.Error(err)
		}
	})
	t.Run("starts, is ready, serves metrics to those allowed, stops", func(t *testing.T) { startsAndStops(t, env) })
	t.Run("refuses CRDs that are older", func(t *testing.T) { refusesOldCRDs(t, env) })
}

func startsAndStops(t *testing.T, env *testenv.Env) {
	t.Helper()
	probes, metrics := freeAddress(t), freeAddress(t)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{
			"--kubeconfig=" + env.Kubeconfig(), "--leader-elect", "--leader-election-namespace=default",
			"--health-probe-bind-address=" + probes, "--metrics-bind-address=" + metrics, "--worker-image=worker:1",
		})
	}()
	awaitStatus(t, "http://"+probes+"/readyz", http.StatusOK)
	awaitStatus(t, "http://"+probes+"/healthz", http.StatusOK)
	awaitStatus(t, "https://"+metrics+"/metrics", http.StatusUnauthorized)
	if got, body := get(t, "https://"+metrics+"/metrics", token(t, env, "scraper")); got != http.StatusOK || !strings.Contains(body, "# HELP") {
		t.Errorf("metrics for who may read them: %d %s, want 200", got, body)
	}
	if got, body := get(t, "https://"+metrics+"/metrics", token(t, env, "nobody")); got != http.StatusForbidden {
		t.Errorf("metrics for who may not: %d %s, want 403", got, body)
	}
	cancel()
	select {
	case code := <-ended:
		if code != 0 {
			t.Errorf("exit code %d after SIGTERM, want 0", code)
		}
	case <-clock.RealClock{}.After(30 * time.Second):
		t.Fatal("the operator does not end")
	}
}

func refusesOldCRDs(t *testing.T, env *testenv.Env) {
	t.Helper()
	scheme, err := newScheme()
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.New(env.Config, client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	if err := checkCRDs(t.Context(), c); err != nil {
		t.Fatalf("the present CRDs are refused: %v", err)
	}
	crd := &apiextensionsv1.CustomResourceDefinition{}
	if err := c.Get(t.Context(), types.NamespacedName{Name: "lanetables.convoy.dev"}, crd); err != nil {
		t.Fatal(err)
	}
	lanes := crd.Spec.Versions[0].Schema.OpenAPIV3Schema.Properties["lanes"]
	delete(lanes.Items.Schema.Properties, "forced")
	if err := c.Update(t.Context(), crd); err != nil {
		t.Fatal(err)
	}
	log := captureStderr(t, func() {
		if code := run(t.Context(), []string{"--kubeconfig=" + env.Kubeconfig(), "--metrics-bind-address=0", "--health-probe-bind-address=0"}); code != 1 {
			t.Errorf("exit code %d, want 1", code)
		}
	})
	for _, words := range []string{"lanetables.convoy.dev is older", ".lanes[].forced", "kubectl apply"} {
		if !strings.Contains(log, words) {
			t.Errorf("the refusal does not say %q: %s", words, log)
		}
	}
}

// token is a service account's; scraper may read metrics, by the ClusterRole of config/rbac.
func token(t *testing.T, env *testenv.Env, account string) string {
	t.Helper()
	const manifests = `
apiVersion: v1
kind: ServiceAccount
metadata: {name: %[1]s, namespace: default}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: metrics}
rules: [{nonResourceURLs: [/metrics], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: metrics}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: metrics}
subjects: [{kind: ServiceAccount, name: scraper, namespace: default}]
`
	if _, err := env.Kubectl(t.Context(), fmt.Sprintf(manifests, account), "apply", "-f", "-"); err != nil {
		t.Fatal(err)
	}
	text, err := env.Kubectl(t.Context(), "", "create", "token", account, "-n", "default")
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(text)
}

func captureStderr(t *testing.T, do func()) string {
	t.Helper()
	file, err := os.CreateTemp(t.TempDir(), "stderr")
	if err != nil {
		t.Fatal(err)
	}
	stderr := os.Stderr
	os.Stderr = file
	do()
	os.Stderr = stderr
	slog.SetDefault(slog.New(slog.DiscardHandler))
	text, err := os.ReadFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := listener.Close(); err != nil {
			t.Error(err)
		}
	}()
	return listener.Addr().String()
}

// awaitStatus asks until the answer has this status.
func awaitStatus(t *testing.T, url string, want int) {
	t.Helper()
	deadline, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	tick := clock.RealClock{}.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		got, body := get(t, url, "")
		if got == want {
			return
		}
		select {
		case <-deadline.Done():
			t.Fatalf("%s answers %d %s, want %d", url, got, body, want)
		case <-tick.C():
		}
	}
}

// get returns status 0 while nobody listens.
func get(t *testing.T, url, token string) (int, string) {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := (&http.Client{Transport: transport, Timeout: 5 * time.Second}).Do(request)
	if err != nil {
		return 0, err.Error()
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := response.Body.Close(); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, fmt.Sprintf("%.200s", body)
}
