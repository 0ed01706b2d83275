// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package nats

import (
	"cmp"
	"errors"
	"log/slog"
	"strconv"
	"strings"

	"convoy.dev/convoy/api/v1alpha1"
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
	case c.Settings.Lanes.Native == nil || c.Settings.Lanes.Native.NATS == nil:
		return errors.New("the pool's lanes are not Native lanes of a stream, which is all that this version reads")
	case c.Log == nil:
		return errors.New("there is no log")
	}
	return nil
}

// place is which stream and subjects a pool has to do with.
type place struct {
	// source is the name of the stream that the pool consumes, lanes how many lanes it has.
	source string
	lanes  int32
	// patterns are the subjects of one lane, with {lane} for its number.
	patterns []string
	// pool is namespace/name, for people; stateStream, deadStream and parkStream are the names of the streams that Convoy makes,
	// prefix begins the subjects of all.
	pool, stateStream, deadStream, parkStream, prefix string
	// letters is the subject for dead letters that the pool names; "" means deadStream.
	letters string
}

func newPlace(s *v1alpha1.WorkerSettings) place {
	namespace, name := s.Pool.Namespace, s.Pool.Name
	native := s.Lanes.Native.NATS
	p := place{
		source: s.Source.NATS.Stream, lanes: native.Count, patterns: native.Subjects,
		pool:        namespace + "/" + name,
		stateStream: v1alpha1.NATSStateStream(namespace, name), deadStream: v1alpha1.NATSDeadLetterStream(namespace, name),
		parkStream: v1alpha1.NATSParkStream(namespace, name),
		prefix:     "convoy." + v1alpha1.NATSToken(namespace) + "." + v1alpha1.NATSToken(name) + ".",
	}
	if letters := s.Delivery.OnFailure; letters != nil && letters.DeadLetter != nil {
		p.letters = letters.DeadLetter.Destination
	}
	return p
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

func (p *place) epoch(lane int32) string    { return p.prefix + "epoch." + strconv.Itoa(int(lane)) }
func (p *place) progress(lane int32) string { return p.prefix + "progress." + strconv.Itoa(int(lane)) }

// deadLetter is where dead letters of a lane go.
func (p *place) deadLetter(lane int32) string {
	return cmp.Or(p.letters, p.prefix+"dead."+strconv.Itoa(int(lane)))
}

// has reports whether the pool has that lane.
func (p *place) has(lane int32) bool { return lane >= 0 && lane < p.lanes }
