// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package order

// slab hands out records by index and takes them back, so that the steady state allocates nothing. Index 0 means
// "none".
type slab[T any] struct {
	items []T
	free  []int32
}

func (s *slab[T]) take() int32 {
	if n := len(s.free); n > 0 {
		i := s.free[n-1]
		s.free = s.free[:n-1]
		return i
	}
	if len(s.items) == 0 {
		s.items = make([]T, 1, 64)
	}
	var zero T
	s.items = append(s.items, zero)
	return int32(len(s.items) - 1)
}

func (s *slab[T]) give(i int32) {
	s.free = append(s.free, i)
}

func (s *slab[T]) at(i int32) *T { return &s.items[i] }

// live counts the records handed out.
func (s *slab[T]) live() int { return max(len(s.items)-1, 0) - len(s.free) }
