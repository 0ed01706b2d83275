// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"fmt"
	"strings"
)

// NATSStateStream is the name of the stream in which a pool's workers keep its claim, epoch records and progress.
func NATSStateStream(namespace, name string) string {
	return "convoy_" + NATSToken(namespace) + "_" + NATSToken(name)
}

// NATSDeadLetterStream is the name of the stream for the dead letters of a pool that names no destination.
func NATSDeadLetterStream(namespace, name string) string {
	return NATSStateStream(namespace, name) + "_dead"
}

// NATSParkStream is the name of the stream in which a pool's workers keep what is parked.
func NATSParkStream(namespace, name string) string {
	return NATSStateStream(namespace, name) + "_park"
}

// NATSLaneStream is the name of the stream that Convoy makes for the Routed lanes of a pool that names none.
func NATSLaneStream(namespace, name string) string {
	return NATSStateStream(namespace, name) + "_lanes"
}

// NATSToken makes one token of a subject, and one part of a stream's name, of a name in Kubernetes: letters, digits and
// hyphens stay, every other byte is written as = and its number in hexadecimal. So names stay readable and different,
// and _ and . are free to stand between them. A name of 63 characters has at most 189.
func NATSToken(name string) string {
	var b strings.Builder
	for _, c := range []byte(name) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-':
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "=%02x", c)
		}
	}
	return b.String()
}
