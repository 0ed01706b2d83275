// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"errors"
	"fmt"
	"net/netip"
	"sync"

	"golang.org/x/sys/unix"
)

// reservedPort is a free port of one address that the kernel gives to nobody else. The usual way, to listen, close and hope,
// loses the port now and then to another program that asks for a free one in between.
type reservedPort struct {
	netip.AddrPort
	// release is to be called when the server listens, or will not. Later calls do nothing.
	release func() error
}

// reservePort binds a port without listening. The API server binds it too, both with SO_REUSEPORT, and gets all
// connections because it alone listens.
func reservePort(at netip.Addr) (reservedPort, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		return reservedPort{}, fmt.Errorf("reserving a port: %w", err)
	}
	unix.CloseOnExec(fd)
	number, err := bindFreePort(fd, at)
	if err != nil {
		return reservedPort{}, errors.Join(fmt.Errorf("reserving a port: %w", err), unix.Close(fd))
	}
	return reservedPort{AddrPort: netip.AddrPortFrom(at, number), release: sync.OnceValue(func() error { return unix.Close(fd) })}, nil
}

func bindFreePort(fd int, at netip.Addr) (uint16, error) {
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1); err != nil {
		return 0, err
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: at.As4()}); err != nil {
		return 0, err
	}
	bound, err := unix.Getsockname(fd)
	if err != nil {
		return 0, err
	}
	address, ok := bound.(*unix.SockaddrInet4)
	if !ok {
		return 0, fmt.Errorf("bound to an address of type %T", bound)
	}
	return uint16(address.Port), nil
}
