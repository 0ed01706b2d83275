// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package plant

import (
	"context"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/worker/drain"
	"convoy.dev/convoy/worker/mailbox"
)

const podUID = "pod-1"

// grants is a ConvoyWorker that grants everything at epoch 1 and never changes its mind.
type grants struct {
	lock   sync.Mutex
	object v1alpha1.ConvoyWorker
}

func (c *Config) grants() *grants {
	spec := drain.Spec{Revision: 1}
	for number := range c.Lanes {
		spec.Grants = append(spec.Grants, drain.Grant{Unit: drain.Unit{Index: number}, Epoch: 1})
	}
	if len(c.Native) == 0 {
		spec.Grants = append(spec.Grants, drain.Grant{Unit: drain.Unit{Kind: drain.Shard}, Epoch: 1})
	}
	return &grants{object: v1alpha1.ConvoyWorker{
		ObjectMeta: metav1.ObjectMeta{
			Name: "w", Namespace: "shop", ResourceVersion: "1", OwnerReferences: []metav1.OwnerReference{{Kind: "Pod", Name: "w", UID: podUID}},
		},
		Spec: mailbox.WriteSpec(spec),
	}}
}

// Read implements run.Mailbox.
func (g *grants) Read(context.Context) (*v1alpha1.ConvoyWorker, error) {
	g.lock.Lock()
	defer g.lock.Unlock()
	return g.object.DeepCopy(), nil
}

// Watch implements run.Mailbox.
func (g *grants) Watch(ctx context.Context, seen func(*v1alpha1.ConvoyWorker)) error {
	object, err := g.Read(ctx)
	if err != nil {
		return err
	}
	seen(object)
	<-ctx.Done()
	return ctx.Err()
}

// WriteStatus implements run.Mailbox. There is one writer, so that no write is a conflict.
func (g *grants) WriteStatus(ctx context.Context, object *v1alpha1.ConvoyWorker) (*v1alpha1.ConvoyWorker, error) {
	g.lock.Lock()
	g.object.Status = object.Status.DeepCopy()
	g.lock.Unlock()
	return g.Read(ctx)
}
