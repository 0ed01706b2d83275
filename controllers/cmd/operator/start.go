// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/metrics/filters"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/controllers/pool"
)

// name is the operator's, in leases, events and the user agent.
const name = "convoy-operator"

// stopWithin bounds how long reconciles under way may take to end. Each write by itself is safe to be the last.
const stopWithin = 5 * time.Second

// start runs the operator until ctx ends.
func start(ctx context.Context, o *options) error {
	handler := slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: o.logLevel})
	ctrl.SetLogger(logr.FromSlogHandler(handler))
	slog.SetDefault(slog.New(handler))
	config, err := restConfig(o.kubeconfig)
	if err != nil {
		return err
	}
	mgr, err := newManager(config, o)
	if err != nil {
		return fmt.Errorf("preparing: %w", err)
	}
	if err := checkCRDs(ctx, mgr.GetAPIReader()); err != nil {
		return err
	}
	if err := addPools(ctx, mgr, o); err != nil {
		return err
	}
	slog.Info("operator starts", "version", version, "namespaces", o.namespaces, "workerImage", o.image)
	if err := mgr.Start(ctx); err != nil {
		return fmt.Errorf("running: %w", err)
	}
	return nil
}

// restConfig says how to reach the API server: as the flag says, as a pod does, or as KUBECONFIG says. The client does not hold itself back: the API server does, fairly.
func restConfig(kubeconfig string) (*rest.Config, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = kubeconfig
	config, err := rest.InClusterConfig()
	if kubeconfig != "" || errors.Is(err, rest.ErrNotInCluster) {
		config, err = clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, nil).ClientConfig()
	}
	if err != nil {
		return nil, fmt.Errorf("finding the API server: %w", err)
	}
	config.QPS = -1
	config.UserAgent = name + "/" + version
	return config, nil
}

func newScheme() (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	builder := runtime.NewSchemeBuilder(clientgoscheme.AddToScheme, v1alpha1.AddToScheme, apiextensionsv1.AddToScheme)
	return scheme, builder.AddToScheme(scheme)
}

func newManager(config *rest.Config, o *options) (ctrl.Manager, error) {
	scheme, err := newScheme()
	if err != nil {
		return nil, err
	}
	within := stopWithin
	mgr, err := ctrl.NewManager(config, ctrl.Options{
		Scheme:                        scheme,
		Cache:                         pool.CacheOptions(o.watched()),
		Client:                        client.Options{Cache: &client.CacheOptions{Unstructured: true}},
		Metrics:                       metricsOptions(o),
		HealthProbeBindAddress:        o.probes,
		LeaderElection:                o.leaderElect,
		LeaderElectionID:              name,
		LeaderElectionNamespace:       o.leaderSpace,
		LeaderElectionReleaseOnCancel: true, // the process ends right after
		GracefulShutdownTimeout:       &within,
	})
	if err != nil {
		return nil, err
	}
	if err := mgr.AddHealthzCheck("ping", healthz.Ping); err != nil {
		return nil, err
	}
	return mgr, mgr.AddReadyzCheck("caches", func(request *http.Request) error {
		ctx, cancel := context.WithTimeout(request.Context(), time.Second)
		defer cancel()
		if !mgr.GetCache().WaitForCacheSync(ctx) {
			return fmt.Errorf("the caches are being filled")
		}
		return nil
	})
}

func metricsOptions(o *options) server.Options {
	options := server.Options{BindAddress: o.metrics, SecureServing: !o.metricsOpen, CertDir: o.metricsCerts}
	if !o.metricsOpen {
		options.FilterProvider = filters.WithAuthenticationAndAuthorization
	}
	return options
}

func addPools(ctx context.Context, mgr ctrl.Manager, o *options) error {
	cluster, err := clusterID(ctx, mgr.GetAPIReader())
	if err != nil {
		return err
	}
	pools, err := pool.New(pool.Config{
		Client: mgr.GetClient(), Live: mgr.GetAPIReader(), Events: mgr.GetEventRecorder(name),
		Clock: clock.RealClock{}, Cluster: cluster, Image: o.image, Spans: o.spans,
	})
	if err != nil {
		return err
	}
	if err := pools.SetupWithManager(mgr); err != nil {
		return fmt.Errorf("watching pools: %w", err)
	}
	return nil
}

// clusterID tells this cluster from every other that may use the same broker.
func clusterID(ctx context.Context, live client.Reader) (types.UID, error) {
	var system corev1.Namespace
	if err := live.Get(ctx, types.NamespacedName{Name: "kube-system"}, &system); err != nil {
		return "", fmt.Errorf("identifying the cluster by its namespace kube-system: %w", err)
	}
	return system.UID, nil
}
