// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"fmt"
	"net"
	"net/netip"
	"testing"
)

func TestReservedPortIsNobodyElsesUntilReleased(t *testing.T) {
	port, err := reservePort(netip.AddrFrom4([4]byte{127, 0, 0, 1}))
	if err != nil {
		t.Fatal(err)
	}
	if listener, err := listen(t, int(port.Port())); err == nil {
		t.Errorf("port %d was free to take while reserved (closing it: %v)", int(port.Port()), listener.Close())
	}
	// The second release must not close a descriptor that is somebody else's by now.
	for range 2 {
		if err := port.release(); err != nil {
			t.Fatal(err)
		}
	}
	listener, err := listen(t, int(port.Port()))
	if err != nil {
		t.Fatalf("port %d is not free after its release: %v", int(port.Port()), err)
	}
	if err := listener.Close(); err != nil {
		t.Error(err)
	}
}

func listen(t *testing.T, port int) (net.Listener, error) {
	t.Helper()
	return new(net.ListenConfig).Listen(t.Context(), "tcp", fmt.Sprintf("127.0.0.1:%d", port))
}
