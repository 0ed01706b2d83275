// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package pool_test

import (
	"context"
	"sync"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
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
	watcher, err := client.NewWithWatch(env.Config, client.Options{Scheme: env.Scheme})
	Expect(err).NotTo(HaveOccurred())
	ctx, cancel := context.WithCancel(context.Background())
	watch, err := watcher.Watch(ctx, &v1alpha1.LaneTableList{}, client.InNamespace(namespace))
	Expect(err).NotTo(HaveOccurred())
	h := &history{}
	var ended sync.WaitGroup
	ended.Go(func() {
		for event := range watch.ResultChan() {
			if table, is := event.Object.(*v1alpha1.LaneTable); is {
				h.mu.Lock()
				h.versions = append(h.versions, table)
				h.mu.Unlock()
			}
		}
	})
	DeferCleanup(func() { watch.Stop(); cancel(); ended.Wait() })
	return h
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
