// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package command

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/utils/ptr"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/controllers/cmd/kubectl-convoy/show"
	"convoy.dev/convoy/controllers/cmd/kubectl-convoy/snapshot"
	"convoy.dev/convoy/controllers/cmd/kubectl-convoy/view"
)

// What a terminal is told: to use a screen of its own and hide the cursor, to begin anew at the top, and to go back.
const (
	enterScreen = "\x1b[?1049h\x1b[?25l"
	beginScreen = "\x1b[H\x1b[J"
	leaveScreen = "\x1b[?25h\x1b[?1049l"
)

// top is the flags of top.
type top struct {
	*access
	lanes    int
	interval time.Duration
}

func newTop(a *access) *cobra.Command {
	t := &top{access: a}
	cmd := &cobra.Command{
		Use:   "top POOL",
		Short: "Watch a pool's workers and busiest lanes",
		Long: "Watch a pool: its workers, the lanes that are on their way, and those with the most backlog. The screen follows the " +
			"cluster's objects, by watches; ^C ends it. Backlog is as new as the newest sample that a worker has reported. Where the " +
			"output is no terminal one screen is printed.",
		Example: "  kubectl convoy top orders",
		Args:    onePool, ValidArgsFunction: completePools(a),
		RunE: func(cmd *cobra.Command, args []string) error { return t.run(cmd.Context(), args[0]) },
	}
	cmd.Flags().IntVar(&t.lanes, "lanes", 10, "How many lanes to show at most.")
	cmd.Flags().DurationVar(&t.interval, "interval", time.Second, "How long after one screen the next is drawn, at the earliest 100ms.")
	return cmd
}

func (t *top) run(ctx context.Context, pool string) error {
	c, s, err := t.read(ctx, pool)
	if err != nil {
		return err
	}
	if file, is := t.streams.Out.(*os.File); !is || !term.IsTerminal(int(file.Fd())) {
		return t.draw(t.streams.Out, s)
	}
	return t.follow(ctx, c, s)
}

// follow draws a screen, again and again, until ctx ends.
func (t *top) follow(ctx context.Context, c *cluster, first *snapshot.Snapshot) (err error) {
	ctx, stop := context.WithCancel(ctx)
	follower, err := snapshot.Follow(ctx, c.config, c.Scheme(), first)
	if err != nil {
		stop()
		return err
	}
	fmt.Fprint(t.streams.Out, enterScreen)
	defer func() {
		fmt.Fprint(t.streams.Out, leaveScreen)
		stop()
		err = errors.Join(err, follower.Wait())
	}()
	again := time.NewTicker(max(t.interval, 100*time.Millisecond))
	defer again.Stop()
	for {
		s, err := follower.Read(ctx)
		if err != nil {
			return err
		}
		screen := &bytes.Buffer{}
		if err := t.draw(screen, s); err != nil {
			return err
		}
		fmt.Fprintf(t.streams.Out, "%s%s", beginScreen, screen)
		select {
		case <-ctx.Done():
			return nil
		case <-again.C:
		}
	}
}

// draw writes one screen.
func (t *top) draw(out io.Writer, s *snapshot.Snapshot) error {
	fmt.Fprintf(out, "%s\n\n", headOf(s))
	if workers := view.Workers(s); len(workers) > 0 {
		if err := rowsOf(out, workerTable(time.Now), workers); err != nil {
			return err
		}
	}
	busy := busiest(view.Lanes(s), t.lanes)
	if len(busy) == 0 {
		return nil
	}
	fmt.Fprintln(out)
	return rowsOf(out, laneTable(time.Now), busy)
}

// headOf is what the operator says of the pool, in two lines.
func headOf(s *snapshot.Snapshot) string {
	status := s.Status()
	ready := meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionReady)
	if ready == nil {
		return fmt.Sprintf("%s/%s\nNo operator has said how it is: kubectl convoy explain %[2]s", s.Pool.Namespace, s.Pool.Name)
	}
	workers, lanes := ptr.Deref(status.Workers, v1alpha1.WorkersStatus{}), ptr.Deref(status.Lanes, v1alpha1.OwnershipStatus{})
	return fmt.Sprintf("%s/%s  Ready %s %s\n%d workers serving, %d wanted; %d lanes, %d owned, %d moving%s",
		s.Pool.Namespace, s.Pool.Name, ready.Status, ready.Reason, ptr.Deref(workers.Serving, 0),
		ptr.Deref(ptr.Deref(status.Scaling, v1alpha1.ScalingStatus{}).Wanted, 0),
		ptr.Deref(lanes.Count, 0), ptr.Deref(lanes.Owned, 0), ptr.Deref(lanes.Moving, 0), counted(s))
}

// counted says what is not completed, as far as somebody has counted.
func counted(s *snapshot.Snapshot) string {
	text := ""
	if sample := s.Sample(); sample != nil {
		var messages int64
		for _, n := range slices.Concat(sample.Lanes, sample.Shards) {
			messages += n
		}
		text = "; backlog " + view.Count(messages, "message")
	}
	return text + parkedIn(s)
}

// parkedIn says how many keys of the pool are parked, as far as the operator has.
func parkedIn(s *snapshot.Snapshot) string {
	if p := s.Status().Parked; p != nil && p.Keys != nil {
		return "; " + view.Count(*p.Keys, "key") + " parked"
	}
	return ""
}

// busiest are the lanes that do not just run, then those with the most backlog, at most so many.
func busiest(lanes []view.Lane, most int) []view.Lane {
	var unsettled, loaded []view.Lane
	for _, l := range lanes {
		switch {
		case l.State != v1alpha1.LaneOwned || l.Holding != v1alpha1.HoldingRunning:
			unsettled = append(unsettled, l)
		case ptr.Deref(l.Backlog, 0) > 0:
			loaded = append(loaded, l)
		}
	}
	slices.SortStableFunc(loaded, func(a, b view.Lane) int { return cmp.Compare(*b.Backlog, *a.Backlog) })
	shown := append(unsettled, loaded...)
	return shown[:min(max(most, 0), len(shown))]
}

func rowsOf[T any](out io.Writer, table show.Table[T], rows []T) error {
	printer, err := show.NewPrinter(table, show.NewFlags(), out)
	if err != nil {
		return err
	}
	return printer.Print(rows)
}
