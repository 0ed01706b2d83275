// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package nats_test

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	client "github.com/nats-io/nats.go"

	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/broker/brokertest"
)

// replica adds a replica that answers every tenth direct read of the pool's stream, as a rule. It answers what it is told to.
// With many more a request that asks again and again would end now and then, which the suite takes for what it is not.
func replica(t *testing.T, j *jet, conn *client.Conn, answer func(reply string) []*client.Msg) {
	t.Helper()
	const there = "$JS.API.DIRECT.GET." + stateStream
	err := j.server.GlobalAccount().AddWeightedMappings(there, server.NewMapDest(there, 90), server.NewMapDest("replica", 10))
	if err != nil {
		t.Fatal(err)
	}
	_, err = conn.Subscribe("replica", func(m *client.Msg) {
		for _, answer := range answer(m.Reply) {
			if err := conn.PublishMsg(answer); err != nil {
				t.Errorf("answering: %v", err)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Flush(); err != nil {
		t.Fatal(err)
	}
}

// nothing is the answer of a replica that has no record yet.
func nothing(reply string) []*client.Msg {
	answer := client.NewMsg(reply)
	answer.Header.Set("Status", "404")
	return []*client.Msg{answer}
}

// dialled is a client of the server.
func dialled(t *testing.T, j *jet) *client.Conn {
	t.Helper()
	conn, err := client.Connect(j.server.ClientURL(), client.MaxReconnects(-1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return conn
}

// TestConformanceWithLaggingReplica holds the adapter against the contract while some of its reads see the past.
func TestConformanceWithLaggingReplica(t *testing.T) {
	maker := harness()
	brokertest.Run(t, func(t *testing.T) brokertest.Harness {
		t.Helper()
		h, j := maker(t)
		replica(t, j, dialled(t, j), nothing)
		return h
	})
}

// TestConfirmDoesNotBelieveThePast asks often, so that the lagging replica is asked, too.
func TestConfirmDoesNotBelieveThePast(t *testing.T) {
	j := begun(t)
	old, fresh := claimed(t, j.settings()), claimed(t, j.settings())
	if _, err := old.Open(t.Context(), grant(1, 1)); err != nil {
		t.Fatal(err)
	}
	conn := dialled(t, j)
	past := recorded(t, conn)
	if _, err := fresh.Open(t.Context(), grant(1, 2)); err != nil {
		t.Fatal(err)
	}
	var served atomic.Int64
	replica(t, j, conn, func(reply string) []*client.Msg {
		served.Add(1)
		var again []*client.Msg
		for _, answer := range past {
			again = append(again, &client.Msg{Subject: reply, Header: answer.Header, Data: answer.Data})
		}
		return again
	})
	until(t, "the past has answered ten times", func() bool {
		superseded, err := old.Confirm(t.Context(), []broker.Grant{grant(1, 1)})
		if err == nil && len(superseded) == 0 {
			t.Fatal("an epoch that was superseded is confirmed, from the past")
		}
		if err != nil && broker.KindOf(err) != broker.Retryable {
			t.Fatal(err)
		}
		return served.Load() >= 10
	})
}

// recorded is what the server answers now to a read of the epoch record of lane 1 and the record confirm.
func recorded(t *testing.T, conn *client.Conn) []*client.Msg {
	t.Helper()
	if _, err := conn.Request("convoy.shop.orders.confirm", nil, patience); err != nil {
		t.Fatal(err)
	}
	inbox := conn.NewInbox()
	answers, err := conn.SubscribeSync(inbox)
	if err != nil {
		t.Fatal(err)
	}
	ask := `{"multi_last":["convoy.shop.orders.epoch.1","convoy.shop.orders.confirm"]}`
	if err := conn.PublishRequest("$JS.API.DIRECT.GET."+stateStream, inbox, []byte(ask)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var all []*client.Msg
	for {
		m, err := answers.NextMsgWithContext(ctx)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, m)
		if m.Header.Get("Status") == "204" {
			return all
		}
	}
}
