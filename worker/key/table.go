// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package key

import (
	"cmp"
	"reflect"
	"slices"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// maxLooks is how often a JSON object or list is searched where it lies before it is decoded for good. It bounds the work
// of an expression that looks into one object again and again.
const maxLooks = 8

// source is where a table's members come from.
type source interface {
	// find is the member's value.
	find(name string) (ref.Val, bool)
	// all is every member, as byName gives them.
	all() []member
}

type member struct {
	name  string
	value ref.Val
}

// byName sorts members by name. Of several with one name the last one counts, as in nearly every JSON library.
func byName(members []member) []member {
	slices.SortStableFunc(members, func(a, b member) int { return cmp.Compare(a.name, b.name) })
	kept := members[:0]
	for i, candidate := range members {
		if i+1 == len(members) || members[i+1].name != candidate.name {
			kept = append(kept, candidate)
		}
	}
	return kept
}

// table is a CEL map from names to values: a JSON object, or the headers. It is gone through in the order of the names,
// unlike CEL's own maps, so that a key never depends on chance. It is decoded as far as it is looked into, and used by
// one goroutine.
type table struct {
	source source
	looks  int
	// members are all members by name, nil until needed; then source is not used any more.
	members []member
}

var _ traits.Mapper = (*table)(nil)

func (t *table) load() []member {
	if t.members == nil {
		t.members = t.source.all()
	}
	return t.members
}

func (t *table) find(name string) (ref.Val, bool) {
	if t.members == nil && t.looks < maxLooks {
		t.looks++
		return t.source.find(name)
	}
	members := t.load()
	i, found := slices.BinarySearchFunc(members, name, func(m member, name string) int { return cmp.Compare(m.name, name) })
	if !found {
		return nil, false
	}
	return members[i].value, true
}

// Find implements traits.Mapper.
func (t *table) Find(name ref.Val) (ref.Val, bool) {
	text, isText := name.(types.String)
	if !isText {
		return nil, false
	}
	return t.find(string(text))
}

// Get implements traits.Indexer.
func (t *table) Get(name ref.Val) ref.Val {
	if value, found := t.Find(name); found {
		return value
	}
	return types.ValOrErr(name, "no such key: %v", name)
}

// Contains implements traits.Container.
func (t *table) Contains(name ref.Val) ref.Val {
	_, found := t.Find(name)
	return types.Bool(found)
}

// Size implements traits.Sizer.
func (t *table) Size() ref.Val { return types.Int(len(t.load())) }

// Iterator implements traits.Iterable: the names in ascending order.
func (t *table) Iterator() traits.Iterator {
	names := make([]string, len(t.load()))
	for i, m := range t.load() {
		names[i] = m.name
	}
	return types.NewStringList(types.DefaultTypeAdapter, names).(traits.Iterable).Iterator()
}

// native is the same map in CEL's own form, for what depends on no order.
func (t *table) native() traits.Mapper {
	values := make(map[string]any, len(t.load()))
	for _, m := range t.load() {
		values[m.name] = m.value
	}
	return types.NewStringInterfaceMap(types.DefaultTypeAdapter, values)
}

// ConvertToNative implements ref.Val.
func (t *table) ConvertToNative(to reflect.Type) (any, error) { return t.native().ConvertToNative(to) }

// ConvertToType implements ref.Val.
func (t *table) ConvertToType(to ref.Type) ref.Val {
	if to == types.MapType {
		return t
	}
	return t.native().ConvertToType(to)
}

// Equal implements ref.Val.
func (t *table) Equal(other ref.Val) ref.Val { return t.native().Equal(other) }

// Type implements ref.Val.
func (t *table) Type() ref.Type { return types.MapType }

// Value implements ref.Val.
func (t *table) Value() any { return t.native().Value() }
