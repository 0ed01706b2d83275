// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

// Package nats is the adapter for NATS JetStream: Native lanes, which are subjects of the source, and Routed lanes, which are
// subjects of a stream of their own.
//
// # Where things are
//
// The source is the user's stream. It is read and never made, changed or deleted; its retention has to be limits, because
// a work queue or an interest stream deletes what is read. Positions and sequences are the stream's sequence numbers, so
// that all lanes share one numbering.
//
// What Convoy knows of a pool is in a stream of its own, convoy_<namespace>_<name>, kept by as many replicas as the source
// and described in its metadata. It has one record a subject, below convoy.<namespace>.<name>.:
//
//	claim          the claim, where the pool began, and when the source was made;
//	               which history of the pool this is, and whether it was seen at rest      JSON
//	epoch.<lane>   the epoch record                                                        JSON
//	progress.<lane>  the owner's token, whether it has drained, and the lane's progress    see progress.go
//	confirm        nothing; it is written to learn how far the stream has come
//
// What is parked is in a second stream, convoy_<namespace>_<name>_park, so that its size is nobody else's concern:
//
//	parked.owner.<lane>          whose the lane's parking store is                         JSON
//	parked.key.<lane>.<hash>     a parked key: why, since when, and up to which sequence its messages are removed   JSON
//	parked.message.<lane>.<hash> its messages, in order; what is not the body is in headers
//
// Dead letters go to the subject that the pool names, or to a stream of their own, convoy_<namespace>_<name>_dead.
//
// # The fence
//
// Every write is conditional on the sequence of the record that it replaces. Opening a lane first replaces its epoch
// record, if the grant overcomes it, and then takes over its progress record: from that write on the chain of progress
// records is the new owner's, and no write of an earlier one succeeds, however late it comes and whatever the earlier owner
// has connected anew. Late copies of the owner's own writes fail in the same way. An owner whose write was refused reads the
// record: if it is its own (the answer to an earlier write was lost) it goes on from there, otherwise it is fenced.
//
// The claim is read with the epoch record before that is written, and again, from a replica that has the write, before the
// progress record is taken over. A worker whose pool lost the claim since it began opens nothing; one whose claim somebody
// made anew begins where the new one says.
//
// The progress record also has the stage of its owner (fresh, running, drained): Load marks running before it returns, the
// final flush drained. An owner that finds running crashed; one that was opened and never loaded leaves the stage as it was.
// What a crashed owner can have taken ends with the source's last sequence when the next one loads, by the word of the
// source's leader. (One that was deposed and does not know it yet could say too little, for the seconds until it does; a
// forced grant has waited longer than that.)
//
// The parking store has a fence of its own, because a write can be conditional only on a record of its own stream: LoadParked
// replaces the lane's owner record, and every later write is conditional on that. A write without an answer may still be
// carried out at any time; so before the owner writes anything else it replaces its own record, behind which the old write
// fails, and asks what the newest message is. That a message is removed is said by the record of its key; taking messages
// out of the stream is tidying up, bounded by places below that record, so that it may come late.
//
// # At rest
//
// A pool is at rest when no progress record says running, nothing taken is outstanding, no key is parked, and the source's
// leader finds no message behind what was taken in any lane. Settle reads that as of a write of its own, and writes it into the claim if the
// stream has had no other write since (its last sequence, not one subject's, is the condition). As long as the claim stays
// the stream's last record, one with another fingerprint may take its place, on the same condition. It counts a new history:
// progress records carry the number of theirs, and those of an earlier one count for nothing; a floor above every epoch
// before; and where the new lanes begin, behind everything that was completed. An owner that loads a lane looks at the claim
// after its mark is written. So of a late owner and a new history one sees the other, whichever is first.
//
// # Confirming
//
// A read is no proof: replicas lag, and a leader that was deposed may not know it. So Confirm writes a record, which a
// majority acknowledges, and then reads all its epoch records from any replica that has seen that write. That takes two
// requests for up to 1,000 lanes. A record that is gone or cannot be read leaves its lane alone unconfirmed.
//
// # Reading
//
// A reader has a consumer of its own, without acknowledgements, in the memory of one server. It asks for at most 512
// messages ahead, in requests of at most max(1 MiB, max_payload) bytes, and asks again only when its caller has taken them.
// Consumers go with their servers; the reader then makes another one behind the last message it delivered. A consumer
// whose reader says nothing lives for a minute. Messages that retention took before they were read are not noticed, since
// the numbers of a lane have gaps anyway; Fetch says ErrGone.
//
// A source that was made again, or that lost its newest messages, gives old numbers to new messages, which would be
// skipped. Its time of creation is part of the claim, and its last sequence is held against the progress, whenever a lane
// is loaded and a consumer is made: such a source is a Permanent error.
//
// # Routing
//
// Routed lanes are in the lane stream, convoy_<namespace>_<name>_lanes or what lanes.routed.store names. It has two kinds of
// subjects, below convoy.<namespace>.<name>.:
//
//	lane.<lane>    the messages of a lane, as in the source but for headers that NATS or Convoy would obey or that have a
//	               name which cannot be written (kept as Convoy-Kept-*), and with the subject and the time that the source
//	               gave them
//	route.<shard>  the term of the router: who routes since when                           JSON
//
// Every message of the stream says who wrote it and how far the source is routed with it (Convoy-Routed:
// <epoch>.<incarnation>.<sequence>). So the stream's last message is the cursor, and no second record can disagree with it.
// It outlives everything, because nobody deletes it: an owner purges of its lane what is completed, after its progress record
// is durable, and only what lies before a message that it has read. One connection spends at most a tenth of its time on that.
// What owners leave (an idle one has nothing to flush) the router purges when the store is getting full.
//
// A router begins by appending its term, on condition that nothing came behind the message that it takes for the last. All
// its messages are conditional on their place in the stream and on the term; see routechain.go for why neither is enough.
// Any number may be on their way, and whatever goes wrong (a refusal, no answer, a lost connection) has one cure: a new term.
// How messages are sent depends on the lane stream:
//
//	one replica                    single messages, up to 1,024 on their way          2.11.8
//	more replicas, allow_atomic    512 messages as one, one such write at a time      2.12
//	more replicas, without         one message at a time, which is slow               2.11.8
//
// since servers refuse a second condition on a term while the first one is on its way between replicas. Convoy sets
// allow_atomic where the servers have it. Chains of message ids were tried and are not used: a replica that has caught up does
// not know the last id, refuses what the others take, and is lost.
//
// Messages that belong to no lane are passed over. When none follow, a new term says so.
//
// The source has retention limits here, too: nothing is acknowledged or deleted in it. The lane stream discards nothing; when
// it is full it refuses messages (ErrStoreFull), which breaks no order, since their successors are refused with them. A claim
// knows when the lane stream was made, and a pool never goes on with another one: what was routed is gone with it. Settle
// never finds a pool with Routed lanes at rest.
//
// # Permissions
//
// The pool's user may publish to
//
//	$JS.API.STREAM.INFO.<source>
//	$JS.API.STREAM.MSG.GET.<source>
//	$JS.API.DIRECT.GET.<source>
//	$JS.API.CONSUMER.CREATE.<source>.>
//	$JS.API.CONSUMER.MSG.NEXT.<source>.>
//	$JS.API.CONSUMER.DELETE.<source>.>
//	$JS.API.STREAM.INFO.convoy_<namespace>_<name>
//	$JS.API.STREAM.CREATE.convoy_<namespace>_<name>
//	$JS.API.STREAM.UPDATE.convoy_<namespace>_<name>
//	$JS.API.DIRECT.GET.convoy_<namespace>_<name>
//	$JS.API.STREAM.INFO.convoy_<namespace>_<name>_park
//	$JS.API.STREAM.CREATE.convoy_<namespace>_<name>_park
//	$JS.API.STREAM.PURGE.convoy_<namespace>_<name>_park
//	$JS.API.DIRECT.GET.convoy_<namespace>_<name>_park
//	$JS.API.STREAM.CREATE.convoy_<namespace>_<name>_dead
//	convoy.<namespace>.<name>.>
//	$JS.API.STREAM.INFO.<lanes>
//	$JS.API.STREAM.CREATE.<lanes>
//	$JS.API.STREAM.UPDATE.<lanes>
//	$JS.API.STREAM.PURGE.<lanes>
//	$JS.API.STREAM.MSG.GET.<lanes>
//	$JS.API.DIRECT.GET.<lanes>
//	$JS.API.CONSUMER.CREATE.<lanes>.>
//	$JS.API.CONSUMER.MSG.NEXT.<lanes>.>
//	$JS.API.CONSUMER.DELETE.<lanes>.>
//
// and subscribe to _INBOX.>; to the subject for dead letters, too, if the pool names one. <lanes> is the lane stream; with Native
// lanes its subjects are not needed.
//
// # Failures
//
// The client library reconnects for ever, and reads secrets from their files each time. Requests end with an error as soon
// as the connection is lost, and after 5 s in any case. Refused credentials and missing permissions are Permanent; a
// missing permission has no answer, so the server's word about it is looked up by the request's subject. Errors never
// contain secrets.
//
// The records are as durable as JetStream makes them: a single server that loses power may lose what it had not yet written
// to its disk (sync_interval, two minutes by default). Run three replicas, or set sync_interval to always.
package nats
