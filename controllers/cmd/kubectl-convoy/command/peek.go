// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package command

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/duration"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/controllers/cmd/kubectl-convoy/ask"
	"convoy.dev/convoy/controllers/cmd/kubectl-convoy/show"
	"convoy.dev/convoy/controllers/cmd/kubectl-convoy/snapshot"
	"convoy.dev/convoy/controllers/cmd/kubectl-convoy/view"
)

// askTime is how long a worker's answer is waited for.
const askTime = 20 * time.Second

// peek is the flags of peek.
type peek struct {
	*access
	flags *show.Flags
	key   string
}

func newPeek(a *access) *cobra.Command {
	p := &peek{access: a, flags: show.NewFlags()}
	cmd := &cobra.Command{
		Use:   "peek POOL --key KEY",
		Short: "Say what of a key waits, runs, is tried again or is parked now",
		Long: "Say what of a key waits, runs, is tried again or is parked now, as the worker tells that holds the key's lane; with Native " +
			"lanes every worker is asked. Nothing of what messages carry is told.\n\n" +
			"STATE is Ready (it waits for its turn), Alone (until nothing else runs, because a worker died with its first message), " +
			"Reading (for its first message to be read), Recording (for its start to be recorded), Running (its call is with the " +
			"handler), Held (its call was lost, and the handler may be at work still), Waiting (for its next attempt, in DUE), " +
			"DeadLettering, Parked, Resting (nothing is to be started) or Absent: the worker has nothing of it, and what the lane's " +
			"backlog may have of it has not been read. SINCE is the age of the call or of the park; ATTEMPTS are those of the first message. " +
			"MESSAGES are all that the worker knows of and that are not completed, SEQUENCES those of the first that are in memory.\n\n" +
			"The worker is asked by way of the API server, which wants the right to create pods/portforward in the " +
			"namespace: who may edit a namespace has it, who may view it has not. Without an answer what the objects say is shown: whether the key is parked.",
		Example: "  kubectl convoy peek orders --key order-1042",
		Args:    onePool, ValidArgsFunction: completePools(a),
		RunE: func(cmd *cobra.Command, args []string) error { return p.run(cmd.Context(), args[0]) },
	}
	p.flags.AddTable(cmd, peekTable(time.Now).Names())
	cmd.Flags().StringVar(&p.key, "key", "", "The key.")
	if err := cmd.MarkFlagRequired("key"); err != nil {
		panic(err) // the flag is not there
	}
	return cmd
}

// peekTable is how what a key does is shown.
func peekTable(now func() time.Time) show.Table[view.Peeked] {
	return show.Table[view.Peeked]{Kind: "KeyPeek", Columns: []show.Column[view.Peeked]{
		{Name: "KEY", Value: func(p *view.Peeked) any { return p.Key }},
		{Name: "LANE", Value: func(p *view.Peeked) any { return int64(p.Lane) }},
		{Name: "WORKER", Value: func(p *view.Peeked) any { return p.Worker }},
		{Name: "EPOCH", Value: func(p *view.Peeked) any { return p.Epoch }},
		{Name: "STATE", Value: func(p *view.Peeked) any { return p.State }},
		show.Age("SINCE", now, func(p *view.Peeked) time.Time { return ptr.Deref(p.Since, metav1.MicroTime{}).Time }),
		{Name: "DUE", Value: func(p *view.Peeked) any {
			if p.Due == nil {
				return nil
			}
			return "in " + duration.HumanDuration(p.Due.Sub(now()))
		}},
		{Name: "ATTEMPTS", Value: func(p *view.Peeked) any { return p.Attempts }},
		{Name: "MESSAGES", Value: func(p *view.Peeked) any { return p.Messages }},
		{Name: "RUNNING", Value: func(p *view.Peeked) any { return p.Running }},
		{Name: "PARKED", Value: func(p *view.Peeked) any { return p.Parked }},
		{Name: "SEQUENCES", Value: func(p *view.Peeked) any {
			return strings.Trim(strings.ReplaceAll(fmt.Sprint(p.Sequences), " ", ","), "[]")
		}},
		{Name: "REASON", Value: func(p *view.Peeked) any { return p.Reason }},
	}}
}

func (p *peek) run(ctx context.Context, pool string) error {
	printer, err := show.NewPrinter(peekTable(time.Now), p.flags, p.streams.Out)
	if err != nil {
		return err
	}
	c, s, err := p.read(ctx, pool)
	if err != nil {
		return err
	}
	places := view.PlacesOf(s, p.key)
	rows, failed := p.ask(ctx, c, s, places)
	if len(rows) > 0 || p.flags.Objects() {
		if err := printer.Print(rows); err != nil {
			return err
		}
	}
	switch {
	case !slices.ContainsFunc(places, view.Place.Held):
		fmt.Fprintf(p.streams.ErrOut, "No worker of pool %s holds a lane that the key may be in%s.\n", s.Pool.Name, parkedIn(s))
	case len(rows) == 0 && failed == nil:
		fmt.Fprintf(p.streams.ErrOut, "No worker of pool %s has anything of the key.\n", s.Pool.Name)
	}
	return failed
}

// ask asks whoever may have something of the key. The error is that of the first who did not answer.
func (p *peek) ask(ctx context.Context, c *cluster, s *snapshot.Snapshot, places []view.Place) (rows []view.Peeked, failed error) {
	asker, err := ask.New(c.config)
	if err != nil {
		return nil, err
	}
	ctx, done := context.WithTimeout(ctx, askTime)
	defer done()
	for _, place := range places {
		var found []v1alpha1.KeyPeek
		var err error
		if place.Held() {
			found, err = asker.Key(ctx, client.ObjectKey{Namespace: s.Pool.Namespace, Name: place.Worker}, p.key)
		}
		if !place.Held() || err != nil {
			failed = cmp.Or(failed, err)
			rows = append(rows, place.Unanswered(s)...)
			continue
		}
		rows = append(rows, place.Answered(found)...)
	}
	return rows, failed
}
