// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"maps"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"

	"convoy.dev/convoy/worker/key"
)

// memory is what this process remembers of each pool. Nothing in it is needed to be right: it keeps the operator from
// doing again what its caches do not show yet, and from asking again for what was refused.
type memory struct {
	mu    sync.Mutex
	pools map[types.NamespacedName]*poolMemory
}

// of is the memory of one pool. One reconcile of a pool runs at a time, so that nobody else uses it.
func (m *memory) of(key types.NamespacedName) *poolMemory {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.pools == nil {
		m.pools = map[types.NamespacedName]*poolMemory{}
	}
	p := m.pools[key]
	if p == nil {
		p = &poolMemory{written: map[types.UID]written{}, refused: map[string]refusal{}}
		m.pools[key] = p
	}
	return p
}

func (m *memory) forget(key types.NamespacedName) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.pools, key)
}

type poolMemory struct {
	// written is the version of each object that this process wrote last, until its cache shows it.
	written map[types.UID]written
	// refused is what the API server would not have, by the kind of the child.
	refused map[string]refusal
	// table is when the table was written last.
	table time.Time
	// key is the key expression that was compiled last.
	key judgedKey
}

// judgedKey is what came of compiling a key expression, which takes longer than all the rest of an observation.
type judgedKey struct {
	expression string
	known      bool
	err        error
}

// compile says what compiling the expression comes to.
func (k *judgedKey) compile(expression string) error {
	if !k.known || k.expression != expression {
		_, err := key.Compile(expression)
		*k = judgedKey{expression, true, err}
	}
	return k.err
}

type written struct {
	version string
	at      time.Time
}

// refusal is the API server's answer to one content of a child.
type refusal struct {
	hash, message string
	again         time.Time
}

// wrote notes a write whose answer has come.
func (m *poolMemory) wrote(o metav1.Object, at time.Time) {
	m.written[o.GetUID()] = written{version: o.GetResourceVersion(), at: at}
}

// ahead says that this process has written to the object since it was as it is seen.
func (m *poolMemory) ahead(seen metav1.Object) bool {
	w, wrote := m.written[seen.GetUID()]
	if !wrote {
		return false
	}
	order, err := resourceversion.CompareResourceVersion(seen.GetResourceVersion(), w.version)
	return err == nil && order < 0
}

// lag is for how long after a write a cache that does not show it is waited for. A watch is rarely late by more than a
// fraction of it; when it is, the compare-and-swap of every write that matters keeps the past from being taken for the
// present.
const lag = 2 * time.Second

// behind says that the caches do not show yet what this process has written, and forgets what they do show.
func (m *poolMemory) behind(o *observation) bool {
	behind := false
	check := func(seen metav1.Object) {
		if m.ahead(seen) {
			behind = behind || o.now.Sub(m.written[seen.GetUID()].at) < lag
			return
		}
		delete(m.written, seen.GetUID())
	}
	for _, seen := range o.objects() {
		check(seen)
	}
	maps.DeleteFunc(m.written, func(_ types.UID, w written) bool { return o.now.Sub(w.at) > time.Minute })
	return behind
}

// objects is everything observed that this process may have written to.
func (o *observation) objects() []metav1.Object {
	var all []metav1.Object
	if o.pool != nil {
		all = append(all, o.pool)
	}
	if o.table != nil {
		all = append(all, o.table)
	}
	if o.deployment != nil {
		all = append(all, o.deployment)
	}
	for _, meta := range []*metav1.PartialObjectMetadata{o.account, o.binding, o.budget} {
		if meta != nil {
			all = append(all, meta)
		}
	}
	for i := range o.workers {
		all = append(all, &o.workers[i])
	}
	for i := range o.pods {
		all = append(all, &o.pods[i])
	}
	return all
}
