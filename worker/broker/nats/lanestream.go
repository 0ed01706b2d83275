// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package nats

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"convoy.dev/convoy/api/v1alpha1"
	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/order"
)

// laneStore is the stream of Routed lanes as the claim has it.
type laneStore struct {
	// Created is when it was made: another stream of the same name lacks what was routed.
	Created time.Time `json:"created"`
	// After is the position of the last message that is not the pool's.
	After order.Position `json:"after"`
}

// atomicSince is the first version of the servers that appends several messages as one.
var atomicSince = []int{2, 12}

// ensureLanes makes the stream for Routed lanes, or finds that it fits. A pool that holds a claim is not given a new one:
// with the old one its messages are gone, and somebody has to know.
func (s *state) ensureLanes(ctx context.Context, held *claimed, source *jetstream.StreamInfo) (*laneStore, error) {
	if s.store == nil {
		return nil, nil
	}
	if held != nil && held.Lanes != nil {
		info, err := s.lanesOf(ctx, held)
		if err != nil {
			return nil, err
		}
		return held.Lanes, s.fitLanes(ctx, info, source)
	}
	info, err := s.stream(ctx, s.laneStream)
	if err == nil && info == nil {
		info, err = s.makeLanes(ctx, source)
	}
	switch {
	case err != nil:
		return nil, err
	case info.State.Msgs > 0:
		return nil, unfit(fmt.Errorf("the stream %s has %d messages, and no claim says whose", s.laneStream, info.State.Msgs),
			"purge or delete it if nobody needs them, or name another stream in lanes.routed.store.name")
	}
	return &laneStore{Created: info.Created, After: order.Position(info.State.LastSeq)}, s.fitLanes(ctx, info, source)
}

// makeLanes makes a Managed store. An Existing one is somebody else's to make.
func (s *state) makeLanes(ctx context.Context, source *jetstream.StreamInfo) (*jetstream.StreamInfo, error) {
	if *s.store.Management == v1alpha1.StoreExisting {
		return nil, &broker.PermanentError{
			Err:   fmt.Errorf("the stream %s does not exist", s.laneStream),
			Mend:  fmt.Sprintf("make it, empty, with the subjects %slane.* and %sroute.*; or set lanes.routed.store.management to Managed", s.prefix, s.prefix),
			Cause: broker.CauseNotFound,
		}
	}
	if err := s.create(ctx, s.lanesConfig(source.Config.Replicas)); err != nil {
		return nil, err
	}
	info, err := s.stream(ctx, s.laneStream)
	if err == nil && info == nil {
		err = fmt.Errorf("the stream %s was made and is not there yet", s.laneStream)
	}
	return info, err
}

// replicas is how many servers keep the lanes.
func (s *state) replicas(source int) int {
	if s.store.Replicas != nil {
		return int(*s.store.Replicas)
	}
	return source
}

// lanesConfig is how a Managed store is made. Nothing in it expires, and nothing is pushed out: what is completed is purged.
// The routers' own checks keep it free of duplicates, so that the window for those is as small as the server takes.
func (s *state) lanesConfig(source int) jetstream.StreamConfig {
	config := jetstream.StreamConfig{
		Name: s.laneStream,
		Description: "The lanes of the Convoy pool " + s.pool + ": messages of the stream " + s.source + ", by the hash of their keys, until they are " +
			"completed. Without it they are lost.",
		Subjects:  []string{s.prefix + "lane.*", s.prefix + "route.*"},
		Retention: jetstream.LimitsPolicy, Discard: jetstream.DiscardNew, MaxBytes: -1, Duplicates: 100 * time.Millisecond,
		Storage: jetstream.FileStorage, Replicas: s.replicas(source), AllowDirect: true,
		AllowAtomicPublish: atLeast(s.ConnectedServerVersion(), atomicSince),
		Metadata:           map[string]string{"convoy.dev/pool": s.pool, "convoy.dev/keeps": "lanes"},
	}
	if s.store.MaxBytes != nil {
		config.MaxBytes = *s.store.MaxBytes
	}
	return config
}

// fitLanes says what does not fit, and mends a Managed store where that can be done without loss.
func (s *state) fitLanes(ctx context.Context, info, source *jetstream.StreamInfo) error {
	want := s.lanesConfig(source.Config.Replicas)
	if want.Replicas < source.Config.Replicas {
		return unfit(fmt.Errorf("the lanes are to have %d replicas, the stream %s has %d", want.Replicas, s.source, source.Config.Replicas),
			fmt.Sprintf("set lanes.routed.store.replicas to %d at least, or remove it", source.Config.Replicas))
	}
	managed := *s.store.Management != v1alpha1.StoreExisting
	if err := keepsLanes(&info.Config, &want, s.MaxPayload()); err != nil {
		mend := "undo that: Convoy made it as it needs it"
		if !managed {
			mend = "change that, or name another stream in lanes.routed.store.name"
		}
		return unfit(fmt.Errorf("the stream %s cannot hold the lanes: %w", s.laneStream, err), mend)
	}
	have := info.Config
	if !managed {
		return s.fitExisting(&have, &want, source)
	}
	if have.Replicas == want.Replicas && have.MaxBytes == want.MaxBytes && (have.AllowAtomicPublish || !want.AllowAtomicPublish) {
		return nil
	}
	have.Replicas, have.MaxBytes, have.AllowAtomicPublish = want.Replicas, want.MaxBytes, want.AllowAtomicPublish || have.AllowAtomicPublish
	return s.update(ctx, have)
}

// fitExisting is for what Convoy sets up by itself where it may.
func (s *state) fitExisting(have, want *jetstream.StreamConfig, source *jetstream.StreamInfo) error {
	switch {
	case have.Replicas < source.Config.Replicas:
		return unfit(fmt.Errorf("the stream %s has %d replicas, the stream %s has %d", s.laneStream, have.Replicas, s.source, source.Config.Replicas),
			fmt.Sprintf("give it %d at least", source.Config.Replicas))
	case have.Replicas > 1 && want.AllowAtomicPublish && !have.AllowAtomicPublish:
		return unfit(fmt.Errorf("the stream %s does not allow atomic publishing, without which routing to replicas is slow", s.laneStream),
			"set allow_atomic")
	}
	return nil
}

// keepsLanes says why a stream could lose messages of lanes, refuse single ones, or not find them.
func keepsLanes(is, want *jetstream.StreamConfig, largest int64) error {
	switch {
	case is.MaxAge != 0 || is.MaxMsgs > 0 || is.MaxMsgsPerSubject > 0:
		return errors.New("it has a limit of age, messages or messages a subject")
	case is.MaxBytes > 0 && is.Discard != jetstream.DiscardNew:
		return errors.New("it discards old messages when it is full")
	case slices.ContainsFunc(is.Subjects, func(subject string) bool { return !slices.Contains(want.Subjects, subject) }):
		return fmt.Errorf("it has other subjects beside %s, and what others write into it hides how far the source is routed", strings.Join(want.Subjects, " and "))
	case is.DenyPurge:
		return errors.New("it denies purges")
	case len(is.Sources) > 0:
		return errors.New("it takes messages of other streams")
	}
	return keeps(is, want, largest)
}

func unfit(err error, mend string) error {
	return &broker.PermanentError{Err: err, Mend: mend, Cause: broker.CauseUnfit}
}

// lanesOf describes the stream that has the lanes, if it is the one that the claim knows. For Native lanes that is the
// source.
func (s *state) lanesOf(ctx context.Context, held *claimed) (*jetstream.StreamInfo, error) {
	if s.store == nil {
		info, err := s.readable(ctx)
		if err != nil {
			return nil, err
		}
		return info, s.same(held, info)
	}
	info, err := s.stream(ctx, s.laneStream)
	mend := "restore it from a backup; or, to begin anew where source.nats.startFrom says, suspend the pool and delete the " + s.kept()
	switch {
	case err != nil:
		return nil, err
	case info == nil:
		return nil, &broker.PermanentError{
			Err:  fmt.Errorf("the stream %s is gone, and with it what was routed and not completed", s.laneStream),
			Mend: mend, Cause: broker.CauseNotFound,
		}
	case held.Lanes == nil || !held.Lanes.Created.Equal(info.Created):
		return nil, &broker.PermanentError{
			Err:  fmt.Errorf("the stream %s was made anew at %s, and what was routed and not completed is gone", s.laneStream, info.Created.Format(time.RFC3339Nano)),
			Mend: mend,
		}
	}
	return info, nil
}

// lanesAt is lanesOf, if the stream has not lost what the pool has read up to a position.
func (s *state) lanesAt(ctx context.Context, held *claimed, at order.Position) (*jetstream.StreamInfo, error) {
	info, err := s.lanesOf(ctx, held)
	if err != nil {
		return nil, err
	}
	return info, s.complete(info, at)
}

// floor is the position before the first message of lanes.
func (c *claimRecord) floor() order.Position {
	if c.Lanes != nil {
		return c.Lanes.After
	}
	return c.Start.After
}
