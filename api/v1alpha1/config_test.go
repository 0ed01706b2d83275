// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"convoy.dev/convoy/api/v1alpha1"
)

const (
	operatorNamespace = "convoy-system"
	operator          = "system:serviceaccount:" + operatorNamespace + ":convoy-operator"
)

// inNamespace puts the operator's own objects into a namespace.
func inNamespace(rendered, namespace string) string {
	return strings.ReplaceAll(rendered, "namespace: system", "namespace: "+namespace)
}

var _ = Describe("config", Ordered, func() {
	// A dry run puts nothing into a namespace that is not there, and rights are tried for real.
	BeforeAll(func(ctx SpecContext) {
		out, err := env.Kubectl(ctx, "", "kustomize", inRepo("config/default"))
		Expect(err).NotTo(HaveOccurred())
		for _, document := range strings.Split(out, "\n---\n") {
			if strings.Contains(document, "kind: Namespace") || strings.Contains(document, "rbac.authorization.k8s.io") {
				_, err := env.Kubectl(ctx, document, "apply", "--server-side", "-f", "-")
				Expect(err).NotTo(HaveOccurred())
			}
		}
	})

	for _, base := range []string{"crd", "rbac", "policy", "default", "samples"} {
		It("renders and passes a strict server-side dry run: "+base, func(ctx SpecContext) {
			rendered, err := env.Kubectl(ctx, "", "kustomize", inRepo("config/"+base))
			Expect(err).NotTo(HaveOccurred())
			args := []string{"apply", "--server-side", "--force-conflicts", "--dry-run=server", "--validate=strict", "-f", "-"}
			switch base {
			case "rbac":
				rendered = inNamespace(rendered, operatorNamespace)
			case "samples":
				args = append(args, "--namespace", newNamespace(ctx))
			}
			_, err = env.Kubectl(ctx, rendered, args...)
			Expect(err).NotTo(HaveOccurred())
		})
	}

	It("gives the operator a pod that passes the strictest Pod Security", func(ctx SpecContext) {
		rendered, err := env.Kubectl(ctx, "", "kustomize", inRepo("config/default"))
		Expect(err).NotTo(HaveOccurred())
		var deployment appsv1.Deployment
		for _, document := range strings.Split(rendered, "\n---\n") {
			if strings.Contains(document, "kind: Deployment") {
				Expect(yaml.UnmarshalStrict([]byte(document), &deployment)).To(Succeed())
			}
		}
		pod := &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: "operator", Namespace: deployment.Namespace, Labels: deployment.Spec.Template.Labels},
			Spec:       deployment.Spec.Template.Spec,
		}
		Expect(env.Client.Create(ctx, pod, client.DryRunAll)).To(Succeed())
		pod.Spec.Containers[0].SecurityContext = nil
		Expect(env.Client.Create(ctx, pod, client.DryRunAll)).To(MatchError(ContainSubstring("violates PodSecurity")))
	})

	may := func(ctx SpecContext, who string, what ...string) bool {
		GinkgoHelper()
		out, err := env.Kubectl(ctx, "", append([]string{"auth", "can-i", "--as", who, "--namespace", "default"}, what...)...)
		answer := strings.TrimSpace(out)
		Expect(answer).To(Or(Equal("yes"), Equal("no")), "%v", err)
		return answer == "yes"
	}

	It("lets the operator do its work and nothing more", func(ctx SpecContext) {
		for _, what := range []string{
			"update lanetables.convoy.dev", "create convoyworkers.convoy.dev", "patch convoypools.convoy.dev --subresource=status",
			"patch deployments.apps", "watch replicasets.apps", "patch pods", "delete pods", "patch pods --subresource=status",
			"update pods --subresource=finalizers", "create rolebindings.rbac.authorization.k8s.io", "create serviceaccounts",
			"patch poddisruptionbudgets.policy", "create events", "patch events.events.k8s.io",
			"get customresourcedefinitions.apiextensions.k8s.io/convoypools.convoy.dev", "get namespaces", "watch nodes", "watch convoyactions.convoy.dev", "patch convoyactions.convoy.dev --subresource=status",
		} {
			Expect(may(ctx, operator, strings.Fields(what)...)).To(BeTrue(), what)
		}
		for _, what := range []string{
			"get secrets", "get resourcequotas", "create pods", "create serviceaccounts --subresource=token", "update replicasets.apps",
			"list customresourcedefinitions.apiextensions.k8s.io", "get customresourcedefinitions.apiextensions.k8s.io/others.example.org", "delete convoypools.convoy.dev", "create convoyactions.convoy.dev",
			"create clusterrolebindings.rbac.authorization.k8s.io", "escalate clusterroles.rbac.authorization.k8s.io",
			"bind clusterroles.rbac.authorization.k8s.io", "update nodes",
			"delete deployments.apps", "delete serviceaccounts", "delete poddisruptionbudgets.policy", "delete convoyworkers.convoy.dev",
			"delete rolebindings.rbac.authorization.k8s.io", "update convoypools.convoy.dev", "patch convoyactions.convoy.dev",
			"update convoypools.convoy.dev --subresource=status", "update convoyactions.convoy.dev --subresource=status",
		} {
			Expect(may(ctx, operator, strings.Fields(what)...)).To(BeFalse(), what)
		}
	})

	It("lets the operator bind the workers' role and no other", func(ctx SpecContext) {
		bind := func(role string) error {
			_, err := env.Kubectl(ctx, "", "create", "rolebinding", "worker", "--as", operator, "--namespace", newNamespace(ctx),
				"--clusterrole", role, "--serviceaccount", "shop:default")
			return err
		}
		Expect(bind(v1alpha1.WorkerClusterRole)).To(Succeed())
		Expect(bind("cluster-admin")).To(MatchError(ContainSubstring("attempting to grant RBAC permissions not currently held")))
	})

	It("lets the operator read the Secret of a pool whose namespace says so, and no other", func(ctx SpecContext) {
		rendered, err := env.Kubectl(ctx, "", "kustomize", inRepo("config/secrets"))
		Expect(err).NotTo(HaveOccurred())
		rendered = strings.ReplaceAll(rendered, "namespace: shop", "namespace: default")
		_, err = env.Kubectl(ctx, rendered, "apply", "--server-side", "--validate=strict", "-f", "-")
		Expect(err).NotTo(HaveOccurred())
		Expect(may(ctx, operator, "get", "secrets/nats-orders")).To(BeTrue())
		Expect(may(ctx, operator, "get", "secrets/other")).To(BeFalse())
		Expect(may(ctx, operator, "list", "secrets")).To(BeFalse())
		Expect(may(ctx, operator, "watch", "secrets/nats-orders")).To(BeFalse())
	})

	It("lets a worker read mailboxes and write what it reports", func(ctx SpecContext) {
		const worker = "system:serviceaccount:shop:default"
		_, err := env.Kubectl(ctx, "", "create", "rolebinding", "worker", "--namespace", "default",
			"--clusterrole", v1alpha1.WorkerClusterRole, "--serviceaccount", "shop:default")
		Expect(err).NotTo(HaveOccurred())
		Expect(may(ctx, worker, "watch", "convoyworkers.convoy.dev")).To(BeTrue())
		Expect(may(ctx, worker, "update", "convoyworkers.convoy.dev", "--subresource=status")).To(BeTrue())
		for _, what := range []string{"update convoyworkers.convoy.dev", "get convoypools.convoy.dev", "get secrets", "get lanetables.convoy.dev"} {
			Expect(may(ctx, worker, strings.Fields(what)...)).To(BeFalse(), what)
		}
	})
})
