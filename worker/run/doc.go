// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

// Package run is the worker process around the pure cores: worker/drain says which lanes to run and until when,
// worker/order which message may start next; this package carries out what they say and tells them what became of it.
//
//	ConvoyWorker <--> postman --\                               /--> broker: open, confirm, claim
//	                             >--  loop: drain, order, slab --+--> lane: load, read, fetch, flush, dead letter
//	SIGTERM, clock --------------/                              \--> handler: one call per key
//
// # Contract
//
// One goroutine, the loop, owns the machine, the sequencer, the messages in memory and every lane. It waits for nobody:
// all I/O is done by tasks, goroutines that Worker.spawn starts and Worker.Run joins, and that answer by posting to the
// loop's inbox. What a task may touch is shared by nature (a lane's store, contexts) or handed to it.
//
// Whoever asks what a key does (Peek) posts the question, too, and is answered from what the sequencer has.
//
// There are two ways to end. Stop, which is SIGTERM, takes nothing more: every lane drains, the worker resigns, says so in
// the pod and in its ConvoyWorker for as long as it takes, and Run returns Resigned. The end of Run's context gives up
// what runs: calls are cancelled, and their handler may go on with them, so that the next process has to wait, or the
// handler has to be restarted with it.
//
// With a Tracer, routing, wait and each call are spans of the message's own trace: see package tracing.
//
// # A lane
//
//	OpenUnit    a task writes the epoch record, after the pool's claim stands and the pod is marked
//	StartUnit   a task loads what earlier owners left; the sequencer opens the lane; its reader begins
//	            reader -> key expression -> feed -> sequencer, as far as there is credit: a reader waits for room
//	            Start -> does the hold stand at this instant? -> handler -> Done, Failed, TimedOut
//	            progress is flushed every 100 ms when it has changed, at once when starts wait for it
//	StopUnit    the reader stops, the sequencer drains, the last word is flushed, then the unit is Emptied
//
// Store operations of a lane are a chain: one at a time. A dead letter that cannot be written lets flushes pass. Those on its
// parking store are a second chain, in strict order: why a key is parked is recorded before its first message, and what is
// removed of a key while a removal waits is removed together.
//
// # A shard
//
// A shard of Routed lanes is opened, confirmed and given back as a lane is. One task routes it: it evaluates the key of each
// message and places it in the lane of the key's hash; the broker sees to it that each message is appended exactly once.
// Routing waits, for all lanes, while one holds maxBacklogPerLane messages or the store is nearly full (LaneStoreFull), and
// until some message has had a key (KeyExpressionValid). A lost hold does not stop it, since every append is conditional on
// the grant.
//
// # Backlog
//
// The worker whose spec says so counts the backlog of the whole pool every 5 s, and reports it when it comes, goes, doubles or
// halves, otherwise at most every 30 s. A count that fails is counted as an error and shown nowhere: the last one grows old.
//
// # Failures
//
// The API server is away: nothing changes, reads and writes of the ConvoyWorker are tried for ever. An object made again
// after a deletion by hand is written again.
//
// The broker is away: messages in memory run on until the hold is over, which is fenceSeconds after the last confirmed
// request; then nothing starts, and calls are cancelled. When it confirms again the lanes go on. What was not flushed is
// flushed then. After the claim, SourceReachable=False says so: when a hold is lost, when something is refused that nobody
// but a person can mend, and when a request fails for longer than fenceSeconds.
//
// A newer epoch record: the store answers Fenced, or a confirmation names the lane. The lane's calls are cancelled, and it
// is held until none of them can be running.
//
// The handler does not listen: nothing starts until it accepts a connection, and no attempt is used up. It answers with
// nothing but failures: the sequencer tries one call from time to time. Both are HandlerAccepting=False.
//
// A message fails for good: its key is parked. A parking store that does not do what it is asked for is asked again, the
// lane's other parks waiting and nothing else; SourceReachable says so. The lane drains only when what is on its way to the
// store is there. A message that the broker no longer has when it is to be parked keeps its place in the park, without time or
// body, and is completed as gone at its turn.
//
// Messages without a key: see keys in keyless.go. A message that the broker no longer has when it is read again is
// completed as gone, counted, and logged.
//
// A ConvoyAction comes with the worker's object and is carried out key by key, at its rate, the oldest first. What is done of
// it is in the status, so that a later process counts on; what is left of a lane that moves is selected again by its next
// owner.
//
// The process is frozen: it finds its hold run out by a clock that counted on. Between the question whether a message may
// start and the call lie microseconds; a process frozen exactly there sends one stale call per key, and the call's epoch
// gives it away.
package run
