// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"k8s.io/client-go/tools/clientcmd"

	"convoy.dev/convoy/hack/devcluster/agent"
)

// The agent asks as often as it likes: its API server is on this machine and there are few pods.
const (
	agentQPS   = 200
	agentBurst = 400
)

// runAgent is a node for development until ctx ends.
func runAgent(ctx context.Context, args []string) (err error) {
	flags := flag.NewFlagSet("agent", flag.ContinueOnError)
	kubeconfig := flags.String("kubeconfig", "", "the control plane's kubeconfig")
	images := flags.String("images", "", "a JSON file: images and the programs that they stand for")
	dir := flags.String("dir", "", "an empty directory for volumes and logs; by default a temporary one, which is removed")
	name := flags.String("node", "this-machine", "the name of the Node")
	if err := parse(flags, args); err != nil {
		return err
	}
	config := agent.Config{NodeName: *name, Say: func(format string, args ...any) {
		fmt.Fprintf(os.Stderr, "agent: "+format+"\n", args...)
	}}
	if config.API, err = clientcmd.BuildConfigFromFlags("", *kubeconfig); err != nil {
		return fmt.Errorf("reading --kubeconfig: %w", err)
	}
	config.API.QPS, config.API.Burst = agentQPS, agentBurst
	if config.Images, err = readImages(*images); err != nil {
		return err
	}
	config.Dir, err = filepath.Abs(*dir)
	if *dir == "" {
		config.Dir, err = os.MkdirTemp("", "convoy-agent-")
		defer func() { err = errors.Join(err, os.RemoveAll(config.Dir)) }()
	}
	if err != nil {
		return fmt.Errorf("making the directory: %w", err)
	}
	return agent.Run(ctx, config)
}

func readImages(path string) (map[string]agent.Program, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading --images: %w", err)
	}
	var images map[string]agent.Program
	if err := json.Unmarshal(content, &images); err != nil {
		return nil, fmt.Errorf("reading --images=%s: %w", path, err)
	}
	return images, nil
}
