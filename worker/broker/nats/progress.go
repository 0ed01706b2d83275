// Copyright The Convoy Authors.
// SPDX-License-Identifier: Apache-2.0

package nats

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"

	"convoy.dev/convoy/worker/broker"
	"convoy.dev/convoy/worker/drain"
	"convoy.dev/convoy/worker/order"
)

// stage is how far the owner of a lane has come. It tells the next one whether messages may have been in flight.
type stage uint8

const (
	// fresh: the lane was opened, and none of its owners has loaded it. Nothing can have been started.
	fresh stage = iota
	// running: an owner has loaded the lane. If it is not its owner's now, it crashed.
	running
	// drained: the last owner that loaded the lane has drained.
	drained
	stages
)

// progressRecord is the progress record of a lane. Every write of it is conditional on the one before, so that its
// writers form a chain: an owner takes the chain over when it opens the lane, and from then on no write of an earlier
// owner, and no late copy of a write, can succeed.
type progressRecord struct {
	// history is the claim's when it was written: what it says counts in that history alone.
	history  int64
	token    drain.Token
	worker   string
	stage    stage
	progress order.Progress
}

// progressFormat is the first byte of a record. Another one is a newer version's.
const progressFormat = 2

// The encoding: format, stage, history, token and so on: numbers as unsigned varints, texts as their length and bytes, hashes as 8 bytes, and
// a CRC-32C of all before it. Ranges are distances: from the end of the one before (the first from 0), and their length.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// errLarge says that a record does not fit, even without ranges.
var errLarge = errors.New("the progress record is too large")

// encode appends the record to b, in at most limit bytes. Where it does not fit the highest ranges are left out, which
// costs repeats after a crash and never a message.
func (r *progressRecord) encode(b []byte, limit int) ([]byte, error) {
	p := &r.progress
	tail := appendTail(nil, p)
	b = append(b, progressFormat, byte(r.stage))
	b = binary.AppendUvarint(b, uint64(r.history))
	b = binary.AppendUvarint(b, uint64(r.token.Epoch))
	b = binary.AppendUvarint(b, uint64(r.token.Incarnation))
	b = appendText(b, r.worker)
	for _, n := range []uint64{uint64(p.LowWater), uint64(p.Taken), uint64(p.Careful), uint64(p.Outstanding)} {
		b = binary.AppendUvarint(b, n)
	}
	room := limit - len(b) - len(tail) - binary.MaxVarintLen32 - crc32.Size
	if room < 0 {
		return nil, fmt.Errorf("%w: %d bytes without its ranges, %d fit", errLarge, limit-room, limit)
	}
	ranges, n := encodeRanges(p.Ranges, room)
	b = binary.AppendUvarint(b, uint64(n))
	b = append(b, ranges...)
	b = append(b, tail...)
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli)), nil
}

// encodeRanges encodes as many ranges as there is room for, and says how many.
func encodeRanges(ranges []order.Range, room int) ([]byte, int) {
	b := make([]byte, 0, min(room, 4*len(ranges)))
	before := order.Position(0)
	for i, r := range ranges {
		fits := len(b)
		b = binary.AppendUvarint(b, uint64(r.From-before))
		b = binary.AppendUvarint(b, uint64(r.To-r.From))
		if len(b) > room {
			return b[:fits], i
		}
		before = r.To
	}
	return b, len(ranges)
}

// appendTail appends attempts and returned keys, which are never left out.
func appendTail(b []byte, p *order.Progress) []byte {
	b = binary.AppendUvarint(b, uint64(len(p.Attempts)))
	for i := range p.Attempts {
		a := &p.Attempts[i]
		b = binary.AppendUvarint(b, uint64(a.Position))
		b = binary.AppendUvarint(b, uint64(a.Sequence))
		b = binary.LittleEndian.AppendUint64(b, a.Hash)
		b = appendText(b, a.Key)
		b = binary.AppendUvarint(b, uint64(a.Attempts))
		suspect := byte(0)
		if a.Suspect {
			suspect = 1
		}
		b = append(b, suspect)
	}
	b = binary.AppendUvarint(b, uint64(len(p.Returned)))
	for i := range p.Returned {
		k := &p.Returned[i]
		b = binary.LittleEndian.AppendUint64(b, k.Hash)
		b = appendText(b, k.Key)
		b = binary.AppendUvarint(b, uint64(k.Last))
	}
	return b
}

func appendText(b []byte, text string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

// parseProgress decodes a record. The error says what a person can do.
func parseProgress(record stored) (progressRecord, error) {
	r, err := decodeProgress(record.data)
	if err != nil {
		return progressRecord{}, unreadable(record.subject, err)
	}
	return r, nil
}

func decodeProgress(b []byte) (progressRecord, error) {
	body := len(b) - crc32.Size
	switch {
	case body < 2:
		return progressRecord{}, errors.New("it is cut off")
	case crc32.Checksum(b[:body], castagnoli) != binary.LittleEndian.Uint32(b[body:]):
		return progressRecord{}, errors.New("its checksum is wrong")
	case b[0] != progressFormat:
		return progressRecord{}, fmt.Errorf("its format is %d", b[0])
	case b[1] >= byte(stages):
		return progressRecord{}, fmt.Errorf("its stage is %d", b[1])
	}
	d := decoder{rest: b[2:body]}
	r := progressRecord{stage: stage(b[1]), history: int64(d.number()), token: drain.Token{Epoch: int64(d.number()), Incarnation: int64(d.number())}, worker: d.text()}
	p := &r.progress
	p.LowWater, p.Taken, p.Careful, p.Outstanding = d.position(), d.position(), d.position(), int(d.number())
	d.ranges(p)
	d.attempts(p)
	d.returned(p)
	if d.bad || len(d.rest) > 0 {
		return progressRecord{}, errors.New("it does not follow its format")
	}
	return r, nil
}

// decoder reads a record from the front. Once something is bad everything after it is zero.
type decoder struct {
	rest []byte
	bad  bool
}

func (d *decoder) number() uint64 {
	n, size := binary.Uvarint(d.rest)
	if size <= 0 {
		d.bad, d.rest = true, nil
		return 0
	}
	d.rest = d.rest[size:]
	return n
}

func (d *decoder) position() order.Position { return order.Position(d.number()) }

func (d *decoder) bytes(n uint64) []byte {
	if n > uint64(len(d.rest)) {
		d.bad, d.rest = true, nil
		return nil
	}
	taken := d.rest[:n]
	d.rest = d.rest[n:]
	return taken
}

func (d *decoder) text() string { return string(d.bytes(d.number())) }

func (d *decoder) hash() uint64 {
	b := d.bytes(8)
	if b == nil {
		return 0
	}
	return binary.LittleEndian.Uint64(b)
}

// count reads how many items follow, each of at least size bytes, so that a bad count allocates nothing.
func (d *decoder) count(size int) int {
	n := d.number()
	if n > uint64(len(d.rest)/size) {
		d.bad, d.rest = true, nil
		return 0
	}
	return int(n)
}

func (d *decoder) ranges(p *order.Progress) {
	before := order.Position(0)
	for range d.count(2) {
		from := before + d.position()
		to := from + d.position()
		d.bad = d.bad || from < before || to < from // A sum that went beyond 64 bits.
		before = to
		p.Ranges = append(p.Ranges, order.Range{From: from, To: before})
	}
}

func (d *decoder) attempts(p *order.Progress) {
	for range d.count(13) {
		a := order.Attempt{Position: d.position(), Sequence: order.Sequence(d.number()), Hash: d.hash(), Key: d.text()}
		starts := d.number()
		d.bad = d.bad || starts > math.MaxUint32
		a.Attempts = uint32(starts)
		flag := d.bytes(1)
		a.Suspect = len(flag) == 1 && flag[0] == 1
		p.Attempts = append(p.Attempts, a)
	}
}

func (d *decoder) returned(p *order.Progress) {
	for range d.count(10) {
		p.Returned = append(p.Returned, order.ReturnedKey{Hash: d.hash(), Key: d.text(), Last: order.Sequence(d.number())})
	}
}

// tooLarge is the error for a record that does not fit.
func tooLarge(err error) error {
	return &broker.PermanentError{Err: err, Mend: "raise max_payload of the NATS servers, or use shorter keys"}
}
