// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package key

import (
	"reflect"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// list is a JSON list as a CEL list, decoded as far as it is looked into. It is used by one goroutine.
type list struct {
	// data begins with the list.
	data  []byte
	looks int
	// whole is the list in CEL's own form, nil until needed; then data is not used any more.
	whole traits.Lister
}

var _ traits.Lister = (*list)(nil)

func wholeList(elements []ref.Val) traits.Lister {
	return types.NewRefValList(types.DefaultTypeAdapter, elements)
}

func (l *list) load() traits.Lister {
	if l.whole == nil {
		elements, _ := decodeElements(l.data, 0)
		l.whole = wholeList(elements)
	}
	return l.whole
}

// GetInt64Index is the element at an index. CEL uses it for indexes that are integers.
func (l *list) GetInt64Index(index int64) (any, bool) {
	if l.whole == nil && l.looks < maxLooks {
		l.looks++
		return l.search(index)
	}
	whole := l.load()
	if size := whole.Size().(types.Int); index < 0 || index >= int64(size) {
		return nil, false
	}
	return whole.Get(types.Int(index)), true
}

// search finds an element where it lies.
func (l *list) search(index int64) (any, bool) {
	for i := skipSpace(l.data, 1); l.data[i] != ']'; i = next(l.data, skipValue(l.data, i)) {
		if index == 0 {
			return decode(l.data[i:]), true
		}
		index--
	}
	return nil, false
}

// Get implements traits.Indexer.
func (l *list) Get(index ref.Val) ref.Val { return l.load().Get(index) }

// Add implements traits.Adder.
func (l *list) Add(other ref.Val) ref.Val { return l.load().Add(other) }

// Contains implements traits.Container.
func (l *list) Contains(value ref.Val) ref.Val { return l.load().Contains(value) }

// Iterator implements traits.Iterable.
func (l *list) Iterator() traits.Iterator { return l.load().Iterator() }

// Size implements traits.Sizer.
func (l *list) Size() ref.Val { return l.load().Size() }

// ConvertToNative implements ref.Val.
func (l *list) ConvertToNative(to reflect.Type) (any, error) { return l.load().ConvertToNative(to) }

// ConvertToType implements ref.Val.
func (l *list) ConvertToType(to ref.Type) ref.Val { return l.load().ConvertToType(to) }

// Equal implements ref.Val.
func (l *list) Equal(other ref.Val) ref.Val { return l.load().Equal(other) }

// Type implements ref.Val.
func (l *list) Type() ref.Type { return types.ListType }

// Value implements ref.Val.
func (l *list) Value() any { return l.load().Value() }
