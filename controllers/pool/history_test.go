// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package pool_test

import (
	"context"
	"strconv"
	"sync"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"convoy.dev/convoy/api/v1alpha1"
)

// history is every version that the lane table of a namespace has had.
type history struct {
	mu       sync.Mutex
	versions []*v1alpha1.LaneTable
}

func watchTables(namespace string) *history {
	GinkgoHelper()
	h := &history{}
	follow(namespace, &v1alpha1.LaneTableList{}, func(o runtime.Object) {
		if table, is := o.(*v1alpha1.LaneTable); is {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.versions = append(h.versions, table)
		}
	})
	return h
}

// follow calls do with every version of the objects of a namespace, until the spec ends.
func follow(namespace string, list client.ObjectList, do func(runtime.Object)) {
	GinkgoHelper()
	watcher, err := client.NewWithWatch(env.Config, client.Options{Scheme: env.Scheme})
	Expect(err).NotTo(HaveOccurred())
	ctx, cancel := context.WithCancel(context.Background())
	watch, err := watcher.Watch(ctx, list, client.InNamespace(namespace))
	Expect(err).NotTo(HaveOccurred())
	var ended sync.WaitGroup
	ended.Go(func() {
		defer GinkgoRecover()
		for event := range watch.ResultChan() {
			do(event.Object)
		}
	})
	DeferCleanup(func() { watch.Stop(); cancel(); ended.Wait() })
}

// last is the newest version, nil if there is none.
func (h *history) last() *v1alpha1.LaneTable {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.versions) == 0 {
		return nil
	}
	return h.versions[len(h.versions)-1]
}

// since is the versions after this revision.
func (h *history) since(revision int64) []*v1alpha1.LaneTable {
	h.mu.Lock()
	defer h.mu.Unlock()
	var after []*v1alpha1.LaneTable
	for _, t := range h.versions {
		if t.Revision > revision {
			after = append(after, t)
		}
	}
	return after
}

// grants is how often each lane was granted after this revision.
func (h *history) grants(revision int64) []int64 {
	var first *v1alpha1.LaneTable
	h.mu.Lock()
	for _, t := range h.versions {
		if t.Revision == revision {
			first = t
		}
	}
	h.mu.Unlock()
	last := h.last()
	counts := make([]int64, len(last.Lanes))
	for i := range last.Lanes {
		counts[i] = last.Lanes[i].Epoch - first.Lanes[i].Epoch
	}
	return counts
}

// forced is how many lanes of the table wait for somebody who may still run.
func forced(t *v1alpha1.LaneTable) int {
	n := 0
	for i := range t.Lanes {
		if ptr.Deref(t.Lanes[i].Forced, false) {
			n++
		}
	}
	return n
}

// firstGrant is the resource version of the first table in which somebody has a lane.
func (h *history) firstGrant() int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, t := range h.versions {
		for i := range t.Lanes {
			if t.Lanes[i].Epoch > 0 {
				return resourceVersion(t)
			}
		}
	}
	return 0
}

func resourceVersion(o client.Object) int64 {
	GinkgoHelper()
	version, err := strconv.ParseInt(o.GetResourceVersion(), 10, 64)
	Expect(err).NotTo(HaveOccurred())
	return version
}

// claims is every version of the pools of a namespace in which lanes are in use.
type claims struct {
	mu       sync.Mutex
	versions []int64
}

func watchClaims(namespace string) *claims {
	GinkgoHelper()
	c := &claims{}
	follow(namespace, &v1alpha1.ConvoyPoolList{}, func(o runtime.Object) {
		pool, is := o.(*v1alpha1.ConvoyPool)
		if is && pool.Status != nil && pool.Status.Claim != nil && pool.Status.Claim.State == v1alpha1.ClaimInUse {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.versions = append(c.versions, resourceVersion(pool))
		}
	})
	return c
}

func (c *claims) firstInUse() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	Expect(c.versions).NotTo(BeEmpty())
	return c.versions[0]
}
