// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"errors"
	"slices"
	"time"
)

// The API server's refusals.
var (
	errConflict    = errors.New("the object has been changed meanwhile")
	errNotFound    = errors.New("the object does not exist")
	errExists      = errors.New("the object exists already")
	errUnavailable = errors.New("the API server does not answer")
)

// version is one version of one object. Versions are never changed: a write makes a new one.
type version[T any] struct {
	name string
	rv   int64 // resourceVersion; grows over all objects
	uid  int64 // the object's: the resourceVersion at which it was made
	gone bool  // the version that says: deleted
	obj  T
}

// byName holds values by name and walks them in the order of the names.
type byName[V any] struct {
	names  []string
	values map[string]V
}

func (b *byName[V]) set(name string, value V) {
	if b.values == nil {
		b.values = map[string]V{}
	}
	if _, there := b.values[name]; !there {
		at, _ := slices.BinarySearch(b.names, name)
		b.names = slices.Insert(b.names, at, name)
	}
	b.values[name] = value
}

func (b *byName[V]) drop(name string) {
	if _, there := b.values[name]; !there {
		return
	}
	delete(b.values, name)
	at, _ := slices.BinarySearch(b.names, name)
	b.names = slices.Delete(b.names, at, at+1)
}

// store holds every object of one kind, as the API server has it.
type store[T any] struct {
	api     *apiServer
	objects byName[*version[T]]
	caches  []*cache[T]
	history map[string][]*version[T] // the last versions before the newest, for watches that go back in time
}

func newStore[T any](api *apiServer) *store[T] {
	return &store[T]{api: api, history: map[string][]*version[T]{}}
}

// get is the newest version, or nil.
func (s *store[T]) get(name string) *version[T] { return s.objects.values[name] }

// all are the newest versions, by name.
func (s *store[T]) all() []*version[T] {
	list := make([]*version[T], 0, len(s.objects.names))
	for _, name := range s.objects.names {
		list = append(list, s.objects.values[name])
	}
	return list
}

func (s *store[T]) create(name string, obj T) error {
	if s.get(name) != nil {
		return errExists
	}
	s.put(name, obj)
	return nil
}

// update is a compare-and-swap on the resourceVersion rv.
func (s *store[T]) update(name string, rv int64, obj T) error {
	switch old := s.get(name); {
	case old == nil:
		return errNotFound
	case old.rv != rv:
		return errConflict
	}
	s.put(name, obj)
	return nil
}

// put writes obj whatever is there, as a patch does.
func (s *store[T]) put(name string, obj T) {
	if old := s.get(name); old != nil {
		s.remember(old)
	}
	s.api.revision++
	v := &version[T]{name: name, rv: s.api.revision, uid: s.api.revision, obj: obj}
	if old := s.get(name); old != nil {
		v.uid = old.uid
	}
	s.objects.set(name, v)
	s.tell(v)
}

// remembered is how many earlier versions of an object a watch may show again.
const remembered = 8

func (s *store[T]) remember(old *version[T]) {
	list := append(s.history[old.name], old)
	if len(list) > remembered {
		list = slices.Delete(list, 0, 1)
	}
	s.history[old.name] = list
}

// remove takes the object out of the store.
func (s *store[T]) remove(name string) {
	old := s.get(name)
	if old == nil {
		return
	}
	s.remember(old)
	s.objects.drop(name)
	s.api.revision++
	s.tell(&version[T]{name: name, rv: s.api.revision, uid: old.uid, gone: true, obj: old.obj})
}

func (s *store[T]) tell(v *version[T]) {
	for _, c := range s.caches {
		if c.wanted == nil || c.wanted(v.name, &v.obj) {
			c.send(v)
		}
	}
}

// watch lists the objects and keeps the list up to date, late.
func (s *store[T]) watch(by *client, changed func(name string)) *cache[T] {
	return s.watchSome(by, nil, changed)
}

// watchSome watches the objects that wanted is true for.
func (s *store[T]) watchSome(by *client, wanted func(string, *T) bool, changed func(name string)) *cache[T] {
	c := &cache[T]{by: by, api: s.api, due: map[string]time.Duration{}, newest: map[string]int64{}, wanted: wanted, changed: changed}
	s.caches = append(s.caches, c)
	c.list(slices.DeleteFunc(s.all(), func(v *version[T]) bool { return wanted != nil && !wanted(v.name, &v.obj) }))
	return c
}

// prune forgets caches of clients that are gone.
func (s *store[T]) prune() {
	s.caches = slices.DeleteFunc(s.caches, func(c *cache[T]) bool { return c.by.closed })
}

// cache is one client's idea of the objects of one kind: first all that there are, at once, then each object's versions in
// order, but late, and the objects among themselves in any order, or in the order in which they were written.
//
// An API server keeps the order within one watch. The protocol does not rest on that, and tables and mailboxes are shown
// to the operators in any order. That no pod with lanes is deleted does: which pods serve and how many are ready is
// gathered from many pods, and a gate that is set on a pod as it is now was then planned from no older view of the others.
type cache[T any] struct {
	by      *client
	api     *apiServer
	seen    byName[*version[T]]
	due     map[string]time.Duration       // when the last version sent arrives, by object
	begins  time.Duration                  // when the list arrives, and nothing before
	listed  bool                           // it has arrived: nobody acts on half a list
	last    time.Duration                  // when the last one of any arrives
	inOrder bool                           // whatever was written earlier arrives earlier
	newest  map[string]int64               // resourceVersion of the last version that arrived
	wanted  func(name string, obj *T) bool // nil: all
	changed func(name string)
}

// client is whoever watches: with its own delay, stalls, and end.
type client struct {
	lag          func() time.Duration
	stalledUntil time.Duration
	closed       bool
	inOrder      bool // whatever is of one kind arrives in the order in which it was written
	process      *process
	link         *link
}

func (c *cache[T]) list(all []*version[T]) {
	c.begins = c.arrival("")
	c.last = c.begins
	c.api.clock.at(c.begins, func() { c.arrive(all...) })
}

func (c *cache[T]) send(v *version[T]) {
	if c.by.closed {
		return
	}
	at := c.arrival(v.name)
	if c.inOrder || c.by.inOrder {
		at = max(at, c.last)
	}
	c.due[v.name], c.last = at, at
	c.api.clock.at(at, func() { c.arrive(v) })
}

// arrival is when a version of the object that is sent now arrives.
func (c *cache[T]) arrival(name string) time.Duration {
	return max(c.api.clock.now+c.by.lag(), c.due[name], c.begins, c.by.stalledUntil, c.api.downUntil)
}

// arrive shows versions to the client, unless its watch has stalled since they were sent.
func (c *cache[T]) arrive(versions ...*version[T]) {
	if wait := max(c.by.stalledUntil, c.api.downUntil); wait > c.api.clock.now {
		c.api.clock.at(wait, func() { c.arrive(versions...) })
		return
	}
	if !c.by.link.works() {
		c.by.link.held = append(c.by.link.held, func() { c.arrive(versions...) })
		return
	}
	c.by.process.enter(func() { c.show(versions) })
}

// show puts versions in the place of older ones, and then says of which.
func (c *cache[T]) show(versions []*version[T]) {
	c.listed = true
	versions = slices.DeleteFunc(versions, func(v *version[T]) bool { return v.rv < c.newest[v.name] })
	for _, v := range versions {
		c.newest[v.name] = v.rv
		if v.gone {
			c.seen.drop(v.name)
		} else {
			c.seen.set(v.name, v)
		}
	}
	for _, v := range versions {
		if c.changed != nil && !c.by.closed {
			c.changed(v.name)
		}
	}
}

func (c *cache[T]) get(name string) *version[T] { return c.seen.values[name] }

// all are the versions seen, by name.
func (c *cache[T]) all() []*version[T] {
	list := make([]*version[T], 0, len(c.seen.names))
	for _, name := range c.seen.names {
		list = append(list, c.seen.values[name])
	}
	return list
}
