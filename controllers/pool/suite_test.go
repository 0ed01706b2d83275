// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package pool_test

import (
	"context"
	"testing"
	"time"

	"github.com/go-logr/logr"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"

	"convoy.dev/convoy/controllers/testenv"
)

// wall is the clock of everything that is played here: the API server's own runs by it, too.
var wall = clock.RealClock{}

// env is the API server that every spec talks to. The real controllers of Deployments, ReplicaSets, namespaces, quotas
// and garbage run beside it; nodes, kubelets and workers are played (kubelet_test.go, worker_test.go).
var env *testenv.Env

func TestPool(t *testing.T) {
	RegisterFailHandler(Fail)
	SetDefaultEventuallyTimeout(30 * time.Second)
	SetDefaultEventuallyPollingInterval(20 * time.Millisecond)
	SetDefaultConsistentlyDuration(500 * time.Millisecond)
	RunSpecs(t, "Pool")
}

var _ = BeforeSuite(func(ctx context.Context) {
	ctrl.SetLogger(logr.Discard())
	var err error
	env, err = testenv.Start()
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { Expect(env.Stop()).To(Succeed()) })
	Expect(env.InstallRoles(ctx)).To(Succeed())
	controllers, err := env.StartControllers(ctx, "deployment-controller", "replicaset-controller",
		"garbage-collector-controller", "namespace-controller", "resourcequota-controller")
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { Expect(controllers.Stop()).To(Succeed()) })
})
