// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package view

import (
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/controllers/cmd/kubectl-convoy/snapshot"
)

// States of a key that are no worker's words.
const (
	// KeyAbsent: the lane's worker has nothing of the key.
	KeyAbsent = "Absent"
	// KeyUnknown: nobody could be asked.
	KeyUnknown = "Unknown"
)

// Peeked is what is known of a key in one lane.
type Peeked struct {
	Key string `json:"key"`
	// Worker is the pod that holds the lane's grant, "" if none does.
	Worker           string `json:"worker,omitempty"`
	v1alpha1.KeyPeek `json:",inline"`
}

// Place is where messages of a key may be.
type Place struct {
	// Worker is whom to ask, "" if nobody holds the lane.
	Worker string
	// Lane is the lane of the key, nil with Native lanes, where a message's subject says which lane it is in.
	Lane  *int32
	epoch int64
	key   string
}

// Held says that there is a worker to ask.
func (p Place) Held() bool { return p.Worker != "" }

// PlacesOf are the places of a key: its lane, or each worker that holds a Native lane.
func PlacesOf(s *snapshot.Snapshot, key string) []Place {
	if native(&s.Pool.Spec) == nil {
		number := laneOfKey(&s.Pool.Spec, key)
		p := Place{Lane: &number, key: key}
		p.Worker, p.epoch = ownerOf(s, number)
		return []Place{p}
	}
	var places []Place
	for _, l := range Lanes(s) {
		if l.Worker != "" && !slices.ContainsFunc(places, func(p Place) bool { return p.Worker == l.Worker }) {
			places = append(places, Place{Worker: l.Worker, key: key})
		}
	}
	return places
}

// Answered is what the place's worker has answered.
func (p Place) Answered(found []v1alpha1.KeyPeek) []Peeked {
	rows := make([]Peeked, len(found))
	for i := range found {
		rows[i] = Peeked{p.key, p.Worker, found[i]}
	}
	if len(rows) == 0 && p.Lane != nil {
		rows = []Peeked{p.row(KeyAbsent)}
	}
	return rows
}

// Unanswered is what the objects say of the key, for a place whose worker was not asked or did not answer.
func (p Place) Unanswered(s *snapshot.Snapshot) []Peeked {
	var rows []Peeked
	for _, k := range ParkedKeys(s) {
		if k.Worker != p.Worker || !cutFrom(k.Key, p.key) {
			continue
		}
		since := metav1.NewMicroTime(k.Since.Time)
		row := Peeked{p.key, k.Worker, v1alpha1.KeyPeek{
			Lane: k.Lane, State: "Parked", Since: &since, Attempts: k.Attempts, Messages: k.Messages, Parked: k.Messages, Reason: string(k.Reason),
		}}
		_, row.Epoch = ownerOf(s, k.Lane)
		rows = append(rows, row)
	}
	if len(rows) == 0 && p.Lane != nil {
		rows = []Peeked{p.row(KeyUnknown)}
	}
	return rows
}

func (p Place) row(state string) Peeked {
	return Peeked{p.key, p.Worker, v1alpha1.KeyPeek{Lane: ptr.Deref(p.Lane, 0), Epoch: p.epoch, State: state}}
}

// cutFrom says whether a name that an object has, which is cut to 128 characters, may be of a key.
func cutFrom(name, key string) bool {
	const shortest = 128 - 3 // Not within a character, which has up to four bytes.
	return name == key || (len(name) >= shortest && strings.HasPrefix(key, name))
}
