// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"strings"
	"testing"

	"convoy.dev/convoy/hack/devcluster/image"
)

func TestDockerfileBuildsTheSame(t *testing.T) {
	content, err := os.ReadFile("../../../../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	wanted, err := wantedPrograms(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range wanted {
		p.Version = "$VERSION"
		flags := strings.Join(p.Flags(), " ")
		flags = strings.Replace(flags, p.LinkerFlags(), `"`+p.LinkerFlags()+`"`, 1)
		for _, line := range []string{
			"RUN go build " + flags + " -o /" + p.Name + " " + p.Package,
			"FROM scratch AS " + p.Name,
			"LABEL org.opencontainers.image.title=" + p.Name + " org.opencontainers.image.version=$VERSION",
			"USER " + image.User,
			`ENTRYPOINT ["/` + p.Name + `"]`,
		} {
			if !strings.Contains(string(content), line+"\n") {
				t.Errorf("the Dockerfile lacks the line %s", line)
			}
		}
	}
}

func TestUnknownImageIsNamed(t *testing.T) {
	if _, err := wantedPrograms([]string{"convoy-worker", "convoy-wroker"}); err == nil || !strings.Contains(err.Error(), `"convoy-wroker"`) {
		t.Errorf("got %v, want the name in the error", err)
	}
}
