// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/cli-runtime/pkg/genericiooptions"
)

func TestArguments(t *testing.T) {
	for name, tc := range map[string]struct{ given, want []string }{
		"as a plugin":          {[]string{"/bin/kubectl-convoy", "lanes", "orders"}, []string{"lanes", "orders"}},
		"as a plugin's helper": {[]string{"/bin/kubectl_complete-convoy", "lanes", ""}, []string{"__complete", "lanes", ""}},
		"without arguments":    {[]string{"kubectl-convoy"}, []string{}},
	} {
		if diff := cmp.Diff(tc.want, arguments(tc.given)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestExitCodes(t *testing.T) {
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for name, tc := range map[string]struct {
		ctx      context.Context
		args     []string
		code     int
		out, err string
	}{
		"what it can":            {t.Context(), []string{"kubectl-convoy", "--help"}, 0, "Available Commands:", ""},
		"completion for kubectl": {t.Context(), []string{"kubectl_complete-convoy", "la"}, 0, "lanes\t", ""},
		"a wrong command":        {t.Context(), []string{"kubectl-convoy", "lane"}, 1, "", "error: unknown command \"lane\" for \"kubectl convoy\""},
		"interrupted":            {gone, []string{"kubectl-convoy", "--help"}, 130, "", ""},
	} {
		var out, errOut bytes.Buffer
		code := run(tc.ctx, tc.args, genericiooptions.IOStreams{In: strings.NewReader(""), Out: &out, ErrOut: &errOut})
		if code != tc.code || !strings.Contains(out.String(), tc.out) || !strings.Contains(errOut.String(), tc.err) {
			t.Errorf("%s: exit code %d, printed %q and %q", name, code, out.String(), errOut.String())
		}
	}
}
