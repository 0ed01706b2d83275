// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package nats

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/nats-io/nats.go/jetstream"

	"convoy.dev/convoy/worker/broker"
)

// JetStream API subjects that denials are looked up by.
const (
	apiStreamInfo   = "$JS.API.STREAM.INFO."
	apiStreamCreate = "$JS.API.STREAM.CREATE."
	apiStreamPurge  = "$JS.API.STREAM.PURGE."
	apiStreamUpdate = "$JS.API.STREAM.UPDATE."
	apiMessageGet   = "$JS.API.STREAM.MSG.GET."
)

// stream describes a stream of the broker. nil means that there is none.
func (s *state) stream(ctx context.Context, name string) (*jetstream.StreamInfo, error) {
	var info *jetstream.StreamInfo
	err := s.ask(ctx, "looking at the stream "+name, apiStreamInfo+name, func(ctx context.Context) error {
		stream, err := s.js.Stream(ctx, name)
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			return nil
		}
		if err == nil {
			info = stream.CachedInfo()
		}
		return err
	})
	return info, err
}

// readable returns the source, if it is a stream that can be read without taking anything out of it.
func (s *state) readable(ctx context.Context) (*jetstream.StreamInfo, error) {
	info, err := s.stream(ctx, s.source)
	if err == nil {
		err = s.recent()
	}
	switch {
	case err != nil:
		return nil, err
	case info == nil:
		return nil, &broker.PermanentError{
			Err:   fmt.Errorf("the stream %s does not exist", s.source),
			Mend:  "make it, or correct source.nats.stream; Convoy never makes a source",
			Cause: broker.CauseNotFound,
		}
	case info.Config.Retention != jetstream.LimitsPolicy:
		return nil, &broker.PermanentError{
			Err: fmt.Errorf("the stream %s has retention %s, which deletes messages when they are read", s.source, info.Config.Retention),
			Mend: "give source.nats.stream a stream with retention limits; one that has this stream as its source (nats stream add " +
				"--source) takes its messages over",
		}
	}
	return info, nil
}

// ensure makes the stream for the pool's state, or finds that it fits. It is kept as safe as the source.
func (s *state) ensure(ctx context.Context, replicas int) error {
	info, err := s.stream(ctx, s.stateStream)
	if err != nil {
		return err
	}
	if info == nil {
		return s.create(ctx, s.stateConfig(replicas))
	}
	want := s.stateConfig(replicas)
	if err := fits(&info.Config, &want, s.MaxPayload()); err != nil {
		return &broker.PermanentError{Err: fmt.Errorf("the stream %s was changed: %w", s.stateStream, err), Mend: "undo that: Convoy made it as it needs it"}
	}
	if info.Config.Replicas < replicas {
		info.Config.Replicas = replicas
		return s.update(ctx, info.Config)
	}
	return nil
}

// stateConfig is how the state's stream is made. It keeps one record a subject; nothing in it expires.
func (s *state) stateConfig(replicas int) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: s.stateStream,
		Description: "What Convoy keeps for the pool " + s.pool + ": its claim on the stream " + s.source + ", which worker has which lane, " +
			"and how far each lane has come. Without it the pool begins anew.",
		Subjects:  []string{s.claim(), s.confirm(), s.prefix + "epoch.*", s.prefix + "progress.*"},
		Retention: jetstream.LimitsPolicy, Discard: jetstream.DiscardOld, MaxMsgsPerSubject: 1,
		Storage: jetstream.FileStorage, Replicas: replicas, AllowDirect: true,
		Metadata: map[string]string{"convoy.dev/pool": s.pool, "convoy.dev/keeps": "state"},
	}
}

// deadConfig is how the stream for dead letters is made, for a pool that names no destination of its own.
func (s *state) deadConfig(replicas int) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: s.deadStream,
		Description: "Dead letters of the Convoy pool " + s.pool + ": messages of the stream " + s.source + " that were given up, with the " +
			"reason in their headers. Convoy only adds to it.",
		Subjects:  []string{s.prefix + "dead.*"},
		Retention: jetstream.LimitsPolicy, Discard: jetstream.DiscardNew,
		Storage: jetstream.FileStorage, Replicas: replicas, AllowDirect: true,
		Metadata: map[string]string{"convoy.dev/pool": s.pool, "convoy.dev/keeps": "dead letters"},
	}
}

// fits says what was changed so that records would be lost, refused or not found. largest is how large one may become.
func fits(is, want *jetstream.StreamConfig, largest int64) error {
	switch {
	case is.MaxAge != 0 || is.MaxMsgs > 0 || is.MaxBytes > 0:
		return errors.New("it has a limit of age, messages or bytes")
	case !is.AllowDirect:
		return errors.New("it does not allow direct reads")
	}
	return keeps(is, want, largest)
}

// keeps says what was changed so that a stream would refuse messages, or not have what it takes.
func keeps(is, want *jetstream.StreamConfig, largest int64) error {
	for _, subject := range want.Subjects {
		if !slices.Contains(is.Subjects, subject) {
			return fmt.Errorf("it lacks the subject %s", subject)
		}
	}
	switch {
	case is.Retention != want.Retention:
		return fmt.Errorf("its retention is %s", is.Retention)
	case is.Storage != want.Storage:
		return errors.New("it is kept in memory")
	}
	return takes(is, largest)
}

// takes says what was changed so that records would be refused, or stored elsewhere.
func takes(is *jetstream.StreamConfig, largest int64) error {
	switch {
	case is.Sealed || is.Mirror != nil:
		return errors.New("it is sealed or a mirror")
	case is.DiscardNewPerSubject:
		return errors.New("it refuses a record that replaces another (discard_new_per_subject)")
	case is.MaxMsgSize > 0 && int64(is.MaxMsgSize) < largest:
		return fmt.Errorf("its max_msg_size of %d bytes is below the servers' max_payload of %d", is.MaxMsgSize, largest)
	case is.NoAck:
		return errors.New("it acknowledges nothing (no_ack)")
	case is.SubjectTransform != nil:
		return errors.New("it changes subjects (subject_transform)")
	}
	return nil
}

func (s *state) create(ctx context.Context, config jetstream.StreamConfig) error {
	return s.ask(ctx, "making the stream "+config.Name, apiStreamCreate+config.Name, func(ctx context.Context) error {
		_, err := s.js.CreateStream(ctx, config)
		return err
	})
}

func (s *state) update(ctx context.Context, config jetstream.StreamConfig) error {
	return s.ask(ctx, "changing the stream "+config.Name, apiStreamUpdate+config.Name, func(ctx context.Context) error {
		_, err := s.js.UpdateStream(ctx, config)
		return err
	})
}
