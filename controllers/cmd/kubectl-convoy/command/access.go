// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/controllers/cmd/kubectl-convoy/snapshot"
)

// owner is the field manager of what this program writes.
const owner = client.FieldOwner("kubectl-convoy")

// access is how commands reach the cluster and the person.
type access struct {
	config  *genericclioptions.ConfigFlags
	streams genericiooptions.IOStreams
}

// cluster is a connection to the cluster that the flags name.
type cluster struct {
	client.Client
	config    *rest.Config
	namespace string
}

func (a *access) connect() (*cluster, error) {
	namespace, _, err := a.config.ToRawKubeConfigLoader().Namespace()
	if err != nil {
		return nil, err
	}
	config, err := a.config.ToRESTConfig()
	if err != nil {
		return nil, err
	}
	config = rest.CopyConfig(config)
	config.QPS = -1 // the API server's own limits will do for a person
	scheme := runtime.NewScheme()
	builder := runtime.NewSchemeBuilder(clientgoscheme.AddToScheme, v1alpha1.AddToScheme)
	if err := builder.AddToScheme(scheme); err != nil {
		return nil, err
	}
	reached, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		return nil, err
	}
	return &cluster{Client: reached, config: config, namespace: namespace}, nil
}

// find connects, and says which pool an argument names.
func (a *access) find(argument string) (*cluster, client.ObjectKey, error) {
	c, err := a.connect()
	if err != nil {
		return nil, client.ObjectKey{}, err
	}
	kind, name, typed := strings.Cut(argument, "/")
	if !typed {
		kind, name = "convoypool", argument
	}
	switch strings.TrimSuffix(strings.ToLower(kind), "."+v1alpha1.GroupName) {
	case "convoypool", "convoypools", "cvp":
	default:
		return nil, client.ObjectKey{}, fmt.Errorf("%s is no pool: give the name of a convoypool", argument)
	}
	if name == "" {
		return nil, client.ObjectKey{}, fmt.Errorf("the name of a pool is missing in %q", argument)
	}
	return c, client.ObjectKey{Namespace: c.namespace, Name: name}, nil
}

// read connects, and reads what there is of the pool that an argument names.
func (a *access) read(ctx context.Context, argument string) (*cluster, *snapshot.Snapshot, error) {
	c, pool, err := a.find(argument)
	if err != nil {
		return nil, nil, err
	}
	s, err := snapshot.Read(ctx, c, pool)
	return c, s, err
}
