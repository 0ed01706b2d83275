// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// prepare makes volumes and variables and starts the containers. What is not there yet is tried again.
func (r *podRun) prepare() {
	if r.state != preparing {
		return
	}
	if what := r.agent.unsupported(r.pod); what != "" {
		r.fail("Unsupported", "this node, which is for development, does not know what the pod needs: "+what)
		return
	}
	containers, err := r.contained()
	if err != nil {
		r.warn("FailedMount", err.Error())
		r.after(retryAfter, r.prepare)
		return
	}
	r.containers = containers
	r.state = running
	for _, c := range r.containers {
		r.start(c)
	}
}

// contained makes volumes, and containers that have not started.
func (r *podRun) contained() ([]*container, error) {
	resolve := resolver{r.ctx, r.agent.client, r.pod, r.ip}
	writer := &volumeWriter{resolver: resolve, dir: r.dir()}
	if err := writer.write(); err != nil {
		return nil, err
	}
	r.renewTokens(writer.expires)
	var containers []*container
	for _, spec := range r.pod.Spec.Containers {
		command, err := r.commandOf(spec, writer)
		if err != nil {
			return nil, fmt.Errorf("preparing container %s: %w", spec.Name, err)
		}
		containers = append(containers, &container{spec: spec, command: command})
	}
	return containers, nil
}

func (r *podRun) commandOf(spec corev1.Container, volumes *volumeWriter) (command, error) {
	program := r.agent.Images[spec.Image]
	vars, mounted := newVariables(), mounts{}
	for _, mount := range spec.VolumeMounts {
		mounted[mount.MountPath] = volumes.dirOf(mount.Name)
	}
	if token, has := mounted[tokenPath]; has {
		path, err := volumes.kubeconfig(r.agent.API.Host, token)
		if err != nil {
			return command{}, err
		}
		vars.set("KUBECONFIG", path)
	}
	if err := vars.fill(spec, program, volumes.resolver); err != nil {
		return command{}, err
	}
	var args []string
	for _, arg := range append(skipFirst(spec.Command), spec.Args...) {
		args = append(args, mounted.translate(vars.expand(arg)))
	}
	for name, value := range vars.values {
		vars.values[name] = mounted.translate(value)
	}
	logs := filepath.Join(r.agent.Dir, "logs")
	if err := os.MkdirAll(logs, 0o700); err != nil {
		return command{}, fmt.Errorf("making the directory of logs: %w", err)
	}
	log := fmt.Sprintf("%s_%s_%s.log", r.pod.Namespace, r.pod.Name, spec.Name)
	return command{path: program.Path, dir: r.dir(), args: args, env: vars.list(), log: filepath.Join(logs, log)}, nil
}

// skipFirst takes off the program's name: there is one program in an image, whatever it is called in a container.
func skipFirst(command []string) []string {
	if len(command) == 0 {
		return nil
	}
	return append([]string(nil), command[1:]...)
}

// renewTokens writes the pod's volumes again before their tokens expire.
func (r *podRun) renewTokens(expires time.Time) {
	if expires.IsZero() {
		return
	}
	r.after(time.Until(expires)*4/5, func() {
		writer := &volumeWriter{resolver: resolver{r.ctx, r.agent.client, r.pod, r.ip}, dir: r.dir()}
		if err := writer.write(); err != nil {
			r.warn("FailedMount", err.Error())
		}
		r.renewTokens(writer.expires)
	})
}
