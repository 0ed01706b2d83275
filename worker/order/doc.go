// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

// Package order is the per-key sequencer of a worker: it decides which message may start next. Messages of one key run
// one at a time and in order, different keys in parallel, lanes take turns; a stuck or hot key stops no other; memory
// is bounded; nothing is lost in a drain.
//
// # Contract
//
// A Sequencer is a pure state machine for one worker process, owned by one goroutine. It has no clock, lock, goroutine
// or source of randomness of its own: every event that needs the time carries it. Events are methods; what they cause
// is collected, and Poll hands it out as a list of effects to be carried out in that order:
//
//	for event := range events {            // message, answer of the handler, answer of the store, wish of a person, timer
//		apply(sequencer, event)            // Message, Done, Failed, TimedOut, Parked, Release, Revoke, ...
//		effects = sequencer.Poll(now, effects)
//		for _, effect := range effects { ... }
//		timer.Reset(sequencer.Deadline())
//	}
//
// The caller owes the sequencer:
//   - messages of a lane in lane order, the refused one first after a refusal (Message), as many as Credit says;
//   - exactly one answer to each Start: Done, Failed, NotStarted when the call was not made, or TimedOut when the handler
//     may still be at work;
//   - an answer to each ParkMessage, Unpark, DeadLetterMessage, Read and ReadParked once it is done, appends of one key
//     in order, repeated until it succeeds; or Fenced, after which none of that lane counts;
//   - all parked keys of a lane with Open, and a flush of Snapshot at least every progress interval (100 ms) and upon
//     Record.
//
// In return every message handed in is completed, given back, parked or dead-lettered exactly once, and every Payload
// comes back exactly once (Complete, Drop or GiveBack).
//
// # States of a key
//
// A key is in memory while it has messages or a park; otherwise it is forgotten. The table in state.go is the whole
// truth; any other change of state panics.
//
//	           arrived, stored              turned
//	Resting ------------------> Ready ----------------------> Running ---- succeeded ----> Ready | Resting
//	   ^  ^                      ^ ^ ^                         |    |
//	   |  |                      | | |   Reading   (payload)   |    +----- failed -------> Waiting ---- timer fired ----> Ready
//	   |  |                      | | +-- Recording (flush)     |                      |--> Parked          (Park, for good)
//	   |  |                      | +---- Alone (nothing else)  |                      +--> DeadLettering   (DeadLetter, for good) --> Ready | Resting
//	   |  |                      |                             |
//	   |  +--- released, discarded --- Parked                  +--- timed out ---> Held --- timer fired ---> as failed
//	   |                                                                            +------ late answer ---> as succeeded, failed
//	   +--- revoked --- all but Running, Held, DeadLettering          Running ---- not started ----> Ready | Resting
//	                                                                  Alone ------ paused ---------> Ready
//
// Reading, Recording and Alone are stations between a key's turn and its start. Reading: only the position of the first
// message is in memory. Recording: the attempt has to be in a durable progress record first (see Attempts). Alone: the
// message is a suspect.
//
// # Time-outs
//
// A timed-out call is not a failed call. By contract the handler stops working on a call within Timeout of its start,
// and no earlier; so the key stays Held until then, and nothing of it is started. A late answer in that time concludes
// the call as if it had come in time. Afterwards the call counts as a failed attempt, and its late answer is refused by
// its CallID. Held calls do not use up MaxInFlightKeys (a handler that restarted broke all its connections at once and
// is free again), but running and held calls together stay within twice that number.
//
// # Hold
//
// A lane whose hold at the broker is lost is paused: it takes and starts nothing, its calls are cancelled by the caller
// and held as above, and every other lane goes on. A suspect of it that waited for its turn goes back to the lane's
// queue, since a waiting suspect stops every lane. A Start can come too late for the hold: the caller answers
// NotStarted, and everything is as it was before that Start, the count of attempts too.
//
// # Failures
//
// A retryable failure lets its key wait, with backoff and jitter, and no other: the wait is drawn evenly from the upper
// half of InitialBackoff * 2^(attempt-1), at most MaxBackoff, and is not shorter than the Retry-After. When MaxAttempts
// are used up or the failure is permanent, OnFailure concludes the message. Only a call of a single message is ever
// concluded by failure: after a failed batch the messages are tried one by one, so that the one at fault is the one
// that is parked. In a batch with partial success the completed messages count, and the next one has been started once.
//
// Outage: when OutageKeys different keys have failed retryably without one call answered otherwise between them, the
// handler counts as refusing: one trial call every ProbeInterval, no messages taken. Brake: when more than
// Brake.Percent of the keys a lane concluded in Brake.Window were parked or dead-lettered, that lane does the same.
// During both, failed attempts do not count and nothing is concluded by failure: an outage becomes back-pressure.
//
// # Park
//
// A parked key is a sub-lane of its own in the parking store, written by the lane's owner alone. The failed message and
// every later one of its key are appended in order (ParkMessage), and are completed for the lane once that is durable
// (Parked). Always
//
//	convoy of a key  =  store [completed, removal under way | to run]  +  front [append under way | payload in memory]  +  spill [positions]
//
// oldest first, and the store holds a contiguous piece that begins with the oldest message not completed. From this
// follow the rules:
//   - a message that comes from the lane with a sequence up to the newest one appended is in the store already or was
//     completed from there: it is completed for the lane, not appended again (a crash between append and flush);
//   - while the store holds anything, arriving messages are appended behind it;
//   - a released key runs from the store; a message leaves it on completion only (Unpark), and one that fails again
//     stays where it is, at the head (Reparked);
//   - the key returns to its lane when the store is empty and no append is under way (Returned), which is known between
//     two appends because the owner alone appends. Removals must be durable for that (Unparked): otherwise a crash
//     could bring the last one back after its successors;
//   - an owner that died may have parked messages and not recorded it, and the next one may empty the park before the
//     lane delivers their copies. It keeps such keys in mind until the lane is past what the dead owner can have taken
//     (Opening.CarefulThrough), and in its record (Progress.Returned): otherwise the copies would run behind their
//     successors.
//
// At ParkMaxMessagesPerKey the rest of a parked key stays in the lane; at ParkMaxKeys a further failing key is retried
// for ever, as with Block.
//
// # Memory
//
// A lane holds at most Buffer payloads, plus one call's worth for each of at most MaxInFlightKeys keys at their turn
// and one for each key of which a message is being parked or dead-lettered. A key may hold as many payloads as are free (a dynamic threshold:
// any number of hot keys leaves room for one more key); beyond that, positions, at 5 bytes in the key's spill and 8 in
// the ledger. They are read again (Read), readAhead or two calls' worth at a time, when their turn comes near. The same threshold applies
// to the LookAhead: a key with more messages outstanding than are free there is diverted, that is parked and released
// at once, so that it is drained through the store without stopping the lane. With Block, or at ParkMaxKeys, or when a
// great many keys share the look-ahead, the lane takes nothing more, and Blocked names the key that
// holds most, and the bound of the park that keeps it out if there is one. Parked
// keys cost one key each, at most ParkMaxKeys a lane.
//
// # Progress
//
// The ledger of a lane knows the outstanding messages; everything else up to the newest message taken is completed. So
// a snapshot is exact, and has at most one range more than there are messages outstanding, LookAhead at most;
// neighbours are merged. Progress.Limit cuts it from the top where records must be small: that costs repeats after a
// crash, never a message.
//
// # Attempts and suspects
//
// A snapshot names the messages started and not concluded, with the number of their starts. After a crash these are
// suspects: each runs with no other call in the whole worker, so that a message that kills its worker kills it alone,
// is counted, and after MaxAttempts is concluded by OnFailure without a further start (a release by a person grants new
// ones, and it still runs alone). For the count to grow, a start must be in a durable record before it is made whenever
// the process may die of it a second time: for every second start of a message, and for every message that a dead
// process may have started without recording it (Opening.CarefulThrough). Only such starts wait (Record); all others
// are recorded by the flush that comes anyway. Suspicion and care are part of the record, so that a clean hand-over in
// between does not end them. Of suspects one at a time is recorded as about to start: others counted with it would be
// charged for the worker that it kills. Suspects are matched by key and sequence. One attempt that ends, however it
// ends, clears the suspicion: the process survived.
//
// # Drain
//
// After Revoke nothing of the lane starts. Running and held calls, appends, removals and dead letters under way are
// waited for; then all messages that were not completed are given back in ascending order, in one piece, and Drained
// carries the final progress. Giving back in one piece and last matters for brokers that deliver again in the order of
// giving back: a running message that fails during the drain must not come behind its successors.
package order
