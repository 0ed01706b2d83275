// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

var (
	tableWrites = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "convoy_pool_table_writes_total",
		Help: "Writes of a pool's lane table, by namespace and pool.",
	}, []string{"namespace", "pool"})

	moves = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "convoy_pool_lane_changes_total",
		Help: "Grants and revokes of lanes and shards, by namespace, pool and reason (16 at most).",
	}, []string{"namespace", "pool", "reason"})
)

func init() { metrics.Registry.MustRegister(tableWrites, moves) }
