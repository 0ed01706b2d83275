// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"convoy.dev/convoy/hack/devcluster/assets"
	"convoy.dev/convoy/hack/devcluster/controlplane"
)

func up(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("up", flag.ContinueOnError)
	kubeconfig := flags.String("kubeconfig", "", "also write the kubeconfig to this new file")
	if err := parse(flags, args); err != nil {
		return err
	}
	if err := refuseExisting(*kubeconfig); err != nil {
		return err
	}
	config, err := assets.DefaultConfig(os.Stderr)
	if err != nil {
		return err
	}
	binDir, err := config.Resolve(ctx, assets.ForControlPlane()...)
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "devcluster: starting etcd, kube-apiserver, kube-controller-manager and kube-scheduler")
	start := time.Now()
	cp, err := controlplane.Start(ctx, controlplane.Config{BinDir: binDir})
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "devcluster: ready in %.1f s at %s; Ctrl-C stops it and removes its data\n",
		time.Since(start).Seconds(), cp.URL)
	return errors.Join(serve(ctx, cp, binDir, *kubeconfig), stopped(cp))
}

// serve says how to reach the control plane and returns when it is to be stopped. Its nodes are nowhere, so it says
// that, too: a pod that stays Pending would look like a fault.
func serve(ctx context.Context, cp *controlplane.ControlPlane, binDir, kubeconfig string) (err error) {
	path := cp.Kubeconfig
	if kubeconfig != "" {
		remove, err := copyNew(cp.Kubeconfig, kubeconfig)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, remove()) }()
		path = kubeconfig
	}
	fmt.Fprintf(os.Stderr, "devcluster: it has no nodes, pods stay Pending; logs are in %s\n", cp.DataDir)
	if err := printEnvironment(os.Stdout, path, binDir); err != nil {
		return err
	}
	return cp.Wait(ctx)
}

func printEnvironment(out io.Writer, kubeconfig, binDir string) error {
	absolute, err := filepath.Abs(kubeconfig)
	if err != nil {
		return fmt.Errorf("printing the environment: %w", err)
	}
	if _, err := fmt.Fprintf(out, "export KUBECONFIG=%s\nexport PATH=%s:\"$PATH\"\n", quoted(absolute), quoted(binDir)); err != nil {
		return fmt.Errorf("printing the environment: %w", err)
	}
	return nil
}

// quoted makes one word of any path for a POSIX shell.
func quoted(path string) string { return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'" }

// refuseExisting comes before minutes of building: overwriting a kubeconfig would cost a person access to a cluster.
func refuseExisting(path string) error {
	_, err := os.Lstat(path)
	if path == "" || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return fmt.Errorf("--kubeconfig=%s exists: remove it or name another file", path)
}

// copyNew copies the kubeconfig to a path where nothing is yet. The copy is removed with the cluster it leads to.
func copyNew(from, to string) (remove func() error, err error) {
	content, err := os.ReadFile(from)
	if err != nil {
		return nil, fmt.Errorf("copying the kubeconfig: %w", err)
	}
	file, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("copying the kubeconfig: %w", err)
	}
	_, err = file.Write(content)
	if err := errors.Join(err, file.Close()); err != nil {
		return nil, errors.Join(fmt.Errorf("copying the kubeconfig: %w", err), os.Remove(to))
	}
	return func() error { return os.Remove(to) }, nil
}

func stopped(cp *controlplane.ControlPlane) error {
	fmt.Fprintln(os.Stderr, "devcluster: stopping")
	start := time.Now()
	if err := cp.Stop(); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "devcluster: stopped in %.1f s\n", time.Since(start).Seconds())
	return nil
}
