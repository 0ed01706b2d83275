// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package pool_test

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"convoy.dev/convoy/controllers/pool"
)

// operator is one running operator process that watches one namespace.
type operator struct {
	reconciler *pool.Reconciler
	requests   *requests
	stop       func()
}

// operatorUser is the service account that config/rbac gives the operator's rights to, in the namespace that its files
// name. Every spec runs with these rights and no others.
const operatorUser = "system:serviceaccount:system:convoy-operator"

// watchLag is far more than a watch takes on this machine.
const watchLag = time.Second

// startOperator starts an operator. It ends with the spec, or when stop is called.
func startOperator(namespace string, clk clock.PassiveClock) *operator {
	GinkgoHelper()
	return startOperatorWith(namespace, clk, workerImage)
}

const workerImage = "convoy-worker:test"

func startOperatorWith(namespace string, clk clock.PassiveClock, image string) *operator {
	GinkgoHelper()
	o := &operator{requests: &requests{}}
	restConfig := rest.CopyConfig(env.Config)
	restConfig.QPS = -1
	restConfig.Impersonate = rest.ImpersonationConfig{UserName: operatorUser, Groups: []string{"system:serviceaccounts", "system:authenticated"}}
	restConfig.Wrap(o.requests.count)
	mgr, err := ctrl.NewManager(restConfig, ctrl.Options{
		Scheme: env.Scheme, Cache: pool.CacheOptions([]string{namespace}),
		Client:     client.Options{Cache: &client.CacheOptions{Unstructured: true}},
		Metrics:    server.Options{BindAddress: "0"},
		Controller: config.Controller{SkipNameValidation: ptr.To(true)},
	})
	Expect(err).NotTo(HaveOccurred())
	o.reconciler, err = pool.New(pool.Config{
		Client: mgr.GetClient(), Live: mgr.GetAPIReader(), Events: mgr.GetEventRecorder("convoy-operator"),
		Clock: clk, Cluster: "cluster", Image: image, WatchLag: watchLag,
	})
	Expect(err).NotTo(HaveOccurred())
	Expect(o.reconciler.SetupWithManager(mgr)).To(Succeed())
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- mgr.Start(ctx) }()
	stopped := false
	o.stop = func() {
		if !stopped {
			stopped = true
			cancel()
			Expect(<-ended).To(Succeed())
		}
	}
	DeferCleanup(func() { o.stop() })
	return o
}

// requests counts an operator's requests to the API server, but for its events and its watches.
type requests struct{ reads, writes, tables, workers atomic.Int64 }

func (r *requests) count(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(request *http.Request) (*http.Response, error) {
		response, err := next.RoundTrip(request)
		path, query := request.URL.Path, request.URL.Query()
		switch {
		case strings.Contains(path, "/events"), query.Get("watch") != "", query.Get("dryRun") != "":
		case request.Method == http.MethodGet:
			r.reads.Add(1)
		case err == nil && response.StatusCode < 300:
			r.writes.Add(1)
			if strings.Contains(path, "/lanetables") {
				r.tables.Add(1)
			}
			if strings.Contains(path, "/convoyworkers") {
				r.workers.Add(1)
			}
		}
		return response, err
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }

// newNamespace makes a namespace for one spec, with labels if any.
func newNamespace(ctx context.Context, labels map[string]string) string {
	GinkgoHelper()
	namespace := &corev1.Namespace{}
	namespace.GenerateName, namespace.Labels = "pool-", labels
	Expect(env.Client.Create(ctx, namespace)).To(Succeed())
	return namespace.Name
}
