// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"convoy.dev/convoy/api/v1alpha1"
)

// operatorSpace is the namespace of config/default.
const operatorSpace = "convoy-system"

// The images of the demo's pods.
const (
	workerImage  = "convoy-worker:demo"
	handlerImage = "handler:demo"
)

// kubectl runs the command line tool against the demo's control plane.
type kubectl struct{ path, kubeconfig string }

func (k kubectl) run(ctx context.Context, input string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, k.path, append(args, "--kubeconfig="+k.kubeconfig)...)
	cmd.Stdin = strings.NewReader(input)
	var out, words bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &words
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("kubectl %s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(words.Bytes()))
	}
	return out.String(), nil
}

// startControlPlane returns when the control plane has printed how to reach it.
func (s *stage) startControlPlane(ctx context.Context) error {
	printed, out := io.Pipe()
	s.undo = append(s.undo, out.Close)
	if _, err := s.run(command{
		name: "control-plane", path: s.program("devcluster"), args: []string{"up"}, env: []string{"TMPDIR=" + s.dir}, out: out,
	}); err != nil {
		return err
	}
	// Whoever gives up ends the reading of what will never be printed.
	defer context.AfterFunc(ctx, func() { _ = out.CloseWithError(ctx.Err()) })()
	lines := bufio.NewScanner(printed)
	exports := map[string]string{}
	for len(exports) < 2 && lines.Scan() {
		if name, value, ok := strings.Cut(strings.TrimPrefix(lines.Text(), "export "), "="); ok {
			exports[name] = strings.Split(value, "'")[1]
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	s.kubectl = kubectl{filepath.Join(exports["PATH"], "kubectl"), exports["KUBECONFIG"]}
	return s.connect()
}

// connect makes the client with which the demo watches and acts.
func (s *stage) connect() error {
	config, err := clientcmd.BuildConfigFromFlags("", s.kubectl.kubeconfig)
	if err != nil {
		return err
	}
	scheme := runtime.NewScheme()
	builder := runtime.NewSchemeBuilder(clientgoscheme.AddToScheme, v1alpha1.AddToScheme)
	if err := builder.AddToScheme(scheme); err != nil {
		return err
	}
	s.client, err = client.New(config, client.Options{Scheme: scheme})
	return err
}

// startNode gives the agent the table of images. A worker's handler listens on the pod's address, and its state directory is
// where the volume is.
func (s *stage) startNode(context.Context) error {
	type program struct {
		Path string            `json:"path"`
		Env  map[string]string `json:"env,omitempty"`
	}
	table, err := json.Marshal(map[string]program{
		handlerImage: {Path: s.program("handler")},
		workerImage: {Path: s.program("convoy-worker"), Env: map[string]string{
			"CONVOY_HANDLER_HOST": "$(CONVOY_POD_IP)", "CONVOY_STATE_DIR": "/var/run/convoy",
		}},
	})
	if err != nil {
		return err
	}
	images := filepath.Join(s.dir, "images.json")
	if err := os.WriteFile(images, table, 0o600); err != nil {
		return err
	}
	node := filepath.Join(s.logs, "node")
	if err := os.Mkdir(node, 0o700); err != nil {
		return err
	}
	_, err = s.run(command{name: "agent", path: s.program("devcluster"), args: []string{
		"agent", "--kubeconfig=" + s.kubectl.kubeconfig, "--images=" + images, "--dir=" + node,
	}})
	return err
}

// startOperator applies what a cluster's administrator applies, and starts the operator with the token of its service
// account: the roles are tried for real.
func (s *stage) startOperator(ctx context.Context) error {
	rendered, err := s.kubectl.run(ctx, "", "kustomize", filepath.Join(s.checkout, "config", "default"))
	if err != nil {
		return err
	}
	if _, err := s.kubectl.run(ctx, withoutDeployment(rendered), "apply", "--server-side", "-f", "-"); err != nil {
		return err
	}
	if _, err := s.kubectl.run(ctx, "", "wait", "--for=condition=Established", "crd", "--all", "--timeout=60s"); err != nil {
		return err
	}
	token, err := s.kubectl.run(ctx, "", "create", "token", "convoy-operator", "--namespace="+operatorSpace, "--duration=24h")
	if err != nil {
		return err
	}
	kubeconfig := filepath.Join(s.dir, "operator.kubeconfig")
	if err := writeKubeconfig(s.kubectl.kubeconfig, strings.TrimSpace(token), kubeconfig); err != nil {
		return err
	}
	_, err = s.run(command{name: "operator", path: s.program("convoy-operator"), args: []string{
		"--kubeconfig=" + kubeconfig, "--worker-image=" + workerImage,
		"--leader-elect", "--leader-election-namespace=" + operatorSpace,
		"--metrics-bind-address=0", "--health-probe-bind-address=0",
	}})
	return err
}

// withoutDeployment takes the operator's Deployment out: here the operator is a process of the demo.
func withoutDeployment(manifests string) string {
	var kept []string
	for document := range strings.SplitSeq(manifests, "\n---\n") {
		if !strings.Contains(document, "kind: Deployment\n") {
			kept = append(kept, document)
		}
	}
	return strings.Join(kept, "\n---\n")
}

// writeKubeconfig writes a copy of a kubeconfig with another token.
func writeKubeconfig(from, token, to string) error {
	config, err := clientcmd.LoadFromFile(from)
	if err != nil {
		return err
	}
	for name := range config.AuthInfos {
		config.AuthInfos[name] = &clientcmdapi.AuthInfo{Token: token}
	}
	return clientcmd.WriteToFile(*config, to)
}
