// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package testenv

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Controllers is a running kube-controller-manager.
type Controllers struct {
	process *exec.Cmd
	log     *os.File
	dir     string
}

// controllersGrace is how long kube-controller-manager may take to end.
const controllersGrace = 10 * time.Second

// StartControllers runs the real kube-controller-manager with these of its controllers, by the names that its flag
// --controllers takes. It runs on when ctx ends. The caller stops it, before the Env.
func (e *Env) StartControllers(ctx context.Context, names ...string) (*Controllers, error) {
	binary := filepath.Join(e.assets, "kube-controller-manager")
	if _, err := os.Stat(binary); err != nil {
		return nil, fmt.Errorf("the tests need kube-controller-manager: %w: %s", err, mend)
	}
	dir, err := os.MkdirTemp("", "convoy-controllers-")
	if err != nil {
		return nil, err
	}
	c := &Controllers{dir: dir}
	if err := c.start(ctx, binary, e.kubectl.config(), names); err != nil {
		return nil, errors.Join(fmt.Errorf("starting kube-controller-manager: %w", err), os.RemoveAll(dir))
	}
	return c, nil
}

func (c *Controllers) start(ctx context.Context, binary, kubeconfig string, names []string) error {
	var err error
	if c.log, err = os.Create(filepath.Join(c.dir, "log")); err != nil {
		return err
	}
	c.process = exec.CommandContext(context.WithoutCancel(ctx), binary,
		"--kubeconfig="+kubeconfig, "--authentication-kubeconfig="+kubeconfig, "--authorization-kubeconfig="+kubeconfig,
		"--controllers="+strings.Join(names, ","), "--leader-elect=false", "--secure-port=0", "--profiling=false",
		"--kube-api-qps=500", "--kube-api-burst=1000", "--concurrent-gc-syncs=5", "--namespace-sync-period=1s",
		"--min-resync-period=12h")
	c.process.Stdout, c.process.Stderr = c.log, c.log
	return c.process.Start()
}

// Log is what kube-controller-manager has written, for a test that failed.
func (c *Controllers) Log() string {
	text, err := os.ReadFile(c.log.Name())
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// Stop ends kube-controller-manager and removes its log.
func (c *Controllers) Stop() error {
	err := c.process.Process.Signal(syscall.SIGTERM)
	kill := time.AfterFunc(controllersGrace, func() { err = errors.Join(err, c.process.Process.Kill()) })
	waited := c.process.Wait()
	kill.Stop()
	var exit *exec.ExitError
	if waited != nil && !errors.As(waited, &exit) {
		err = errors.Join(err, waited)
	}
	return errors.Join(err, c.log.Close(), os.RemoveAll(c.dir))
}
