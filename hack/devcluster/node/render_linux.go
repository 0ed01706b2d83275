// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"bytes"
	"embed"
	"fmt"
	"os"
	"path/filepath"
	"text/template"
)

//go:embed config
var configFiles embed.FS

// settings are what the configuration files leave open.
type settings struct {
	State, Pause, CNIPlugins  string
	Node, Cgroup, CA, PodCIDR string
	ProxyKubeconfig           string
}

// render writes configuration files and returns the first one's path.
func (s *supervisor) render(names ...string) (string, error) {
	values := settings{
		State: innerState, Pause: PauseReference, CNIPlugins: s.CNIPlugins,
		Node: s.Link.Node.String(), Cgroup: s.Cgroup, PodCIDR: podCIDR,
	}
	if s.control != nil {
		values.CA, values.ProxyKubeconfig = s.control.CAFile(), s.control.KubeconfigOf(kubeProxy)
	}
	for _, name := range names {
		content, err := values.fill(name)
		if err != nil {
			return "", err
		}
		path := filepath.Join(innerState, "config", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return "", fmt.Errorf("writing %s: %w", name, err)
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			return "", fmt.Errorf("writing %s: %w", name, err)
		}
	}
	return filepath.Join(innerState, "config", names[0]), nil
}

func (v settings) fill(name string) ([]byte, error) {
	parsed, err := template.ParseFS(configFiles, "config/"+name)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	var out bytes.Buffer
	if err := parsed.Execute(&out, v); err != nil {
		return nil, fmt.Errorf("rendering %s: %w", name, err)
	}
	return out.Bytes(), nil
}
