// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package nats

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/worker/drain"
)

// Config is what a connection is made with.
type Config struct {
	// Settings are the pool's, with their defaults filled in.
	Settings *v1alpha1.WorkerSettings
	// Client is a name for the servers' lists of connections: that of the pod.
	Client string
	// Log tells when the connection comes and goes.
	Log *slog.Logger
}

func (c *Config) validate() error {
	switch {
	case c.Settings == nil || c.Settings.Source.NATS == nil:
		return errors.New("the pool's source is not NATS")
	case !routes(&c.Settings.Lanes) && (c.Settings.Lanes.Native == nil || c.Settings.Lanes.Native.NATS == nil):
		return errors.New("the pool's Native lanes are not of a stream")
	case c.Log == nil:
		return errors.New("there is no log")
	}
	return nil
}

// place is which stream and subjects a pool has to do with.
type place struct {
	// source is the name of the stream that the pool consumes, laneStream that of the stream that has its lanes: the source,
	// unless lanes are Routed. There are so many lanes.
	source, laneStream string
	lanes              int32
	// patterns are the subjects of one lane, with {lane} for its number.
	patterns []string
	// store says how the lane stream is kept, nil when lanes are Native. filter are the subjects of the source that are routed;
	// none are all.
	store  *v1alpha1.LaneStore
	filter []string
	// pool is namespace/name, for people; stateStream, deadStream and parkStream are the names of the streams that Convoy makes,
	// prefix begins the subjects of all.
	pool, stateStream, deadStream, parkStream, prefix string
	// letters is the subject for dead letters that the pool names; "" means deadStream.
	letters string
}

// routes says whether lanes are Routed.
func routes(l *v1alpha1.Lanes) bool { return l.Type != nil && *l.Type == v1alpha1.LanesRouted }

func newPlace(s *v1alpha1.WorkerSettings) place {
	namespace, name := s.Pool.Namespace, s.Pool.Name
	p := place{
		source: s.Source.NATS.Stream, laneStream: s.Source.NATS.Stream, filter: s.Source.NATS.Subjects,
		pool:        namespace + "/" + name,
		stateStream: v1alpha1.NATSStateStream(namespace, name), deadStream: v1alpha1.NATSDeadLetterStream(namespace, name),
		parkStream: v1alpha1.NATSParkStream(namespace, name),
		prefix:     "convoy." + v1alpha1.NATSToken(namespace) + "." + v1alpha1.NATSToken(name) + ".",
	}
	if letters := s.Delivery.OnFailure; letters != nil && letters.DeadLetter != nil {
		p.letters = letters.DeadLetter.Destination
	}
	if routes(&s.Lanes) {
		routed := s.Lanes.Routed
		p.lanes, p.store, p.patterns = *routed.Count, routed.Store, []string{p.prefix + "lane.{lane}"}
		p.laneStream = v1alpha1.NATSLaneStream(namespace, name)
		if routed.Store.Name != nil {
			p.laneStream = *routed.Store.Name
		}
		return p
	}
	p.lanes, p.patterns = s.Lanes.Native.NATS.Count, s.Lanes.Native.NATS.Subjects
	return p
}

// input is what one reader reads: some subjects of one stream, in the order of the stream.
type input struct {
	stream string
	// subjects are those that are read; none are all.
	subjects []string
	// name begins the names of its consumers; purpose says in words what it is.
	name, purpose string
	// packed says that messages are as routing packs them.
	packed bool
}

// lane is what the reader of a lane reads.
func (p *place) lane(number int32) input {
	return input{
		stream: p.laneStream, subjects: p.subjects(number), packed: p.store != nil,
		name: fmt.Sprintf("%s_%d", p.stateStream, number), purpose: fmt.Sprintf("lane %d of the Convoy pool %s", number, p.pool),
	}
}

// shard is what routing reads.
func (p *place) shard() input {
	return input{stream: p.source, subjects: p.filter, name: p.stateStream + "_route", purpose: "routing of the Convoy pool " + p.pool}
}

// subjects are the subjects of a lane in the source.
func (p *place) subjects(lane int32) []string {
	number := strconv.Itoa(int(lane))
	subjects := make([]string, 0, len(p.patterns))
	for _, pattern := range p.patterns {
		subjects = append(subjects, strings.ReplaceAll(pattern, "{lane}", number))
	}
	return subjects
}

func (p *place) claim() string   { return p.prefix + "claim" }
func (p *place) confirm() string { return p.prefix + "confirm" }

// epochOf is the subject of an epoch record. The numbers of shards have an s before them.
func (p *place) epochOf(unit drain.Unit) string {
	if unit.Kind == drain.Shard {
		return p.prefix + "epoch.s" + strconv.Itoa(int(unit.Index))
	}
	return p.epoch(unit.Index)
}

func (p *place) epoch(lane int32) string    { return p.prefix + "epoch." + strconv.Itoa(int(lane)) }
func (p *place) progress(lane int32) string { return p.prefix + "progress." + strconv.Itoa(int(lane)) }

// deadLetter is where dead letters of a lane go.
func (p *place) deadLetter(lane int32) string {
	return cmp.Or(p.letters, p.prefix+"dead."+strconv.Itoa(int(lane)))
}

// route is the subject of the records that say who routes a shard.
func (p *place) route(shard int32) string { return p.prefix + "route." + strconv.Itoa(int(shard)) }

// laneOf is the subject of a Routed lane.
func (p *place) laneOf(lane int32) string { return p.prefix + "lane." + strconv.Itoa(int(lane)) }

// has reports whether the pool has that lane.
func (p *place) has(lane int32) bool { return lane >= 0 && lane < p.lanes }
