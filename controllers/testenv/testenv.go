// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package testenv

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"convoy.dev/convoy/api/v1alpha1"
)

// Env is a running API server.
type Env struct {
	// Config reaches it as a member of system:masters.
	Config *rest.Config
	// Client is uncached and strict: the server refuses unknown fields instead of dropping them.
	Client client.Client
	// Scheme has the types of Kubernetes and of Convoy.
	Scheme *runtime.Scheme

	environment *envtest.Environment
	kubectl     kubectl
	assets      string
}

// Start starts an API server with Convoy's CRDs. The caller stops it, and must not when an error came back.
func Start() (*Env, error) {
	assets, err := findAssets()
	if err != nil {
		return nil, err
	}
	root, err := Root()
	if err != nil {
		return nil, err
	}
	scheme, err := newScheme()
	if err != nil {
		return nil, err
	}
	environment := &envtest.Environment{
		Scheme:                   scheme,
		BinaryAssetsDirectory:    assets,
		CRDDirectoryPaths:        []string{filepath.Join(root, "config", "crd", "bases")},
		ErrorIfCRDPathMissing:    true,
		ControlPlaneStartTimeout: 2 * time.Minute, // a cold page cache on a busy machine
		ControlPlaneStopTimeout:  time.Minute,
	}
	config, err := environment.Start()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("starting a control plane from %s: %w", assets, err), environment.Stop())
	}
	env := &Env{Config: config, Scheme: scheme, environment: environment, assets: assets}
	if err := env.connect(assets); err != nil {
		return nil, errors.Join(err, env.Stop())
	}
	return env, nil
}

// Stop ends the API server and removes its data.
func (e *Env) Stop() error {
	err := e.environment.Stop()
	if e.kubectl.dir != "" {
		err = errors.Join(err, os.RemoveAll(e.kubectl.dir))
	}
	return err
}

func (e *Env) connect(assets string) error {
	lenient, err := client.New(e.Config, client.Options{Scheme: e.Scheme})
	if err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	e.Client = client.WithFieldValidation(lenient, "Strict")
	e.kubectl, err = newKubectl(filepath.Join(assets, "kubectl"), e.environment.KubeConfig)
	return err
}

func newScheme() (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	builder := runtime.NewSchemeBuilder(clientgoscheme.AddToScheme, v1alpha1.AddToScheme)
	return scheme, builder.AddToScheme(scheme)
}

// mend is what to do when a binary is missing.
const mend = "run `make test`, which gets them, or set KUBEBUILDER_ASSETS to what " +
	"`go run -C hack/devcluster ./cmd/devcluster assets` prints"

// findAssets returns the directory that KUBEBUILDER_ASSETS names, if it has every binary that a test needs.
func findAssets() (string, error) {
	assets := os.Getenv("KUBEBUILDER_ASSETS")
	if assets == "" {
		return "", fmt.Errorf("the tests need a real API server and KUBEBUILDER_ASSETS is not set: %s", mend)
	}
	for _, binary := range []string{"etcd", "kube-apiserver", "kubectl"} {
		if _, err := os.Stat(filepath.Join(assets, binary)); err != nil {
			return "", fmt.Errorf("the tests need %s: %w: %s", binary, err, mend)
		}
	}
	return assets, nil
}

// Root returns the directory of the module, found upwards from the working directory.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "PROJECT")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("no PROJECT file above the working directory: run the tests inside the repository")
		}
		dir = parent
	}
}
