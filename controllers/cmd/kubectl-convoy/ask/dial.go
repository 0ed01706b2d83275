// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package ask

import (
	"context"
	"net/http"

	"k8s.io/apimachinery/pkg/runtime/schema"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/transport/spdy"
	"k8s.io/streaming/pkg/httpstream"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Asker asks workers by way of one API server.
type Asker struct {
	config *rest.Config
	pods   rest.Interface
}

// New is an Asker with the rights of config.
func New(config *rest.Config) (*Asker, error) {
	config = rest.CopyConfig(config)
	config.APIPath, config.GroupVersion = "/api", &schema.GroupVersion{Version: "v1"}
	config.NegotiatedSerializer = clientgoscheme.Codecs.WithoutConversion()
	pods, err := rest.RESTClientFor(config)
	return &Asker{config, pods}, err
}

// forward has the API server forward ports of a pod.
func (a *Asker) forward(ctx context.Context, pod client.ObjectKey) (httpstream.Connection, error) {
	dialer, err := a.dialer(pod)
	if err != nil {
		return nil, err
	}
	type end struct {
		connection httpstream.Connection
		err        error
	}
	dialed := make(chan end, 1) // Dial knows no context: nobody may be there to take its end.
	go func() {
		connection, _, err := dialer.Dial(portforward.PortForwardProtocolV1Name)
		dialed <- end{connection, err}
	}()
	select {
	case e := <-dialed:
		return e.connection, e.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// dialer reaches the API server over a WebSocket, or, where something on the way does not let that through, over SPDY, as
// kubectl does.
func (a *Asker) dialer(pod client.ObjectKey) (httpstream.Dialer, error) {
	forward := a.pods.Post().Namespace(pod.Namespace).Resource("pods").Name(pod.Name).SubResource("portforward").URL()
	first, err := portforward.NewSPDYOverWebsocketDialerForStreaming(forward, a.config)
	if err != nil {
		return nil, err
	}
	transport, upgrader, err := spdy.RoundTripperFor(a.config)
	if err != nil {
		return nil, err
	}
	second := spdy.NewDialerForStreaming(upgrader, &http.Client{Transport: transport}, http.MethodPost, forward)
	return portforward.NewFallbackDialerForStreaming(first, second, func(err error) bool {
		return httpstream.IsUpgradeFailure(err) || httpstream.IsHTTPSProxyError(err)
	}), nil
}
