// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package order

import (
	"errors"
	"fmt"
)

// Policy is what happens to a message whose attempts are used up or whose failure is permanent.
type Policy uint8

const (
	// Park moves the message and every later one of its key to the parking store.
	Park Policy = iota
	// DeadLetter moves the message away and goes on with the key.
	DeadLetter
	// Block retries for ever.
	Block
)

var policyNames = [...]string{Park: "Park", DeadLetter: "DeadLetter", Block: "Block"}

func (p Policy) String() string { return policyNames[p] }

// Config is fixed for the life of a Sequencer. Durations are nanoseconds. A zero field with a default takes it.
type Config struct {
	// MaxInFlightKeys bounds the keys with a call running in this worker.
	MaxInFlightKeys int
	// Timeout is delivery.timeoutSeconds: by contract the handler no longer works on a call this long after its start.
	Timeout int64
	// MaxAttempts is how often a message is started before OnFailure concludes it.
	MaxAttempts                int
	InitialBackoff, MaxBackoff int64
	OnFailure                  Policy
	// ParkMaxKeys (1,024 a lane) and ParkMaxMessagesPerKey (1,024) bound the park; a key beyond them blocks.
	ParkMaxKeys, ParkMaxMessagesPerKey int
	// NoPark says that there is no parking store: a key that outgrows the look-ahead blocks its lane instead of being
	// diverted. OnFailure cannot be Park then.
	NoPark bool
	// BatchMaxMessages is how many consecutive messages of one key a call may carry; default 1.
	BatchMaxMessages int
	// BatchMaxBytes is how large the messages of such a call may be together, by their Size; default 1 MiB. A larger message
	// runs by itself.
	BatchMaxBytes int
	// Buffer is how many payloads a lane keeps in memory; default 1,024.
	Buffer int
	// LookAhead is how many outstanding messages a lane has at most, payloads and positions together; default 100,000.
	LookAhead int
	Brake     Brake
	// OutageKeys is how many different keys must fail, with no success between them, for the handler to count as
	// refusing; default 8.
	OutageKeys int
	// ProbeInterval is the wait between two trial calls while the handler refuses or a lane brakes; default 5 s.
	ProbeInterval int64
	// Seed starts the jitter of retries.
	Seed uint64
}

// Brake says when a lane stops because too many of its keys end parked or dead-lettered.
type Brake struct {
	// Window is the time looked back over; default 60 s, kept in twelfths.
	Window int64
	// Percent of the keys concluded in Window that must be exceeded; default 20.
	Percent int
	// MinFailed is how many failed keys there must be at least, so that a quiet lane does not brake for one; default
	// 10.
	MinFailed int
}

const second = int64(1e9)

func orDefault[T int | int64](field *T, value T) {
	if *field == 0 {
		*field = value
	}
}

func (c *Config) setDefaults() {
	orDefault(&c.MaxInFlightKeys, 32)
	orDefault(&c.Timeout, 30*second)
	orDefault(&c.MaxAttempts, 5)
	orDefault(&c.InitialBackoff, second/5)
	orDefault(&c.MaxBackoff, 30*second)
	orDefault(&c.ParkMaxKeys, 1024)
	orDefault(&c.ParkMaxMessagesPerKey, 1024)
	orDefault(&c.BatchMaxMessages, 1)
	orDefault(&c.BatchMaxBytes, 1<<20)
	orDefault(&c.Buffer, 1024)
	orDefault(&c.LookAhead, 100_000)
	orDefault(&c.Brake.Window, 60*second)
	orDefault(&c.Brake.Percent, 20)
	orDefault(&c.Brake.MinFailed, 10)
	orDefault(&c.OutageKeys, 8)
	orDefault(&c.ProbeInterval, 5*second)
}

func (c *Config) validate() error {
	for _, f := range []struct {
		name  string
		value int64
	}{
		{"MaxInFlightKeys", int64(c.MaxInFlightKeys)}, {"Timeout", c.Timeout}, {"MaxAttempts", int64(c.MaxAttempts)}, {"InitialBackoff", c.InitialBackoff},
		{"ParkMaxKeys", int64(c.ParkMaxKeys)}, {"ParkMaxMessagesPerKey", int64(c.ParkMaxMessagesPerKey)}, {"BatchMaxMessages", int64(c.BatchMaxMessages)},
		{"BatchMaxBytes", int64(c.BatchMaxBytes)},
		{"Buffer", int64(c.Buffer)}, {"Brake.Window/12", c.Brake.Window / brakeSlices}, {"Brake.Percent", int64(c.Brake.Percent)},
		{"Brake.MinFailed", int64(c.Brake.MinFailed)}, {"OutageKeys", int64(c.OutageKeys)}, {"ProbeInterval", c.ProbeInterval},
	} {
		if f.value < 1 {
			return fmt.Errorf("configuring the sequencer: %s is %d, must be positive", f.name, f.value)
		}
	}
	if c.MaxBackoff < c.InitialBackoff {
		return fmt.Errorf("configuring the sequencer: MaxBackoff %d is below InitialBackoff %d", c.MaxBackoff, c.InitialBackoff)
	}
	if c.LookAhead < c.Buffer {
		return fmt.Errorf("configuring the sequencer: LookAhead %d is below Buffer %d", c.LookAhead, c.Buffer)
	}
	if c.OnFailure > Block {
		return fmt.Errorf("configuring the sequencer: unknown policy %d", uint8(c.OnFailure))
	}
	if c.NoPark && c.OnFailure == Park {
		return errors.New("configuring the sequencer: OnFailure is Park without a park")
	}
	return nil
}
