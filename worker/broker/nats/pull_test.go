// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package nats

import (
	"errors"
	"fmt"
	"testing"
	"time"

	client "github.com/nats-io/nats.go"
)

// TestPullSeesGaps gives a consumer's messages to a reader in every order that is wrong.
func TestPullSeesGaps(t *testing.T) {
	arrives := func(p *pull, consumer, stream int) error {
		reply := fmt.Sprintf("$JS.ACK._.account.ORDERS.name.1.%d.%d.%d.0.x", stream, consumer, time.Second)
		_, err := p.message(&client.Msg{Reply: reply, Sub: &client.Subscription{}})
		return err
	}
	for what, is := range map[string]struct {
		consumer, stream int
		want             error
	}{
		"the next":                 {3, 9, nil},
		"one is missing":           {4, 12, errBroken},
		"the same again":           {2, 7, errBroken},
		"a number counted anew":    {1, 9, errBroken},
		"a position that was seen": {3, 7, errBroken},
		"a position before":        {3, 2, errBroken},
	} {
		p := &pull{seen: 2, last: 7}
		if err := arrives(p, is.consumer, is.stream); !errors.Is(err, is.want) {
			t.Errorf("%s: %v, want %v", what, err, is.want)
		}
	}
}

// TestPullUnderstands reads what is no message.
func TestPullUnderstands(t *testing.T) {
	for what, is := range map[string]struct {
		header client.Header
		due    int
		want   error
	}{
		"a heartbeat":          {client.Header{"Status": {"100"}, "Description": {"Idle Heartbeat"}}, 100, nil},
		"time used up":         {client.Header{"Status": {"408"}, "Nats-Pending-Messages": {"60"}}, 40, nil},
		"bytes used up":        {client.Header{"Status": {"409"}, "Nats-Pending-Messages": {"30"}}, 70, nil},
		"messages used up":     {client.Header{"Status": {"409"}, "Nats-Pending-Messages": {"0"}}, 100, nil},
		"a consumer deleted":   {client.Header{"Status": {"409"}, "Description": {"Consumer Deleted"}}, 100, errBroken},
		"nobody there":         {client.Header{"Status": {"503"}}, 100, errBroken},
		"nothing that we know": {nil, 100, errBroken},
	} {
		p := &pull{due: 100}
		if err := p.take(&client.Msg{Header: is.header}); !errors.Is(err, is.want) || p.due != is.due {
			t.Errorf("%s: %v, %d due; want %v, %d", what, err, p.due, is.want, is.due)
		}
	}
}
