// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package nats_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/key"
)

// oddHeaders are headers that some clients write and others would not. The last one cannot be read at all.
var oddHeaders = []string{"key: abc  ", "key: \tabc\t", "order id: 7", "ü: 1", "Nats-Msg x: 1", "no colon"}

// publishRaw publishes a message for each header, byte by byte.
func publishRaw(t *testing.T, address, subject string, headers []string) {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	text := `CONNECT {"verbose":false,"pedantic":false,"headers":true,"no_responders":false}` + "\r\n"
	for _, header := range headers {
		block := "NATS/1.0\r\n" + header + "\r\n\r\n"
		text += fmt.Sprintf("HPUB %s %d %d\r\n%s{}\r\n", subject, len(block), len(block)+len("{}"), block)
	}
	if _, err := conn.Write([]byte(text + "PING\r\n")); err != nil {
		t.Fatal(err)
	}
	for answers := bufio.NewReader(conn); ; {
		line, err := answers.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(line, "PONG") {
			return
		}
	}
}

// A key may be in a header: who routes a message and who has its lane must see the same.
func TestHeadersAreTheSameInLanes(t *testing.T) {
	j := serve(t)
	makeSource(t, j.admin(t))
	publishRaw(t, j.address(), "orders.1", oddHeaders)
	b := connect(t, j.settings(routed))
	shard := shardOf(t, b, 1)
	n, seen := len(oddHeaders), []map[string][]string{}
	ctx, enough := context.WithTimeout(t.Context(), time.Minute)
	defer enough()
	err := shard.Route(ctx, broker.Routing{Place: func(_ context.Context, messages []broker.Message, into []int32) ([]int32, error) {
		for i := range messages {
			seen = append(seen, messages[i].Headers)
		}
		return append(into, make([]int32, len(messages))...), nil
	}, Settled: func(settled int) {
		if n -= settled; n == 0 {
			enough()
		}
	}})
	if n > 0 {
		t.Fatalf("%d messages are left: %v", n, err)
	}
	lane, _ := owned(t, b, grant(0, 1))
	messages := reads(t, lane, len(oddHeaders))
	for i := range messages {
		for how, headers := range map[string]map[string][]string{
			"read": messages[i].Headers, "fetched": fetched(t, lane, &messages[i]).Headers, "parked": parkedAs(t, lane, messages[i]).Headers,
		} {
			if diff := cmp.Diff(seen[i], headers); diff != "" {
				t.Errorf("message %d (%s) as %s differs from what was routed (-routed +%s):\n%s", i, oddHeaders[i], how, how, diff)
			}
		}
		if err := lane.DeadLetter(t.Context(), broker.DeadLetter{Message: messages[i], Key: "k", Reason: "Rejected"}); err != nil {
			t.Errorf("dead-lettering message %d: %v", i, err)
		}
	}
	if diff := cmp.Diff([]string{"abc"}, messages[0].Headers["key"]); diff != "" {
		t.Errorf("the first key (-want +got):\n%s", diff)
	}
}

func fetched(t *testing.T, lane broker.Lane, message *broker.Message) broker.Message {
	t.Helper()
	again, err := lane.Fetch(t.Context(), message.Position)
	if err != nil {
		t.Fatal(err)
	}
	return again
}

// parkedAs parks a message as the only one of a key of its own, and reads it again.
func parkedAs(t *testing.T, lane broker.Lane, message broker.Message) broker.Message {
	t.Helper()
	if _, err := lane.LoadParked(t.Context()); err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprint("key-", message.Sequence)
	if err := lane.MarkParked(t.Context(), broker.ParkedKey{Key: name, Reason: "Rejected"}); err != nil {
		t.Fatal(err)
	}
	if err := lane.Park(t.Context(), name, message); err != nil {
		t.Fatal(err)
	}
	found, err := lane.ReadParked(t.Context(), name, 0, 1)
	if err != nil || len(found) != 1 {
		t.Fatalf("reading what was parked: %v, %v", found, err)
	}
	return found[0]
}

// A message that the source takes may be too large for its lane, with what is added to it.
func TestMessageTooLargeForItsLane(t *testing.T) {
	j := serve(t)
	js := j.admin(t)
	makeSource(t, js)
	shard := shardOf(t, connect(t, j.settings(routed)), 1)
	send(t, js, source, key.Message{Data: make([]byte, 1<<20-50)})
	err := shard.Route(t.Context(), broker.Routing{Place: everywhere(all)})
	if broker.KindOf(err) != broker.Permanent || !strings.Contains(err.Error(), "message 1 of the stream "+source) {
		t.Errorf("routing: %v", err)
	}
}
