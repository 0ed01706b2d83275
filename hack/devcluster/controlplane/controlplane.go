// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"time"

	"convoy.dev/convoy/hack/devcluster/process"
)

// startTimeout bounds the time until ready. An idle machine needs some 4 s, a busy one with 2 cores several times that.
const startTimeout = 2 * time.Minute

// Config says what to run.
type Config struct {
	// BinDir holds etcd, kube-apiserver, kube-controller-manager and kube-scheduler under these names.
	BinDir string
	// TempDir is where the data directory is made; empty means the system's directory for temporary files.
	TempDir string
	// Address is this host's IPv4 address at which nodes and their pods reach the API server. The zero value means
	// loopback, where no node can join.
	Address netip.Addr
	// Users get a token and a kubeconfig file each, beside the administrator.
	Users []User
}

// resolved checks c and makes its paths absolute: the components run in a directory of their own.
func (c Config) resolved() (Config, error) {
	if c.BinDir == "" {
		return Config{}, errors.New("BinDir is empty: name the directory with the components' binaries")
	}
	if c.TempDir == "" {
		c.TempDir = os.TempDir()
	}
	var errs [2]error
	if c.Address.IsValid() && !c.Address.Is4() {
		return Config{}, fmt.Errorf("the Address is %s: name an IPv4 address", c.Address)
	}
	c.BinDir, errs[0] = filepath.Abs(c.BinDir)
	c.TempDir, errs[1] = filepath.Abs(c.TempDir)
	return c, errors.Join(errs[:]...)
}

// address is where the API server listens.
func (c Config) address() netip.Addr {
	if c.Address.IsValid() {
		return c.Address
	}
	return netip.AddrFrom4([4]byte{127, 0, 0, 1})
}

// ControlPlane is a running control plane.
type ControlPlane struct {
	// URL is the API server's address.
	URL string
	// Kubeconfig is the path of a kubeconfig file with a cluster administrator's token.
	Kubeconfig string
	// DataDir holds the kubeconfig, etcd's data, and one log file per component. Stop removes it.
	DataDir string

	data       *dataDir
	client     *http.Client
	token      string
	components *process.Group

	stopOnce sync.Once
	stopErr  error
}

// Start starts a control plane and waits until it is ready. Cancelling ctx ends the start only: what runs afterwards
// is ended by Stop.
func Start(ctx context.Context, config Config) (*ControlPlane, error) {
	config, err := config.resolved()
	if err != nil {
		return nil, fmt.Errorf("starting a control plane: %w", err)
	}
	data, err := makeDataDir(config.TempDir)
	if err != nil {
		return nil, fmt.Errorf("starting a control plane: %w", err)
	}
	cp := &ControlPlane{DataDir: data.path, data: data, components: process.NewGroup(data.path)}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err := cp.start(ctx, config); err != nil {
		return nil, errors.Join(fmt.Errorf("starting a control plane: %w", err), cp.Stop())
	}
	return cp, nil
}

func (cp *ControlPlane) start(ctx context.Context, config Config) (err error) {
	port, err := reservePort(config.address())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, port.release()) }()
	cp.URL = "https://" + port.String()
	identity, err := writeIdentity(cp.DataDir, cp.URL, config)
	if err != nil {
		return err
	}
	cp.Kubeconfig, cp.token, cp.client = identity.kubeconfig(admin), identity.token(admin), identity.client()
	args := arguments{dir: cp.DataDir, at: port.AddrPort, nodes: config.Address.IsValid()}
	for _, step := range []struct {
		name  string
		args  []string
		ready process.Probe
	}{
		{"etcd", args.etcd(), listensOn(filepath.Join(cp.DataDir, etcdSocket))},
		{"kube-apiserver", args.apiServer(), cp.answers("/readyz")},
		{"kube-scheduler", args.scheduler(), process.Immediately},
		// Pods are refused in a namespace without this service account, and a controller makes it.
		{"kube-controller-manager", args.controllerManager(), cp.answers("/api/v1/namespaces/default/serviceaccounts/default")},
	} {
		component, err := cp.components.Start(filepath.Join(config.BinDir, step.name), step.args...)
		if err != nil {
			return err
		}
		if err := cp.components.Await(ctx, component, step.ready); err != nil {
			return err
		}
	}
	return nil
}

// Wait returns nil when ctx ends, and an error as soon as a component exits.
func (cp *ControlPlane) Wait(ctx context.Context) error {
	return cp.components.Wait(ctx)
}

// Stop ends the components, the last started first, and removes the data directory. A component that does not end
// within its grace of some seconds is killed. Every call returns the same answer, when all is done.
func (cp *ControlPlane) Stop() error {
	cp.stopOnce.Do(func() {
		cp.components.Stop()
		if cp.client != nil {
			cp.client.CloseIdleConnections()
		}
		if err := cp.data.remove(); err != nil {
			cp.stopErr = fmt.Errorf("stopping the control plane: %w", err)
		}
	})
	return cp.stopErr
}

// Logs returns the paths of the components' log files, in the order of their start. They exist until Stop.
func (cp *ControlPlane) Logs() []string { return cp.components.Logs() }

// CAFile is the path of the certificate that signed the API server's.
func (cp *ControlPlane) CAFile() string { return filepath.Join(cp.DataDir, caFile) }

// KubeconfigOf is the path of the kubeconfig file of one of [Config]'s users.
func (cp *ControlPlane) KubeconfigOf(u User) string { return filepath.Join(cp.DataDir, u.File) }
