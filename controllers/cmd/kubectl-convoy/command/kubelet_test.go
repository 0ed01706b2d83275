// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package command_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"path"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/streaming/pkg/httpstream"
	"k8s.io/streaming/pkg/httpstream/spdy"
)

// kubelet plays the kubelet of node-1, as far as it forwards ports, and the workers of its pods, by name. Ports of other pods
// are closed.
type kubelet map[string]http.HandlerFunc

// startKubelet starts it where the API server finds it.
func startKubelet(ctx context.Context, workers kubelet) {
	GinkgoHelper()
	server := httptest.NewTLSServer(workers)
	DeferCleanup(server.Close)
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node-1"}}
	Expect(env.Client.Create(ctx, node)).To(Succeed())
	DeferCleanup(func(ctx context.Context) { Expect(env.Client.Delete(ctx, node)).To(Succeed()) })
	at := server.Listener.Addr().(*net.TCPAddr)
	node.Status.Addresses = []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: at.IP.String()}}
	node.Status.DaemonEndpoints.KubeletEndpoint.Port = int32(at.Port)
	Expect(env.Client.Status().Update(ctx, node)).To(Succeed())
}

// ServeHTTP answers the API server's /portForward/NAMESPACE/POD: one connection with one request.
func (k kubelet) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	defer GinkgoRecover()
	_, err := httpstream.Handshake(r, out, []string{portforward.PortForwardProtocolV1Name})
	Expect(err).NotTo(HaveOccurred())
	streams := make(chan httpstream.Stream, 2) // those of the one connection: why it is refused, and its data
	connection := spdy.NewResponseUpgrader().UpgradeResponse(out, r, func(s httpstream.Stream, _ <-chan struct{}) error {
		streams <- s
		return nil
	})
	refusal, data := <-streams, <-streams
	port := data.Headers().Get(corev1.PortHeader)
	if worker := k[path.Base(r.URL.Path)]; worker == nil || port != "9440" {
		fmt.Fprintf(refusal, "port %s: connection refused\n", port)
	} else {
		request, err := http.ReadRequest(bufio.NewReader(data))
		Expect(err).NotTo(HaveOccurred())
		answer := httptest.NewRecorder()
		worker(answer, request)
		Expect(answer.Result().Write(data)).To(Succeed())
	}
	Expect(refusal.Close()).To(Succeed())
	Expect(data.Close()).To(Succeed())
	<-connection.CloseChan() // The API server closes it.
}
