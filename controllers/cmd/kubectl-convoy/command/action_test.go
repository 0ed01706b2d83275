// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package command_test

import (
	"context"
	"io"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gbytes"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"convoy.dev/convoy/api/v1alpha1"
)

// actions are the actions of the namespace.
func (w *world) actions(ctx context.Context) []v1alpha1.ConvoyAction {
	GinkgoHelper()
	var list v1alpha1.ConvoyActionList
	Expect(env.Client.List(ctx, &list, client.InNamespace(w.namespace))).To(Succeed())
	return list.Items
}

// counts are how many keys an action has, has done, and has seen fail again.
type counts struct{ keys, done, failed int64 }

// report writes an action's status as the controller would: complete unless the reason is Running.
func (w *world) report(ctx context.Context, action *v1alpha1.ConvoyAction, n counts, reason string) {
	GinkgoHelper()
	complete := metav1.ConditionTrue
	if reason == v1alpha1.ReasonRunning {
		complete = metav1.ConditionFalse
	}
	action.Status = &v1alpha1.ConvoyActionStatus{
		Progress: &v1alpha1.ActionProgress{Keys: &n.keys, Done: &n.done, Failed: &n.failed},
		Conditions: []metav1.Condition{{
			Type: v1alpha1.ConditionComplete, Status: complete, Reason: reason, Message: "keys are left", LastTransitionTime: metav1.Now(),
		}},
	}
	Expect(env.Client.Status().Update(ctx, action)).To(Succeed())
}

// waiting runs a command that waits, until it ends.
func (w *world) waiting(ctx context.Context, args ...string) (said *gbytes.Buffer, ended chan error) {
	said, ended = gbytes.NewBuffer(), make(chan error, 1)
	go func() {
		defer GinkgoRecover()
		ended <- w.command(ctx, "ed", genericiooptions.IOStreams{In: strings.NewReader(""), Out: io.Discard, ErrOut: said}, args...)
	}()
	return said, ended
}

var _ = Describe("release and discard", func() {
	It("create an action", func(ctx context.Context) {
		w := newWorld(ctx, nativePool)
		selected := func(args ...string) v1alpha1.ConvoyActionSpec {
			GinkgoHelper()
			out, errOut := w.run(ctx, "ed", "", args...)
			Expect(errOut).To(BeEmpty())
			made := w.actions(ctx)
			Expect(made).To(HaveLen(1))
			Expect(out).To(Equal("convoyaction.convoy.dev/" + made[0].Name + " created\n"))
			Expect(made[0].Name).To(HavePrefix("orders-" + args[0] + "-"))
			Expect(env.Client.Delete(ctx, &made[0])).To(Succeed())
			return made[0].Spec
		}
		rate := ptr.To[int32](10)
		Expect(selected("release", poolName, "--key", "a", "--key", "b,c")).To(Equal(v1alpha1.ConvoyActionSpec{
			Pool: poolName, Type: v1alpha1.ActionRelease, RatePerSecond: rate, Selector: v1alpha1.ParkedSelector{Keys: []string{"a", "b,c"}},
		}))
		Expect(selected("discard", "cvp/orders", "--all", "--rate=100")).To(Equal(v1alpha1.ConvoyActionSpec{
			Pool: poolName, Type: v1alpha1.ActionDiscard, RatePerSecond: ptr.To[int32](100), Selector: v1alpha1.ParkedSelector{All: ptr.To(true)},
		}))
		Expect(selected("discard", poolName, "--reason=Rejected").Selector.Reason).To(HaveValue(Equal(v1alpha1.ParkRejected)))
		Expect(selected("release", poolName, "--parked-before=2026-01-01T00:00:00Z").Selector.ParkedBefore.UTC().Year()).To(Equal(2026))
		Expect(selected("release", poolName, "--parked-before=24h").Selector.ParkedBefore.Time).To(BeTemporally("~", now().Add(-24*time.Hour), time.Minute))
	})

	It("show what they would create", func(ctx context.Context) {
		w := newWorld(ctx, nativePool)
		for _, mode := range []string{"client", "server"} {
			out, errOut := w.run(ctx, "ed", "", "discard", poolName, "--all", "--dry-run", mode, "-o", "jsonpath={.kind} {.spec.type} {.spec.selector.all}")
			Expect(errOut).To(BeEmpty())
			Expect(out).To(Equal("ConvoyAction Discard true"))
		}
		out, _ := w.run(ctx, "ed", "", "release", poolName, "--all", "--dry-run=client")
		Expect(out).To(Equal("convoyaction.convoy.dev/orders-release- created (dry run)\n"))
		Expect(w.actions(ctx)).To(BeEmpty())
	})

	It("refuse what would be a mistake", func(ctx context.Context) {
		w := newWorld(ctx, nativePool)
		for want, args := range map[string][]string{
			"error: at least one of the flags in the group [key all reason parked-before] is required": {"release", poolName},
			"error: if any flags in the group [key all reason parked-before] are set none of the others can be; [all key] were all set": {
				"discard", poolName, "--all", "--key", "a"},
			"Error from server (NotFound): convoypools.convoy.dev \"missing\" not found":               {"release", "missing", "--all"},
			"Error from server (Invalid): ConvoyAction.convoy.dev \"orders-release-":                   {"release", poolName, "--reason=Tired"},
			"error: --parked-before \"noon\" is neither a time in RFC 3339 nor a duration such as 24h": {"release", poolName, "--parked-before=noon"},
			"error: --dry-run \"maybe\": use none, client or server":                                   {"release", poolName, "--all", "--dry-run=maybe"},
			"error: --timeout is for --wait: give both, or neither":                                    {"release", poolName, "--all", "--timeout=1s"},
		} {
			out, errOut := w.run(ctx, "ed", "", args...)
			Expect(out).To(BeEmpty())
			Expect(errOut).To(HavePrefix(want))
		}
		_, errOut := w.run(ctx, "ann", "", "release", poolName, "--all")
		Expect(errOut).To(HavePrefix("Error from server (Forbidden): "))
		Expect(w.actions(ctx)).To(BeEmpty())
	})

	It("wait until the action is complete", func(ctx context.Context) {
		w := newWorld(ctx, nativePool)
		said, ended := w.waiting(ctx, "release", poolName, "--all", "--wait")
		Eventually(said).Should(gbytes.Say("waiting for the operator\n"))
		action := &w.actions(ctx)[0]
		w.report(ctx, action, counts{3, 1, 0}, v1alpha1.ReasonRunning)
		Eventually(said).Should(gbytes.Say("1 of 3 keys done, 0 failed again: keys are left\n"))
		w.report(ctx, action, counts{3, 3, 0}, v1alpha1.ReasonReleased)
		Eventually(said).Should(gbytes.Say("3 of 3 keys done, 0 failed again\n"))
		Eventually(ended).Should(Receive(BeNil()))
	})

	It("tell of keys that failed again, and of an action that was deleted", func(ctx context.Context) {
		w := newWorld(ctx, nativePool)
		said, ended := w.waiting(ctx, "release", poolName, "--all", "--wait")
		Eventually(said).Should(gbytes.Say("waiting"))
		w.report(ctx, &w.actions(ctx)[0], counts{3, 2, 1}, v1alpha1.ReasonReleased)
		Eventually(ended).Should(Receive(MatchError("1 of 3 keys failed again and stay parked")))
		Expect(env.Client.Delete(ctx, &w.actions(ctx)[0])).To(Succeed())

		said, ended = w.waiting(ctx, "discard", poolName, "--all", "--wait")
		Eventually(said).Should(gbytes.Say("waiting"))
		Expect(env.Client.Delete(ctx, &w.actions(ctx)[0])).To(Succeed())
		Eventually(ended).Should(Receive(MatchError(ContainSubstring("the action was deleted"))))
	})

	It("wait no longer than they are told", func(ctx context.Context) {
		w := newWorld(ctx, nativePool)
		_, ended := w.waiting(ctx, "release", poolName, "--all", "--wait", "--timeout=200ms")
		Eventually(ended).Should(Receive(MatchError(HavePrefix("timed out waiting for convoyaction.convoy.dev/orders-release-"))))
	})
})
