// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package command_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/url"
	"strings"
	"syscall"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gbytes"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/controllers/cmd/kubectl-convoy/command"
)

var _ = Describe("a person", func() {
	It("who may see Convoy's objects alone is told what is hidden", func(ctx context.Context) {
		w := moving(ctx)
		for _, args := range [][]string{{"lanes", poolName}, {"workers", poolName}, {"top", poolName}} {
			out, errOut := w.run(ctx, "carl", "", args...)
			Expect(errOut).To(BeEmpty())
			Expect(out).To(ContainSubstring("orders-a"))
			Expect(out).NotTo(ContainSubstring("Gone"))
		}
		out, errOut := w.run(ctx, "carl", "", "explain", poolName)
		Expect(errOut).To(BeEmpty())
		Expect(out).To(ContainSubstring("Pods are not shown to you"))
	})

	It("who may see Convoy's objects alone can watch them", func(ctx context.Context) {
		w := moving(ctx)
		watching, stop := context.WithCancel(ctx)
		out, ended := gbytes.NewBuffer(), make(chan error, 1)
		go func() {
			ended <- w.command(watching, "carl", genericiooptions.IOStreams{In: strings.NewReader(""), Out: out, ErrOut: io.Discard}, "workers", poolName, "-w")
		}()
		Eventually(out).Should(gbytes.Say("orders-b +Serving"))
		worker := &v1alpha1.ConvoyWorker{}
		Expect(env.Client.Get(ctx, w.key("orders-b"), worker)).To(Succeed())
		worker.Status.Conditions = nil
		Expect(env.Client.Status().Update(ctx, worker)).To(Succeed())
		Eventually(out).Should(gbytes.Say("orders-b +Serving"))
		stop()
		Eventually(ended).Should(Receive(BeNil()))
	})

	It("who may see nothing is told so as kubectl would", func(ctx context.Context) {
		w := moving(ctx)
		_, errOut := w.run(ctx, "nobody", "", "lanes", poolName)
		Expect(errOut).To(HavePrefix("Error from server (Forbidden): convoypools.convoy.dev \"orders\" is forbidden"))
		_, errOut = w.run(ctx, "ann", "", "explain", "missing")
		Expect(errOut).To(Equal("Error from server (NotFound): convoypools.convoy.dev \"missing\" not found"))
	})

	It("is told how to use a command", func(ctx context.Context) {
		w := newWorld(ctx, nativePool)
		for want, args := range map[string][]string{
			"error: unknown flag: --lane\nSee 'kubectl convoy lanes --help' for usage":                                      {"lanes", poolName, "--lane"},
			"error: exactly one pool is needed, got 0\nSee 'kubectl convoy workers --help' for usage":                       {"workers"},
			"error: exactly one pool is needed, got 2\nSee 'kubectl convoy top --help' for usage":                           {"top", "a", "b"},
			"error: pod/x is no pool: give the name of a convoypool":                                                        {"lanes", "pod/x"},
			"error: the name of a pool is missing in \"cvp/\"":                                                              {"explain", "cvp/"},
			"error: unable to match a printer suitable for the output format \"name\", allowed formats are: ":               {"lanes", poolName, "-o", "name"},
			"error: --sort-by \"size\" is no column: use one of lane, range, worker, epoch, state, holding, since, ":        {"lanes", poolName, "--sort-by=size"},
			"error: unknown command \"lane\" for \"kubectl convoy\"":                                                        {"lane"},
			"error: --header \"order\": write name=value":                                                                   {"key", "test", poolName, "--header", "order"},
			"error: open absent.json: no such file or directory":                                                            {"key", "test", poolName, "-f", "absent.json"},
			"error: --timestamp: parsing time \"noon\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"noon\" as \"2006\"": {"key", "test", poolName, "--timestamp=noon"},
		} {
			out, errOut := w.run(ctx, "ann", "", args...)
			Expect(out).To(BeEmpty())
			Expect(errOut).To(HavePrefix(want))
		}
	})

	It("is told the version", func(ctx context.Context) {
		var out bytes.Buffer
		root := command.New(genericiooptions.IOStreams{Out: &out}, "v1.2.3")
		root.SetArgs([]string{"--version"})
		Expect(root.ExecuteContext(ctx)).To(Succeed())
		Expect(out.String()).To(Equal("v1.2.3\n"))
	})

	It("is told what is wrong with the cluster", func() {
		Expect(command.Describe(&meta.NoKindMatchError{})).To(HavePrefix("error: the server doesn't have a resource type"))
		refused := &url.Error{Op: "Get", URL: "https://10.0.0.1:6443/api", Err: syscall.ECONNREFUSED}
		Expect(command.Describe(refused)).To(Equal("The connection to the server 10.0.0.1:6443 was refused - did you specify the right host or port?"))
		other := &url.Error{Op: "Get", URL: "https://10.0.0.1:6443/api", Err: errors.New("no route to host")}
		Expect(command.Describe(other)).To(Equal("Unable to connect to the server: no route to host"))
	})

	It("gets the names of pools completed", func(ctx context.Context) {
		w := newWorld(ctx, nativePool)
		for _, args := range [][]string{{"lanes", ""}, {"key", "test", ""}, {"explain", "or"}, {"support-bundle", ""}} {
			out, _ := w.run(ctx, "ann", "", append([]string{"__complete"}, args...)...)
			Expect(out).To(Equal("orders\n:4\n"))
		}
		out, _ := w.run(ctx, "ann", "", "__complete", "lanes", poolName, "")
		Expect(out).To(Equal(":4\n"))
	})
})

var _ = Describe("restart", func() {
	It("changes the template as kubectl rollout restart does", func(ctx context.Context) {
		w := newWorld(ctx, nativePool)
		out, errOut := w.run(ctx, "ed", "", "restart", poolName)
		Expect(errOut).To(BeEmpty())
		Expect(out).To(Equal("convoypool.convoy.dev/orders restarted\n"))
		pool := &v1alpha1.ConvoyPool{}
		Expect(env.Client.Get(ctx, w.key(poolName), pool)).To(Succeed())
		Expect(pool.Spec.Template.Annotations).To(HaveKey("kubectl.kubernetes.io/restartedAt"))
		Expect(pool.Spec.Template.Spec.Containers).To(HaveLen(1))
		Expect(pool.Generation).To(BeEquivalentTo(2))
	})

	It("is not for who may only view", func(ctx context.Context) {
		w := newWorld(ctx, nativePool)
		_, errOut := w.run(ctx, "ann", "", "restart", poolName)
		Expect(errOut).To(HavePrefix("Error from server (Forbidden): "))
	})
})
