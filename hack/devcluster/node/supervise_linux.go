// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"convoy.dev/convoy/hack/devcluster/controlplane"
	"convoy.dev/convoy/hack/devcluster/process"
)

// startTimeout bounds the time from the first program's start until the node is Ready. An idle machine needs some 15 s.
const startTimeout = 4 * time.Minute

// The node's programs, as the API server knows them.
var (
	kubelet   = controlplane.User{Name: "system:node:" + Name, Group: "system:nodes", File: "kubelet.kubeconfig"}
	kubeProxy = controlplane.User{Name: "system:kube-proxy", File: "kube-proxy.kubeconfig"}
)

// supervisor runs the cluster, inside the namespaces.
type supervisor struct {
	order
	programs *process.Group
	control  *controlplane.ControlPlane
	// said is when the last step was announced.
	said time.Time
}

// supervise starts everything and returns when a program ends or ctx does.
func supervise(ctx context.Context, o order) (err error) {
	logs := filepath.Join(innerState, "logs")
	if err := os.Mkdir(logs, 0o755); err != nil {
		return fmt.Errorf("making room for logs: %w", err)
	}
	s := &supervisor{order: o, programs: process.NewGroup(logs), said: time.Now()}
	defer func() {
		s.programs.Stop()
		if s.control != nil {
			err = errors.Join(err, s.control.Stop())
		}
	}()
	starting, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err := s.start(starting); err != nil {
		return err
	}
	return s.wait(ctx)
}

func (s *supervisor) start(ctx context.Context) error {
	for _, step := range []func(context.Context) error{
		s.Link.raiseNode, s.startContainerd, s.startControlPlane, s.startKubelet, s.startProxy, s.awaitNode,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	content, err := os.ReadFile(s.control.Kubeconfig)
	if err != nil {
		return fmt.Errorf("reading the kubeconfig: %w", err)
	}
	return writeWhole(filepath.Join(innerState, kubeconfigFile), content)
}

// wait returns when ctx ends, or with the failure of the first program that ends.
func (s *supervisor) wait(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ends := make(chan error, 2) // one for each group, so that neither sender waits
	for _, wait := range []func(context.Context) error{s.programs.Wait, s.control.Wait} {
		go func() { ends <- wait(ctx) }()
	}
	first := <-ends
	cancel()
	return errors.Join(first, <-ends)
}

func (s *supervisor) startContainerd(ctx context.Context) error {
	config, err := s.render("containerd.toml", "cni/convoy.conflist")
	if err != nil {
		return err
	}
	containerd, err := s.programs.Start(find("containerd"), "--config", config)
	if err != nil {
		return err
	}
	socket := filepath.Join(innerState, socketFile)
	if err := s.programs.Await(ctx, containerd, listens("unix", socket)); err != nil {
		return err
	}
	if err := importImage(ctx, socket, filepath.Join(innerState, pauseFile)); err != nil {
		return err
	}
	s.done("containerd")
	return nil
}

func (s *supervisor) startControlPlane(ctx context.Context) (err error) {
	s.control, err = controlplane.Start(ctx, controlplane.Config{
		BinDir:  innerBin,
		TempDir: innerState,
		Address: s.Link.Node,
		Users:   []controlplane.User{kubelet, kubeProxy},
	})
	if err != nil {
		return err
	}
	s.done("control plane")
	return nil
}

func (s *supervisor) startKubelet(ctx context.Context) error {
	config, err := s.render("kubelet.yaml")
	if err != nil {
		return err
	}
	started, err := s.programs.Start(filepath.Join(innerBin, "kubelet"),
		"--config="+config, "--kubeconfig="+s.control.KubeconfigOf(kubelet),
		"--hostname-override="+Name, "--node-ip="+s.Link.Node.String())
	if err != nil {
		return err
	}
	return s.programs.Await(ctx, started, answersAt("http://127.0.0.1:10248/healthz"))
}

func (s *supervisor) startProxy(ctx context.Context) error {
	config, err := s.render("kube-proxy.yaml")
	if err != nil {
		return err
	}
	started, err := s.programs.Start(filepath.Join(innerBin, "kube-proxy"), "--config="+config, "--hostname-override="+Name)
	if err != nil {
		return err
	}
	return s.programs.Await(ctx, started, answersAt("http://127.0.0.1:10256/healthz"))
}

func (s *supervisor) awaitNode(ctx context.Context) error {
	if err := s.programs.AwaitAll(ctx, s.nodeReady); err != nil {
		return fmt.Errorf("waiting for the node to be Ready: %w", err)
	}
	s.done("node")
	return nil
}

func (s *supervisor) nodeReady(ctx context.Context) error {
	answer, err := s.control.Read(ctx, "/api/v1/nodes/"+Name)
	if err != nil {
		return err
	}
	var node struct {
		Status struct {
			Conditions []struct{ Type, Status, Message string }
		}
	}
	if err := json.Unmarshal(answer, &node); err != nil {
		return fmt.Errorf("reading the node: %w", err)
	}
	for _, condition := range node.Status.Conditions {
		if condition.Type == "Ready" {
			if condition.Status == "True" {
				return nil
			}
			return errors.New(condition.Message)
		}
	}
	return errors.New("it has no condition Ready yet")
}

// done announces a step with its time.
func (s *supervisor) done(what string) {
	fmt.Fprintf(os.Stderr, "devcluster: %s ready in %.1f s\n", what, time.Since(s.said).Seconds())
	s.said = time.Now()
}

func listens(network, address string) process.Probe {
	return func(ctx context.Context) error {
		connection, err := new(net.Dialer).DialContext(ctx, network, address)
		if err != nil {
			return err
		}
		return connection.Close()
	}
}

func answersAt(url string) process.Probe {
	return func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		if response.StatusCode != http.StatusOK {
			err = fmt.Errorf("%s: %s", url, response.Status)
		}
		return errors.Join(err, response.Body.Close())
	}
}
