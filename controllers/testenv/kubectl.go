// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package testenv

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// kubectl is the real kubectl with a home of its own, so that it reads and leaves nothing in the user's.
type kubectl struct {
	path, dir string
}

func newKubectl(path string, kubeconfig []byte) (kubectl, error) {
	dir, err := os.MkdirTemp("", "convoy-kubectl-")
	if err != nil {
		return kubectl{}, err
	}
	k := kubectl{path: path, dir: dir}
	return k, os.WriteFile(k.config(), kubeconfig, 0o600)
}

func (k kubectl) config() string { return filepath.Join(k.dir, "kubeconfig") }

// Kubectl runs the real kubectl against the API server, with stdin (which may be empty) as its input, and returns its
// output. An error holds what kubectl wrote to standard error.
func (e *Env) Kubectl(ctx context.Context, stdin string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, e.kubectl.path, args...)
	cmd.Env = []string{"HOME=" + e.kubectl.dir, "KUBECONFIG=" + e.kubectl.config()}
	cmd.Stdin = strings.NewReader(stdin)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.String(), fmt.Errorf("kubectl %s: %w: %s", strings.Join(args, " "), err, stderr.String())
	}
	return stdout.String(), nil
}

// InstallRoles applies config/rbac, with the namespace that its files name.
func (e *Env) InstallRoles(ctx context.Context) error {
	root, err := Root()
	if err != nil {
		return err
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "system"}}
	if err := e.Client.Create(ctx, namespace); err != nil {
		return fmt.Errorf("making namespace %s: %w", namespace.Name, err)
	}
	_, err = e.Kubectl(ctx, "", "apply", "--server-side", "-k", filepath.Join(root, "config", "rbac"))
	return err
}
