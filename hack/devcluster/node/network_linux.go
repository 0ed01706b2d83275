// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"os/exec"
	"strconv"
	"strings"

	"convoy.dev/convoy/hack/devcluster/controlplane"
)

// podCIDR is where the addresses of pods come from. Only the node knows them, so every cluster uses the same.
const podCIDR = "10.244.0.0/16"

// maxLinks bounds how many clusters run side by side.
const maxLinks = 250

// link joins the machine and a node: a network of two addresses.
type link struct {
	// Name is the machine's end. The node's is always called eth0.
	Name          string
	Machine, Node netip.Addr
}

func linkOf(number int) link {
	third := byte(number)
	return link{
		Name:    "convoy" + strconv.Itoa(number),
		Machine: netip.AddrFrom4([4]byte{10, 213, third, 1}),
		Node:    netip.AddrFrom4([4]byte{10, 213, third, 2}),
	}
}

// makeLink makes the first link whose name is free, with its other end in the network namespace of a process.
func makeLink(ctx context.Context, pid int) (link, error) {
	for number := range maxLinks {
		l := linkOf(number)
		err := ip(ctx, "link", "add", l.Name, "type", "veth", "peer", "name", "eth0", "netns", strconv.Itoa(pid))
		if err != nil && strings.Contains(err.Error(), "File exists") {
			continue
		}
		if err != nil {
			return link{}, fmt.Errorf("linking the node: %w", err)
		}
		return l, l.raise(ctx, l.Name, l.Machine)
	}
	return link{}, fmt.Errorf("linking the node: %d links named convoyN exist: stop clusters that are not needed", maxLinks)
}

// raiseNode prepares the network on the node's side.
func (l link) raiseNode(ctx context.Context) error {
	if err := ip(ctx, "link", "set", "lo", "up"); err != nil {
		return fmt.Errorf("linking the node: %w", err)
	}
	if err := l.raise(ctx, "eth0", l.Node); err != nil {
		return err
	}
	// Programs of the node reach services only if some route leads there. Nothing is forwarded by the machine.
	if err := ip(ctx, "route", "add", "default", "via", l.Machine.String()); err != nil {
		return fmt.Errorf("linking the node: %w", err)
	}
	return refuseUnknownServices(ctx)
}

// refuseUnknownServices answers what is sent to a service's address before kube-proxy knows the service. Otherwise it would go
// to the machine, which drops it, and as connection tracking remembers the way, the retries would follow for
// half a minute although the service is there by then.
func refuseUnknownServices(ctx context.Context) error {
	for _, chain := range []string{"FORWARD", "OUTPUT"} {
		err := runQuietly(ctx, "iptables", "--wait", "--append", chain, "--destination", controlplane.ServiceCIDR, "--jump", "REJECT")
		if err != nil {
			return fmt.Errorf("refusing unknown services: %w", err)
		}
	}
	return nil
}

func (l link) raise(ctx context.Context, name string, at netip.Addr) error {
	if err := ip(ctx, "address", "add", at.String()+"/30", "dev", name); err != nil {
		return fmt.Errorf("linking the node: %w", err)
	}
	if err := ip(ctx, "link", "set", name, "up"); err != nil {
		return fmt.Errorf("linking the node: %w", err)
	}
	return nil
}

// removeLink removes the machine's end. The kernel does so, too, some time after the node's namespace is gone.
func removeLink(ctx context.Context, name string) error {
	err := ip(ctx, "link", "delete", name)
	if err != nil && !strings.Contains(err.Error(), "Cannot find device") {
		return fmt.Errorf("removing the link: %w", err)
	}
	return nil
}

func ip(ctx context.Context, args ...string) error { return runQuietly(ctx, "ip", args...) }

// runQuietly runs a program whose words matter only if it fails. They are English, whatever the caller speaks.
func runQuietly(ctx context.Context, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, find(name), args...)
	cmd.Env = append(cmd.Environ(), "LC_ALL=C")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(cmd.Args, " "), err, bytes.TrimSpace(out))
	}
	return nil
}
