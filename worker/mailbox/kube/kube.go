// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"

	"convoy.dev/convoy/api/v1alpha1"
)

const resource = "convoyworkers"

// watchTime is how long one watch lasts at least, and up to a fifth longer, so that workers do not come back together. A
// connection that died without a word is noticed then at the latest.
const watchTime = 5 * time.Minute

// Mailbox is one ConvoyWorker on an API server. It is safe for concurrent use.
type Mailbox struct {
	client          rest.Interface
	parameters      runtime.ParameterCodec
	namespace, name string
}

// New makes a client of one object. It connects to nothing yet.
func New(config *rest.Config, namespace, name string) (*Mailbox, error) {
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		return nil, fmt.Errorf("adding Convoy's types to a scheme: %w", err)
	}
	c := rest.CopyConfig(config)
	c.GroupVersion = &v1alpha1.GroupVersion
	c.APIPath = "/apis"
	c.NegotiatedSerializer = serializer.NewCodecFactory(scheme).WithoutConversion()
	client, err := rest.RESTClientFor(c)
	if err != nil {
		return nil, fmt.Errorf("making a client of the API server: %w", err)
	}
	return &Mailbox{client: client, parameters: runtime.NewParameterCodec(scheme), namespace: namespace, name: name}, nil
}

// Read reads the object from the API server, which reads it from its store: what it returns is no older than the call.
func (m *Mailbox) Read(ctx context.Context) (*v1alpha1.ConvoyWorker, error) {
	o := &v1alpha1.ConvoyWorker{}
	err := m.client.Get().Namespace(m.namespace).Resource(resource).Name(m.name).Do(ctx).Into(o)
	return o, err
}

// WriteStatus writes the status if the object still has the resourceVersion given.
func (m *Mailbox) WriteStatus(ctx context.Context, o *v1alpha1.ConvoyWorker) (*v1alpha1.ConvoyWorker, error) {
	made := &v1alpha1.ConvoyWorker{}
	err := m.client.Put().Namespace(m.namespace).Resource(resource).Name(m.name).SubResource("status").Body(o).Do(ctx).Into(made)
	return made, err
}

// Watch shows the object as it is, if it is there, and as it changes. Without a resourceVersion to start from, a watch
// begins with the object as it is, so that nothing is missed between two of them, however old the object is. It returns nil
// when the watch has come to its time.
func (m *Mailbox) Watch(ctx context.Context, seen func(*v1alpha1.ConvoyWorker)) error {
	seconds := int64((watchTime + rand.N(watchTime/5)) / time.Second)
	events, err := m.client.Get().Namespace(m.namespace).Resource(resource).VersionedParams(&metav1.ListOptions{
		Watch: true, TimeoutSeconds: &seconds, FieldSelector: fields.OneTermEqualSelector(metav1.ObjectNameField, m.name).String(),
	}, m.parameters).Watch(ctx)
	if err != nil {
		return err
	}
	defer events.Stop()
	for {
		select {
		case event, open := <-events.ResultChan():
			if !open {
				return nil
			}
			if event.Type == watch.Error {
				return fmt.Errorf("watching %s %s/%s: %v", resource, m.namespace, m.name, event.Object)
			}
			if o, ok := event.Object.(*v1alpha1.ConvoyWorker); ok && event.Type != watch.Deleted {
				seen(o)
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
