// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"fmt"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

func TestPoolsTakeTurns(t *testing.T) {
	now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	key := func(i int) types.NamespacedName { return types.NamespacedName{Namespace: "shop", Name: fmt.Sprint(i)} }
	var all turns
	for i := range turnsAtOnce {
		if !all.take(key(i), now) {
			t.Fatalf("pool %d has to wait, though %d may go at once", i, turnsAtOnce)
		}
	}
	if all.take(key(9), now) {
		t.Error("one pool too many goes")
	}
	if !all.take(key(0), now) {
		t.Error("a pool loses its turn by asking again")
	}
	all.giveBack(key(1))
	if !all.take(key(9), now) {
		t.Error("a turn that was given back is not given to the next")
	}
	if !all.take(key(8), now.Add(turnLasts)) {
		t.Error("a rollout that does not end holds up the others for ever")
	}
}
