// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"
)

func main() {
	quick := flag.Bool("quick", false, "run the subset that takes under half a minute")
	only := flag.String("only", "", "run the checks whose model or switch contains this")
	jobs := flag.Int("jobs", 2, "checks that run side by side; each may take 3.5 GiB")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := verify(ctx, os.Stdout, chosen(*quick, *only), *jobs); err != nil {
		fmt.Fprintln(os.Stderr, "model:", err)
		stop()
		os.Exit(1)
	}
}

// chosen are the checks to run, in the order in which they are reported.
func chosen(quick bool, only string) []check {
	all := slices.Concat(cleanChecks, removals)
	return slices.DeleteFunc(all, func(c check) bool {
		return quick && !c.quick || !strings.Contains(c.model+" "+c.removal, only)
	})
}

// verify runs the checks and prints a line for each, in order, then a summary. It returns an error if any check fails.
func verify(ctx context.Context, out io.Writer, checks []check, jobs int) error {
	if len(checks) == 0 {
		return errors.New("no check is chosen")
	}
	if jobs < 1 {
		return fmt.Errorf("running %d checks side by side: at least one is needed", jobs)
	}
	if err := install(ctx, out); err != nil {
		return err
	}
	root, err := os.MkdirTemp("", "convoy-model-")
	if err != nil {
		return fmt.Errorf("making a working directory: %w", err)
	}
	started := time.Now()
	sum := &summary{}
	for _, result := range start(ctx, checks, jobs, root) {
		o := <-result
		sum.add(o)
		if err := tell(out, o); err != nil {
			return err
		}
	}
	if _, err := fmt.Fprintf(out, "%s, %.0f s\n", sum, time.Since(started).Seconds()); err != nil {
		return err
	}
	if sum.failed > 0 {
		return fmt.Errorf("%d of %d checks failed", sum.failed, len(checks))
	}
	return os.RemoveAll(root)
}

// start runs the checks, jobs at a time. Each result comes on its own channel, which has room for it, so that nobody waits for the reader.
func start(ctx context.Context, checks []check, jobs int, root string) []chan outcome {
	results := make([]chan outcome, len(checks))
	for i := range results {
		results[i] = make(chan outcome, 1)
	}
	next := make(chan int) // unbuffered: a check is handed to whoever is free
	go func() {
		defer close(next)
		for i := range checks {
			next <- i
		}
	}()
	for range jobs {
		go func() {
			for i := range next {
				results[i] <- run(ctx, checks[i], root)
			}
		}()
	}
	return results
}

// tell prints an outcome, says how to repeat a check that failed, and removes the directory of one that passed.
func tell(out io.Writer, o outcome) error {
	text := line(o)
	if o.wrong != "" && o.dir != "" {
		text += "\n    " + replay(o)
	}
	if _, err := fmt.Fprintln(out, text); err != nil {
		return err
	}
	if o.wrong != "" || o.dir == "" {
		return nil
	}
	return os.RemoveAll(o.dir)
}
