// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"convoy.dev/convoy/controllers/cmd/kubectl-convoy/show"
	"convoy.dev/convoy/controllers/cmd/kubectl-convoy/snapshot"
)

// rowsCommand is a command that prints rows of a pool, and on request again when they change.
type rowsCommand[T any] struct {
	*access
	flags *show.Flags
	table show.Table[T]
	rows  func(*snapshot.Snapshot) []T
	// name tells rows apart.
	name func(*T) string
	// none is said when there are no rows.
	none string
	// note is what is to be said beside the rows, "" if nothing is. May be nil.
	note  func(*snapshot.Snapshot) string
	watch bool
}

func (r *rowsCommand[T]) run(ctx context.Context, pool string) error {
	printer, err := show.NewPrinter(r.table, r.flags, r.streams.Out)
	if err != nil {
		return err
	}
	c, first, err := r.read(ctx, pool)
	if err != nil {
		return err
	}
	rows := r.rows(first)
	if len(rows) == 0 && !r.flags.Objects() {
		fmt.Fprintf(r.streams.ErrOut, r.none+"\n", first.Pool.Name)
	} else if err := printer.Print(rows); err != nil {
		return err
	}
	if r.note != nil {
		if note := r.note(first); note != "" {
			fmt.Fprintln(r.streams.ErrOut, note)
		}
	}
	if !r.watch {
		return nil
	}
	return r.follow(ctx, c, first, printer)
}

// follow prints rows that have changed until ctx ends.
func (r *rowsCommand[T]) follow(ctx context.Context, c *cluster, first *snapshot.Snapshot, printer *show.Printer[T]) (err error) {
	ctx, stop := context.WithCancel(ctx)
	follower, err := snapshot.Follow(ctx, c.config, c.Scheme(), first)
	if err != nil {
		stop()
		return err
	}
	defer func() {
		stop()
		err = errors.Join(err, follower.Wait())
	}()
	shown := r.byName(r.rows(first))
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-follower.Changed:
		}
		next, err := follower.Read(ctx)
		if err != nil {
			return err
		}
		rows := r.rows(next)
		if err := printer.PrintEach(changed(rows, shown, r.name)); err != nil {
			return err
		}
		shown = r.byName(rows)
	}
}

func (r *rowsCommand[T]) byName(rows []T) map[string]T {
	all := map[string]T{}
	for i := range rows {
		all[r.name(&rows[i])] = rows[i]
	}
	return all
}

func changed[T any](rows []T, shown map[string]T, name func(*T) string) []T {
	var news []T
	for i := range rows {
		if before, was := shown[name(&rows[i])]; !was || !reflect.DeepEqual(before, rows[i]) {
			news = append(news, rows[i])
		}
	}
	return news
}
