// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package pool_test

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	authorizationv1 "k8s.io/api/authorization/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"convoy.dev/convoy/api/v1alpha1"
)

// accounts are the clients of a namespace's service accounts: what a worker may do is what the RoleBinding of its pool
// lets it do, and nothing else.
type accounts struct {
	namespace string
	mapper    meta.RESTMapper
	clients   map[string]client.Client
}

func accountUser(namespace, account string) string {
	return "system:serviceaccount:" + namespace + ":" + account
}

func (a *accounts) client(account string) client.Client {
	if c, known := a.clients[account]; known {
		return c
	}
	config := rest.CopyConfig(env.Config)
	config.QPS = -1
	config.Impersonate = rest.ImpersonationConfig{
		UserName: accountUser(a.namespace, account), Groups: []string{"system:serviceaccounts", "system:authenticated"},
	}
	c, err := client.New(config, client.Options{Scheme: env.Scheme, Mapper: a.mapper})
	Expect(err).NotTo(HaveOccurred())
	a.clients[account] = c
	return c
}

// mayReport says whether the API server lets a service account write what a worker reports.
func (w *world) mayReport(ctx context.Context, account string) bool {
	GinkgoHelper()
	review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
		User: accountUser(w.namespace, account),
		ResourceAttributes: &authorizationv1.ResourceAttributes{
			Namespace: w.namespace, Verb: "update", Group: v1alpha1.GroupName, Resource: "convoyworkers", Subresource: "status",
		},
	}}
	Expect(env.Client.Create(ctx, review)).To(Succeed())
	return review.Status.Allowed
}
