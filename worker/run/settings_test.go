// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package run_test

import (
	"testing"
	"time"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/worker/order"
	"convoy.dev/convoy/worker/run"
)

// settings are a pool's, with something changed and then with defaults.
func settings(change func(*v1alpha1.WorkerSettings)) *v1alpha1.WorkerSettings {
	native := v1alpha1.LanesNative
	s := &v1alpha1.WorkerSettings{
		Cluster: "c", Pool: v1alpha1.PoolIdentity{Namespace: "shop", Name: "orders", UID: "u"},
		Source: v1alpha1.Source{NATS: &v1alpha1.NATSSource{Servers: []string{"nats://a"}, Stream: "ORDERS"}},
		Key:    v1alpha1.Key{Expression: "body.id"},
		Lanes: v1alpha1.Lanes{Type: &native, Native: &v1alpha1.NativeLanes{
			NATS: &v1alpha1.NATSNativeLanes{Subjects: []string{"orders.{lane}.>"}, Count: 4},
		}},
	}
	change(s)
	s.SetDefaults()
	return s
}

func configured(t *testing.T, change func(*v1alpha1.WorkerSettings)) run.Config {
	t.Helper()
	c, err := run.FromSettings(settings(change))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// The fingerprint says what gives a message its lane, key and place, and nothing else.
func TestTheFingerprint(t *testing.T) {
	const before = "the settings"
	seen := map[string]string{configured(t, func(*v1alpha1.WorkerSettings) {}).Claim.Fingerprint: before}
	for name, change := range map[string]func(*v1alpha1.WorkerSettings){
		"stream":   func(s *v1alpha1.WorkerSettings) { s.Source.NATS.Stream = "OTHER" },
		"subjects": func(s *v1alpha1.WorkerSettings) { s.Source.NATS.Subjects = []string{"orders.>"} },
		"key":      func(s *v1alpha1.WorkerSettings) { s.Key.Expression = "body.other" },
		"lanes":    func(s *v1alpha1.WorkerSettings) { s.Lanes.Native.NATS.Count = 5 },
		"places":   func(s *v1alpha1.WorkerSettings) { s.Lanes.Native.NATS.Subjects = []string{"o.{lane}"} },
	} {
		got := configured(t, change).Claim.Fingerprint
		if other, is := seen[got]; is {
			t.Errorf("another %s has the fingerprint of %s", name, other)
		}
		seen[got] = "another " + name
	}
	for name, change := range map[string]func(*v1alpha1.WorkerSettings){
		"servers":  func(s *v1alpha1.WorkerSettings) { s.Source.NATS.Servers = []string{"nats://b"} },
		"time-out": func(s *v1alpha1.WorkerSettings) { s.Delivery.TimeoutSeconds = new(int32) },
		"UID":      func(s *v1alpha1.WorkerSettings) { s.Pool.UID = "v" },
	} {
		if got := configured(t, change).Claim.Fingerprint; seen[got] != before {
			t.Errorf("another %s has another fingerprint", name)
		}
	}
}

func TestSettingsBecomeAConfig(t *testing.T) {
	c := configured(t, func(*v1alpha1.WorkerSettings) {})
	if c.Order.OnFailure != order.Park || c.Order.ParkMaxKeys != 1024 || c.Order.ParkMaxMessagesPerKey != 1024 || c.Order.Timeout != int64(30*time.Second) || c.Fence != 10*time.Second ||
		c.DrainTimeout != time.Minute || c.OnMissing != v1alpha1.MissingDeadLetter {
		t.Errorf("config %+v", c)
	}
	letters := v1alpha1.FailureDeadLetter
	c = configured(t, func(s *v1alpha1.WorkerSettings) { s.Delivery.OnFailure = &v1alpha1.OnFailure{Type: &letters} })
	if c.Order.OnFailure != order.DeadLetter {
		t.Errorf("OnFailure %v", c.Order.OnFailure)
	}
	park, keys, messages := v1alpha1.FailurePark, int32(3), int32(5)
	c = configured(t, func(s *v1alpha1.WorkerSettings) {
		s.Delivery.OnFailure = &v1alpha1.OnFailure{Type: &park, Park: &v1alpha1.Park{MaxKeys: &keys, MaxMessagesPerKey: &messages}}
	})
	if c.Order.OnFailure != order.Park || c.Order.ParkMaxKeys != 3 || c.Order.ParkMaxMessagesPerKey != 5 {
		t.Errorf("with bounds: %+v", c.Order)
	}
}
