// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package process

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	natsclient "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/controllers/testenv"
	"convoy.dev/convoy/worker/drain"
	"convoy.dev/convoy/worker/mailbox"
)

const (
	lanes, podUID = 4, "0f3a3b1f-2d11-4c6e-9c0a-6d6f2c1e0b57"
	// address is where the worker listens: the pod's.
	address = "127.0.97.1"
	timeout = 2 // seconds
)

// pod is a worker's surroundings.
type pod struct {
	t       *testing.T
	env     *testenv.Env
	broker  *server.Server
	store   string
	port    int
	handler *handler
	binary  string
	state   string
	// embedded says that the binary is worker and handler in one, and tells the handler here of its calls.
	embedded bool
	number   map[string]int
	sent     int
	// lanes is Native unless a test says otherwise before it starts a process.
	lanes v1alpha1.LaneType
}

// newPod makes the surroundings of a program, which is built first.
func newPod(t *testing.T, program string) *pod {
	t.Helper()
	p := &pod{t: t, lanes: v1alpha1.LanesNative, handler: newHandler(t), store: t.TempDir(), state: t.TempDir(), binary: filepath.Join(t.TempDir(), "convoy-worker"), port: -1, number: map[string]int{}}
	p.run(exec.CommandContext(t.Context(), "go", "build", "-o", p.binary, program))
	var err error
	if p.env, err = testenv.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.env.Stop(); err != nil {
			t.Error(err)
		}
	})
	p.startBroker()
	p.makeStream()
	p.must(p.env.Client.Create(t.Context(), &v1alpha1.ConvoyWorker{ObjectMeta: metav1.ObjectMeta{
		Namespace: "default", Name: "w", OwnerReferences: []metav1.OwnerReference{{APIVersion: "v1", Kind: "Pod", Name: "w", UID: podUID}},
	}}))
	return p
}

func (p *pod) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *pod) run(c *exec.Cmd) {
	p.t.Helper()
	if out, err := c.CombinedOutput(); err != nil {
		p.t.Fatalf("%v: %v\n%s", c.Args, err, out)
	}
}

// startBroker starts the broker, on the port and with the data that it had before.
func (p *pod) startBroker() {
	p.t.Helper()
	var err error
	p.broker, err = server.NewServer(&server.Options{Host: "127.0.0.1", Port: p.port, JetStream: true, StoreDir: p.store, NoSigs: true})
	p.must(err)
	p.broker.Start()
	if !p.broker.ReadyForConnections(time.Minute) {
		p.t.Fatal("the broker does not start")
	}
	at, err := url.Parse(p.broker.ClientURL())
	p.must(err)
	p.port, err = strconv.Atoi(at.Port())
	p.must(err)
	p.t.Cleanup(p.broker.Shutdown)
}

func (p *pod) stopBroker() {
	p.broker.Shutdown()
	p.broker.WaitForShutdown()
}

func (p *pod) stream() jetstream.JetStream {
	p.t.Helper()
	connection, err := natsclient.Connect(p.broker.ClientURL())
	p.must(err)
	p.t.Cleanup(connection.Close)
	js, err := jetstream.New(connection)
	p.must(err)
	return js
}

func (p *pod) makeStream() {
	p.t.Helper()
	_, err := p.stream().CreateStream(p.t.Context(), jetstream.StreamConfig{Name: "ORDERS", Subjects: []string{"orders.>"}})
	p.must(err)
}

// publish sends the next messages of 24 keys.
func (p *pod) publish(each int) {
	p.t.Helper()
	js := p.stream()
	for range each {
		for i := range 24 {
			k := fmt.Sprintf("key-%d", i)
			p.number[k]++
			data, err := json.Marshal(message{Key: k, Number: p.number[k]})
			p.must(err)
			_, err = js.Publish(p.t.Context(), fmt.Sprintf("orders.%d.new", i%lanes), data)
			p.must(err)
			p.sent++
		}
	}
}

// grant writes the spec that grants every lane at an epoch.
func (p *pod) grant(revision, epoch int64) {
	p.t.Helper()
	spec := drain.Spec{Revision: revision, Slot: 0}
	for lane := range int32(lanes) {
		spec.Grants = append(spec.Grants, drain.Grant{Unit: drain.Unit{Index: lane}, Epoch: epoch})
	}
	if p.lanes == v1alpha1.LanesRouted {
		spec.Grants = append(spec.Grants, drain.Grant{Unit: drain.Unit{Kind: drain.Shard}, Epoch: epoch})
	}
	o := p.object()
	o.Spec = mailbox.WriteSpec(spec)
	p.must(p.env.Client.Update(p.t.Context(), o))
}

func (p *pod) object() *v1alpha1.ConvoyWorker {
	p.t.Helper()
	o := &v1alpha1.ConvoyWorker{}
	p.must(p.env.Client.Get(p.t.Context(), client.ObjectKey{Namespace: "default", Name: "w"}, o))
	return o
}

func (p *pod) report() drain.Report {
	p.t.Helper()
	return mailbox.ReadReport(p.object().Status)
}

// until waits until the condition holds, within a minute.
func (p *pod) until(what string, holds func() bool) {
	p.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	ctx, cancel := context.WithTimeout(p.t.Context(), time.Minute)
	defer cancel()
	for !holds() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			calls, completed := p.handler.count()
			p.t.Fatalf("%s: this does not come to be; %d calls, %d of %d completed, report %+v", what, calls, completed, p.sent, p.report())
		}
	}
}

func (p *pod) allDone() {
	p.t.Helper()
	p.until("every message is completed", func() bool {
		_, completed := p.handler.count()
		return completed == p.sent
	})
}

// start starts a worker process, with the environment that the operator and the kubelet give it.
func (p *pod) start() *exec.Cmd {
	p.t.Helper()
	at, err := url.Parse(p.handler.server.URL)
	p.must(err)
	port, err := strconv.Atoi(at.Port())
	p.must(err)
	count, seconds := int32(lanes), int32(timeout)
	of := v1alpha1.Lanes{Type: &p.lanes, Routed: &v1alpha1.RoutedLanes{Count: &count}}
	if p.lanes == v1alpha1.LanesNative {
		of.Routed, of.Native = nil, &v1alpha1.NativeLanes{NATS: &v1alpha1.NATSNativeLanes{Subjects: []string{"orders.{lane}.>"}, Count: count}}
	}
	port32 := int32(port)
	delivery := v1alpha1.Delivery{HTTP: &v1alpha1.HTTPDelivery{Port: &port32}, TimeoutSeconds: &seconds}
	if p.embedded {
		delivery = v1alpha1.Delivery{Type: ptr.To(v1alpha1.DeliveryEmbedded), TimeoutSeconds: &seconds}
	}
	settings, err := json.Marshal(v1alpha1.WorkerSettings{
		Cluster: "c", Pool: v1alpha1.PoolIdentity{Namespace: "default", Name: "orders", UID: "u"},
		Source:   v1alpha1.Source{NATS: &v1alpha1.NATSSource{Servers: []string{p.broker.ClientURL()}, Stream: "ORDERS"}},
		Key:      v1alpha1.Key{Expression: "body.key"},
		Lanes:    of,
		Delivery: delivery,
	})
	p.must(err)
	c := exec.CommandContext(p.t.Context(), p.binary)
	c.Env = []string{
		v1alpha1.EnvSettings + "=" + string(settings),
		"CONVOY_POD_NAMESPACE=default", "CONVOY_POD_NAME=w", "CONVOY_POD_UID=" + podUID, "CONVOY_POD_IP=" + address,
		"CONVOY_STATE_DIR=" + p.state, "CONVOY_RESTART_BARRIER=timeout", "KUBECONFIG=" + p.env.Kubeconfig(), "HOME=" + p.state,
		"TEST_URL=" + p.handler.server.URL,
	}
	c.Stderr = p.t.Output()
	p.must(c.Start())
	return c
}

// status asks one of the worker's endpoints; 0 when nobody answers.
func (p *pod) status(path string) int {
	p.t.Helper()
	status, _ := p.get(address, path)
	return status
}

func (p *pod) get(host, path string) (status int, text string) {
	p.t.Helper()
	request, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, "http://"+host+":9440"+path, nil)
	p.must(err)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, ""
	}
	body, err := io.ReadAll(answer.Body)
	p.must(errors.Join(err, answer.Body.Close()))
	return answer.StatusCode, string(body)
}

// kill ends a process without a word and waits until it is gone.
func (p *pod) kill(c *exec.Cmd) {
	p.t.Helper()
	p.must(c.Process.Signal(os.Kill))
	if err := c.Wait(); err == nil {
		p.t.Error("a process that was killed ended in order")
	}
}
