// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"strings"
	"text/template"
)

// releaseName is the name of the action in release.yaml.
const releaseName = "release-orders"

//go:embed release.yaml
var releaseManifest string

var releaseTemplate = template.Must(template.New("release").Parse(releaseManifest))

// release mends the handler and asks for what is parked to be run.
func (s *stage) release(ctx context.Context) error {
	s.collector.Reject()
	var manifest bytes.Buffer
	if err := releaseTemplate.Execute(&manifest, rejected); err != nil {
		return err
	}
	_, err := s.kubectl.run(ctx, manifest.String(), "apply", "--server-side", "-f", "-")
	return err
}

// sayReleased waits until the action says that it is complete, and says what it did.
func (s *stage) sayReleased(ctx context.Context) error {
	action := []string{"convoyaction/" + releaseName, "--namespace=" + poolName.Namespace}
	if _, err := s.kubectl.run(ctx, "", append([]string{"wait", "--for=condition=Complete", "--timeout=60s"}, action...)...); err != nil {
		return err
	}
	table, err := s.kubectl.run(ctx, "", append([]string{"get"}, action...)...)
	if err != nil {
		return err
	}
	fmt.Println("\ndemo: kubectl get convoyactions")
	for line := range strings.Lines(table) {
		fmt.Print("        ", line)
	}
	return nil
}
