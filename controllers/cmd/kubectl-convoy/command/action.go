// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/controllers/cmd/kubectl-convoy/show"
	"convoy.dev/convoy/controllers/cmd/kubectl-convoy/snapshot"
)

// reasons are what --reason can be.
var reasons = []string{
	string(v1alpha1.ParkRejected), string(v1alpha1.ParkAttemptsExhausted), string(v1alpha1.ParkWorkerCrashed), string(v1alpha1.ParkLookAhead),
}

// action is the flags of release and discard.
type action struct {
	*access
	kind   v1alpha1.ActionType
	flags  *show.Flags
	keys   []string
	all    bool
	reason string
	before string
	rate   int32
	dryRun string
	wait   bool
	limit  time.Duration
}

func newRelease(a *access) *cobra.Command {
	cmd := newAction(a, v1alpha1.ActionRelease)
	cmd.Short = "Process parked messages, in order, and let their keys go on"
	cmd.Long = cmd.Short + ".\n\n" + actionHelp
	cmd.Example = "  # One key\n  kubectl convoy release orders --key order-1042\n\n" +
		"  # Everything, and wait until it is done or has failed again\n  kubectl convoy release orders --all --wait"
	return cmd
}

func newDiscard(a *access) *cobra.Command {
	cmd := newAction(a, v1alpha1.ActionDiscard)
	cmd.Short = "Delete parked messages, and let their keys go on with what comes next"
	cmd.Long = cmd.Short + ". What is deleted is gone.\n\n" + actionHelp
	cmd.Example = "  # What the handler refused\n  kubectl convoy discard orders --reason Rejected --dry-run=server -o yaml"
	return cmd
}

const actionHelp = "It creates a ConvoyAction and prints its name. Which keys it is about is said by exactly one of --key, --all, --reason and " +
	"--parked-before; keys that are parked later are not among them."

func newAction(a *access, kind v1alpha1.ActionType) *cobra.Command {
	act := &action{access: a, kind: kind, flags: show.NewFlags()}
	cmd := &cobra.Command{
		Use:  strings.ToLower(string(kind)) + " POOL (--key KEY | --all | --reason REASON | --parked-before TIME)",
		Args: onePool, ValidArgsFunction: completePools(a),
		RunE: func(cmd *cobra.Command, args []string) error { return act.run(cmd.Context(), args[0]) },
	}
	act.flags.Add(cmd)
	flags := cmd.Flags()
	flags.StringArrayVar(&act.keys, "key", nil, "A parked key. May be given up to 256 times.")
	flags.BoolVar(&act.all, "all", false, "Every key that is parked.")
	flags.StringVar(&act.reason, "reason", "", "Keys that were parked for this reason. One of: ("+strings.Join(reasons, ", ")+").")
	flags.StringVar(&act.before, "parked-before", "", "Keys that were parked before this time, in RFC 3339, or this long ago, such as 24h.")
	flags.Int32Var(&act.rate, "rate", 0, "How many keys to begin each second, 1 to 10,000. Default: the API's, which is 10.")
	flags.StringVar(&act.dryRun, "dry-run", "none", `"client" prints the action without sending it, "server" has it checked and not kept. One of: (none, client, server).`)
	flags.BoolVar(&act.wait, "wait", false, "Wait until every selected key is done or has failed again.")
	flags.DurationVar(&act.limit, "timeout", 0, "How long to wait at most. Default: for ever.")
	cmd.MarkFlagsOneRequired("key", "all", "reason", "parked-before")
	cmd.MarkFlagsMutuallyExclusive("key", "all", "reason", "parked-before")
	show.Complete(cmd, "reason", reasons)
	show.Complete(cmd, "dry-run", []string{"none", "client", "server"})
	return cmd
}

func (a *action) run(ctx context.Context, argument string) error {
	if err := errors.Join(a.flags.Validate(), a.validate()); err != nil {
		return err
	}
	selector, err := a.selector(time.Now())
	if err != nil {
		return err
	}
	c, pool, err := a.find(argument)
	if err != nil {
		return err
	}
	// An action on a pool that is not there would wait for it: rather a typing error than a wish.
	if err := c.Get(ctx, pool, &v1alpha1.ConvoyPool{}); err != nil {
		return err
	}
	made := &v1alpha1.ConvoyAction{
		ObjectMeta: metav1.ObjectMeta{Namespace: pool.Namespace, GenerateName: prefix(pool.Name, a.kind)},
		Spec:       v1alpha1.ConvoyActionSpec{Pool: pool.Name, Type: a.kind, Selector: *selector},
	}
	if a.rate != 0 {
		made.Spec.RatePerSecond = &a.rate
	}
	if err := a.create(ctx, c, made); err != nil {
		return err
	}
	if !a.wait || a.dryRun != "none" {
		return nil
	}
	return a.await(ctx, c, made)
}

func (a *action) validate() error {
	switch {
	case a.dryRun != "none" && a.dryRun != "client" && a.dryRun != "server":
		return fmt.Errorf("--dry-run %q: use none, client or server", a.dryRun)
	case a.limit != 0 && !a.wait:
		return errors.New("--timeout is for --wait: give both, or neither")
	}
	return nil
}

// prefix begins the name of an action: the API server adds five characters, and names have at most 63.
func prefix(pool string, kind v1alpha1.ActionType) string {
	const longest = 63 - len("-release-") - 5
	return strings.TrimRight(pool[:min(len(pool), longest)], "-") + "-" + strings.ToLower(string(kind)) + "-"
}

// selector is the selector that the flags describe.
func (a *action) selector(now time.Time) (*v1alpha1.ParkedSelector, error) {
	s := &v1alpha1.ParkedSelector{Keys: a.keys}
	switch {
	case a.all:
		s.All = &a.all
	case a.reason != "":
		reason := v1alpha1.ParkReason(a.reason)
		s.Reason = &reason
	case a.before != "":
		before, err := time.Parse(time.RFC3339, a.before)
		if ago, notAgo := time.ParseDuration(a.before); notAgo == nil {
			before, err = now.Add(-ago), nil
		}
		if err != nil {
			return nil, fmt.Errorf("--parked-before %q is neither a time in RFC 3339 nor a duration such as 24h", a.before)
		}
		s.ParkedBefore = &metav1.Time{Time: before}
	}
	return s, nil
}

// create sends the action, unless it is only to be shown, and prints it.
func (a *action) create(ctx context.Context, c *cluster, made *v1alpha1.ConvoyAction) error {
	note := "created"
	switch a.dryRun {
	case "client":
		note = "created (dry run)"
	case "server":
		note = "created (server dry run)"
		if err := c.Create(ctx, made, owner, client.DryRunAll); err != nil {
			return err
		}
	default:
		if err := c.Create(ctx, made, owner); err != nil {
			return err
		}
	}
	if a.flags.Objects() {
		made.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("ConvoyAction")) // A client takes it off.
		return a.flags.Real(a.streams.Out, made)
	}
	name := made.Name
	if name == "" {
		name = made.GenerateName
	}
	fmt.Fprintf(a.streams.Out, "convoyaction.%s/%s %s\n", v1alpha1.GroupName, name, note)
	return nil
}

// await waits until the action is complete, and says how it went on the way.
func (a *action) await(ctx context.Context, c *cluster, made *v1alpha1.ConvoyAction) error {
	within := ctx
	if a.limit > 0 {
		var done context.CancelFunc
		within, done = context.WithTimeout(ctx, a.limit)
		defer done()
	}
	last := "it has not been looked at"
	err := snapshot.UntilComplete(within, c.config, c.Scheme(), made, func(text string) {
		last = text
		fmt.Fprintln(a.streams.ErrOut, text)
	})
	if errors.Is(within.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("timed out waiting for convoyaction.%s/%s, which goes on; %s", v1alpha1.GroupName, made.Name, last)
	}
	return err
}
