// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package process

import (
	"bytes"
	"log/slog"
	"maps"
	"strings"
	"testing"

	"convoy.dev/convoy/api/v1alpha1"
	_ "convoy.dev/convoy/worker/broker/nats"
)

// whole is an environment as the operator and the kubelet make it, with a field that this worker does not know.
func whole() map[string]string {
	return map[string]string{
		"CONVOY_SETTINGS": `{"pool": {"namespace": "shop", "name": "orders", "uid": "u"}, "future": 1, "key": {"expression": "body.id"},
			"source": {"nats": {"servers": ["nats://127.0.0.1:4222"], "stream": "ORDERS"}}, "delivery": {"http": {"port": 9000}},
			"lanes": {"type": "Native", "native": {"nats": {"subjects": ["orders.{lane}.>"], "count": 4}}}}`,
		"CONVOY_POD_NAMESPACE": "shop", "CONVOY_POD_NAME": "orders-1", "CONVOY_POD_UID": "u1", "CONVOY_POD_IP": "fd00::7",
	}
}

func TestTheEnvironmentIsRead(t *testing.T) {
	variables := whole()
	variables["CONVOY_RESTART_BARRIER"] = "timeout"
	e, err := readEnvironment(func(name string) string { return variables[name] })
	if err != nil {
		t.Fatal(err)
	}
	if e.listen != "[fd00::7]:9440" || e.handler != "127.0.0.1:9000" || e.stateDir != "/var/run/convoy" || !e.barrier {
		t.Errorf("listen %s, handler %s, state %s, barrier %t", e.listen, e.handler, e.stateDir, e.barrier)
	}
	if *e.settings.Delivery.TimeoutSeconds != 30 {
		t.Errorf("settings have no defaults: %+v", e.settings.Delivery)
	}
}

// Nothing was called by a process that could not start, so that the handler need not be restarted with it.
func TestAWorkerThatCannotStartSaysWhy(t *testing.T) {
	for name, c := range map[string]struct{ variable, value, word string }{
		"no settings":      {"CONVOY_SETTINGS", "", "CONVOY_SETTINGS"},
		"no JSON":          {"CONVOY_SETTINGS", "{", "CONVOY_SETTINGS"},
		"no UID":           {"CONVOY_POD_UID", "", "CONVOY_POD_UID"},
		"unknown barrier":  {"CONVOY_RESTART_BARRIER", "soon", "CONVOY_RESTART_BARRIER"},
		"embedded":         {"CONVOY_SETTINGS", strings.Replace(whole()["CONVOY_SETTINGS"], `"http": {"port": 9000}`, `"type": "Embedded"`, 1), "Embedded"},
		"no key":           {"CONVOY_SETTINGS", strings.Replace(whole()["CONVOY_SETTINGS"], "body.id", "body.", 1), "key expression"},
		"no service token": {"KUBECONFIG", "/nowhere/at/all", "API server"},
	} {
		t.Run(name, func(t *testing.T) {
			variables := whole()
			maps.Copy(variables, map[string]string{c.variable: c.value})
			var logs bytes.Buffer
			if code := Main(Config{
				Delivery: v1alpha1.DeliveryHTTP, Handler: OverHTTP, Getenv: func(name string) string { return variables[name] },
				Log: slog.New(slog.NewJSONHandler(&logs, nil)),
			}); code != ExitIdle {
				t.Errorf("exit code %d, want %d", code, ExitIdle)
			}
			if !strings.Contains(logs.String(), c.word) || !strings.Contains(logs.String(), `"level":"ERROR"`) {
				t.Errorf("the log does not say %q: %s", c.word, logs.String())
			}
		})
	}
}
