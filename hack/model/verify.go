// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// A verifier may use this much memory, in MiB, search this deep, and run this long. The largest clean check takes about 1.2 GiB, the deepest
// about 300 steps; the limits are there so that a model that has grown out of bounds fails instead of taking the machine.
const (
	memoryLimit = 3500
	depthLimit  = 100_000
	timeLimit   = 4 * time.Minute
)

//go:embed *.pml common.h
var models embed.FS

// outcome is a check that has run.
type outcome struct {
	check  check
	report report
	wrong  string // why the check fails; empty if it passes
	dir    string // kept when the check fails
	took   time.Duration
}

// run explores the check's model in a new directory below root and judges what came of it.
func run(ctx context.Context, c check, root string) outcome {
	started := time.Now()
	o := outcome{check: c}
	dir, err := os.MkdirTemp(root, c.model+"-")
	if err == nil {
		o.dir = dir
		o.report, err = explore(ctx, c, dir)
	}
	o.took = time.Since(started)
	if err != nil {
		o.wrong = err.Error()
		return o
	}
	o.wrong = judge(c, o.report)
	return o
}

func explore(ctx context.Context, c check, dir string) (report, error) {
	if err := os.CopyFS(dir, models); err != nil {
		return report{}, fmt.Errorf("copying the models: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, timeLimit)
	defer cancel()
	spin := append(append([]string{"-a"}, c.defines()...), c.model+".pml")
	if out, err := tool(ctx, dir, "spin", spin...); err != nil {
		return report{}, fmt.Errorf("translating %s: %w: %s", c.model, err, lastLine(out))
	}
	compile, search := verifier(c)
	if out, err := tool(ctx, dir, "gcc", compile...); err != nil {
		return report{}, fmt.Errorf("compiling %s: %w: %s", c.model, err, lastLine(out))
	}
	out, err := tool(ctx, dir, "./pan", search...)
	if ctx.Err() != nil {
		return report{}, fmt.Errorf("exploring %s: cut short: %w", c.model, ctx.Err())
	}
	if err := os.WriteFile(filepath.Join(dir, "pan.out"), []byte(out), 0o600); err != nil {
		return report{}, fmt.Errorf("keeping the report: %w", err)
	}
	r, parseErr := parse(out)
	if parseErr != nil && err != nil {
		return r, fmt.Errorf("exploring %s: %w: %s", c.model, err, lastLine(out))
	}
	return r, parseErr
}

// verifier returns the arguments of the C compiler and of the compiled verifier.
func verifier(c check) (compile, search []string) {
	optimise := "-O1"
	if !c.clean() {
		optimise = "-O0" // what is removed is found in a moment: compiling takes longer than the search
	}
	compile = []string{optimise, "-w", "-DCOLLAPSE", fmt.Sprintf("-DMEMLIM=%d", memoryLimit)}
	search = []string{fmt.Sprintf("-m%d", depthLimit)}
	switch c.kind {
	case safety:
		compile = append(compile, "-DSAFETY", "-DNOCLAIM")
	case fair:
		compile = append(compile, "-DNFAIR=4")
		search = append(search, "-a", "-f")
	case rests:
		search = append(search, "-a")
	}
	return append(compile, "-o", "pan", "pan.c"), search
}

// tool runs a command politely: other work on the machine goes first.
func tool(ctx context.Context, dir, name string, args ...string) (string, error) {
	command := exec.CommandContext(ctx, "nice", append([]string{name}, args...)...)
	command.Dir = dir
	out, err := command.CombinedOutput()
	return string(out), err
}

// replay is the command that shows the story of a failed check.
func replay(o outcome) string {
	return fmt.Sprintf("cd %s && spin -t -p -g %s %s.pml", o.dir, strings.Join(o.check.defines(), " "), o.check.model)
}
