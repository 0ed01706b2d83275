// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// asCommand makes this test binary be the command, so that tests can run it as a process of its own.
const asCommand = "DEVCLUSTER_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		main()
	}
	os.Exit(m.Run())
}

func command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), asCommand+"=1")
	return cmd
}

func TestWrongCommandLinesAreAnsweredWithTheUsage(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, "name a command"},
		{[]string{"start"}, `"start" is no command`},
		{[]string{"up", "now"}, `up takes no argument "now"`},
		{[]string{"up", "--nodes=3"}, "flag provided but not defined: -nodes"},
		{[]string{"assets", "--components=etcd,apiserver"}, `component "apiserver" is not known: name some of [etcd kube-apiserver`},
	} {
		t.Run(strings.Join(c.args, " "), func(t *testing.T) {
			cmd := command(t, c.args...)
			var out, words bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &words
			var exit *exec.ExitError
			if err := cmd.Run(); !errors.As(err, &exit) || exit.ExitCode() != exitUsage {
				t.Errorf("ended with %v, want exit code %d", err, exitUsage)
			}
			if !strings.Contains(words.String(), c.want) || !strings.Contains(words.String(), "devcluster assets [--components NAMES]") {
				t.Errorf("said %q, want %q and the usage", &words, c.want)
			}
			if out.Len() > 0 {
				t.Errorf("printed %q, want nothing", &out)
			}
		})
	}
}

func TestAssetsPrintsOneDirectoryAndNothingElse(t *testing.T) {
	given := t.TempDir()
	for _, name := range []string{"etcd", "kubectl"} {
		if err := os.WriteFile(filepath.Join(given, name), []byte("#!/bin/sh\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	cmd := command(t, "assets", "--components=etcd,kubectl")
	cmd.Env = append(cmd.Env, "KUBEBUILDER_ASSETS="+given)
	out, err := cmd.Output()
	if err != nil || string(out) != given+"\n" {
		t.Errorf("printed %q, %v; want %q", out, err, given)
	}
}

func TestEnvironmentSurvivesTheShell(t *testing.T) {
	const strange = `/a b/it's "$HOME"`
	var out bytes.Buffer
	if err := printEnvironment(&out, strange+"/kubeconfig", strange); err != nil {
		t.Fatal(err)
	}
	got, err := exec.CommandContext(t.Context(), "/bin/sh", "-c", "PATH=/bin\n"+out.String()+`printf '%s|%s' "$KUBECONFIG" "$PATH"`).Output()
	if want := strange + "/kubeconfig|" + strange + ":/bin"; err != nil || string(got) != want {
		t.Errorf("the shell reads %q, %v; want %q", got, err, want)
	}
}
