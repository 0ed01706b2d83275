// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package command_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/utils/clock"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/controllers/cmd/kubectl-convoy/command"
)

// world is one namespace with a pool as an operator would leave it.
type world struct {
	namespace string
	uids      map[string]string
}

const poolName = "orders"

// newWorld makes a namespace with a pool and users: ann may view it, carl may view Convoy's objects alone, ed may edit it.
// Nobody aggregates roles here, so that they are bound to what view and edit are made of.
func newWorld(ctx context.Context, spec string) *world {
	GinkgoHelper()
	made := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "shop-"}}
	Expect(env.Client.Create(ctx, made)).To(Succeed())
	w := &world{namespace: made.Name, uids: map[string]string{}}
	for user, roles := range map[string][]string{
		"ann": {"system:aggregate-to-view", "convoy-view"}, "carl": {"convoy-view"},
		"ed": {"system:aggregate-to-view", "system:aggregate-to-edit", "convoy-view", "convoy-edit"},
	} {
		for _, role := range roles {
			Expect(env.Client.Create(ctx, &rbacv1.RoleBinding{
				ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, GenerateName: user + "-"},
				RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role},
				Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: user}},
			})).To(Succeed())
		}
	}
	pool := &v1alpha1.ConvoyPool{}
	Expect(yaml.UnmarshalStrict([]byte(spec), pool)).To(Succeed())
	w.create(ctx, pool)
	return w
}

// create makes an object in the namespace, with its status.
func (w *world) create(ctx context.Context, object client.Object) {
	GinkgoHelper()
	object.SetNamespace(w.namespace)
	status := object.DeepCopyObject().(client.Object)
	Expect(env.Client.Create(ctx, object)).To(Succeed())
	switch object.(type) {
	case *v1alpha1.LaneTable:
		return
	}
	status.SetResourceVersion(object.GetResourceVersion())
	Expect(env.Client.Status().Update(ctx, status)).To(Succeed())
}

// pod makes a pod with a mailbox.
func (w *world) pod(ctx context.Context, name, mailbox string) {
	GinkgoHelper()
	labels := map[string]string{v1alpha1.LabelPool: poolName}
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels},
		Spec:       corev1.PodSpec{NodeName: "node-1", Containers: []corev1.Container{{Name: "handler", Image: "shop/orders:1"}}},
		Status:     corev1.PodStatus{Phase: corev1.PodRunning, Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}},
	}
	w.create(ctx, pod)
	w.uids[name] = string(pod.UID)
	worker := &v1alpha1.ConvoyWorker{}
	Expect(yaml.UnmarshalStrict([]byte(mailbox), worker)).To(Succeed())
	worker.ObjectMeta = metav1.ObjectMeta{Name: name, Labels: labels, OwnerReferences: []metav1.OwnerReference{{
		APIVersion: "v1", Kind: "Pod", Name: name, UID: types.UID(w.uids[name]), Controller: ptr.To(true),
	}}}
	w.create(ctx, worker)
}

// table makes the lane table, over these pods.
func (w *world) table(ctx context.Context, text string, pods ...string) {
	GinkgoHelper()
	table := &v1alpha1.LaneTable{}
	Expect(yaml.UnmarshalStrict([]byte(text), table)).To(Succeed())
	table.Name = poolName
	for _, pod := range pods {
		table.Workers = append(table.Workers, v1alpha1.PodRef{Name: pod, UID: w.uids[pod]})
	}
	w.create(ctx, table)
}

// run runs the plugin and returns what it printed. An error comes in the words in which a person sees it.
func (w *world) run(ctx context.Context, user, stdin string, args ...string) (out, errOut string) {
	GinkgoHelper()
	var stdout, stderr bytes.Buffer
	err := w.command(ctx, user, genericiooptions.IOStreams{In: strings.NewReader(stdin), Out: &stdout, ErrOut: &stderr}, args...)
	if err != nil {
		stderr.WriteString(command.Describe(err))
	}
	return stdout.String(), stderr.String()
}

func (w *world) command(ctx context.Context, user string, streams genericiooptions.IOStreams, args ...string) error {
	root := command.New(streams, "v1.2.3")
	flags := []string{"--kubeconfig", env.Kubeconfig(), "--namespace", w.namespace, "--as", user}
	if len(args) > 0 && args[0] == "__complete" {
		args = append(append([]string{"__complete"}, flags...), args[1:]...)
	} else {
		args = append(args, flags...)
	}
	root.SetArgs(args)
	return root.ExecuteContext(ctx)
}

// ok runs the plugin as ann, who may only view, and demands that nothing goes wrong.
func (w *world) ok(ctx context.Context, args ...string) string {
	GinkgoHelper()
	out, errOut := w.run(ctx, "ann", "", args...)
	Expect(errOut).To(BeEmpty())
	return out
}

var (
	ages    = regexp.MustCompile(`\b\d+[smhd](\d+[smhd])?\b`)
	spaces  = regexp.MustCompile(` {2,}`)
	moments = regexp.MustCompile(`\d{4}-\d\d-\d\dT[0-9:.]+Z`)
	uids    = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
)

// golden compares what was printed with a file. What differs from run to run has a name in its place, and columns have
// two spaces between them, because their widths follow from that.
func (w *world) golden(name, got string) {
	GinkgoHelper()
	got = strings.ReplaceAll(got, w.namespace, "NAMESPACE")
	for pattern, name := range map[*regexp.Regexp]string{moments: "TIME", uids: "UID"} {
		got = pattern.ReplaceAllString(got, name)
	}
	got = spaces.ReplaceAllString(ages.ReplaceAllString(got, "AGE"), "  ")
	file := filepath.Join("testdata", name+".txt")
	if *update {
		Expect(os.WriteFile(file, []byte(got), 0o644)).To(Succeed())
	}
	want, err := os.ReadFile(file)
	Expect(err).NotTo(HaveOccurred())
	Expect(got).To(Equal(string(want)), file)
}

func (w *world) key(name string) client.ObjectKey {
	return client.ObjectKey{Namespace: w.namespace, Name: name}
}

func uidOf(w *world, pod string) types.UID { return types.UID(w.uids[pod]) }

// now is the time on this machine, which is the API server's.
func now() time.Time { return clock.RealClock{}.Now() }
