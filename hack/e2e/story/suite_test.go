// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package story

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"convoy.dev/convoy/api/v1alpha1"
)

// patience bounds each wait. What is promised to be faster is checked by the pauses.
const patience = 2 * time.Minute

// operator is the operator's Deployment, as config/default has it.
var operator = types.NamespacedName{Namespace: "convoy-system", Name: "convoy-operator"}

// The cluster, and the namespace in it that is the present story's.
var (
	cluster   client.Client
	clientset kubernetes.Interface
	namespace string
	tag       = cmp.Or(os.Getenv("E2E_TAG"), "dev")
	keep      = os.Getenv("E2E_KEEP") != ""
)

func TestStory(t *testing.T) {
	RegisterFailHandler(Fail)
	SetDefaultEventuallyTimeout(patience)
	SetDefaultEventuallyPollingInterval(200 * time.Millisecond)
	RunSpecs(t, "Convoy on a cluster")
}

var _ = BeforeSuite(func(ctx SpecContext) {
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	Expect(err).NotTo(HaveOccurred())
	config.QPS, config.Burst = 100, 200
	scheme := runtime.NewScheme()
	Expect(clientgoscheme.AddToScheme(scheme)).To(Succeed())
	Expect(v1alpha1.AddToScheme(scheme)).To(Succeed())
	cluster, err = client.New(config, client.Options{Scheme: scheme})
	Expect(err).NotTo(HaveOccurred())
	clientset, err = kubernetes.NewForConfig(config)
	Expect(err).NotTo(HaveOccurred())

	install(ctx)
})

// install applies what a cluster's administrator applies, and waits for the operator.
func install(ctx SpecContext) {
	GinkgoHelper()
	content, err := os.ReadFile(os.Getenv("E2E_MANIFEST"))
	Expect(err).NotTo(HaveOccurred(), "E2E_MANIFEST is to be config/default, rendered")
	objects := decode(bytes.ReplaceAll(content, []byte(":latest"), []byte(":"+tag)))
	DeferCleanup(func(ctx SpecContext) { // In the opposite order: the namespace of the others last.
		for _, object := range slices.Backward(objects) {
			remove(ctx, object)
		}
	})
	for _, object := range objects {
		Eventually(func() error { // A CRD's kind, or a namespace, may take a moment.
			return cluster.Apply(ctx, client.ApplyConfigurationFromUnstructured(object.DeepCopy()), client.FieldOwner("convoy-e2e"), client.ForceOwnership)
		}).WithContext(ctx).Should(Succeed())
	}
	Eventually(func(g Gomega) {
		deployment := &appsv1.Deployment{}
		g.Expect(cluster.Get(ctx, operator, deployment)).To(Succeed())
		g.Expect(deployment.Status.AvailableReplicas).To(BeEquivalentTo(1))
		g.Expect(deployment.Status.ObservedGeneration).To(Equal(deployment.Generation))
	}).WithContext(ctx).Should(Succeed(), "the operator is not available")
}

func decode(manifests []byte) []*unstructured.Unstructured {
	GinkgoHelper()
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(manifests), 1<<16)
	var objects []*unstructured.Unstructured
	for {
		object := &unstructured.Unstructured{}
		err := decoder.Decode(&object.Object)
		if errors.Is(err, io.EOF) {
			break
		}
		Expect(err).NotTo(HaveOccurred())
		if len(object.Object) > 0 {
			objects = append(objects, object)
		}
	}
	// Namespaces before what is in them.
	slices.SortStableFunc(objects, func(a, b *unstructured.Unstructured) int {
		return cmp.Compare(rank(a.GetKind()), rank(b.GetKind()))
	})
	return objects
}

func rank(kind string) int {
	if strings.Contains("Namespace CustomResourceDefinition", kind) {
		return 0
	}
	return 1
}

// remove deletes an object and waits until it is gone.
func remove(ctx SpecContext, object client.Object) {
	if keep {
		return
	}
	if err := cluster.Delete(ctx, object); !apierrors.IsNotFound(err) {
		Expect(err).NotTo(HaveOccurred())
	}
	Eventually(func() error {
		return cluster.Get(ctx, client.ObjectKeyFromObject(object), object.DeepCopyObject().(client.Object))
	}).WithContext(ctx).Should(MatchError(apierrors.IsNotFound, "IsNotFound"))
}
