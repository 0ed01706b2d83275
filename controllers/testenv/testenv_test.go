// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package testenv

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestMissingBinariesFailWithWordsThatSayTheMend(t *testing.T) {
	half := t.TempDir()
	if err := os.WriteFile(filepath.Join(half, "etcd"), nil, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct{ assets, want string }{
		"variable not set":  {"", "KUBEBUILDER_ASSETS is not set"},
		"directory missing": {filepath.Join(half, "absent"), "need etcd"},
		"binary missing":    {half, "need kube-apiserver"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("KUBEBUILDER_ASSETS", tc.assets)
			_, err := Start()
			if err == nil {
				t.Fatal("Start succeeded without binaries")
			}
			for _, words := range []string{tc.want, "make test"} {
				if !strings.Contains(err.Error(), words) {
					t.Errorf("error %q does not say %q", err, words)
				}
			}
		})
	}
}
