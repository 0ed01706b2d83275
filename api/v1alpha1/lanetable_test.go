// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"encoding/json"
	"fmt"
	"math"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gmeasure"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"convoy.dev/convoy/api/v1alpha1"
)

const (
	mostLanes = 10_000
	mostSlots = 1_100
)

// fullTable is the largest table that a pool can have, with every lane made by a function of its number.
func fullTable(lane func(int) v1alpha1.LaneOwnership) *v1alpha1.LaneTable {
	table := &v1alpha1.LaneTable{Revision: 1_000_000, QuarantineSeconds: ptr.To[int32](3900)}
	table.Name = "subject"
	for i := range mostSlots {
		table.Workers = append(table.Workers, v1alpha1.PodRef{
			Name: fmt.Sprintf("%057d-%05d", 0, i), UID: "6d6f2c1e-0b57-4c6e-9c0a-0f3a3b1f2d11",
		})
		table.Slots = append(table.Slots, v1alpha1.SlotBinding{Index: int32(i), Worker: ptr.To(int32(i))})
	}
	for i := range mostLanes {
		table.Lanes = append(table.Lanes, lane(i))
	}
	return table
}

func atRest(i int) v1alpha1.LaneOwnership {
	return v1alpha1.LaneOwnership{Slot: ptr.To(int32(i % mostSlots)), Epoch: 99_999_999}
}

func moving(i int) v1alpha1.LaneOwnership {
	return v1alpha1.LaneOwnership{
		Slot: ptr.To(int32(i % mostSlots)), Worker: ptr.To(int32((i + 1) % mostSlots)), Epoch: 99_999_999,
		State: ptr.To(v1alpha1.LaneReleasing), Since: ptr.To[int64](99_999_999), Forced: ptr.To(true),
	}
}

var _ = Describe("a lane table", func() {
	size := func(lane v1alpha1.LaneOwnership) int {
		body, err := json.Marshal(lane)
		Expect(err).NotTo(HaveOccurred())
		return len(body) + 1 // and a comma
	}

	It("takes at most 40 bytes a lane at rest and 100 while it moves", func() {
		Expect(size(atRest(mostSlots - 1))).To(BeNumerically("<=", 40))
		Expect(size(moving(mostSlots - 2))).To(BeNumerically("<=", 100))
		Expect(size(v1alpha1.LaneOwnership{Epoch: math.MaxInt64, State: ptr.To(v1alpha1.LaneUnowned)})).To(BeNumerically("<=", 100))
	})

	It("fits the API server with 10,000 lanes, all of them moving at once", func(ctx SpecContext) {
		table := fullTable(atRest)
		table.Namespace = newNamespace(ctx)
		Expect(env.Client.Create(ctx, table)).To(Succeed())
		times := gmeasure.NewExperiment("a table of 10,000 lanes")
		for range 3 {
			table.Revision++
			times.MeasureDuration("written", func() { Expect(env.Client.Update(ctx, table)).To(Succeed()) })
		}

		AddReportEntry("10,000 lanes at rest written, median", times.GetStats("written").DurationFor(gmeasure.StatMedian))

		all := fullTable(moving)
		all.ObjectMeta = table.ObjectMeta
		all.Revision = table.Revision + 1
		times.MeasureDuration("written moving", func() { Expect(env.Client.Update(ctx, all)).To(Succeed()) })
		AddReportEntry("10,000 moving lanes written", times.GetStats("written moving").DurationFor(gmeasure.StatMedian))
		back := &v1alpha1.LaneTable{}
		Expect(env.Client.Get(ctx, client.ObjectKeyFromObject(all), back)).To(Succeed())
		Expect(back.Lanes).To(Equal(all.Lanes))
		Expect(back.Slots).To(Equal(all.Slots))
	})

	It("keeps what it is given", func(ctx SpecContext) {
		table := &v1alpha1.LaneTable{
			ObjectMeta: metav1.ObjectMeta{Name: "subject", Namespace: newNamespace(ctx)},
			Revision:   3,
			OwnUID:     ptr.To("0d1f7a52-6f0e-4f57-9a55-3c1c0c5c8a7e"),
			Rebuilt:    ptr.To[int64](2),
			Workers:    []v1alpha1.PodRef{{Name: "a", UID: "1"}, {Name: "b", UID: "2"}},
			Slots: []v1alpha1.SlotBinding{
				{Index: 0, Worker: ptr.To[int32](0), Before: ptr.To[int32](1), Leaving: ptr.To(true)},
				{Index: 4},
			},
			Lanes:   []v1alpha1.LaneOwnership{atRest(0), moving(0), {State: ptr.To(v1alpha1.LaneUnowned)}},
			Shards:  []v1alpha1.LaneOwnership{atRest(0)},
			Revokes: []v1alpha1.Revoke{{Revision: 2, Time: metav1.NewMicroTime(time.Unix(3, 4000).UTC())}},
		}
		given := table.DeepCopy()
		Expect(env.Client.Create(ctx, table)).To(Succeed())
		back := &v1alpha1.LaneTable{}
		Expect(env.Client.Get(ctx, client.ObjectKeyFromObject(table), back)).To(Succeed())
		Expect(back.Revokes[0].Time.Time).To(BeTemporally("==", given.Revokes[0].Time.Time))
		back.Revokes[0].Time = given.Revokes[0].Time
		given.ObjectMeta = back.ObjectMeta
		given.TypeMeta = back.TypeMeta
		Expect(back).To(Equal(given))
	})
})
